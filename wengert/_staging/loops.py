"""`for` and `while` that are compiled: one run of the body stages every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, root_of
from wengert._core import tree
from wengert._core.interp import CURRENT, Interpreter, using
from wengert._core.source import explain
from wengert._core.types import ArrayType, dtype_of, shape_of
from wengert._ir.control import For, While
from wengert._ir.program import Program
from wengert._ops.arithmetic import (
    add,
    equal,
    less,
    logical_and,
)
from wengert._ops.families import zeros_of
from wengert._ops.structure import where
from wengert._staging.aliases import (
    Merged,
    is_in,
    is_lost,
    lose_first,
    lost_list,
    may_be,
    refuse_lost,
    relate,
)
from wengert._staging.body import Body, stage_body
from wengert._staging.carries import Carry, settle_types
from wengert._staging.cells import Cells
from wengert._staging.joins import (
    UNBOUND,
    Leaf,
    Variable,
    engine_leaf,
    refuse_join,
    take_apart,
)
from wengert._staging.prune import prune
from wengert._staging.ranges import Span
from wengert._staging.region import Buffer, captured_params, unify
from wengert._staging.replay import apply_control
from wengert._staging.signals import (
    CONTINUE,
    FALL,
    TracedSignal,
    code_of,
    codes_of,
    has_value,
    settled,
    value_of,
)
from wengert._staging.stage import INDEX, Extent, StageTracer
from wengert._staging.truth import truth
from wengert._staging.watch import Watch
from wengert.errors import CheckpointError, MutationError


def _number(extent: Any) -> Any:
    """An extent as a value of the program."""
    return np.int64(extent) if isinstance(extent, int) else extent


class _OfLastStep(Interpreter):
    """Owns what a loop binds first, where it has another length in each step."""

    name = "loop that binds a variable to an array of another length in each step"


def stage_for(
    span: Span, body: Callable[[Any], Any], written: Any, scope: Any = ()
) -> Any:
    """``for item in span: body(item)``; the signal after it.

    scope: further functions that the body calls.
    """
    cells = Cells((body,), written)
    steps = span.length()
    watch = Watch((body, *scope), cells.cells.values())
    one = stage_body(cells, lambda i: body(span.item(i)), watch)
    loop = Loop(one, runs=isinstance(steps, int) and steps > 0)
    codes = codes_of(one.signal)
    if codes <= {CONTINUE}:
        outs = loop.apply_for(steps, span.checkpoints)
        loop.finish(outs)
        return None
    return loop.apply_while(
        codes, more=lambda i: less(i, steps), checkpoints=span.checkpoints
    )


class TestChanges(BaseException):
    """Ends the staging of a `while`, whose condition changes more than its value."""


def stage_while(
    test: Callable[[], Any],
    body: Callable[[], Any],
    written: Any,
    checkpoints: Any = None,
    scope: Any = (),
    blocks: Any = (),
) -> Any:
    """``while test(): body()``; the signal after it.

    blocks: further functions that share the user's variables.

    Raises:
        TestChanges: the test, which runs once more than the body, changes something.
    """
    cells = Cells((body, test, *blocks), written)
    holds: Any = None

    def step(_: Any) -> Any:
        nonlocal holds
        before, arrays = cells.read(), _held(cells)
        holds = truth(test())
        after = cells.read()
        region: Any = CURRENT.get()
        if (
            any(after[name] is not value for name, value in before.items())
            or any(array._value is not value for array, value in arrays)
            or any(a.array._value is not a.entry for a in region.arrays.values())
            or not watch.is_current()
        ):
            raise TestChanges
        return body()

    watch = Watch((test, body, *blocks, *scope), cells.cells.values())
    one = stage_body(cells, step, watch)
    loop = Loop(one, runs=False)
    return loop.apply_while(codes_of(one.signal), holds=holds, checkpoints=checkpoints)


def _held(cells: Cells) -> list[tuple[TracedArray, Any]]:
    """The arrays that variables hold, and their values."""
    found = [root_of(leaf) for leaf in tree.leaves(list(cells.read().values()))]
    return [(array, array._value) for array in found if array is not None]


class Loop:
    """A staged body, with its carries found."""

    def __init__(self, body: Body, runs: bool) -> None:
        self.body = body
        self.region = body.region
        self.carries: list[Carry] = []
        self.constants: list[tuple[Any, StageTracer]] = []
        self.rebuild: list[Callable[[list[Any]], None]] = []
        self.merged: list[Merged] = []
        self.changing: list[str] = []  # what changes its length
        self.lost: list[Any] = []  # arrays that only the first step wrote to
        self.after = dict(body.entry)
        with using(self.region.parent):
            for name in body.entry:
                self._variable(name, runs)
            self._arrays()
        self._refuse_shared()
        self._refuse_reordered()

    def add(self, name: str, entry: Any, param: StageTracer, exit: Any) -> int:
        """A carry, behind those that are lengths of it."""
        for k, n in self._own_lengths(param):
            self.changing.append(name)
            before, end = (_number(shape_of(x)[k]) for x in (entry, exit))
            self.carries.append(Carry(f"length of {name}", before, n, end))
        self.carries.append(Carry(name, entry, param, exit))
        return len(self.carries) - 1

    def _constant(self, entry: Any, param: StageTracer) -> None:
        """A value that no step changes, behind its lengths."""
        lengths = [
            (_number(shape_of(entry)[k]), n) for k, n in self._own_lengths(param)
        ]
        self.constants += [*lengths, (entry, param)]

    def _own_lengths(self, param: StageTracer) -> list[tuple[int, Any]]:
        """The axes of a parameter whose lengths are parameters of the step."""
        given = self.region.given
        return [
            (k, n)
            for k, n in enumerate(shape_of(param))
            if isinstance(n, Extent) and n.var in given
        ]

    def within(self, build: Callable[[], Any]) -> Any:
        with self.region.entered():
            return build()

    def _variable(self, name: str, runs: bool) -> None:
        body = self.body
        if name in body.dropped:
            self.after[name] = lost_list(name)
            return
        if name not in body.exits:
            self.after[name] = UNBOUND
            return
        if name not in body.apart:
            if runs and body.exit[name] is not body.entry[name]:
                self._fresh(name)
            return  # without a step it is what it was: unbound, or lost
        before, end = body.apart[name], body.exits[name]
        if before.structure != end.structure:
            refuse_join(name, str(before.structure), str(end.structure))
        places: dict[int, int] = {}
        scalars: dict[int, bool] = {}
        stand_in = body.stand_ins[name]
        for i, (leaf, last) in enumerate(zip(before.leaves, end.leaves, strict=True)):
            if not isinstance(leaf, Leaf):
                if last is not leaf and last != leaf:
                    refuse_join(name, repr(leaf), repr(last))
                continue
            if not isinstance(last, Leaf):
                refuse_join(name, "a number or array", repr(last))
            param = body.params[name][i]
            value = self.within(lambda: engine_leaf(last))
            array = stand_in.leaves[i].value
            kept = last.value is array
            if value is param:
                self._constant(body.entries[name][i], param)
            else:
                places[i] = self.add(name, body.entries[name][i], param, value)
                scalars[i] = leaf.scalar and last.scalar
                first = root_of(leaf.value)
                self._refuse_alias(name, i, first)
                if first is not None and body.is_written(name, i) and not kept:
                    self.lost.append(first)
                if kept:
                    self._write_through(leaf.value, places.pop(i))
        if places:
            ways = (end,) if runs else (end, before)
            paths = [[way.array(i) for way in ways] for i in range(len(end.leaves))]
            self._rebuild(name, before, places, scalars, paths)

    def _refuse_alias(self, name: str, i: int, first: TracedArray | None) -> None:
        """What a variable is before the loop must not be written to by two names."""
        if first is None or not self.region.adopts(first):
            return
        written = [a.array for a in self.region.written()]
        if self.body.is_written(name, i) or is_in(first, written):
            raise MutationError(
                explain(
                    f"the loop changes {name!r}, and reaches the same array by another "
                    "name: it writes to it, and binds another array",
                    why="after the first step the two names may mean two arrays.",
                    fix=f"copy it before the loop: {name} = {name}.copy()",
                )
            )

    def _refuse_shared(self) -> None:
        """Raise where a write in the next step may reach an array by two names."""
        body, region = self.body, self.region
        written = [a.array for a in region.written() if not isinstance(a.array, Buffer)]
        variables = list(self._arrays_of_variables())
        self._refuse_appended(written, variables)
        for k, (name, i, stand_in, end) in enumerate(variables):
            following = may_be(end, region)
            if body.is_written(name, i):
                others = [x for *_, x in (*variables[:k], *variables[k + 1 :])]
                if any(
                    is_in(x, following) or is_in(end, may_be(x, region)) for x in others
                ):
                    self._refuse_two_names(name)
                if end is not stand_in and any(map(region.adopts, following)):
                    self._refuse_two_names(name)
            elif self._reads(body.params[name][i]):
                if end is stand_in:
                    following = may_be(root_of(body.apart[name].array(i)), region)
                if any(is_in(a, following) for a in written):
                    self._refuse_two_names(name)

    def _refuse_reordered(self) -> None:
        """Raise where a reshape in the next step may be a copy, and is a view here."""
        changed = [(c, self.region.lift(c.exit)) for c in self.carries]
        pairs = [(c.param.var, after) for c, after in changed]
        if self.region.orders.holds_in_each_step(pairs, self.region.equations):
            return
        names = ", ".join(repr(c.name) for c in self.carries if len(c.param.shape) > 1)
        raise MutationError(
            explain(
                f"the loop reshapes an array whose order in memory it changes: {names}",
                why="NumPy's reshape is a view of an array in C order, or a copy.",
                fix="keep it in C order: x = (x.T * 2).copy()",
            )
        )

    def _refuse_appended(self, written: list[Any], variables: Any) -> None:
        """Raise where the next step writes to an array that this one has appended."""
        changing = [
            *written,
            *(end for n, i, _, end in variables if self.body.is_written(n, i)),
        ]
        for adopted in self.region.arrays.values():
            if isinstance(adopted.array, Buffer):
                if any(is_in(twin, changing) for twin in adopted.array._twins):
                    raise MutationError(
                        explain(
                            "the loop appends an array to a list, and writes to it in "
                            "the next step",
                            why="the entries of the list would change with it.",
                            fix="append a copy: xs.append(x.copy())",
                        )
                    )

    def _reads(self, param: Any) -> bool:
        """Whether a step makes anything of a value that it begins with."""
        return any(c.exit is param for c in self.carries) or any(
            param.var is atom for e in self.region.equations for atom in e.inputs
        )

    def _arrays_of_variables(self) -> Iterator[tuple[str, int, Any, Any]]:
        """``(name, leaf, array as a step begins, array as it ends)``."""
        for name, stand_in in self.body.stand_ins.items():
            end = self.body.exits.get(name)
            if end is None:
                continue
            for i in range(len(stand_in.leaves)):
                first = root_of(stand_in.array(i))
                if first is not None:
                    yield name, i, first, root_of(end.array(i))

    def _refuse_two_names(self, name: str) -> None:
        raise MutationError(
            explain(
                f"the loop writes to an array that {name!r} and another name may both "
                "reach in the next step",
                why="whether they are one array is decided when the program runs.",
                fix="bind a copy: x = y.copy()",
            )
        )

    def _write_through(self, array: TracedArray, place: int) -> None:
        """An array of a variable that the body writes to, but does not rebind."""

        def write(outs: list[Any]) -> None:
            if array._base is None:
                array._rebind(outs[place])
            else:
                array[...] = TracedArray(outs[place])

        self.rebuild.append(write)

    def _rebuild(
        self, name: str, variable: Variable, places: Any, scalars: Any, paths: Any
    ) -> None:
        def rebuild(outs: list[Any]) -> None:
            leaves = [
                Leaf(None, scalars[i]).rewrapped(outs[places[i]])
                if i in places
                else leaf.value
                if isinstance(leaf, Leaf)
                else leaf
                for i, leaf in enumerate(variable.leaves)
            ]
            self.after[name] = variable.rebuilt(leaves)
            self._merge(leaves, places, paths)

        self.rebuild.append(rebuild)

    def _fresh(self, name: str) -> None:
        """A variable that the body binds first: it has a value after the loop."""
        end = self.body.exits[name]
        if is_lost(self.body.exit[name]):
            self.after[name] = self.body.exit[name]
            return
        if end.has_grown:
            self.after[name] = lost_list(name)
            return
        places, scalars = {}, {}
        leaves = [
            (i, leaf) for i, leaf in enumerate(end.leaves) if isinstance(leaf, Leaf)
        ]
        if any(self._has_own_length(leaf) for _, leaf in leaves):
            self.after[name] = lost = TracedArray(self.body.index)
            lost._owner = _OfLastStep(CURRENT.get())
            lost._owner.alive = False
            return
        for i, leaf in leaves:
            places[i], scalars[i] = self._new_carry(name, leaf), leaf.scalar
        paths = [(end.array(i),) for i in range(len(end.leaves))]
        self._rebuild(name, end, places, scalars, paths)

    def _merge(self, leaves: Any, places: Any, paths: Any) -> None:
        """Note what the arrays after the loop may be."""
        for i in places:
            if isinstance(leaves[i], TracedArray):
                self.merged.append(Merged(leaves[i], list(map(root_of, paths[i]))))

    def _has_own_length(self, leaf: Leaf) -> bool:
        """Whether an array has another length in each step."""
        shape = shape_of(self.within(lambda: engine_leaf(leaf)))
        return self.region.outside(shape) is None

    def _new_carry(self, name: str, leaf: Leaf) -> int:
        value = self.within(lambda: engine_leaf(leaf))
        type_ = ArrayType(shape_of(value), np.result_type(dtype_of(value)))
        shape = self.region.outside(type_.shape)
        if shape is None:
            refuse_join(name, "unbound", f"{type_.dtype} of a length that a step finds")
        entry = zeros_of(type_._replace(shape=shape)) if shape else type_.dtype.type(0)
        return self.add(name, entry, self.region.parameter(type_), value)

    def _arrays(self) -> None:
        """Arrays from outside, reached by names that are not rebound, or otherwise."""
        written = {id(a.array) for a in self.region.written()}
        for adopted in self.region.arrays.values():
            refuse_lost(adopted.array)  # the next step would use it
            if id(adopted.array) not in written:
                self._constant(adopted.outer, adopted.entry)
                continue
            value = self.region.exit_value(adopted.array)
            name = "list" if isinstance(adopted.array, Buffer) else "array"
            place = self.add(name, adopted.outer, adopted.entry, value)
            self._write_through(adopted.array, place)

    def _refuse_schedule(self, checkpoints: Any) -> None:
        if checkpoints is not None and self.changing:
            raise CheckpointError(
                explain(
                    f"checkpoints={checkpoints!r} in a loop that changes the length of "
                    f"{self.changing[0]!r}",
                    why="the states that a schedule stores are rows of one length.",
                    fix="leave checkpoints= out, or give it its full length before "
                    "the loop: np.zeros(n)",
                )
            )

    # -- as operations -----------------------------------------------------------------

    def _program(self, results: Sequence[Any]) -> tuple[Program, list[Any]]:
        """``(*constants, index, *carries)``, and the operands for the constants."""
        self._lift(results)
        captured = unify([self.region])
        params = [
            *captured_params(self.region, captured),
            *(p.var for _, p in self.constants),
            self.body.index.var,
            *(c.param.var for c in self.carries),
        ]
        with using(self.region):
            program = self.region.program(params, results)
        return program, [*captured, *(value for value, _ in self.constants)]

    def _lift(self, results: Sequence[Any]) -> None:
        """Capture what the results are, if they are values from outside."""
        with using(self.region):
            for result in results:
                self.region.lift(result)

    def _settled(self) -> tuple[Program, list[Any], list[Any]]:
        """The program with types that a step leaves as they are, and both operands."""
        program, constants = self._program([c.exit for c in self.carries])
        program, entries = settle_types(program, len(constants) + 1, self.carries)
        return program, constants, entries

    def apply_for(self, steps: Any, checkpoints: Any = None) -> list[Any]:
        self._refuse_schedule(checkpoints)
        program, constants, entries = self._settled()
        self.region.alive = False
        k = len(constants)
        body = program._replace(
            params=(program.params[k], *program.params[:k], *program.params[k + 1 :])
        )
        loop = For(body, k, checkpoints)
        return list(apply_control(loop, [steps, *constants, *entries]))

    def finish(self, outs: list[Any]) -> None:
        for rebuild in self.rebuild:
            rebuild(outs)
        self.body.cells.write(self.after)
        relate(self.merged, self.region)
        for array in self.lost:
            lose_first(array, self.region.parent)

    def apply_while(
        self,
        codes: frozenset[int],
        more: Any = None,
        holds: Any = None,
        checkpoints: Any = None,
    ) -> Any:
        """A loop that a signal may end; the signal after it."""
        signal, leaves = self.body.signal, codes - {CONTINUE}
        code_place: int | None = self._code(signal) if leaves else None
        value = None
        if has_value(signal):
            value = self.within(lambda: take_apart("returned value", value_of(signal)))
            value_places = {
                i: self._new_carry("returned value", leaf)
                for i, leaf in enumerate(value.leaves)
                if isinstance(leaf, Leaf)
            }
        following = self.within(lambda: add(self.body.index, 1))
        self.add("index", 0, self.body.index, following)
        bound = None if more is None else self.within(lambda: more(self.body.index))
        going = self._going(code_place, bound, holds)
        outs = self._apply_while(going, checkpoints)
        if code_place is None:
            self.finish(outs)
            return None
        code = outs[code_place]
        code = where(equal(code, CONTINUE), np.int64(FALL), code)
        returned = None
        if value is not None:
            parts = [
                leaf.rewrapped(outs[value_places[i]]) if i in value_places else leaf
                for i, leaf in enumerate(value.leaves)
            ]
            returned = value.rebuilt(parts)
            paths = [(value.array(i),) for i in range(len(parts))]
            self._merge(parts, value_places, paths)
        self.finish(outs)
        if not (leaves and isinstance(holds, np.bool_) and holds):  # not `while True`
            leaves = leaves | {FALL}
        return settled(TracedSignal(code, leaves, returned))

    def _code(self, signal: Any) -> int:
        param = self.region.parameter(INDEX)
        return self.add("signal", np.int64(CONTINUE), param, code_of(signal))

    def _going(self, code_place: int | None, bound: Any, holds: Any) -> Any:
        """Whether there is another step, in terms of the region as it begins."""

        def build() -> Any:
            going = holds if bound is None else bound
            if code_place is not None:
                goes_on = equal(self.carries[code_place].param, CONTINUE)
                going = logical_and(going, goes_on)
            return going

        return self.within(build)

    def _apply_while(self, going: Any, checkpoints: Any) -> list[Any]:
        self._refuse_schedule(checkpoints)
        # The index is a carry here, not a parameter of its own.
        results = [c.exit for c in self.carries]
        self._lift([*results, going])
        captured = unify([self.region])
        fixed = [
            *captured_params(self.region, captured),
            *(p.var for _, p in self.constants),
        ]
        constants = [*captured, *(value for value, _ in self.constants)]
        params = [*fixed, *(c.param.var for c in self.carries)]
        with using(self.region):
            whole = self.region.program(params, [*results, going])
        whole, entries = settle_types(whole, len(fixed), self.carries)
        self.region.alive = False
        body = prune(whole._replace(results=whole.results[:-1]))
        test = prune(whole._replace(results=whole.results[-1:]), effects=False)
        op = While(test, body, len(fixed), checkpoints)
        return list(apply_control(op, [*constants, *entries]))
