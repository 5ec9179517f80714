"""Who went with whom, in a karate club that split.

The 34 members of Zachary's club and their friendships (W. Zachary, "An information flow
model for conflict and fission in small groups", J. Anthropological Research 33, 1977).
Two labels are given, those of the instructor and of the president who fell out; a
network of graph convolutions (Kipf & Welling, ICLR 2017) says for all the others whom
they followed. Of the members it knows nothing but their friends.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.study import BLUE, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEDS, STEPS = 10, 200
LEADERS = np.array([0, 33])  # the instructor and the president
MODEL = nn.Chain(nn.GraphConv(16), nn.tanh, nn.GraphConv(2), given=True)


class Club(NamedTuple):
    """Friendships in both directions, (2, 156), and each member's side, (34,)."""

    edges: np.ndarray
    sides: np.ndarray


@functools.cache
def club() -> Club:
    """The club; side 0 is the instructor's."""
    import networkx

    graph = networkx.karate_club_graph()
    pairs = np.array(list(graph.edges())).T
    names = [graph.nodes[i]["club"] for i in range(len(graph))]
    sides = np.array([int(name == "Officer") for name in names])
    return Club(np.concatenate([pairs, pairs[::-1]], axis=1), sides)


@wg.jit
def train(key: Any, edges: Any, features: Any) -> tuple[Any, Any]:
    """What the network says of all members after each step, and its losses."""

    def loss(params: Any) -> Any:
        scores, _ = nn.apply(MODEL, (features, edges), params, state)
        return nn.cross_entropy(scores[LEADERS], np.arange(2)), scores

    optimiser = wg.optim.adamw(0.01, weight_decay=0.05)
    params, state = nn.setup(key, MODEL, (features, edges))
    opt_state = optimiser.init(params)
    losses, scores = np.empty(STEPS), np.empty((STEPS, len(features), 2))
    for i in range(STEPS):
        (losses[i], scores[i]), grads = wg.value_and_grad(loss, has_aux=True)(params)
        updates, opt_state = optimiser.update(grads, opt_state, params)
        params = wg.optim.apply_updates(params, updates)
    return scores, losses


def study(seeds: int = SEEDS) -> Study:
    """Train from some seeds; the figure is of the worst of them."""
    edges, sides = club()
    members = np.eye(len(sides))
    runs = [train(wg.random.key(seed), edges, members) for seed in range(seeds)]
    wrong = np.array(
        [np.sum(scores.argmax(axis=-1) != sides, axis=1) for scores, _ in runs]
    )
    row = Row(
        f"members on the wrong side, most of {seeds} seeds",
        float(wrong[:, -1].max()),
        0.0,
        2.0,
        "what they did",
    )
    return Study((row,), functools.partial(_draw, runs[0][0][-1], wrong))


def _draw(scores: Any, wrong: Any, figure: Figure) -> None:
    graph, course = axes_of(figure, 1, 2)[0]
    _draw_club(scores, graph)
    course.plot(wrong.T, color=BLUE, alpha=0.4)
    course.plot(wrong.mean(axis=0), color=ORANGE, label="mean")
    label(course, "step", "members on the wrong side, each seed")


def _draw_club(scores: Any, ax: Axes) -> None:
    import networkx

    edges, sides = club()
    at = networkx.spring_layout(networkx.karate_club_graph(), seed=4)
    places = np.array([at[i] for i in range(len(sides))])
    for i, j in edges.T[: edges.shape[1] // 2]:
        ax.plot(*places[[i, j]].T, color="#cccccc", linewidth=0.8, zorder=1)
    found = scores.argmax(axis=-1)
    for side, color in enumerate((BLUE, ORANGE)):
        here = found == side
        ax.scatter(places[here, 0], places[here, 1], s=150, color=color, zorder=2)
    for i, place in enumerate(places):
        name = "0 (given)" if i == 0 else "33 (given)" if i == 33 else str(i)
        ax.annotate(name, place, ha="center", va="center", fontsize=7, zorder=3)
    missed = places[found != sides]
    ax.scatter(
        missed[:, 0],
        missed[:, 1],
        s=260,
        facecolors="none",
        edgecolors="k",
        label="wrong",
    )
    ax.set_xticks([], [])
    ax.set_yticks([], [])
    ax.grid(visible=False)
    label(ax, "friendships; sides as the network tells them", "")
