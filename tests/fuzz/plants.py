"""Bugs to plant in the compiler: each gives wrong numbers, and no error."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np

import wengert._ops.structure as structure
from wengert._array.traced import TracedArray, wrap
from wengert._backend import cache, reductions
from wengert._backend.dispatch import NATIVE
from wengert._backend.kernels import KERNELS
from wengert._core.types import dtype_of
from wengert._ir import control
from wengert._ir.program import Program
from wengert._ops import arithmetic, contraction, indexing, reduction, transcendental
from wengert._passes import ranges
from wengert._passes.rewriting import has_regions, regions_of, with_regions
from wengert._staging import branches, function, loops, reverse, reverse_loops
from wengert._staging import control as operations
from wengert._staging.joins import Joined
from wengert._staging.ranges import Range
from wengert._staging.runtime import Staged
from wengert._staging.stage import Stage, StageTracer
from wengert._staging.watch import Watch

Patch = tuple[Any, str, Any]
Plant = Callable[[], list[Patch]]


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
        right = reverse_loops.getitem

        def wrong(buffer: Any, i: Any, **params: Any) -> Any:
            last = buffer.shape[0] - 1
            i = arithmetic.minimum(arithmetic.maximum(i + offset, 0), last)
            return right(buffer, i, **params)

        return [(reverse_loops, "getitem", wrong)]

    return plant


def last_step_not_swept() -> list[Patch]:
    """The backward loop ends before it comes to the first step."""
    right, apply = reverse.LoopBlock.pulled, reverse.apply_control

    def shorter(op: Any, operands: Any) -> Any:
        return apply(op, [arithmetic.maximum(operands[0] - 1, 0), *operands[1:]])

    def pulled(self: Any, cts: Any, present: Any) -> Any:
        with mock.patch.object(reverse, "apply_control", shorter):
            return right(self, cts, present)

    return [(reverse.LoopBlock, "pulled", pulled)]


def constants_not_accumulated() -> list[Patch]:
    right = reverse.LoopBlock.pulled

    def pulled(self: Any, cts: Any, present: Any) -> Any:
        return right(self, cts, [None] * len(present))

    return [(reverse.LoopBlock, "pulled", pulled)]


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
    right = Range.length

    def length(self: Any) -> Any:
        found, step = right(self), self.bounds[2]
        if isinstance(step, int) and abs(step) == 1:
            return found
        return arithmetic.maximum(found - 1, 0)

    return [(Range, "length", length)]


def reversed_range_forwards() -> list[Patch]:
    right = Range.item

    def item(self: Any, i: Any) -> Any:
        down = self.is_static and self.bounds[2] == -1
        return wrap(i) if down else right(self, i)

    return [(Range, "item", item)]


def lost_alias() -> list[Patch]:
    """What compiled code writes through a view does not reach the array."""
    right = TracedArray._write

    def wrong(self: Any, index: Any, operands: Any, v: Any) -> None:
        if self._base is None or not isinstance(self._base._value, StageTracer):
            right(self, index, operands, v)

    return [(TracedArray, "_write", wrong)]


def stale_view() -> list[Patch]:
    """A view does not see what is written to its array in compiled code."""
    right = TracedArray._rebind

    def wrong(self: Any, value: Any) -> None:
        version = self._version
        right(self, value)
        if isinstance(value, StageTracer):
            self._version = version

    return [(TracedArray, "_rebind", wrong)]


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
        before = len(self.rebuild)
        right(self, name)
        for i, rebuild in enumerate(self.rebuild[before:], before):
            self.rebuild[i] = partial(_of_zeros, rebuild)

    return [(loops.Loop, "_fresh", wrong)]


def _of_zeros(rebuild: Any, outs: Any) -> None:
    rebuild([o * 0 for o in outs])


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


def state_in_expression_lost() -> list[Patch]:
    """What a function changes that a conditional expression, `and` or `or` calls."""
    return [(Watch, "_of_runtime", lambda self, name, fun: iter(()))]


def joined_in_wrong_order() -> list[Patch]:
    right = Joined.finished

    def wrong(self: Any, outs: Any) -> Any:
        types = {str(o.type) for o in outs if isinstance(o, StageTracer)}
        return right(self, outs[::-1] if len(types) == 1 else outs)

    return [(Joined, "finished", wrong)]


def slice_bound_off() -> list[Patch]:
    """A slice between two bounds of the run begins and ends one entry too early."""
    right = Stage.own

    def own(self: Any, value: Any) -> Any:
        if isinstance(value, slice):
            start, stop = value.start, value.stop
            if isinstance(start, StageTracer) and isinstance(stop, StageTracer):
                by = arithmetic.minimum(start, 1)
                value = slice(start - by, stop - by, value.step)
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
    """An array that a loop writes to gets the first carry of its type."""
    right = loops.Loop._write_through

    def wrong(self: Any, array: Any, place: int) -> None:
        types = [c.param.var.type for c in self.carries]
        right(self, array, types.index(types[place]))

    return [(loops.Loop, "_write_through", wrong)]


def pass_that_drops() -> list[Patch]:
    """The optimiser takes every subtraction for an addition where it is compiled."""
    right = cache.optimise

    def wrong(program: Any) -> Any:
        return right(
            program._replace(
                equations=tuple(
                    e._replace(op=arithmetic.add) if e.op is arithmetic.subtract else e
                    for e in program.equations
                )
            )
        )

    return [(cache, "optimise", wrong)]


# -- joins, aliases and jumps ----------------------------------------------------------


def aliases_forgotten() -> list[Patch]:
    """An array after a branch or loop is taken for a new one."""
    nothing = [(owner, "relate", lambda *_: None) for owner in (branches, loops)]
    return [*nothing, (loops.Loop, "_refuse_shared", lambda _: None)]


def first_dtype() -> list[Patch]:
    def first(_: str, a: Any, b: Any) -> Any:
        return np.result_type(dtype_of(a))

    return [(branches, "common_dtype", first)]


def jump_from_else_dropped() -> list[Patch]:
    """A jump in the else of a loop is taken for one of that loop."""

    def wrong(self: Any, signal: Any, orelse: Any, written: Any, rest: Any) -> Any:
        if orelse is not None:
            signal = self.after(signal, orelse, written)
        return self.after(self._outside(signal), rest, written)

    return [(Staged, "_after_loop_signal", wrong)]


# -- modes over control flow -----------------------------------------------------------


def counted_a_step_less() -> list[Patch]:
    """Backwards a `while` has a step less than it had."""
    right = reverse.LoopBlock._saving

    def wrong(self: Any, loops: Any, primals: Any) -> Any:
        outs, (steps, *values) = right(self, loops, primals)
        if isinstance(self.op, control.While):
            steps = arithmetic.maximum(steps - 1, 0)
            first = len(values) - len(loops.of_buffer)
            for k, number in enumerate(loops.of_buffer, start=first):
                if number == 0:
                    values[k] = reverse.with_length(
                        values[k], length=reverse.as_extent(steps), axis=0
                    )
        return outs, [steps, *values]

    return [(reverse.LoopBlock, "_saving", wrong)]


def first_lane_decides() -> list[Patch]:
    """Where the lanes differ in a branch, all take that of the first."""
    right = operations.IfFunction.batched

    def wrong(self: Any, size: int, values: list[Any], mask: list[bool]) -> Any:
        if mask[0]:
            values = [indexing.getitem(values[0], index=(0,)), *values[1:]]
            mask = [False, *mask[1:]]
        return right(self, size, values, mask)

    return [(operations.IfFunction, "batched", wrong)]


def captured_cotangent_lost() -> list[Patch]:
    """The last value that a branch captures has no cotangent."""
    right = reverse.IfBlock.pulled

    def wrong(self: Any, cts: Any, present: Any) -> Any:
        found = right(self, cts, present)
        places = [i for i, n in enumerate(self.inputs) if n is not None]
        if places:
            found[places[-1]] = present[places[-1]]
        return found

    return [(reverse.IfBlock, "pulled", wrong)]


def constant_tangent_lost() -> list[Patch]:
    """The first constant of a loop that has a tangent loses it."""
    right = operations.ForFunction.pushed

    def wrong(self: Any, primals: list[Any], tangents: list[Any]) -> Any:
        k = 1 + self.op.constants
        first = next((i for i in range(k) if tangents[i] is not None), 0)
        return right(self, primals, [*tangents[:first], None, *tangents[first + 1 :]])

    return [(operations.ForFunction, "pushed", wrong)]


# -- passes and native code ------------------------------------------------------------


def _everywhere(program: Program, change: Callable[[Program], Program]) -> Program:
    """A program with a change made in it and in its regions."""
    equations = tuple(
        e._replace(
            op=with_regions(e.op, [_everywhere(r, change) for r in regions_of(e.op)])
        )
        if has_regions(e.op)
        else e
        for e in program.equations
    )
    return change(program._replace(equations=equations))


def _at_the_end(change: Callable[[Program], Program]) -> Plant:
    """A pass too many."""
    right = cache.optimise

    def wrong(program: Program) -> Program:
        return _everywhere(right(program), change)

    return lambda: [(cache, "optimise", wrong)]


def _reads_before_writes(program: Program) -> Program:
    """Reads of an element take the array before its last update."""
    source: dict[Any, Any] = {}
    equations = []
    for e in program.equations:
        if e.op.name == "update":
            source[e.outputs[0]] = e.inputs[0]
        elif e.op.name == "getitem" and e.inputs[0] in source:
            e = e._replace(inputs=(source[e.inputs[0]], *e.inputs[1:]))
        equations.append(e)
    return program._replace(equations=tuple(equations))


def _branches_always_taken(program: Program) -> Program:
    """A branch is moved out of an `if` where the other one does nothing."""

    def always(e: Any) -> Any:
        if isinstance(e.op, control.If) and not e.op.orelse.equations:
            if e.op.then.equations:
                return e._replace(op=control.If(e.op.then, e.op.then))
        return e

    return program._replace(equations=tuple(map(always, program.equations)))


def _backend_entry(table: dict[str, Any], name: str, value: Any) -> Plant:
    return lambda: [(table, name, value)]


def _negative_cos(b: Any, dtype: Any, x: Any) -> Any:
    return b.fneg(KERNELS["sin"][1](b, dtype, x))


def _unmasked(_: Any) -> Any:
    return lambda ct, _out, mask, _x, _y: ct


def wrong_range() -> list[Patch]:
    """What is at most another number is taken to be less."""
    less = [
        ("less", lambda _, x, y: _less(x, y)),
        ("greater", lambda _, x, y: _less(y, x)),
    ]
    return [(ranges._DECIDED, name, decided) for name, decided in less]


def _less(x: Any, y: Any) -> Any:
    return ranges._truth(x.high <= y.low, x.low > y.high)


def short_sums() -> list[Patch]:
    """A sum leaves out the first entry where there are many."""
    right = reductions._reduction

    def wrong(lo: Any, equation: Any) -> Any:
        (x,) = equation.inputs
        n = x.type.shape[-1] if x.type.shape else 0
        if equation.op.name == "reduce_sum" and isinstance(n, int) and n > 5:
            equation = equation._replace(op=reduction.reduce_max)
        return right(lo, equation)

    return [(NATIVE, "reduce_sum", wrong)]


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
    "stale view": stale_view,
    "break ignored": jump_ignored,
    "dropped continue": dropped_continue,
    "variable bound in a loop lost": fresh_variable_zero,
    "branches swapped": branches_swapped,
    "write in a branch lost": write_in_branch_lost,
    "state changed in an expression lost": state_in_expression_lost,
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
    "aliases forgotten after a branch or loop": aliases_forgotten,
    "dtype of the first branch": first_dtype,
    "jump from the else of a loop dropped": jump_from_else_dropped,
    "while counted a step less": counted_a_step_less,
    "first lane decides for all": first_lane_decides,
    "cotangent of a captured value lost": captured_cotangent_lost,
    "tangent of a loop's constant lost": constant_tangent_lost,
    "read moved before a write": _at_the_end(_reads_before_writes),
    "branch moved out of an if": _at_the_end(_branches_always_taken),
    "range too narrow": wrong_range,
    "native sum is a maximum": short_sums,
    "native maximum is a minimum": _backend_entry(
        KERNELS, "maximum", KERNELS["minimum"]
    ),
    "native add.at writes": _backend_entry(NATIVE, "add_at", NATIVE["update"]),
    "native cos of a negative number": _backend_entry(
        KERNELS, "cos", ("result", _negative_cos)
    ),
    "second derivative of tanh": _jvp_negated(transcendental.sech2),
    "wrong transpose of a matrix product": _rule(
        contraction.matmul, "vjps", 0, _negated
    ),
    "where passes both cotangents": _rule(structure.where, "vjps", 1, _unmasked),
}

# Of passes and of the back end, which the reference interpreter does not run.
NATIVE_PLANTS = [
    plant
    for name, plant in PLANTS.items()
    if name.startswith("native")
    or plant in (pass_that_drops, wrong_range)
    or name in ("read moved before a write", "branch moved out of an if")
]
