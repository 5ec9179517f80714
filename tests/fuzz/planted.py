"""Bugs planted in the compiler, which random programs must find."""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import wengert._ops.structure as structure
from tests.fuzz.checks import check
from tests.fuzz.writer import write
from wengert._core.op import OPS
from wengert._ir import control
from wengert._ops import arithmetic, indexing, reduction, transcendental
from wengert._staging import branches, function, loops, reverse
from wengert._staging import control as operations
from wengert._staging.joins import Joined
from wengert._staging.stage import Stage, StageTracer

Patch = tuple[Any, str, Any]
Plant = Callable[[], list[Patch]]


@contextlib.contextmanager
def planted(plant: Plant) -> Iterator[None]:
    """With the bug; plans of ops, which hold their rules, are made anew."""
    patches = plant()
    old = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    _forget_plans()
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in old:
            setattr(owner, name, value)
        _forget_plans()


def _forget_plans() -> None:
    for op in OPS:
        op.plans.clear()


def programs_until_found(
    plant: Plant, most: int, first: int = 0, seconds: float = float("inf")
) -> int | None:
    """How many programs it takes until one fails that does not without the bug."""
    end = time.monotonic() + seconds
    for n, seed in enumerate(range(first, first + most), start=1):
        written = write(seed)
        with planted(plant):
            failed = check(written.text, written.length, seed).failure
        if failed and not check(written.text, written.length, seed).failure:
            return n
        if time.monotonic() > end:
            return None
    return None


# -- rules of ops ----------------------------------------------------------------------


def _rule(op: Any, column: str, place: int, change: Callable[[Any], Any]) -> Plant:
    """One rule of an op, changed."""

    def plant() -> list[Patch]:
        rules = list(getattr(op, column))
        rules[place] = change(rules[place])
        return [(op, column, tuple(rules))]

    return plant


def _negated(rule: Any) -> Any:
    def wrong(*args: Any, **params: Any) -> Any:
        return -rule(*args, **params)

    wrong.__signature__ = inspect.signature(rule)  # it says what is kept
    return wrong


def _identity(ct: Any, _out: Any, _x: Any, **params: Any) -> Any:
    return ct


def _update_keeps(
    ct: Any, _out: Any, _x: Any, _v: Any, *_indices: Any, **params: Any
) -> Any:
    return ct


def _jvp_negated(op: Any) -> Plant:
    def plant() -> list[Patch]:
        right = op.jvp
        return [(op, "jvp", lambda *args, **params: -right(*args, **params))]

    return plant


def add_becomes_update() -> list[Patch]:
    return [(indexing.add_at, "evaluate", indexing.update.evaluate)]


# -- loops -----------------------------------------------------------------------------


def _residual_of_step(offset: int) -> Plant:
    def plant() -> list[Patch]:
        right = reverse.getitem

        def wrong(buffer: Any, i: Any, **params: Any) -> Any:
            return right(buffer, arithmetic.maximum(i + offset, 0), **params)

        return [(reverse, "getitem", wrong)]

    return plant


def last_step_not_swept() -> list[Patch]:
    right = reverse.ForBlock.pulled

    def pulled(self: Any, cts: Any, present: Any) -> Any:
        steps = self.values[0]
        self.values[0] = arithmetic.maximum(steps - 1, 0)
        try:
            return right(self, cts, present)
        finally:
            self.values[0] = steps

    return [(reverse.ForBlock, "pulled", pulled)]


def constants_not_accumulated() -> list[Patch]:
    right = reverse.ForBlock.pulled

    def pulled(self: Any, cts: Any, present: Any) -> Any:
        return right(self, cts, [None] * len(present))

    return [(reverse.ForBlock, "pulled", pulled)]


def branch_not_accumulated() -> list[Patch]:
    right = reverse.IfBlock.pulled

    def pulled(self: Any, cts: Any, present: Any) -> Any:
        found = right(self, cts, present)
        return [
            f if p is None or f is None else f - p
            for f, p in zip(found, present, strict=True)
        ]

    return [(reverse.IfBlock, "pulled", pulled)]


def carry_from_another() -> list[Patch]:
    right = loops.settle_types

    def wrong(program: Any, fixed: int, carries: Any) -> Any:
        program, entries = right(program, fixed, carries)
        for i in range(len(entries) - 1):
            types = program.params[fixed + i].type, program.params[fixed + i + 1].type
            if types[0] == types[1] and types[0].dtype.kind == "f":
                entries[i] = entries[i + 1]
        return program, entries

    return [(loops, "settle_types", wrong)]


def one_step_less() -> list[Patch]:
    right = loops.less
    return [(loops, "less", lambda i, steps: right(i, steps - 1))]


def stepped_range_short() -> list[Patch]:
    right = loops.Range.length

    def length(self: Any) -> Any:
        found = right(self)
        stepped = self.is_static and abs(self.bounds[2]) > 1
        return max(found - 1, 0) if stepped else found

    return [(loops.Range, "length", length)]


def reversed_range_forwards() -> list[Patch]:
    right = loops.Range.item

    def item(self: Any, i: Any) -> Any:
        down = self.is_static and self.bounds[2] == -1
        return i if down else right(self, i)

    return [(loops.Range, "item", item)]


def lost_alias() -> list[Patch]:
    right = loops.Loop._write_through

    def wrong(self: Any, array: Any, place: int) -> None:
        if array._base is None:
            right(self, array, place)

    return [(loops.Loop, "_write_through", wrong)]


def jump_ignored() -> list[Patch]:
    """A loop goes on after a break or return."""
    right = loops.Loop._going

    def wrong(self: Any, code_place: Any, bound: Any, holds: Any) -> Any:
        return right(self, None if bound is not None else code_place, bound, holds)

    return [(loops.Loop, "_going", wrong)]


def fresh_variable_zero() -> list[Patch]:
    """A variable that a loop binds first is 0 after it."""
    right = loops.Loop._fresh

    def wrong(self: Any, name: str) -> None:
        right(self, name)
        rebuild = self.rebuild.pop()
        self.rebuild.append(lambda outs: rebuild([o * 0 for o in outs]))

    return [(loops.Loop, "_fresh", wrong)]


# -- branches and functions ------------------------------------------------------------


def branches_swapped() -> list[Patch]:
    return [(branches, "If", lambda one, other: control.If(other, one))]


def dropped_continue() -> list[Patch]:
    right = branches.code_of

    def wrong(signal: Any) -> Any:
        code = right(signal)
        is_code = isinstance(code, np.integer) and code == loops.CONTINUE
        return np.int64(loops.FALL) if is_code else code

    return [(branches, "code_of", wrong)]


def write_in_branch_lost() -> list[Patch]:
    return [(branches, "_array_slots", lambda slots: [])]


def joined_in_wrong_order() -> list[Patch]:
    right = Joined.finished

    def wrong(self: Any, outs: Any) -> Any:
        types = {str(o.type) for o in outs if isinstance(o, StageTracer)}
        return right(self, outs[::-1] if len(types) == 1 else outs)

    return [(Joined, "finished", wrong)]


def slice_bound_off() -> list[Patch]:
    right = Stage.own

    def own(self: Any, value: Any) -> Any:
        if isinstance(value, slice) and isinstance(value.start, StageTracer):
            value = slice(
                arithmetic.maximum(value.start - 1, 0), value.stop, value.step
            )
        return right(self, value)

    return [(Stage, "own", own)]


def hidden_input_frozen() -> list[Patch]:
    right = function.stage_function

    def wrong(*args: Any) -> Any:
        staged = right(*args)
        return staged._replace(hidden=[np.copy(h) for h in staged.hidden])

    return [(function, "stage_function", wrong)]


def argument_not_written() -> list[Patch]:
    right = function.stage_function
    return [(function, "stage_function", lambda *a: right(*a)._replace(written=[]))]


def written_to_wrong_array() -> list[Patch]:
    """Every carry of a loop that is written through comes from the first one."""
    right = loops.Loop._write_through

    def wrong(self: Any, array: Any, place: int) -> None:
        same = self.carries[0].param.var.type == self.carries[place].param.var.type
        right(self, array, 0 if same else place)

    return [(loops.Loop, "_write_through", wrong)]


def pass_that_drops() -> list[Patch]:
    """The optimiser takes every subtraction for an addition where it is compiled."""
    right = operations.optimise

    def wrong(program: Any) -> Any:
        return right(
            program._replace(
                equations=tuple(
                    e._replace(op=arithmetic.add) if e.op is arithmetic.subtract else e
                    for e in program.equations
                )
            )
        )

    return [(operations, "optimise", wrong)]


PLANTS: dict[str, Plant] = {
    "residual of the step before": _residual_of_step(-1),
    "residual of the next step": _residual_of_step(1),
    "backward loop misses a step": last_step_not_swept,
    "constants of a loop not accumulated": constants_not_accumulated,
    "operands of a branch not accumulated": branch_not_accumulated,
    "carry initialised from another": carry_from_another,
    "one step less": one_step_less,
    "stepped range one step short": stepped_range_short,
    "reversed range runs forwards": reversed_range_forwards,
    "lost alias": lost_alias,
    "break ignored": jump_ignored,
    "dropped continue": dropped_continue,
    "variable bound in a loop lost": fresh_variable_zero,
    "branches swapped": branches_swapped,
    "write in a branch lost": write_in_branch_lost,
    "joined variables in the wrong order": joined_in_wrong_order,
    "slice bound off by one": slice_bound_off,
    "hidden input frozen": hidden_input_frozen,
    "argument not written to": argument_not_written,
    "written to the wrong array": written_to_wrong_array,
    "subtraction compiled as addition": pass_that_drops,
    "wrong sign of subtract": _rule(arithmetic.subtract, "vjps", 1, _negated),
    "wrong sign of tanh forward": _jvp_negated(transcendental.tanh),
    "wrong transpose of flip": _rule(structure.flip, "vjps", 0, lambda rule: _identity),
    "wrong transpose of cumsum": _rule(
        reduction.cumsum, "vjps", 0, lambda rule: _identity
    ),
    "cotangent of an update not zeroed": _rule(
        indexing.update, "vjps", 0, lambda rule: _update_keeps
    ),
    "add.at writes": add_becomes_update,
}
