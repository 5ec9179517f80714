"""Schedules: functions of the number of the step, for learning rates and the like.

They compute in float64, whatever the parameters; `count` is 0 at the first step, and
may be traced, or an array of steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ArgumentError
from wengert.optim.transformation import Schedule


def _check(name: str, what: str, fits: bool, fix: str) -> None:
    if not fits:
        raise ArgumentError(explain(f"{name}: {what}", fix=fix))


def _check_steps(name: str, argument: str, steps: int) -> None:
    _check(name, f"{argument}={steps!r}", steps > 0, "give a positive number of steps")


def constant_schedule(value: Any) -> Schedule:
    """The same value at each step.

    Example:
        >>> import wengert as wg
        >>> wg.optim.constant_schedule(0.1)(7)
        0.1
    """
    return lambda count: value


def polynomial_schedule(
    init_value: Any,
    end_value: Any,
    power: Any,
    transition_steps: int,
    transition_begin: int = 0,
) -> Schedule:
    """From one value to another: end + (init - end) · (1 - t)^power.

    Args:
        init_value: The value until `transition_begin`.
        end_value: The value from `transition_steps` later on.
        power: 1 is a straight line.
        transition_steps: How long it takes.
        transition_begin: When it begins.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.polynomial_schedule(1.0, 0.0, 2, 10)
        >>> [float(rate(n)) for n in (0, 5, 10, 20)]
        [1.0, 0.25, 0.0, 0.0]
    """
    _check_steps("polynomial_schedule", "transition_steps", transition_steps)

    def schedule(count: Any) -> Any:
        done = np.clip(count - transition_begin, 0, transition_steps)
        left = 1.0 - done / transition_steps
        return (init_value - end_value) * left**power + end_value

    return schedule


def linear_schedule(
    init_value: Any, end_value: Any, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """From one value to another in a straight line: a warm-up, or a decay.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.linear_schedule(0.0, 1.0, 4)
        >>> [float(rate(n)) for n in (0, 1, 4, 9)]
        [0.0, 0.25, 1.0, 1.0]
    """
    _check_steps("linear_schedule", "transition_steps", transition_steps)
    return polynomial_schedule(
        init_value, end_value, 1, transition_steps, transition_begin
    )


def piecewise_constant_schedule(
    init_value: Any, boundaries_and_scales: Mapping[int, Any]
) -> Schedule:
    """A step schedule: the value is multiplied with a number at each boundary.

    Args:
        init_value: The value before the first boundary.
        boundaries_and_scales: By the step from which on it counts, the number.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.piecewise_constant_schedule(1.0, {10: 0.1, 20: 0.5})
        >>> [float(rate(n)) for n in (9, 10, 25)]
        [1.0, 0.1, 0.05]
    """
    steps = sorted(boundaries_and_scales.items())

    def schedule(count: Any) -> Any:
        value = init_value
        for boundary, factor in steps:
            value = np.where(count < boundary, value, value * factor)
        return value

    return schedule


def exponential_decay(
    init_value: Any,
    transition_steps: int,
    decay_rate: Any,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: Any = None,
) -> Schedule:
    """init · rate^(t / transition_steps), and no further than `end_value`.

    Args:
        init_value: The value until `transition_begin`.
        transition_steps: In how many steps it is multiplied with `decay_rate`.
        decay_rate: Positive; above 1 the value grows.
        transition_begin: When it begins.
        staircase: Only at multiples of `transition_steps`.
        end_value: Where it stays.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.exponential_decay(1.0, 10, 0.5, staircase=True)
        >>> [float(rate(n)) for n in (9, 10, 20)]
        [1.0, 0.5, 0.25]
    """
    _check_steps("exponential_decay", "transition_steps", transition_steps)

    def schedule(count: Any) -> Any:
        periods: Any = np.maximum(count - transition_begin, 0) / transition_steps
        value: Any = init_value * decay_rate ** (
            np.floor(periods) if staircase else periods
        )
        if end_value is None:
            return value
        falling = np.maximum(value, end_value)
        return np.where(decay_rate < 1.0, falling, np.minimum(value, end_value))

    return schedule


def cosine_decay_schedule(
    init_value: Any, decay_steps: int, alpha: Any = 0.0, exponent: Any = 1.0
) -> Schedule:
    """Down half a cosine: init · ((1 - α) · (½ + ½ cos πt)^exponent + α).

    Loshchilov & Hutter, ICLR 2017, without restarts.

    Args:
        init_value: The value at the beginning.
        decay_steps: How long it takes; then it stays at α · init.
        alpha: What is left at the end, of 1.
        exponent: Of the cosine.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.cosine_decay_schedule(1.0, 10)
        >>> [round(float(rate(n)), 3) for n in (0, 5, 10, 15)]
        [1.0, 0.5, 0.0, 0.0]
    """
    _check_steps("cosine_decay_schedule", "decay_steps", decay_steps)

    def schedule(count: Any) -> Any:
        done = np.minimum(count, decay_steps) / decay_steps
        cosine = 0.5 * (1.0 + np.cos(np.pi * done))
        return init_value * ((1.0 - alpha) * cosine**exponent + alpha)

    return schedule


def join_schedules(
    schedules: Sequence[Schedule], boundaries: Sequence[int]
) -> Schedule:
    """Schedules one after the other, each counting from the step where it begins.

    Args:
        schedules: One or more.
        boundaries: Where each but the first begins, in order.

    Example:
        >>> import wengert as wg
        >>> warm = wg.optim.linear_schedule(0.0, 1.0, 10)
        >>> decay = wg.optim.cosine_decay_schedule(1.0, 90)
        >>> rate = wg.optim.join_schedules([warm, decay], [10])
        >>> [round(float(rate(n)), 3) for n in (5, 10, 55, 100)]
        [0.5, 1.0, 0.5, 0.0]
    """
    _check(
        "join_schedules",
        f"{len(schedules)} schedules and {len(boundaries)} boundaries",
        len(schedules) == len(boundaries) + 1,
        "give a boundary between every two schedules",
    )

    def schedule(count: Any) -> Any:
        value = schedules[0](count)
        for begin, following in zip(boundaries, schedules[1:], strict=True):
            value = np.where(count < begin, value, following(count - begin))
        return value

    return schedule


def warmup_constant_schedule(
    init_value: Any, peak_value: Any, warmup_steps: int
) -> Schedule:
    """Up in a straight line, and then constant.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.warmup_constant_schedule(0.0, 1.0, 4)
        >>> [float(rate(n)) for n in (0, 1, 4, 9)]
        [0.0, 0.25, 1.0, 1.0]
    """
    return linear_schedule(init_value, peak_value, warmup_steps)


def warmup_cosine_decay_schedule(
    init_value: Any,
    peak_value: Any,
    warmup_steps: int,
    decay_steps: int,
    end_value: Any = 0.0,
    exponent: Any = 1.0,
) -> Schedule:
    """Up in a straight line, and down half a cosine.

    Args:
        init_value: The value at the beginning.
        peak_value: The value after `warmup_steps`; not 0.
        warmup_steps: How long it goes up.
        decay_steps: How long both take together.
        end_value: Where it ends.
        exponent: Of the cosine.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.warmup_cosine_decay_schedule(0.0, 1.0, 10, 100)
        >>> [round(float(rate(n)), 3) for n in (5, 10, 55, 100)]
        [0.5, 1.0, 0.5, 0.0]
    """
    decay = cosine_decay_schedule(
        peak_value, decay_steps - warmup_steps, end_value / peak_value, exponent
    )
    return join_schedules(
        [linear_schedule(init_value, peak_value, warmup_steps), decay], [warmup_steps]
    )


def _through(name: str, points: list[tuple[int, Any]], cosine: bool) -> Schedule:
    """Through values at steps, by straight lines or half cosines; then constant."""
    steps = [step for step, _ in points]
    _check(
        name,
        f"its phases begin at steps {steps}",
        all(a < b for a, b in zip(steps, steps[1:], strict=False)),
        "give more steps, so that each phase has one",
    )

    phases = list(zip(points, points[1:], strict=False))

    def schedule(count: Any) -> Any:
        value = points[-1][1]
        for (begin, low), (end, high) in reversed(phases):
            done = (count - begin) / (end - begin)
            if cosine:
                done = 0.5 * (1.0 - np.cos(np.pi * done))
            value = np.where(count < end, low + (high - low) * done, value)
        return value

    return schedule


def linear_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    pct_final: float = 0.85,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """One cycle in straight lines: up to the peak, back, and to almost nothing.

    Smith & Topin, 2018, arXiv:1708.07120.

    Args:
        transition_steps: How long it takes.
        peak_value: The largest value.
        pct_start: When the peak is reached, of 1.
        pct_final: When it is back at the value that it began with.
        div_factor: It begins with the peak divided by this,
        final_div_factor: and ends with that divided by this.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.linear_onecycle_schedule(100, 1.0)
        >>> [round(float(rate(n)), 6) for n in (0, 30, 85, 100)]
        [0.04, 1.0, 0.04, 4e-06]
    """
    begin = peak_value / div_factor
    points = [
        (0, begin),
        (int(pct_start * transition_steps), peak_value),
        (int(pct_final * transition_steps), begin),
        (transition_steps, begin / final_div_factor),
    ]
    return _through("linear_onecycle_schedule", points, cosine=False)


def cosine_onecycle_schedule(
    transition_steps: int,
    peak_value: Any,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """One cycle in half cosines: up to the peak, and down to almost nothing.

    The arguments are those of `linear_onecycle_schedule`.

    Example:
        >>> import wengert as wg
        >>> rate = wg.optim.cosine_onecycle_schedule(100, 1.0)
        >>> [round(float(rate(n)), 6) for n in (0, 30, 65, 100)]
        [0.04, 1.0, 0.500002, 4e-06]
    """
    begin = peak_value / div_factor
    points = [
        (0, begin),
        (int(pct_start * transition_steps), peak_value),
        (transition_steps, begin / final_div_factor),
    ]
    return _through("cosine_onecycle_schedule", points, cosine=True)
