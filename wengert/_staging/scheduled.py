"""Reverse mode of a loop by a schedule: some states are stored, steps are run again.

What is stored are carries, in rows of arrays; a part of the loop that runs again is a
loop of the same body. Positions and places of rows are int64 scalars of the program, so
that the number of steps need not be known.

Griewank & Walther, "Algorithm 799: revolve", ACM TOMS 26(1), 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

from wengert._core.types import ArrayType, type_of
from wengert._ir import control
from wengert._ir.program import Var
from wengert._modes.schedule import Binomial, Segments, budget_of, plan_of, too_small
from wengert._modes.tape import Tape
from wengert._ops.arithmetic import (
    equal,
    floor_divide,
    greater,
    less,
    logical_and,
    maximum,
    minimum,
)
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem, update
from wengert._ops.structure import full, where
from wengert._staging.prune import calls_opaque
from wengert._staging.replay import apply_control, replay
from wengert._staging.restart import EVERY_STATE, Restart, part_of_loop, restart
from wengert._staging.reverse import LoopBlock
from wengert._staging.reverse_loops import Loop
from wengert._staging.stage import INDEX, as_extent, trace

_AT = (Slot(0),)


# -- equal segments --------------------------------------------------------------------


def segmented(op: control.For) -> control.For:
    """``(k, n, k, *constants, *carries)``: the loop of n steps as k loops.

    Each is run again as a whole from its first state; the longer ones come last.
    """
    inner = part_of_loop(op.body, op.constants)

    def segment(j: Any, n: Any, k: Any, *values: Any) -> list[Any]:
        short = floor_divide(n, k)
        longer = n - short * k
        start = j * short + maximum(j - (k - longer), 0)
        length = short + where(less(j, k - longer), 0, 1)
        return list(apply_control(inner, [length, start, *values]))

    body = trace(segment, [INDEX, INDEX, INDEX, *op.body.params[1:]])
    return control.For(body, op.constants + 2, EVERY_STATE)


# -- binomial schedules ----------------------------------------------------------------


def stride(n: Any, slots: Any) -> Any:
    """Where to store the next state so that n steps are reversed with fewest calls.

    All n where there is no slot for it. As `wengert._modes.schedule.split`, of values
    of the program: r is the least number of repetitions, count is C(slots + r, r).
    """

    def test(n: Any, slots: Any, r: Any, count: Any) -> list[Any]:
        return [less(count, n)]

    def more(n: Any, slots: Any, r: Any, count: Any) -> list[Any]:
        return [r + 1, floor_divide(count * (slots + r + 1), r + 1)]

    types = [INDEX] * 4
    search = control.While(trace(test, types), trace(more, types), 2)
    r, count = apply_control(search, [n, slots, 1, slots + 1])
    longest = floor_divide(count * r, slots + r)
    rest = floor_divide(longest * slots, slots + r - 1)
    best = minimum(longest, n - rest)
    return where(logical_and(greater(slots, 1), greater(n, 1)), best, n)


def _rows(slots: Any, state: Sequence[ArrayType]) -> list[ArrayType]:
    """Types of the places, and of the rows that hold states."""
    return [ArrayType((slots, *t.shape), t.dtype) for t in (INDEX, *state)]


def _load(buffers: Sequence[Any], rank: Any) -> list[Any]:
    return [getitem(b, rank, index=_AT) for b in buffers]


def _store(buffers: Sequence[Any], rank: Any, values: Sequence[Any]) -> list[Any]:
    return [update(b, v, rank, index=_AT) for b, v in zip(buffers, values, strict=True)]


def placing(op: control.For, state: list[int]) -> control.For:
    """The loop itself, which stores the states that `Binomial.place` names.

    ``(ranks, n, slots, *constants, at, *carries, places, *buffers)``; one step goes
    from a stored state to the next, the last one to the end.
    """
    params = op.body.params[1:]
    k, m = op.constants, len(params) - op.constants
    steps = part_of_loop(op.body, k)

    def step(rank: Any, n: Any, slots: Any, *values: Any) -> list[Any]:
        constants, (at, *rest) = values[:k], values[k:]
        carries, (places, *buffers) = rest[:m], rest[m:]
        places = update(places, at, rank, index=_AT)
        buffers = _store(buffers, rank, [carries[j] for j in state])
        length = stride(n - at, slots - rank)
        outs = apply_control(steps, [length, at, *constants, *carries])
        return [at + length, *outs, places, *buffers]

    slots = Var(INDEX)
    held = _rows(slots, [params[k + j].type for j in state])
    body = trace(step, [INDEX, INDEX, slots, *params[:k], INDEX, *params[k:], *held])
    return control.For(body, k + 2)


def reversal(plan: Restart, fixed: Sequence[bool]) -> control.For:
    """The steps in reverse, each from the last state that is stored before it.

    ``(n, n, *constants, slots, rank, places, *buffers, *cts, *totals)``. In free slots
    it stores states on the way, as `schedule.revolve` does.
    """
    k, m = len(fixed), len(plan.state)
    index, *params = plan.pull.params
    constants, state, extra = params[:k], params[k : k + m], params[k + m :]

    def further(target: Any, slots: Any, *values: Any) -> list[Any]:
        rank, places = values[k : k + 2]
        has_slot = less(rank + 1, slots)
        return [logical_and(has_slot, less(getitem(places, rank, index=_AT), target))]

    def store(target: Any, slots: Any, *values: Any) -> list[Any]:
        given, (rank, places, *buffers) = values[:k], values[k:]
        start = getitem(places, rank, index=_AT)
        length = stride(target + 1 - start, slots - rank)
        state = apply_control(
            plan.again, [length, start, *given, *_load(buffers, rank)]
        )
        places = update(places, start + length, rank + 1, index=_AT)
        return [rank + 1, places, *_store(buffers, rank + 1, state)]

    slots = Var(INDEX)
    held = _rows(slots, [p.type for p in state])
    types: list[Any] = [INDEX, slots, *constants, INDEX, *held]
    advance = control.While(trace(further, types), trace(store, types), k + 2)

    def step(i: Any, n: Any, *values: Any) -> list[Any]:
        given, (slots, *rest) = values[:k], values[k:]
        target = n - 1 - i
        rank, places, *buffers = apply_control(
            advance, [target, slots, *given, *rest[: m + 2]]
        )
        start = getitem(places, rank, index=_AT)
        state = apply_control(
            plan.again, [target - start, start, *given, *_load(buffers, rank)]
        )
        found = replay(plan.pull, [target, *given, *state, *rest[m + 2 :]])
        is_free = logical_and(equal(start, target), greater(rank, 0))
        rank = rank - where(is_free, 1, 0)
        totals = sum(fixed)
        return [rank, places, *buffers, *found[totals:], *found[:totals]]

    body = trace(
        step, [index, INDEX, *constants, slots, INDEX, *held, *(v.type for v in extra)]
    )
    return control.For(body, k + 2)


class BinomialBlock(LoopBlock):
    """A loop that stores at most so many of its states."""

    def record(self, op: Loop, primals: list[Any]) -> tuple[Any, ...]:
        assert isinstance(op, control.For)
        self.begin(op, primals)
        k = len(self.fixed)
        steps, constants, carries = primals[0], primals[1 : k + 1], primals[k + 1 :]
        key = ("binomial", *self.fixed, *self.carried)
        if key not in op.derived:
            plan = restart(op, self.fixed, self.carried, self.fixed)
            op.derived[key] = (
                placing(op, plan.state),
                reversal(plan, self.fixed),
                plan.state,
            )
        forward, self.backward, state = op.derived[key]
        types = [type_of(carries[j]) for j in state]
        slots = minimum(_slots(op.checkpoints, types), steps)
        held = [
            full(shape=t.shape, value=0, dtype=t.dtype)
            for t in _rows(as_extent(slots), types)
        ]
        outs = apply_control(
            forward, [slots, steps, slots, *constants, 0, *carries, *held]
        )
        n = len(carries)
        self.values = [steps, *constants, slots, slots - 1, *outs[n + 1 :]]
        return self.append(outs[1 : n + 1], self.carried)


def _slots(checkpoints: Any, state: Sequence[ArrayType]) -> Any:
    """How many states are stored; an engine value where their size is one."""
    budget = budget_of(checkpoints)
    size: Any = sum(prod(t.shape, start=t.dtype.itemsize) for t in state)
    if budget is None or isinstance(size, int):
        plan = plan_of(checkpoints, size)
        assert isinstance(plan, Binomial)
        return plan.slots
    slots = floor_divide(int(budget), maximum(size, 1))
    apply_control(
        control.Check(partial(too_small, checkpoints)), [greater(slots, 0), size]
    )
    return slots


def taped(
    tape: Tape,
    op: control.For,
    primals: list[Any],
    inputs: list[int | None],
    active: tuple[list[bool], list[bool]],
) -> tuple[Any, ...]:
    """A loop put on the tape, by its schedule.

    active: which constants are differentiated, and which carries.
    """
    if op.checkpoints is not None and calls_opaque(op):
        op = control.For(op.body, op.constants)  # no step is run again
    every = op.checkpoints == EVERY_STATE
    plan = None if every else plan_of(op.checkpoints, 1)
    if isinstance(plan, Segments):
        if "segmented" not in op.derived:
            op.derived["segmented"] = segmented(op)
        op = op.derived["segmented"]
        count = minimum(primals[0], plan.k)
        primals = [count, primals[0], count, *primals[1:]]
        inputs = [None, None, *inputs]
        active = [False, False, *active[0]], active[1]
    kind = BinomialBlock if isinstance(plan, Binomial) else LoopBlock
    return kind(tape, inputs, *active).record(op, primals)
