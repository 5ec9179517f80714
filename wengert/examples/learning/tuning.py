"""A learning rate and a momentum, tuned by their gradients.

A small network learns to read digits by 50 steps of gradient descent with momentum. The
loss that it then has on other images is a function of the rate and the momentum; its
gradient goes back through all the steps (Maclaurin, Duvenaud & Adams, "Gradient-based
hyperparameter optimization through reversible learning", ICML 2015). Descent along it
tunes both. What it finds is compared with the best of a grid.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning.digits import Digits, digits
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS, ROUNDS, LEARNT_FROM = 50, 60, 1000
MODEL = nn.Chain(nn.flatten, nn.Dense(32), nn.tanh, nn.Dense(10))
STATELESS = ((), (), (), ())
RATES = np.geomspace(0.01, 10.0, 13)
MOMENTA = 1.0 - np.geomspace(0.95, 0.02, 10)


class Knobs(NamedTuple):
    """What is tuned, each without bounds: log rate, and the logit of the momentum."""

    rate: Any
    momentum: Any


START = Knobs(np.log(0.02), np.log(0.1 / 0.9))  # a rate of 0.02, a momentum of 0.1


class Task(NamedTuple):
    """Where training begins, what it sees, and what its result is judged by."""

    params: Any
    train: Digits
    judge: Digits


@functools.cache
def task(seed: int = 0) -> Task:
    """The network before its first step; the images to learn from, in two parts."""
    images, labels = digits()[0]
    images = images.astype(float)
    params, _ = nn.setup(wg.random.key(seed), MODEL, images[:1])
    first, rest = slice(LEARNT_FROM), slice(LEARNT_FROM, None)
    return Task(
        params,
        Digits(images[first], labels[first]),
        Digits(images[rest], labels[rest]),
    )


def loss(params: Any, data: Digits) -> Any:
    scores, _ = nn.apply(MODEL, data.images, params, STATELESS)
    return nn.cross_entropy(scores, data.labels)


def trained(knobs: Knobs, params: Any, data: Digits) -> Any:
    """The parameters after all steps of gradient descent with momentum."""
    rate, momentum = np.exp(knobs.rate), 1.0 / (1.0 + np.exp(-knobs.momentum))
    velocity = wg.tree.map(np.zeros_like, params)
    for _ in range(STEPS):
        grads = wg.grad(loss)(params, data)
        velocity = wg.tree.map(lambda v, g: momentum * v - rate * g, velocity, grads)
        params = wg.tree.map(lambda w, v: w + v, params, velocity)
    return params


def judged(knobs: Knobs, task: Task) -> Any:
    """The loss of the trained network on images that it has not seen."""
    return loss(trained(knobs, task.params, task.train), task.judge)


hypergradient = wg.jit(wg.value_and_grad(judged))


@wg.jit
def tune(knobs: Knobs, task: Task, losses: Any) -> tuple[Knobs, Any, Any]:
    """Descend as often as `losses` has entries: the knobs, their path, the losses."""
    losses, path = np.copy(losses), np.empty((len(losses), 2))
    tuner = wg.optim.adam(0.15)
    state = tuner.init(knobs)
    for i in range(len(losses)):
        path[i] = np.stack([knobs.rate, knobs.momentum])
        losses[i], grads = wg.value_and_grad(judged)(knobs, task)
        updates, state = tuner.update(grads, state, knobs)
        knobs = wg.optim.apply_updates(knobs, updates)
    return knobs, path, losses


@wg.jit
def over(rates: Any, momenta: Any, task: Task) -> Any:
    """The loss at each place of a grid: (momenta, rates)."""
    found = np.empty((len(momenta), len(rates)))
    for i in range(len(momenta)):
        for j in range(len(rates)):
            found[i, j] = judged(Knobs(rates[j], momenta[i]), task)
    return found


def differs(knobs: Knobs, task: Task, width: float = 1e-5) -> float:
    """How far the hypergradient is from central differences, of its own size."""
    exact = np.array(hypergradient(knobs, task)[1])
    at = np.array(knobs)
    apart = [
        hypergradient(Knobs(*(at + h)), task)[0]
        - hypergradient(Knobs(*(at - h)), task)[0]
        for h in width * np.eye(2)
    ]
    found = np.array(apart) / (2.0 * width)
    return float(np.max(np.abs(exact - found)) / np.max(np.abs(exact)))


def misread(knobs: Knobs, task: Task) -> float:
    """The share of the test images that the trained network reads wrongly."""
    params = wg.jit(trained)(knobs, task.params, task.train)
    test = digits()[1]
    scores, _ = nn.apply(MODEL, test.images.astype(float), params, STATELESS)
    return float(np.mean(np.argmax(scores, axis=1) != test.labels))


def study(rounds: int = ROUNDS, within: float = 0.15) -> Study:
    """Tune both, and compare the loss with the best of the grid."""
    now = task()
    knobs, path, losses = tune(START, now, np.empty(rounds))
    grid = over(np.log(RATES), np.log(MOMENTA / (1 - MOMENTA)), now)
    rows = (
        Row(
            "hypergradient at the start: its distance from differences",
            differs(START, now),
            0.0,
            1e-6,
            "differences",
        ),
        Row(
            f"loss after tuning, of the best of {grid.size} on a grid",
            float(hypergradient(knobs, now)[0] / grid.min()),
            1.0,
            within,
            "the grid",
        ),
        Row(
            f"test images misread; {misread(START, now):.3f} before",
            misread(knobs, now),
            0.0,
            0.06,
            "the labels",
        ),
    )
    return Study(rows, functools.partial(_draw, path, losses, grid))


def _draw(path: Any, losses: Any, grid: Any, figure: Figure) -> None:
    plane, course = axes_of(figure, 1, 2)[0]
    momenta = np.log(MOMENTA / (1.0 - MOMENTA))
    shown = np.log10(np.minimum(grid, 2.5))
    filled = plane.contourf(np.log(RATES), momenta, shown, 14, cmap="Greys")
    figure.colorbar(filled, ax=plane, label="log10 of the loss; 2.5 and more are alike")
    plane.plot(*path.T, ".-", color=ORANGE)
    plane.set_title("the way of tuning", color=ORANGE, fontsize=10)
    rates, some = (0.01, 0.1, 1.0, 10.0), (0.05, 0.5, 0.9, 0.98)
    plane.set_xticks(np.log(rates), [f"{rate:g}" for rate in rates])
    plane.set_yticks([np.log(m / (1.0 - m)) for m in some], [f"{m:g}" for m in some])
    plane.grid(visible=False)
    label(plane, "learning rate", "momentum")
    course.semilogy(losses, color=BLUE, label="tuning")
    course.axhline(grid.min(), color=GREY, linestyle=":", label="best of the grid")
    label(course, "round", f"loss on images not seen, after {STEPS} steps")
