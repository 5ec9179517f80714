"""Physics with a small network for what it leaves out.

The ball of the robot, thrown with spin, and rougher than it was thought to be. Known
are gravity and the drag of a smooth ball. The network, 2 -> 8 -> 2, maps the velocity
to the acceleration that is missing; alone, it has to learn all of it. Both are trained
through the simulation, on measured positions only (Chen et al., *Neural ordinary
differential equations*, 2018; Yin et al., *Augmenting physical models with deep
networks*, 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

import wengert as wg
from wengert.examples.robot.flight import GRAVITY, drag_per_metre
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

DRAG = drag_per_metre(0.47)
WIDTH = 8
STEPS, DT = 20, 0.05
NOISE = 0.01  # of a measured position, in m
TRAINED, BEYOND = (6.0, 10.0), (11.0, 14.0)  # speeds of throws, in m/s
THROWS = (2, 8, 128)
SEEDS = 3
WEIGHTS = 2 * WIDTH + WIDTH + WIDTH * 2 + 2


class Trial(NamedTuple):
    """What one training gives: errors in m, and how many flights gain energy."""

    inside: float
    outside: float
    gaining: float


def network(weights: Any, velocity: Any) -> Any:
    """Accelerations for velocities, both of shape (2, n); speeds are in tens of m/s."""
    inner = weights[: 2 * WIDTH].reshape(WIDTH, 2)
    outer = weights[3 * WIDTH : 5 * WIDTH].reshape(2, WIDTH)
    bias, last = weights[2 * WIDTH : 3 * WIDTH], weights[5 * WIDTH :]
    hidden = np.tanh(inner @ (velocity / 10.0) + bias[:, None])
    return 10.0 * (outer @ hidden + last[:, None])


def known(velocity: Any) -> Any:
    """Gravity, and the drag of a ball that does not spin."""
    speed = np.sqrt(np.sum(velocity * velocity, axis=0))
    pull = -DRAG * speed * velocity
    pull[1] -= GRAVITY
    return pull


def guided(weights: Any, velocity: Any) -> Any:
    return known(velocity) + network(weights, velocity)


def truth(_: Any, velocity: Any) -> Any:
    """A third more drag, and a force across the path (spin), which does no work."""
    speed = np.sqrt(np.sum(velocity * velocity, axis=0))
    across = np.stack([-velocity[1], velocity[0]])
    return known(velocity) + DRAG * speed * (0.5 * across - 0.33 * velocity)


def flights(force: Callable[[Any, Any], Any], weights: Any, start: Any) -> Any:
    """Places and velocities, shape (STEPS + 1, 4, n), by Runge-Kutta steps.

    start: velocities at the origin, shape (2, n).
    """
    path = np.zeros((STEPS + 1, 4, start.shape[1]))
    path[0, 2:] = start
    for i in range(STEPS):
        state = path[i]
        k1 = slope(force, weights, state)
        k2 = slope(force, weights, state + 0.5 * DT * k1)
        k3 = slope(force, weights, state + 0.5 * DT * k2)
        k4 = slope(force, weights, state + DT * k3)
        path[i + 1] = state + DT / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
    return path


def slope(force: Callable[[Any, Any], Any], weights: Any, state: Any) -> Any:
    return np.concatenate([state[2:], force(weights, state[2:])])


def loss(
    force: Callable[[Any, Any], Any], weights: Any, start: Any, places: Any
) -> Any:
    """Mean squared error of the places in units of the noise, and a little decay."""
    error = (flights(force, weights, start)[1:, :2] - places) / NOISE
    return np.mean(error**2) + 1e-2 * np.sum(weights**2)


def throws(speeds: tuple[float, float], count: int, rng: Any) -> np.ndarray:
    angle = rng.uniform(np.radians(15.0), np.radians(75.0), size=count)
    return rng.uniform(*speeds, size=count) * np.stack([np.cos(angle), np.sin(angle)])


class Model:
    """A force with a network in it, its training and its errors."""

    def __init__(self, force: Callable[[Any, Any], Any]) -> None:
        self.step = wg.jit(wg.value_and_grad(partial(loss, force)))
        self.fly = wg.jit(partial(flights, force))

    def trained(self, count: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng([seed, count])
        start = throws(TRAINED, count, rng)
        places = flights(truth, None, start)[1:, :2]
        places = places + NOISE * rng.normal(size=places.shape)
        again = THROWS[-1] // count  # arrays of one shape: compiled once
        start, places = np.tile(start, again), np.tile(places, again)
        first = 0.3 * rng.normal(size=WEIGHTS)
        found = minimize(
            self.step,
            first,
            args=(start, places),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 200},
        )
        return np.asarray(found.x)

    def trial(self, count: int, seed: int) -> Trial:
        """Train on so many throws, and test on others."""
        weights = self.trained(count, seed)
        rng = np.random.default_rng(seed + 100)
        errors, gaining = [], []
        for speeds in (TRAINED, BEYOND):
            start = throws(speeds, 200, rng)
            path, exact = self.fly(weights, start), flights(truth, None, start)
            gaps = np.sqrt(np.sum((path - exact)[:, :2] ** 2, axis=1))
            errors.append(float(np.sqrt(np.mean(gaps**2))))
            energy = 0.5 * np.sum(path[:, 2:] ** 2, axis=1) + GRAVITY * path[:, 1]
            gaining.append(np.any(np.diff(energy, axis=0) > 1e-6, axis=0))
        inside, outside = errors
        return Trial(inside, outside, float(np.mean(gaining)))


def study() -> Study:
    """Train both models on few and more throws, with several seeds."""
    models = {"physics and network": Model(guided), "network alone": Model(network)}
    trials = {
        name: np.array(
            [[model.trial(n, seed) for seed in range(SEEDS)] for n in THROWS]
        )
        for name, model in models.items()
    }
    with_physics, alone = (np.median(found, axis=1) for found in trials.values())
    rows = [
        Row(
            f"{what}, {n} throws: physics and network over network alone",
            float(with_physics[k, column] / max(alone[k, column], 1e-12)),
            0.0,
            1.0,
            f"{with_physics[k, column]:.3g} over {alone[k, column]:.3g}, {SEEDS} seeds",
        )
        for k, n in enumerate(THROWS)
        for column, what in enumerate(
            ("error", "error beyond the speeds", "flights that gain energy")
        )
    ]
    return Study(tuple(rows), partial(_draw, trials), (13.0, 4.0))


def _draw(trials: dict[str, np.ndarray], figure: Any) -> None:
    titles = (
        "error, in m",
        f"error at {BEYOND[0]:g} to {BEYOND[1]:g} m/s, in m",
        "share of flights that gain energy",
    )
    for column, (ax, title) in enumerate(
        zip(axes_of(figure, 1, 3)[0], titles, strict=True)
    ):
        for (name, found), color in zip(trials.items(), (BLUE, ORANGE), strict=True):
            values = found[..., column]
            ax.plot(THROWS, np.median(values, axis=1), color=color, label=name)
            ax.plot(THROWS, values, ".", color=color)
        ax.set_xscale("log", base=2)
        ax.set_xticks(THROWS, map(str, THROWS))
        if column < 2:
            ax.set_yscale("log")
            ax.axhline(NOISE, color=GREY, linewidth=0.8, label="noise")
        label(ax, "throws to learn from", title)
