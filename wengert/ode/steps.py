"""One step of each explicit method, on a state that is one vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wengert.ode.tableaux import Tableau

Slope = Callable[[Any, Any], Any]  # (t, y) -> dy/dt


class Step(NamedTuple):
    """A step from ``(t, y0)`` to ``(t + h, y1)``.

    The slopes are those at its ends; `bend` is the quartic term of the interpolant and
    `error` the estimated error of `y1`, both vectors like the state.
    """

    t: Any
    h: Any
    y0: Any
    y1: Any
    slope0: Any
    slope1: Any
    bend: Any
    error: Any


def combined(weights: Sequence[float], slopes: Sequence[Any], y: Any) -> Any:
    """The weighted sum of some slopes; zero, like `y`, without weights."""
    terms = [w * k for w, k in zip(weights, slopes, strict=False) if w]
    return sum(terms[1:], terms[0]) if terms else 0.0 * y


def explicit_step(
    tableau: Tableau, f: Slope, t: Any, y: Any, h: Any, slope: Any
) -> Step:
    """A step of an explicit Runge-Kutta method."""
    slopes, stage = [slope], y
    for node, row in zip(tableau.nodes, tableau.rows, strict=True):
        stage = y + h * combined(row, slopes, y)
        slopes.append(f(t + node * h, stage))
    if tableau.adaptive:  # its last stage is at the end of the step
        y1, slope1 = stage, slopes[-1]
    else:
        y1 = y + h * combined(tableau.weights, slopes, y)
        slope1 = f(t + h, y1)
    bend = h * combined(tableau.bend, slopes, y)
    error = h * combined(tableau.error, slopes, y)
    return Step(t, h, y, y1, slope, slope1, bend, error)


def leapfrog_step(f: Slope, t: Any, y: Any, h: Any, slope: Any) -> Step:
    """A step of Störmer and Verlet for positions and velocities, each half of `y`.

    The velocity is kicked for half a step, the position drifts for a whole one, and the
    velocity is kicked again.

    References:
        Hairer, Lubich & Wanner, "Geometric numerical integration illustrated by the
        Störmer-Verlet method", Acta Numerica 12, 2003.
    """
    n = y.shape[0] // 2
    half = y.copy()
    half[n:] += 0.5 * h * slope[n:]
    y1 = half.copy()
    y1[:n] += h * f(t + 0.5 * h, half)[:n]
    y1[n:] += 0.5 * h * f(t + h, y1)[n:]
    nothing = 0.0 * y
    return Step(t, h, y, y1, slope, f(t + h, y1), nothing, nothing)
