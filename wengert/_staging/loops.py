"""`for` and `while` that are compiled: one run of the body stages every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray
from wengert._core.interp import CURRENT, Interpreter, using
from wengert._core.source import explain
from wengert._core.types import ArrayType, dtype_of, shape_of, type_of
from wengert._frontend.runtime import Raise
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
from wengert._staging.cells import Cells
from wengert._staging.joins import (
    UNBOUND,
    Leaf,
    Variable,
    converted,
    engine_leaf,
    refuse_join,
    take_apart,
)
from wengert._staging.prune import prune
from wengert._staging.region import Region, captured_params, unify
from wengert._staging.replay import apply_control, replay
from wengert._staging.signals import (
    CONTINUE,
    FALL,
    TracedSignal,
    code_of,
    codes_of,
    emit_check,
    has_value,
    settled,
    value_of,
)
from wengert._staging.stage import INDEX, StageTracer, trace
from wengert._staging.truth import truth
from wengert._staging.watch import Watch
from wengert.errors import MutationError

WEAK = (bool, int, float, complex)


class Carry(NamedTuple):
    """A value that each step hands to the next."""

    name: str
    entry: Any  # before the loop: an engine value, or a Python number
    param: StageTracer  # in the region, as a step begins
    exit: Any  # in the region, as the step ends


class Body:
    """The body of a loop as it is staged: one step."""

    def __init__(self, cells: Cells) -> None:
        self.region = Region(CURRENT.get(), loop=True)
        self.cells = cells
        self.entry = cells.read()
        self.index = self.region.parameter(INDEX)
        self.apart: dict[str, Variable] = {}
        self.params: dict[str, list[Any]] = {}
        self.signal: Any = None

    def begin(self) -> None:
        """Give the variables the values that they have as a step begins."""
        stand_ins = {}
        for name, value in self.entry.items():
            if value is UNBOUND:
                continue
            self.apart[name] = variable = take_apart(name, value)
            self.params[name] = [self._param(leaf) for leaf in variable.leaves]
            stand_ins[name] = variable.rebuilt(
                [
                    leaf.rewrapped(p) if isinstance(leaf, Leaf) else leaf
                    for leaf, p in zip(variable.leaves, self.params[name], strict=True)
                ]
            )
        self.stand_ins = {
            name: take_apart(name, value) for name, value in stand_ins.items()
        }
        self.cells.write(stand_ins)

    def _param(self, leaf: Any) -> Any:
        if not isinstance(leaf, Leaf):
            return leaf
        with using(self.region.parent):
            return self.region.parameter(type_of(engine_leaf(leaf)))

    def run(self, step: Callable[[], Any]) -> None:
        with self.region.entered():
            self.begin()
            self.signal = step()
            if isinstance(self.signal, Raise):
                emit_check(False, self.signal.exception())
            self.exit = self.cells.read()
            self.exits = {
                name: take_apart(name, value)
                for name, value in self.exit.items()
                if value is not UNBOUND
            }


class _Lost(Interpreter):
    """Owns arrays that a loop has written to and then bound to other names."""

    name = "loop that writes to an array and rebinds its variable"


class _OfLastStep(Interpreter):
    """Owns what a loop binds first, where it has another length in each step."""

    name = "loop that binds a variable to an array of another length in each step"


def _lose(array: TracedArray) -> None:
    """Refuse the array from now on: which of its versions it holds is not known.

    The variables of the loop have arrays of their own.
    """
    lost = _Lost(CURRENT.get())
    lost.alive = False  # every use of the array is refused
    (array if array._base is None else array._base)._owner = lost


def stage_for(span: Span, body: Callable[[Any], Any], written: Any) -> Any:
    """``for item in span: body(item)``; the signal after it."""
    cells = Cells((body,), written)
    steps = span.length()
    watch = Watch((body,))
    one = Body(cells)
    one.run(lambda: body(span.item(one.index)))
    watch.refuse_change()
    loop = Loop(one, runs=isinstance(steps, int) and steps > 0)
    codes = codes_of(one.signal)
    if codes <= {CONTINUE}:
        outs = loop.apply_for(steps)
        loop.finish(outs)
        return None
    return loop.apply_while(codes, more=lambda i: less(i, steps))


def stage_while(test: Callable[[], Any], body: Callable[[], Any], written: Any) -> Any:
    """``while test(): body()``; the signal after it."""
    cells = Cells((body, test), written)
    one = Body(cells)
    holds: list[Any] = []

    def step() -> Any:
        holds.append(truth(test()))
        return body()

    watch = Watch((test, body))
    one.run(step)
    watch.refuse_change()
    loop = Loop(one, runs=False)
    return loop.apply_while(codes_of(one.signal), holds=holds[0])


class Loop:
    """A staged body, with its carries found."""

    def __init__(self, body: Body, runs: bool) -> None:
        self.body = body
        self.region = body.region
        self.carries: list[Carry] = []
        self.constants: list[tuple[Any, StageTracer]] = []
        self.rebuild: list[Callable[[list[Any]], None]] = []
        self.after = dict(body.entry)
        with using(self.region.parent):
            for name in body.entry:
                self._variable(name, runs)
            self._arrays()
        self._refuse_shared()

    def _add(self, name: str, entry: Any, param: StageTracer, exit: Any) -> int:
        self.carries.append(Carry(name, entry, param, exit))
        return len(self.carries) - 1

    def _within(self, build: Callable[[], Any]) -> Any:
        with self.region.entered():
            return build()

    def _variable(self, name: str, runs: bool) -> None:
        body = self.body
        if name not in body.exits:
            self.after[name] = UNBOUND
            return
        if name not in body.apart:
            if runs:
                self._fresh(name)
            else:
                self.after[name] = UNBOUND
            return
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
            value = self._within(lambda: engine_leaf(last))
            array = stand_in.leaves[i].value
            kept = last.value is array
            if value is param:
                self.constants.append((engine_leaf(leaf), param))
            else:
                places[i] = self._add(name, engine_leaf(leaf), param, value)
                scalars[i] = leaf.scalar and last.scalar
                self._refuse_alias(name, leaf.value)
                if isinstance(array, TracedArray) and array._version and not kept:
                    _lose(leaf.value)
                if kept:
                    self._write_through(leaf.value, places.pop(i))
        if places:
            self._rebuild(name, before, places, scalars)

    def _refuse_alias(self, name: str, array: Any) -> None:
        """A changing variable must not be reached by another name in the body."""
        root = getattr(array, "_base", None) or array
        if isinstance(root, TracedArray) and self.region.adopts(root):
            raise MutationError(
                explain(
                    f"the loop changes {name!r}, and reaches the same array by another "
                    "name",
                    why="after the first step the two names may mean two arrays.",
                    fix=f"copy it before the loop: {name} = {name}.copy()",
                )
            )

    def _refuse_shared(self) -> None:
        """Raise where a write in the next step may reach an array by two names.

        A variable stands for a value: an array that two variables share as a step ends,
        or that a variable shares with the world outside, must not be written to.
        """
        owners: dict[int, list[str]] = {}
        for apart in (self.body.apart, self.body.exits):
            for name, variable in apart.items():
                for root in {id(_root(leaf)) for leaf in variable.leaves} - {id(None)}:
                    owners.setdefault(root, []).append(name)
        for name, stand_in in self.body.stand_ins.items():
            if not any(_is_written(leaf) for leaf in stand_in.leaves):
                continue
            entry, end = self.body.apart[name], self.body.exits.get(name)
            if end is None or all(
                _root(a) is _root(b)
                for a, b in zip(stand_in.leaves, end.leaves, strict=True)
            ):
                continue  # not rebound
            for leaf in (*entry.leaves, *end.leaves):
                root = _root(leaf)
                shared = root is not None and (
                    self.region.adopts(root) or set(owners[id(root)]) != {name}
                )
                if shared and not self._is_stand_in(root):
                    self._refuse_two_names(name)

    def _is_stand_in(self, root: Any) -> bool:
        variables = self.body.stand_ins.values()
        return any(_root(leaf) is root for v in variables for leaf in v.leaves)

    def _refuse_two_names(self, name: str) -> None:
        raise MutationError(
            explain(
                f"the loop writes to {name!r}, and binds it to an array that another "
                "name reaches",
                why="in the next step the write would be seen by both.",
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
        self, name: str, variable: Variable, places: Any, scalars: Any
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

        self.rebuild.append(rebuild)

    def _fresh(self, name: str) -> None:
        """A variable that the body binds first: it has a value after the loop."""
        end = self.body.exits[name]
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
        self._rebuild(name, end, places, scalars)

    def _has_own_length(self, leaf: Leaf) -> bool:
        """Whether an array has another length in each step."""
        shape = shape_of(self._within(lambda: engine_leaf(leaf)))
        return self.region.outside(shape) is None

    def _new_carry(self, name: str, leaf: Leaf) -> int:
        value = self._within(lambda: engine_leaf(leaf))
        type_ = ArrayType(shape_of(value), np.result_type(dtype_of(value)))
        shape = self.region.outside(type_.shape)
        if shape is None:
            refuse_join(name, "unbound", f"{type_.dtype} of a length that a step finds")
        entry = zeros_of(type_._replace(shape=shape)) if shape else type_.dtype.type(0)
        return self._add(name, entry, self.region.parameter(type_), value)

    def _arrays(self) -> None:
        """Arrays from outside, reached by names that are not rebound, or otherwise."""
        written = {id(a.array) for a in self.region.written()}
        for adopted in self.region.arrays.values():
            if id(adopted.array) not in written:
                self.constants.append((adopted.outer, adopted.entry))
                continue
            value = self.region.exit_value(adopted.array)
            place = self._add("array", adopted.outer, adopted.entry, value)
            self._write_through(adopted.array, place)

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

    def apply_for(self, steps: Any) -> list[Any]:
        program, constants, entries = self._settled()
        self.region.alive = False
        k = len(constants)
        body = program._replace(
            params=(program.params[k], *program.params[:k], *program.params[k + 1 :])
        )
        return list(apply_control(For(body, k), [steps, *constants, *entries]))

    def finish(self, outs: list[Any]) -> None:
        for rebuild in self.rebuild:
            rebuild(outs)
        self.body.cells.write(self.after)

    def apply_while(
        self, codes: frozenset[int], more: Any = None, holds: Any = None
    ) -> Any:
        """A loop that a signal may end; the signal after it."""
        signal, leaves = self.body.signal, codes - {CONTINUE}
        code_place: int | None = self._code(signal) if leaves else None
        value = None
        if has_value(signal):
            value = self._within(lambda: take_apart("returned value", value_of(signal)))
            value_places = {
                i: self._new_carry("returned value", leaf)
                for i, leaf in enumerate(value.leaves)
                if isinstance(leaf, Leaf)
            }
        following = self._within(lambda: add(self.body.index, 1))
        self._add("index", 0, self.body.index, following)
        bound = None if more is None else self._within(lambda: more(self.body.index))
        going = self._going(code_place, bound, holds)
        outs = self._apply_while(going)
        self.finish(outs)
        if code_place is None:
            return None
        code = outs[code_place]
        code = where(equal(code, CONTINUE), np.int64(FALL), code)
        returned = None
        if value is not None:
            returned = value.rebuilt(
                [
                    leaf.rewrapped(outs[value_places[i]]) if i in value_places else leaf
                    for i, leaf in enumerate(value.leaves)
                ]
            )
        if not (leaves and isinstance(holds, np.bool_) and holds):  # not `while True`
            leaves = leaves | {FALL}
        return settled(TracedSignal(code, leaves, returned))

    def _code(self, signal: Any) -> int:
        param = self.region.parameter(INDEX)
        return self._add("signal", np.int64(CONTINUE), param, code_of(signal))

    def _going(self, code_place: int | None, bound: Any, holds: Any) -> Any:
        """Whether there is another step, in terms of the region as it begins."""

        def build() -> Any:
            going = holds if bound is None else bound
            if code_place is not None:
                goes_on = equal(self.carries[code_place].param, CONTINUE)
                going = logical_and(going, goes_on)
            return going

        return self._within(build)

    def _apply_while(self, going: Any) -> list[Any]:
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
        op = While(test, body, len(fixed))
        return list(apply_control(op, [*constants, *entries]))


def _root(leaf: Any) -> Any:
    """The array that a leaf is, or is a view of."""
    array = leaf.value if isinstance(leaf, Leaf) else None
    if not isinstance(array, TracedArray):
        return None
    return array if array._base is None else array._base


def _is_written(leaf: Any) -> bool:
    """Whether the body has written to an array that it began with."""
    root = _root(leaf)
    return root is not None and root._version > 0


def settle_types(
    program: Program, fixed: int, carries: Sequence[Carry]
) -> tuple[Program, list[Any]]:
    """The program with carries of types that each step hands on; their entries.

    A Python number is weak: its first step decides, as NumPy's promotion does.
    """
    n = len(carries)
    entries = [c.entry for c in carries]
    weak = [isinstance(e, WEAK) for e in entries]
    dtypes = [program.params[fixed + j].type.dtype for j in range(n)]
    if any(weak) and _has_narrow(program):
        found = _retyped(program, fixed, dtypes, entries, weak).results
        dtypes = [
            np.result_type(e, r.type.dtype) if w else d
            for e, r, w, d in zip(entries, found, weak, dtypes, strict=False)
        ]
        program = _retyped(program, fixed, dtypes)
    while True:
        results = program.results[:n]
        for c, r in zip(carries, results, strict=True):
            if tuple(r.type.shape) != tuple(shape_of(c.entry)) and not _extents(r):
                refuse_join(c.name, f"of shape {list(shape_of(c.entry))}", f"{r.type}")
        joined = [
            np.result_type(e if w and d == np.result_type(e) else d, r.type.dtype)
            for e, w, d, r in zip(entries, weak, dtypes, results, strict=True)
        ]
        if joined == dtypes:
            break
        dtypes = joined
        program = _retyped(program, fixed, dtypes)
    return program, [converted(e, d) for e, d in zip(entries, dtypes, strict=True)]


def _extents(atom: Any) -> bool:
    return any(not isinstance(n, int) for n in atom.type.shape)


def _has_narrow(program: Program) -> bool:
    """Whether there is a dtype that a weak number adapts to."""
    wide = {np.dtype(d) for d in (np.float64, np.int64, np.bool_, np.complex128)}
    seen = {v.type.dtype for e in program.equations for v in e.outputs}
    return not (seen | {p.type.dtype for p in program.params}) <= wide


def _retyped(
    program: Program,
    fixed: int,
    dtypes: Sequence[Any],
    entries: Sequence[Any] = (),
    weak: Sequence[bool] = (),
) -> Program:
    """The program for carries of other dtypes, or with numbers in their place."""

    def build(*values: Any) -> list[Any]:
        given = list(values)
        for j, is_weak in enumerate(weak):
            if is_weak:
                given[fixed + j] = entries[j]
        outs = replay(program, given)
        ends = [
            converted(o, np.result_type(d, dtype_of(o)))
            for o, d in zip(outs, dtypes, strict=False)
        ]
        return [*(outs[: len(dtypes)] if weak else ends), *outs[len(dtypes) :]]

    templates: list[Any] = []
    for j, p in enumerate(program.params):
        other = 0 <= j - fixed < len(dtypes) and p.type.dtype != dtypes[j - fixed]
        templates.append(ArrayType(p.type.shape, dtypes[j - fixed]) if other else p)
    return trace(build, templates)
