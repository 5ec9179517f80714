"""Checkpointing schedules: which states of a loop are stored, and what is run again.

A loop of n steps leads from state 0 to state n. The primal sweep stores some states and
tapes the last step; the backward sweep then follows a list of actions: `Store` a state
reached from a stored one, `Pull` steps that are taped from a stored state, `Free`.

Griewank & Walther, "Algorithm 799: revolve", ACM TOMS 26(1), 2000; Chen et al.,
"Training deep nets with sublinear memory cost", 2016; Wang, Moin & Iaccarino, "Minimal
repetition dynamic checkpointing algorithm", SIAM J. Sci. Comput. 31(4), 2009.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import comb
from typing import Any, NamedTuple, TypeAlias

from wengert._core.source import explain
from wengert.errors import CheckpointError


class Store(NamedTuple):
    """Run from the stored state `origin` to state `at`, and store it."""

    origin: int
    at: int


class Pull(NamedTuple):
    """Run from the stored state `origin` to `start`, tape to `stop`, and pull back."""

    origin: int
    start: int
    stop: int


class Free(NamedTuple):
    """Forget a stored state."""

    at: int


Action: TypeAlias = Store | Pull | Free


class Counts(NamedTuple):
    """What a schedule costs: calls of the step, and states stored at a time.

    The calls include the primal sweep; states are stored ones, and those that a tape of
    several steps starts from.
    """

    calls: int
    stored: int


class Segments(NamedTuple):
    """k segments of equal length, each taped as a whole: 2n - n/k calls."""

    k: int

    def place(self, n: int) -> list[int]:
        """States that the primal sweep stores; the longer segments come last."""
        k = min(self.k, n)
        short, longer = divmod(n, k)
        starts = [0]
        for segment in range(k - 1):
            starts.append(starts[-1] + short + (segment >= k - longer))
        return starts

    def taped_from(self, n: int) -> int:
        """The state from which on the primal sweep tapes."""
        return self.place(n)[-1]

    def reversal(self, held: list[int], stop: int) -> Iterator[Action]:
        for start in reversed(held):
            if start < stop:
                yield Pull(start, start, stop)
            if start:
                yield Free(start)
            stop = min(start, stop)

    def online(self) -> OnlineSegments:
        return OnlineSegments(self.k)

    def counts(self, n: int) -> Counts:
        k = min(self.k, n)
        longest = -(-n // k)
        return Counts(2 * n - longest, k + longest - 1)


class Binomial(NamedTuple):
    """At most `slots` stored states, with the fewest calls possible."""

    slots: int

    def place(self, n: int) -> list[int]:
        held, slots = [0], self.slots
        while n - held[-1] > 1 and slots > 1:
            held.append(held[-1] + split(n - held[-1], slots))
            slots -= 1
        return held

    def taped_from(self, n: int) -> int:
        return n - 1

    def reversal(self, held: list[int], stop: int) -> Iterator[Action]:
        for rank in range(len(held) - 1, -1, -1):
            start = held[rank]
            yield from revolve(start, stop, self.slots - rank)
            if start:
                yield Free(start)
            stop = min(start, stop)

    def online(self) -> OnlineBinomial:
        return OnlineBinomial(self.slots)

    def counts(self, n: int) -> Counts:
        return Counts(n + optimal_advances(n, self.slots), min(self.slots, n))


Plan: TypeAlias = Segments | Binomial


def revolve(start: int, stop: int, slots: int) -> Iterator[Action]:
    """Reverse the steps from a stored state on, its slot included in `slots`."""
    while stop - start > 1 and slots > 1:
        middle = start + split(stop - start, slots)
        yield Store(start, middle)
        yield from revolve(middle, stop, slots - 1)
        yield Free(middle)
        stop = middle
    for step in range(stop - 1, start - 1, -1):
        yield Pull(start, step, step + 1)


def repetitions(n: int, slots: int) -> int:
    """How often a step is run again at most: the least r with C(slots + r, r) >= n."""
    r = 0
    while comb(slots + r, r) < n:
        r += 1
    return r


def optimal_advances(n: int, slots: int) -> int:
    """Griewank's count of the steps run besides the n that are taped."""
    r = repetitions(n, slots)
    return r * n - comb(slots + r, r - 1) if r else 0


def split(n: int, slots: int) -> int:
    """Where to store the next state so that n steps are reversed with fewest calls."""
    r = repetitions(n, slots)
    if r == 1:
        return 1
    return min(comb(slots + r - 1, r - 1), n - comb(slots + r - 2, r - 1))


class OnlineSegments:
    """Equal segments of a loop of unknown length, thinned when there are too many."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.spacing = 1
        self.held: list[int] = []

    def visit(self, position: int) -> bool:
        """Whether to store this state; `held` then has those to keep."""
        if position % self.spacing:
            return False
        self.held.append(position)
        while len(self.held) > self.k:
            self.spacing *= 2
            self.held = [p for p in self.held if p % self.spacing == 0]
        return self.held[-1] == position


class OnlineBinomial:
    """At most `slots` states of a loop whose length is unknown.

    A state is dispensable once a later one has a higher level; where none is, the
    newest gives way and its level rises. The calls stay near the fewest possible
    (within 25 %).
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.levels: dict[int, int] = {}

    @property
    def held(self) -> list[int]:
        return list(self.levels)

    def visit(self, position: int) -> bool:
        """Whether to store this state; `held` then has those to keep."""
        level = 0
        if len(self.levels) == self.slots:
            if self.slots == 1:
                return False
            level = self._make_room()
        self.levels[position] = level
        return True

    def _make_room(self) -> int:
        highest = -1
        for position in reversed(self.held[1:]):
            if self.levels[position] < highest:
                del self.levels[position]
                return 0
            highest = max(highest, self.levels[position])
        return self.levels.pop(self.held[-1]) + 1


# -- what users write ----------------------------------------------------------------


def binomial(slots: int) -> Binomial:
    """Store at most `slots` states of a loop, and run as few steps again as possible.

    Args:
        slots: How many states of the loop may be stored at a time, from 1 on.

    Returns:
        A schedule for ``checkpoints=``. A loop of n steps then takes n + t calls of its
        step, t = r n - C(slots + r, r - 1) with the least r for which C(slots + r, r)
        is at least n. `while_loop`, whose n is unknown, comes close to that.

    Raises:
        CheckpointError: `slots` is not a positive int.

    Example:
        >>> import wengert as wg
        >>> f = lambda x: wg.fori_loop(
        ...     0, 100, lambda i, y: 0.5 * y + x, x, checkpoints=wg.binomial(5)
        ... )
        >>> round(float(wg.grad(f)(1.0)), 12)
        2.0

    References:
        Griewank, "Achieving logarithmic growth of temporal and spatial complexity in
        reverse automatic differentiation", 1992; Griewank & Walther, Algorithm 799,
        2000.
    """
    if isinstance(slots, bool) or not isinstance(slots, int) or slots < 1:
        raise CheckpointError(
            explain(
                f"binomial: slots={slots!r}",
                why="at least the first state of a loop must be stored.",
                fix="give a positive int: wg.binomial(10)",
            )
        )
    return Binomial(slots)


_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BYTES = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B)\s*", re.IGNORECASE)


def check(checkpoints: Any) -> None:
    """Raise unless this is something that ``checkpoints=`` takes."""
    plan_of(checkpoints, 1)


def plan_of(checkpoints: Any, state_bytes: int) -> Plan | None:
    """The plan that ``checkpoints=`` asks for; None: everything is taped."""
    if checkpoints is None or checkpoints == "all":
        return None
    if checkpoints == "none":
        return Binomial(1)
    if isinstance(checkpoints, (Binomial, Segments)):
        return checkpoints
    if (
        isinstance(checkpoints, int)
        and not isinstance(checkpoints, bool)
        and checkpoints > 0
    ):
        return Segments(checkpoints)
    budget = budget_of(checkpoints)
    if budget is None:
        raise CheckpointError(
            explain(
                f"checkpoints={checkpoints!r} is not a schedule",
                fix='use "all", "none", a positive int (segments), '
                "wg.binomial(slots), or "
                'a number of bytes such as "200MB"',
            )
        )
    slots = int(budget // max(state_bytes, 1))
    if slots < 1:
        raise too_small(checkpoints, state_bytes)
    return Binomial(slots)


def budget_of(checkpoints: Any) -> float | None:
    """The bytes of a budget such as ``"200MB"``."""
    found = _BYTES.fullmatch(checkpoints) if isinstance(checkpoints, str) else None
    return None if found is None else float(found[1]) * _UNITS[found[2].upper()]


def too_small(checkpoints: str, state_bytes: int) -> CheckpointError:
    """The error of a budget in which one state does not fit."""
    return CheckpointError(
        explain(
            f"checkpoints={checkpoints!r}: one state of the loop takes "
            f"{state_bytes} bytes",
            why="at least one state must be stored.",
            fix="raise the budget",
        )
    )


def counts(checkpoints: Any, n: int, state_bytes: int = 1) -> Counts:
    """Calls of the step and stored states, by the theory, for a loop of n known steps.

    Example:
        >>> counts("all", 10), counts("none", 10)
        (Counts(calls=10, stored=10), Counts(calls=55, stored=1))
        >>> counts(5, 10), counts(binomial(3), 10)
        (Counts(calls=18, stored=6), Counts(calls=25, stored=3))
    """
    plan = plan_of(checkpoints, state_bytes)
    return Counts(n, n) if plan is None else plan.counts(n)
