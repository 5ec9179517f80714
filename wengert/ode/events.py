"""Events: when a function of the state crosses zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode.dense import interpolated
from wengert.ode.result import Outcome
from wengert.ode.steps import Step

_HALVINGS = 55  # of a step: a bracket of one unit in the last place
NEVER = 2.0  # a fraction of a step that it does not reach


class Event(NamedTuple):
    """``fun(t, y, *args)`` crosses zero: a number that is recorded when it does.

    Args:
        fun: Returns a number; `y` and `args` are those of the right-hand side.
        terminal: Whether the integration ends there.
        direction: 1 for crossings from below, -1 from above, 0 for both.
        most: How many crossings there is room for; more end the integration with an
            outcome of its own.

    A crossing is found where the signs at the ends of a step differ; two within one
    step are not seen. One at the very beginning does not count.

    Example:
        >>> import numpy as np, wengert as wg
        >>> fall = lambda t, y: np.array([y[1], -9.81])
        >>> ground = wg.ode.Event(lambda t, y: y[0], terminal=True)
        >>> drop = wg.ode.solve(fall, np.array([2.0, 0.0]), [0.0, 9.0], events=ground)
        >>> bool(abs(drop.t_end - np.sqrt(2 * 2.0 / 9.81)) < 1e-12)
        True
    """

    fun: Callable[..., Any] | None
    terminal: bool = False
    direction: int = 0
    most: int = 16


Level = Callable[[Any, Any], Any]  # (t, y as a vector) -> the number that crosses zero


class Watch:
    """The events of one integration, and their crossings so far."""

    def __init__(
        self, events: tuple[Event, ...], levels: tuple[Level, ...], t: Any, y: Any
    ) -> None:
        most = max([e.most for e in events], default=0)
        self.events = tuple(zip(range(len(events)), events, levels, strict=True))
        self.before = np.array([level(t, y) for level in levels])
        self.counts = np.zeros(len(events), dtype=np.int64)
        self.times = np.full((len(events), most), np.nan)
        self.states = np.full((len(events), most, y.shape[0]), np.nan, y.dtype)
        self.full = False  # whether an event has happened too often
        self.undefined = False  # whether the function of an event was NaN

    def after(self, step: Step) -> Any:
        """Record what crosses zero in a step; the fraction of it that a terminal
        event leaves, or more than 1.
        """
        fractions = np.full(len(self.events), NEVER)
        until = NEVER
        for k, event, level in self.events:
            new = level(step.t + step.h, step.y1)
            if np.isnan(new):
                self.undefined = True
            if _crosses(self.before[k], new, event.direction):
                fractions[k] = crossing(level, step, self.before[k])
            if event.terminal:
                until = np.minimum(until, fractions[k])
            self.before[k] = new
        for k, event, _ in self.events:
            if fractions[k] <= np.minimum(until, 1.5):
                self._record(k, event, step, fractions[k])
        return until

    def verdict(self, status: Any) -> Any:
        """The status of the integration, which an event may have ended."""
        if self.full:
            status = Outcome.TOO_MANY_EVENTS.value
        if self.undefined:
            status = Outcome.NOT_FINITE.value
        return status

    def _record(self, k: int, event: Event, step: Step, s: Any) -> None:
        place = self.counts[k]
        if place >= event.most:
            self.full = True
        else:
            self.times[k, place] = step.t + s * step.h
            self.states[k, place] = interpolated(step, s)
            self.counts[k] = place + 1


def _crosses(old: Any, new: Any, direction: int) -> Any:
    if direction != 0:
        return direction * old < 0 and direction * new >= 0
    return old != 0 and old * new <= 0


def crossing(level: Level, step: Step, start: Any) -> Any:
    """The fraction of a step at which the level crosses zero, which it does.

    Halving finds it, by comparisons that have no derivative. Two Newton steps from
    there, whose slope is held fast, carry the first two derivatives of the implicit
    function: each makes the expansion right to one order more.
    """

    def along(s: Any) -> Any:
        return level(step.t + s * step.h, interpolated(step, s))

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if along(middle) * start > 0:
            low = middle
        else:
            high = middle
    rate = wg.stop_gradient(wg.jvp(along, (high,), (1.0,))[1])
    s = high - along(high) / rate
    return s - along(s) / rate
