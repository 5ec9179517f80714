"""A cantilever of finite elements that bends least for its weight."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize

import wengert as wg
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ELEMENTS = 40  # of a beam of length 1, with a mean thickness of 1
LENGTH = 1.0 / ELEMENTS
THINNEST = 0.05
# The stiffness of an element of Euler and Bernoulli, where E b / 12 is 1.
BENDING = np.array(
    [
        [12.0, 6.0 * LENGTH, -12.0, 6.0 * LENGTH],
        [6.0 * LENGTH, 4.0 * LENGTH**2, -6.0 * LENGTH, 2.0 * LENGTH**2],
        [-12.0, -6.0 * LENGTH, 12.0, -6.0 * LENGTH],
        [6.0 * LENGTH, 2.0 * LENGTH**2, -6.0 * LENGTH, 4.0 * LENGTH**2],
    ]
)


def deflections(thickness: Any) -> Any:
    """How far a beam, clamped at 0, gives way to a force of 1 at its end.

    Args:
        thickness: Of each element from the clamp on, shape (n,).

    Returns:
        The deflections of the ends of the elements, shape (n,), by a linear solve.

    Example:
        >>> round(float(deflections(np.ones(ELEMENTS))[-1]), 9)  # 1/3, from textbooks
        0.333333333
    """
    n = len(thickness)
    stiffness = np.zeros((2 * n + 2, 2 * n + 2))
    for e in range(n):
        stiffness[2 * e : 2 * e + 4, 2 * e : 2 * e + 4] += (
            BENDING / LENGTH**3 * thickness[e] ** 3
        )
    force = np.zeros(2 * n)
    force[-2] = 1.0
    return np.linalg.solve(stiffness[2:, 2:], force)[::2]


def compliance(thickness: Any) -> Any:
    """The deflection of the end, a scalar."""
    return deflections(thickness)[-1]


# -- what is known -------------------------------------------------------------------


def bending() -> np.ndarray:
    """The integral over each element of the squared moment ``1 - x``."""
    left = 1.0 - np.linspace(0.0, 1.0, ELEMENTS + 1)
    return (left[:-1] ** 3 - left[1:] ** 3) / 3.0


def slopes(thickness: np.ndarray) -> np.ndarray:
    """The end gives way by the sum of ``bending / thickness**3``."""
    return -3.0 * bending() / thickness**4


def best() -> np.ndarray:
    """The best elements of one volume: every slope is the same."""
    shape = bending() ** 0.25
    return shape / np.mean(shape)


# -- the study -----------------------------------------------------------------------


def study() -> Study:
    """Minimise the deflection of the end for a given volume."""
    derivative = wg.jit(wg.value_and_grad(compliance))
    uniform = np.ones(ELEMENTS)
    value, gradient = derivative(uniform)
    found = optimize.minimize(
        derivative,
        uniform,
        jac=True,
        method="SLSQP",
        bounds=[(THINNEST, None)] * ELEMENTS,
        constraints={
            "type": "eq",
            "fun": lambda h: np.mean(h) - 1.0,
            "jac": lambda h: np.full(ELEMENTS, 1.0 / ELEMENTS),
        },
        options={"ftol": 1e-12, "maxiter": 300},
    )
    known = best()
    rows = (
        Row(
            "deflection of the uniform beam",
            float(value),
            1.0 / 3.0,
            1e-9,
            "P L^3 / (3 E I)",
        ),
        Row(
            "largest error of a derivative",
            float(np.max(np.abs(gradient - slopes(uniform)))),
            0.0,
            1e-9,
            "the energy of each element",
        ),
        Row("volume of the best beam", float(np.mean(found.x)), 1.0, 1e-9, "given"),
        Row(
            "its deflection",
            float(found.fun),
            float(np.sum(bending() / known**3)),
            1e-7,
            f"the best of {ELEMENTS} elements",
        ),
        Row(
            "its deflection, over that of the uniform one",
            float(found.fun / value),
            16.0 / 27.0,
            3e-3,
            "calculus of variations, for infinitely many elements",
        ),
        Row(
            "largest distance from the best thickness",
            float(np.max(np.abs(found.x - known))),
            0.0,
            1e-3,
            "the fourth root of the squared moment",
        ),
    )
    return Study(rows, functools.partial(_draw, found.x))


def _draw(found: np.ndarray, figure: Figure) -> None:
    axes = axes_of(figure, 1, 2)[0]
    edges = np.linspace(0.0, 1.0, ELEMENTS + 1)
    axes[0].stairs(
        0.5 * found,
        edges,
        baseline=-0.5 * found,
        color="#b9cfea",
        fill=True,
        label="found",
    )
    where = np.linspace(0.0, 1.0, 400)
    half = 0.75 * np.sqrt(1.0 - where)
    axes[0].plot(where, half, color=ORANGE, label="3/2 sqrt(1 - x), halved")
    axes[0].plot(where, -half, color=ORANGE)
    axes[0].set_ylim(-1.0, 1.3)
    label(axes[0], "distance from the clamp", "thickness")
    beams = ((np.ones(ELEMENTS), GREY, "uniform"), (found, BLUE, "best"))
    for thickness, color, name in beams:
        bent = np.append(0.0, deflections(thickness))
        axes[1].plot(edges, -bent, color=color, label=f"{name}: {bent[-1]:.4f}")
    label(axes[1], "distance from the clamp", "deflection")
