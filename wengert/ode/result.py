"""What a solve returns, and how it ended."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from wengert.ode.dense import Dense

RUNNING = -1


class Outcome(enum.IntEnum):
    """How an integration ended; its text says what to do.

    Example:
        >>> import wengert as wg
        >>> print(wg.ode.Outcome.SUCCESS)
        the end of the time grid was reached
    """

    SUCCESS = 0
    EVENT = 1
    TOO_MANY_STEPS = 2
    STEP_TOO_SMALL = 3
    NOT_FINITE = 4
    TOO_MANY_EVENTS = 5

    def __str__(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    Outcome.SUCCESS: "the end of the time grid was reached",
    Outcome.EVENT: "a terminal event ended the integration",
    Outcome.TOO_MANY_STEPS: "max_steps were taken before the end; raise max_steps or "
    "the tolerances, or take an implicit method if the equation is stiff",
    Outcome.STEP_TOO_SMALL: "the error cannot be made small enough with any step; the "
    "solution may have a singularity here, or the tolerances are too small",
    Outcome.NOT_FINITE: "NaN or an infinity came up in the state or its derivative",
    Outcome.TOO_MANY_EVENTS: "an event happened more often than its `most` says",
}


class Crossings(NamedTuple):
    """The times at which an event happened: `count` entries, then NaN."""

    t: Any  # (most,)
    y: Any  # a pytree like the state, its leaves with a first axis of length `most`
    count: Any


class Solution(NamedTuple):
    """The solution of an initial value problem: ``y[i]`` is the state at ``t[i]``.

    A pytree. Rows of `y` behind the `saved` first ones, which the integration has not
    reached, are NaN.
    """

    t: Any  # (n,)
    y: Any  # a pytree like y0, its leaves with a first axis of length n
    saved: Any  # how many rows are states of the solution
    t_end: Any  # where the integration ended
    y_end: Any  # the state there
    status: Any  # the number of the outcome
    accepted: Any  # steps
    rejected: Any  # attempted steps whose error was too large
    events: tuple[Crossings, ...]
    dense: Dense | None

    @property
    def outcome(self) -> Outcome:
        """How the integration ended; outside compiled code, where it is a number."""
        return Outcome(int(self.status))

    @property
    def success(self) -> Any:
        """Whether it reached the end of the grid, or a terminal event."""
        return self.status <= Outcome.EVENT.value
