"""A step along a direction that satisfies the strong Wolfe conditions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert.optim.iterate import Problem, Step
from wengert.optim.result import LINE_SEARCH_FAILED, RUNNING

MOST_TRIALS = 30


class End(NamedTuple):
    """A step along the direction, the value there, and its derivative in the step."""

    step: Any
    value: Any
    slope: Any


class Found(NamedTuple):
    """The step that was found; it is 0 where every trial was worse than the start."""

    step: Any
    value: Any
    gradient: Any
    evaluations: Any


def strong_wolfe(
    problem: Problem,
    x: Any,
    value: Any,
    gradient: Any,
    direction: Any,
    first: Any = 1.0,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> Found:
    """The step t along p where f has fallen by c₁ t |gᵀp|, and its slope to c₂ |gᵀp|.

    Bracketing and zooming are one loop: until a step is found beyond which f rises, the
    upper end of the interval is at infinity. The lower end has the lowest value of all
    steps with sufficient decrease; it is the result when the trials are used up. Where
    values differ by rounding only, the slopes decide, which have more digits.

    Args:
        problem: f and its gradient.
        x, value, gradient: where the line begins, and f there.
        direction: p, along which f falls.
        first: the first step to try.
        decrease, curvature: c₁ and c₂ of the conditions.

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 3.5 and 3.6;
        Hager and Zhang, 2005, on the rounding of f.
    """
    start = End(0.0, value, np.dot(gradient, direction))
    low, high = start, End(np.inf, np.inf, np.inf)
    best, rounding = gradient, rounding_of(value)
    step, trials = first, 0
    while trials < MOST_TRIALS:
        trials += 1
        found, slopes = problem.value_and_gradient(x + step * direction)
        trial = End(step, found, np.dot(slopes, direction))
        line = start.value + decrease * step * start.slope
        highest = np.minimum(line, low.value) + rounding
        if not trial.value <= highest:  # NaN is too high
            high = trial
        elif abs(trial.slope) <= -curvature * start.slope:
            low, best = trial, slopes
            break
        else:
            if trial.slope * (high.step - low.step) >= 0:
                high = low
            low, best = trial, slopes
        step = _next_step(low, high)
    else:
        if not low.value < start.value:
            low, best = start, gradient
    return Found(low.step, low.value, best, trials)


def _next_step(low: End, high: End) -> Any:
    """Inside the interval, away from its ends; twice as far while it has no upper end.

    Growth is bounded, for f may be infinite not far away.
    """
    if high.step == np.inf:
        return 2.0 * low.step
    width = high.step - low.step
    share = (cubic_minimum(low, high) - low.step) / width
    if not np.isfinite(share):
        share = 0.5
    return low.step + width * np.clip(share, 0.1, 0.9)


def cubic_minimum(a: End, b: End) -> Any:
    """Where the cubic with these values and slopes is smallest; NaN if nowhere.

    References:
        Nocedal and Wright, equation 3.59.
    """
    width = b.step - a.step
    d1 = a.slope + b.slope - 3 * (b.value - a.value) / width
    under = d1 * d1 - a.slope * b.slope
    if not under >= 0:
        return np.nan
    d2 = np.copysign(np.sqrt(under), width)
    return b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)


def rounding_of(value: Any) -> Any:
    """Values that differ by less may be equal."""
    return 10.0 * np.finfo(float).eps * abs(value)


def step_along(
    x: Any, direction: Any, found: Found, memory: Any, products: Any = 0
) -> Step:
    """The step that a search has found, and what its method keeps.

    products: with the Hessian or the Jacobian, for the direction.
    """
    return Step(
        x + found.step * direction,
        found.value,
        found.gradient,
        memory,
        found.evaluations,
        products,
        LINE_SEARCH_FAILED if found.step == 0 else RUNNING,
    )
