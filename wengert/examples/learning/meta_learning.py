"""A start from which one gradient step learns a sine.

The sinusoids of Finn, Abbeel & Levine, "Model-agnostic meta-learning for fast
adaptation of deep networks", ICML 2017: amplitudes from 0.1 to 5, phases from 0 to pi.
A network sees ten points of one of them and makes one gradient step; how wrong it is
afterwards, at other points, is differentiated through that step. Beside it a network
that was trained on all the sinusoids at once, and makes one step too, of the length
that serves it best.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEDS, ROUNDS, TASKS, SHOTS = 3, 3000, 10, 10
UNSEEN = 200  # sinusoids that the figures are means over
MODEL = nn.Chain(nn.Dense(40), nn.relu, nn.Dense(40), nn.relu, nn.Dense(1))
STATELESS = ((), (), (), (), ())
STEP = 0.02  # the rate of the one gradient step
TRIED = (STEP, 0.01, 0.005, 0.002, 0.001)  # the rates that pretraining may choose from


class Tasks(NamedTuple):
    """Points of n sinusoids: those to learn from and those to be judged at.

    All of shape (n, SHOTS, 1).
    """

    x: Any
    y: Any
    new_x: Any
    new_y: Any


def draw(key: Any, n: int) -> Tasks:
    """Points of sinusoids, by chance."""
    shape, points, others = wg.random.split(key, 3)
    chance = wg.random.uniform(shape, (2, n, 1, 1))
    amplitude, phase = 0.1 + 4.9 * chance[0], np.pi * chance[1]
    x = wg.random.uniform(points, (n, SHOTS, 1), low=-5.0, high=5.0)
    new_x = wg.random.uniform(others, (n, SHOTS, 1), low=-5.0, high=5.0)
    y, new_y = amplitude * np.sin(x - phase), amplitude * np.sin(new_x - phase)
    return Tasks(x, y, new_x, new_y)


def error(params: Any, x: Any, y: Any) -> Any:
    """The mean square error of the network at some points."""
    return nn.squared_error(nn.apply(MODEL, x, params, STATELESS)[0], y)


def adapted(params: Any, x: Any, y: Any, rate: Any = STEP) -> Any:
    """The parameters after one step of gradient descent."""
    grads = wg.grad(error)(params, x, y)
    return wg.tree.map(lambda w, g: w - rate * g, params, grads)


def after_a_step(params: Any, task: Tasks, rate: Any = STEP) -> Any:
    """The error at new points of a sinusoid, after a step on its other points."""
    return error(adapted(params, task.x, task.y, rate), task.new_x, task.new_y)


def meta_loss(params: Any, tasks: Tasks, rate: Any = STEP) -> Any:
    """The mean of the errors after a step: what meta-learning makes small."""
    return np.mean(wg.vmap(after_a_step, in_axes=(None, 0, None))(params, tasks, rate))


def joint_loss(params: Any, tasks: Tasks) -> Any:
    """The mean of the errors without any step: what pretraining makes small."""
    return error(params, tasks.x, tasks.y)


def trainer(loss: Any, rounds: int) -> Any:
    """``train(key)``: parameters after `rounds` steps, each on new sinusoids."""
    optimiser = wg.optim.adam(2e-3)

    @wg.jit
    def train(key: Any) -> Any:
        params, _ = nn.setup(key, MODEL, np.zeros((1, 1)))
        opt_state = optimiser.init(params)
        for i in range(rounds):
            tasks = draw(wg.random.fold_in(key, i), TASKS)
            grads = wg.grad(loss)(params, tasks)
            updates, opt_state = optimiser.update(grads, opt_state, params)
            params = wg.optim.apply_updates(params, updates)
        return params

    return train


@wg.jit
def judged(params: Any, tasks: Tasks, rate: Any) -> Any:
    """The mean errors on new sinusoids, before the step and after it."""
    before = error(params, tasks.new_x, tasks.new_y)
    return np.stack([before, meta_loss(params, tasks, rate)])


class Method(NamedTuple):
    """A loss to train with, and the rates of which the step after it takes the best."""

    loss: Any
    rates: tuple[float, ...]


METHODS = {
    "meta-learning": Method(meta_loss, (STEP,)),
    "pretraining": Method(joint_loss, TRIED),
}


class Run(NamedTuple):
    """What training has given, its best rate, and the errors before and after."""

    params: Any
    rate: float
    errors: np.ndarray


def run(train: Any, rates: tuple[float, ...], seed: int, unseen: Tasks) -> Run:
    """Train from a seed, and judge."""
    params = train(wg.random.key(seed))
    tried = [Run(params, rate, judged(params, unseen, rate)) for rate in rates]
    return min(tried, key=lambda run: float(run.errors[1]))


def study(seeds: int = SEEDS, rounds: int = ROUNDS, within: float = 0.5) -> Study:
    """Train both networks from some seeds; judge them on sinusoids not seen before."""
    unseen = draw(wg.random.key(1000), UNSEEN)
    runs = {}
    for name, (loss, rates) in METHODS.items():
        train = trainer(loss, rounds)
        runs[name] = [run(train, rates, seed, unseen) for seed in range(seeds)]
    learnt, other = (
        np.array([run.errors[1] for run in each]) for each in runs.values()
    )
    rows = (
        Row(
            f"error after one step, of that of pretraining, most of {seeds} seeds",
            float(np.max(learnt / other)),
            0.0,
            within,
            "no better: 1",
        ),
    )
    return Study(rows, functools.partial(_draw, runs, unseen))


def _draw(runs: dict[str, list[Run]], unseen: Tasks, figure: Figure) -> None:
    errors, *curves = axes_of(figure, 1, 3)[0]
    for (name, each), color in zip(runs.items(), (BLUE, ORANGE), strict=True):
        found = np.array([run.errors for run in each])
        errors.plot([0, 1], found.mean(axis=0), "o-", color=color, label=name)
        errors.plot([0, 1], found.T, color=color, alpha=0.3)
    errors.set_xticks([0, 1])
    errors.set_ylim(0.0)
    label(errors, "gradient steps", f"mean square error, {UNSEEN} new sinusoids")
    highest = int(np.argmax(np.max(np.abs(unseen.y), axis=(1, 2))))
    task = Tasks(*(points[highest] for points in unseen))
    for ax, (name, each) in zip(curves, runs.items(), strict=True):
        ax.set_title(f"{name}, one sinusoid", fontsize=10)
        ax.set_ylim(-6.0, 9.0)
        _draw_task(each[0], task, ax)


def _draw_task(run: Run, task: Tasks, ax: Axes) -> None:
    at = np.linspace(-5.0, 5.0, 200)[:, None]
    after = adapted(run.params, task.x, task.y, run.rate)
    for params, color, line, name in (
        (run.params, GREY, ":", "before"),
        (after, BLUE, "-", "after a step"),
    ):
        y = nn.apply(MODEL, at, params, STATELESS)[0]
        ax.plot(at, y, color=color, linestyle=line, label=name)
    ax.plot(task.x, task.y, "k^", label="seen")
    ax.plot(task.new_x, task.new_y, "k.", label="not seen")
    label(ax, "x", "y")
