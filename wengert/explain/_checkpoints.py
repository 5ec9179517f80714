"""Checkpoint schedules: the trade of time for memory, and one schedule step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from wengert._core.source import explain
from wengert._modes.schedule import (
    Counts,
    Free,
    Pull,
    Segments,
    Store,
    binomial,
    counts,
)
from wengert.errors import ArgumentError
from wengert.explain import _plot

DRAWN_STEPS = 24  # length of the loop whose schedule is drawn, at most


class Move(NamedTuple):
    """One call of the step, the number `time` of all: from state `at` to the next."""

    time: int
    at: int
    taped: bool


class Stay(NamedTuple):
    """A state that is stored, from one time to another; times count calls."""

    at: int
    begin: int
    end: int


class Timetable(NamedTuple):
    moves: list[Move]
    stays: list[Stay]


def timetable(n: int, slots: int) -> Timetable:
    """The binomial schedule of a loop of n steps, call by call.

    Args:
        n: Steps of the loop.
        slots: States stored at a time, at most.

    Returns:
        The calls of the step, primal sweep included, and the states stored meanwhile.

    Raises:
        ArgumentError: ``n`` is not a positive int.
        CheckpointError: ``slots`` is not a positive int.

    Example:
        >>> import wengert as wg
        >>> len(wg.explain.timetable(10, 3).moves)
        25
    """
    _check_steps("timetable", n)
    plan = binomial(slots)
    held, moves, stays = plan.place(n), [], []
    moves = [Move(i, i, i == n - 1) for i in range(n)]
    since = {at: at for at in held}
    for action in plan.reversal(held, plan.taped_from(n)):
        if isinstance(action, Free):
            stays.append(Stay(action.at, since.pop(action.at), len(moves)))
            continue
        moves += _run(action, len(moves))
        if isinstance(action, Store):
            since[action.at] = len(moves)
    stays += [Stay(at, begin, len(moves)) for at, begin in since.items()]
    return Timetable(moves, stays)


def _run(action: Store | Pull, time: int) -> Iterator[Move]:
    stop = action.at if isinstance(action, Store) else action.stop
    for i, at in enumerate(range(action.origin, stop)):
        yield Move(time + i, at, isinstance(action, Pull) and at >= action.start)


class Tradeoff(NamedTuple):
    """Costs of the schedules of one loop: all taped, none stored, and the rest by k."""

    all: Counts
    none: Counts
    segments: list[Counts]
    binomial: list[Counts]


def tradeoff(n: int) -> Tradeoff:
    """Calls of the step and stored states of every schedule for a loop of n steps.

    Args:
        n: Steps of the loop.

    Returns:
        A `Tradeoff`; entry k - 1 of its lists is for k segments, or k slots.

    Raises:
        ArgumentError: ``n`` is not a positive int.

    Example:
        >>> import wengert as wg
        >>> costs = wg.explain.tradeoff(1000)
        >>> costs.all, costs.none.calls, costs.binomial[9]
        (Counts(calls=1000, stored=1000), 500500, Counts(calls=4636, stored=10))

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 12.
    """
    _check_steps("tradeoff", n)
    return Tradeoff(
        counts("all", n),
        counts("none", n),
        [Segments(k).counts(n) for k in range(1, n + 1)],
        [binomial(slots).counts(n) for slots in range(1, n + 1)],
    )


def _check_steps(name: str, n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ArgumentError(
            explain(f"{name}: n={n!r} steps", fix="give a positive int, such as 100")
        )


def plot_checkpoints(
    n: int, path: str | os.PathLike[str] | IO[bytes], slots: int = 4
) -> Tradeoff:
    """Draw time against memory for every schedule, and one schedule call by call.

    Args:
        n: Steps of the loop.
        path: File to write, ``.png``, ``.svg`` or ``.pdf``; or an open one, for PNG.
        slots: Stored states in the schedule drawn, for at most 24 steps.

    Returns:
        The numbers drawn, a `Tradeoff`.

    Raises:
        ArgumentError, CheckpointError: ``n`` or ``slots`` is not a positive int.
        MissingLibraryError: matplotlib is not installed.

    Example:
        >>> import io, wengert as wg
        >>> picture = io.BytesIO()
        >>> costs = wg.explain.plot_checkpoints(100, picture)
    """
    costs = tradeoff(n)
    drawn = min(n, DRAWN_STEPS)
    schedule = timetable(drawn, slots)
    with _plot.picture(path, "explain.plot_checkpoints", 2, (12.0, 4.8)) as axes:
        left, right = axes
        _draw_tradeoff(left, n, costs)
        _draw_timetable(right, drawn, slots, schedule)
    return costs


def _draw_tradeoff(axes: Any, n: int, costs: Tradeoff) -> None:
    best = _frontier(costs.segments)
    axes.loglog(
        [c.stored for c in best], [c.calls for c in best], "s", ms=4, mfc="none",
        color=_plot.ORANGE, label="k segments, each taped as a whole",
    )  # fmt: skip
    axes.loglog(
        [c.stored for c in costs.binomial], [c.calls for c in costs.binomial], ".-",
        color=_plot.BLUE, label="wg.binomial(slots), one step taped at a time",
    )  # fmt: skip
    for cost, name, colour, shift in (
        (costs.all, '"all"', _plot.RED, (-10, -4)),
        (costs.none, '"none"', _plot.PURPLE, (12, -3)),
    ):
        axes.plot(cost.stored, cost.calls, "o", ms=9, color=colour)
        text = f"{name}: {cost.stored} stored, {cost.calls} calls"
        align = "right" if name == '"all"' else "left"
        axes.annotate(
            text, (cost.stored, cost.calls), shift, textcoords="offset points",
            color=colour, ha=align,
        )  # fmt: skip
    axes.set(
        xlabel="stored states",
        ylabel="calls of the step",
        title=f"A loop of {n} steps: time against memory",
    )
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.9))


def _frontier(costs: list[Counts]) -> list[Counts]:
    """Those that no other beats in both time and memory."""
    best: list[Counts] = []
    for cost in sorted(costs, key=lambda c: (c.stored, c.calls)):
        if not best or cost.calls < best[-1].calls:
            best.append(cost)
    return best


def _draw_timetable(axes: Any, n: int, slots: int, schedule: Timetable) -> None:
    """State over time: runs rise, taped steps are pulled back, stored states stay."""
    for stay in schedule.stays:
        axes.plot([stay.begin, stay.end], [stay.at, stay.at], color="#94a3b8", lw=2.5)
    for moves, colour, width, label in (
        ([m for m in schedule.moves if not m.taped], _plot.BLUE, 1.4, "run"),
        ([m for m in schedule.moves if m.taped], _plot.RED, 2.4, "run and taped"),
    ):
        xs = [x for m in moves for x in (m.time, m.time + 1, None)]
        ys = [y for m in moves for y in (m.at, m.at + 1, None)]
        axes.plot(xs, ys, color=colour, lw=width, label=label)
    axes.plot([], [], color="#94a3b8", lw=2.5, label="stored")
    axes.set(
        xlabel="calls of the step so far",
        ylabel="state of the loop",
        title=f"wg.binomial({slots}), {n} steps: {len(schedule.moves)} calls",
    )
    axes.legend(loc="upper right")
