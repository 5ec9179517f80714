"""A pendulum swung up by a motor that is too weak to lift it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize

import wengert as wg
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRAVITY, FRICTION = 9.81, 0.1  # of a mass of 1 on a rod of length 1
LIMIT = 2.5  # of the torque; 9.81 would hold it horizontally
STEPS, DT = 140, 0.05
UPRIGHT = np.array([np.pi, 0.0])


def acceleration(angle: Any, speed: Any, torque: Any) -> Any:
    return torque - GRAVITY * np.sin(angle) - FRICTION * speed


def swing(torques: Any) -> tuple[Any, Any]:
    """Runge-Kutta steps from rest below, the torque held in each.

    Args:
        torques: The torque of each step, shape (n,).

    Returns:
        Angles and speeds, shape (n + 1, 2), and the work of motor and friction.

    Example:
        >>> path, work = swing(np.zeros(10))
        >>> float(np.max(np.abs(path))), float(work)
        (0.0, 0.0)
    """
    path = np.zeros((len(torques) + 1, 2))
    work = 0.0
    for k in range(len(torques)):
        state = np.array([path[k, 0], path[k, 1], work])
        first = slope(state, torques[k])
        second = slope(state + 0.5 * DT * first, torques[k])
        third = slope(state + 0.5 * DT * second, torques[k])
        fourth = slope(state + DT * third, torques[k])
        state = state + DT / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
        path[k + 1], work = state[:2], state[2]
    return path, work


def slope(state: Any, torque: Any) -> Any:
    """Changes of angle, speed and work in a unit of time, shape (3,)."""
    angle, speed, _ = state
    power = (torque - FRICTION * speed) * speed
    return np.array([speed, acceleration(angle, speed, torque), power])


def miss(torques: Any) -> Any:
    """How far from upright and at rest it ends: angle and speed, shape (2,)."""
    path, _ = swing(torques)
    return path[-1] - UPRIGHT


def effort(torques: Any) -> Any:
    """The integral of the squared torque."""
    return DT * np.sum(torques**2)


# -- the study -----------------------------------------------------------------------


def study() -> Study:
    """Find the torques by sequential quadratic programming; check them by mechanics."""
    jacobian = wg.jit(wg.jacobian(miss, mode="reverse"))
    start = 0.5 * np.sin(np.pi * DT * np.arange(STEPS))
    found = optimize.minimize(
        wg.jit(wg.value_and_grad(effort)),
        start,
        jac=True,
        method="SLSQP",
        bounds=[(-LIMIT, LIMIT)] * STEPS,
        constraints={"type": "eq", "fun": wg.jit(miss), "jac": jacobian},
        options={"maxiter": 600, "ftol": 1e-10},
    )
    path, work = swing(found.x)
    angle, speed = map(float, path[-1])
    energy = 0.5 * speed**2 + GRAVITY * (1.0 - np.cos(angle))
    rows = (
        Row(
            "largest error of a derivative of the final angle",
            slope_error(jacobian(start)[0], start),
            0.0,
            1e-7,
            "central differences",
        ),
        Row("final angle", angle, np.pi, 1e-6, "upright"),
        Row("final speed", speed, 0.0, 1e-6, "at rest"),
        Row(
            "energy at the end",
            float(energy),
            float(work),
            1e-3,
            "the work of motor and friction",
        ),
        Row(
            "a torque's largest distance from the optimal law",
            costate_error(found.x, jacobian(found.x)),
            0.0,
            0.01,
            "Pontryagin's principle",
        ),
    )
    return Study(rows, functools.partial(_draw, start, found.x), (13.0, 3.8))


def slope_error(slopes: np.ndarray, torques: np.ndarray) -> float:
    """The largest distance of derivatives of the angle from differences."""
    errors = []
    for k in range(0, STEPS, 20):
        moved = 1e-5 * np.eye(STEPS)[k]
        difference = miss(torques + moved)[0] - miss(torques - moved)[0]
        errors.append(abs(slopes[k] - difference / 2e-5))
    return float(max(errors))


def costate_error(torques: np.ndarray, slopes: np.ndarray) -> float:
    """How far the torques are from a costate's, cut off at the limit.

    The costate of the torque is a combination of the derivatives of angle and speed.
    """
    free = np.abs(torques) < 0.999 * LIMIT
    weights = np.linalg.lstsq(slopes[:, free].T, torques[free])[0]
    law = np.clip(weights @ slopes, -LIMIT, LIMIT)
    return float(np.max(np.abs(law - torques)))


def _draw(start: np.ndarray, found: np.ndarray, figure: Figure) -> None:
    axes = axes_of(figure, 1, 3)[0]
    times = DT * np.arange(STEPS + 1)
    for torques, color, name in ((start, GREY, "first"), (found, BLUE, "found")):
        path, _ = swing(torques)
        axes[0].plot(times, path[:, 0] / np.pi, color=color, label=name)
        axes[1].step(times[:-1], torques, color=color, label=name, where="post")
        axes[2].plot(path[:, 0] / np.pi, path[:, 1], color=color, label=name)
    axes[0].axhline(1.0, color=ORANGE, linestyle="--", label="upright")
    for bound in (-LIMIT, LIMIT):
        axes[1].axhline(bound, color=ORANGE, linestyle="--")
    axes[1].set_ylim(-1.2 * LIMIT, 1.6 * LIMIT)
    label(axes[0], "time (s)", "angle (pi)")
    label(axes[1], "time (s)", "torque")
    label(axes[2], "angle (pi)", "speed (1/s)")
