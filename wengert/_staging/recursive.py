"""A user's function that calls itself, as a function of the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, _check_owner, unwrap
from wengert._core import tree
from wengert._core.interp import CURRENT, Tracer, using
from wengert._core.source import explain
from wengert._core.types import ArrayType, type_of
from wengert._frontend.runtime import Return
from wengert._ir.control import Call, Label, Recur
from wengert._ir.program import Program, Var
from wengert._staging.aliases import make_twins, may_be, root_of
from wengert._staging.arguments import (
    Arguments,
    ExtentNumber,
    Item,
    engine_value,
    same_item,
)
from wengert._staging.joins import converted as with_dtype
from wengert._staging.region import Region, closed
from wengert._staging.replay import apply_control
from wengert._staging.signals import checked
from wengert._staging.stage import INDEX, FunctionStage, StageTracer
from wengert._staging.unfolding import settle_effects
from wengert._staging.watch import Watch
from wengert.errors import JoinError, MutationError

_ROUNDS = 8


class Recursing(BaseException):
    """A path on which a function calls itself, of whose result nothing is known yet."""


def leave_path() -> NoReturn:
    raise Recursing


# -- results ---------------------------------------------------------------------------


class Returned(NamedTuple):
    """What a function gives back, as its calls of itself take it for granted.

    A leaf is ``("result", dtype, shape, is scalar, what it may be)``, ``("argument",
    position)``, ``("outside", array)`` or ``("static", value)``; shapes and what arrays
    may be are written as they are found among the parameters.
    """

    structure: Any
    leaves: list[tuple[Any, ...]]
    written: list[int]  # positions of arguments that are written to
    outside: list[int]  # numbers of arrays from outside that are

    def same(self, other: Returned | None) -> bool:
        return (
            other is not None
            and self.structure == other.structure
            and self.written == other.written
            and self.outside == other.outside
            and all(map(_same_leaf, self.leaves, other.leaves))
        )


def _same_leaf(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    if a[0] != b[0] or a[0] not in ("static", "outside"):
        return a == b
    return same_item(Item("static", a[1]), Item("static", b[1]))


class _Body(Region):
    """The region of a function; a constant that is made again is the same."""

    def __init__(self, parent: Any, known: Sequence[Any]) -> None:
        super().__init__(parent, loop=True)
        self.constants = [x for x in known if isinstance(x, np.ndarray)]
        for x in known:
            self.capture(x)

    def capture(self, x: Any) -> Var:
        if isinstance(x, np.ndarray):
            x = next((c for c in self.constants if _same_array(c, x)), x)
        return super().capture(x)


def _same_array(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or (
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    )


class SelfCalling:
    """A function of the program, for arguments of some types."""

    def __init__(self, function: Any, converted: Any, given: Arguments) -> None:
        self.function, self.converted, self.given = function, converted, given
        self.name = getattr(function, "__name__", "function")
        self.captured: list[Any] = []  # values from outside that it reads
        self.arrays: list[TracedArray] = []  # arrays from outside that it reaches
        self.returned: Returned | None = None
        self.around: list[Region] = []  # of functions around it that it calls
        self.region: Region
        self.op: Any = None

    def accepts(self, given: Arguments) -> bool:
        return self.given.serves(given)

    def is_reachable(self, chain: Sequence[Any]) -> bool:
        """Whether all that it reads from outside is known here."""
        own = [x.interpreter for x in self.captured if isinstance(x, Tracer)]
        owners = [a._owner for a in self.arrays]
        return all(i in chain for i in (*own, *owners, *self.around))

    # -- staging -----------------------------------------------------------------------

    def stage_within(self, stage: FunctionStage, frame: Callable[[], Any]) -> None:
        """Stage the function, until what its calls of itself rely on holds."""
        watch = Watch((self.function,))
        outer, exploring = CURRENT.get(), stage.exploring
        try:
            self._explore(stage, outer, frame)
            stage.exploring = ""
            settled = any(self._attempt(stage, outer, frame) for _ in range(_ROUNDS))
        finally:
            stage.exploring = exploring
        watch.refuse_change()
        if not settled:
            self._refuse_types()

    def _explore(
        self, stage: FunctionStage, outer: Any, frame: Callable[[], Any]
    ) -> None:
        """Find what it returns on a path on which it does not call itself."""
        stage.exploring = "returns"
        try:
            self._attempt(stage, outer, frame)
        except Recursing:
            stage.exploring = "raises"
            try:
                self._attempt(stage, outer, frame)
            except Recursing:
                self._refuse_endless()

    def _attempt(
        self, stage: FunctionStage, outer: Any, frame: Callable[[], Any]
    ) -> bool:
        """Stage the function once; whether all is as it was taken for granted."""
        self.region = region = _Body(outer, self.captured)
        formals = self._begin()
        stage.calls.append(frame())
        try:
            with region.entered():
                for array in self.arrays:
                    region.touch(array)
                args, kwargs = tree.unflatten(self.given.structure, formals)
                signal = checked(lambda: Return(self.converted(*args, **kwargs)))
                out = signal.value if isinstance(signal, Return) else None
                leaves, structure = tree.flatten(out)
                arrays = [a.array for a in region.arrays.values()]
                captured = [x for x, _ in region.captured.values()]
            found, results = self._found(formals, leaves, structure, arrays)
        finally:
            stage.calls.pop()
        settled = (
            found.same(self.returned)
            and _same_objects(arrays, self.arrays)
            and _same_objects(captured, self.captured)
            and not stage.exploring
        )
        if settled:
            self._finish(results)
        region.alive = False
        self.captured, self.arrays, self.returned = captured, arrays, found
        return settled

    def _begin(self) -> list[Any]:
        """The parameters, and the arguments in the user's eyes."""
        region, items = self.region, self.given.items
        self.extents = [region.parameter(INDEX) for _ in self.given.extents]
        self.params: list[StageTracer] = []
        leaves: list[Any] = []
        for i, (item, first) in enumerate(zip(items, self.given.places, strict=True)):
            if item.kind in ("number", "static"):
                leaves.append(item.value)
            elif item.extent is not None:
                leaves.append(TracedScalar(self.extents[item.extent]))
            elif first < i:
                leaves.append(leaves[first])
            else:
                shape = tuple(self._inside(n) for n in item.shape)
                self.params.append(region.parameter(ArrayType(shape, item.dtype)))
                with using(region):
                    is_scalar = item.kind == "scalar"
                    kind = TracedScalar if is_scalar else TracedArray
                    leaves.append(kind(self.params[-1]))
        self.label = Label(self.name)
        self.recur_op = Recur(self.label)
        return leaves

    def _inside(self, n: Any) -> Any:
        """An extent as the function has it."""
        return n if isinstance(n, int) else self.extents[n.number].as_extent()

    # -- what it gives back ------------------------------------------------------------

    def _found(
        self,
        formals: list[Any],
        leaves: list[Any],
        structure: Any,
        arrays: list[TracedArray],
    ) -> tuple[Returned, list[Any]]:
        """What the function gave back, and its results as values of the program."""
        results: list[Any] = []
        found = [self._leaf(x, formals, arrays, results) for x in leaves]
        params = iter(self.params)
        written = []
        for i, item in enumerate(self.given.items):
            if item.kind not in ("array", "scalar") or item.extent is not None:
                continue
            if self.given.places[i] < i:
                continue
            param = next(params)
            if item.kind == "array" and formals[i]._value is not param:
                written.append(i)
                results.append(formals[i]._value)
        changed = {id(a.array) for a in self.region.written()}
        outside = [k for k, a in enumerate(arrays) if id(a) in changed]
        results += [self.region.exit_value(arrays[k]) for k in outside]
        return Returned(structure, found, written, outside), results

    def _leaf(
        self,
        leaf: Any,
        formals: list[Any],
        arrays: list[TracedArray],
        results: list[Any],
    ) -> tuple[Any, ...]:
        for i, formal in enumerate(formals):
            if leaf is formal and isinstance(leaf, TracedArray):
                return ("argument", i)
        if any(leaf is a for a in arrays):
            return ("outside", leaf)
        if not isinstance(leaf, (TracedArray, TracedScalar, np.ndarray, np.generic)):
            return ("static", leaf)
        with self.region.entered():
            value = unwrap(leaf)
        results.append(value)
        type_ = type_of(value)
        shape = tuple(map(self._outside, type_.shape))
        is_scalar = isinstance(leaf, (TracedScalar, np.generic))
        related = may_be(root_of(leaf), self.region)
        places = [
            *(("argument", i) for i, f in enumerate(formals) if _is_in(f, related)),
            *(("outside", k) for k, a in enumerate(arrays) if _is_in(a, related)),
        ]
        dtype = np.dtype(type_.dtype)
        return ("result", dtype, shape, is_scalar, tuple(places))

    def _outside(self, n: Any) -> Any:
        """An extent in terms of what a call has."""
        if isinstance(n, int):
            return n
        for number, extent in enumerate(self.extents):
            if extent.var is n.var:
                return ExtentNumber(number)
        for k, (_, var) in enumerate(self.region.captured.values()):
            if var is n.var:
                return ("captured", k)
        raise JoinError(
            explain(
                f"{self.name} calls itself, and returns an array of a length that it "
                "finds",
                why="the type of its result follows from its arguments.",
                fix="write into an array that is an argument",
            )
        )

    def _finish(self, results: list[Any]) -> None:
        region = self.region
        with using(region):
            for result in results:
                region.lift(result)
        params = self._parameters()
        program = closed(region, self.captured, params, results)
        settle_effects(self.recur_op, program)
        self.op = Call(program, label=self.label)

    def _parameters(self) -> list[Var]:
        entries = [self.region.arrays[id(a)].entry.var for a in self.arrays]
        return [*(p.var for p in (*self.extents, *self.params)), *entries]

    # -- calls -------------------------------------------------------------------------

    def call(self, given: Arguments) -> Any:
        return self._applied(self.op, given)

    def recur(self, given: Arguments) -> Any:
        """A call of the function inside itself."""
        if self.returned is None:
            leave_path()
        captured = [self.region.capture(x) for x in self.captured]
        params = (*captured, *self._parameters())
        results = [Var(t) for t in self._result_types()]
        self.label.interface = Program(params, (), tuple(results))
        return self._applied(self.recur_op, given)

    def _result_types(self) -> list[ArrayType]:
        """The types of the results, in terms of the parameters."""
        assert self.returned is not None
        types = [
            ArrayType(tuple(map(self._param_of, leaf[2])), leaf[1])
            for leaf in self.returned.leaves
            if leaf[0] == "result"
        ]
        for i in self.returned.written:
            item = self.given.items[i]
            types.append(ArrayType(tuple(map(self._param_of, item.shape)), item.dtype))
        entries = [self.region.arrays[id(a)].entry.var for a in self.arrays]
        return [*types, *(entries[k].type for k in self.returned.outside)]

    def _param_of(self, n: Any) -> Any:
        if isinstance(n, ExtentNumber):
            return self.extents[n.number].var
        return n if isinstance(n, int) else self.region.capture(self.captured[n[1]])

    def _applied(self, op: Any, given: Arguments) -> Any:
        returned = self.returned
        assert returned is not None
        self._refuse_overlap(given, returned)
        outs = iter(apply_control(op, self._operands(given)))
        leaves = [self._rebuilt(leaf, given, outs) for leaf in returned.leaves]
        for i in returned.written:
            _overwrite(given.leaves[i], next(outs), self.name)
        for k in returned.outside:
            self.arrays[k]._rebind(next(outs))
        return tree.unflatten(returned.structure, leaves)

    def _operands(self, given: Arguments) -> list[Any]:
        values = [engine_value(leaf) for leaf in given.leaves]
        extents = [values[i].shape[axis] for i, axis in self.given.extents.values()]
        own = []
        for i, item in enumerate(self.given.items):
            if item.kind not in ("array", "scalar") or item.extent is not None:
                continue
            if self.given.places[i] == i:
                own.append(with_dtype(values[i], item.dtype))
        arrays = [unwrap(a) for a in self.arrays]
        return [*self.captured, *extents, *own, *arrays]

    def _rebuilt(self, leaf: tuple[Any, ...], given: Arguments, outs: Any) -> Any:
        if leaf[0] == "argument":
            return given.leaves[leaf[1]]
        if leaf[0] != "result":
            return leaf[1]
        value = next(outs)
        if leaf[3]:
            return TracedScalar(value)
        array = TracedArray(value)
        for kind, k in leaf[4]:
            other = root_of(given.leaves[k] if kind == "argument" else self.arrays[k])
            if other is not None:
                make_twins(array, other)
        return array

    def _refuse_overlap(self, given: Arguments, returned: Returned) -> None:
        """Raise where an array that is written to is reached by another name too."""
        roots: dict[Any, Any] = {}
        for i, leaf in enumerate(given.leaves):
            if self.given.places[i] == i:
                roots[i] = root_of(leaf)
        roots.update({("outside", k): a for k, a in enumerate(self.arrays)})
        changed = [*returned.written, *(("outside", k) for k in returned.outside)]
        for name in changed:
            for other, root in roots.items():
                if other != name and root is not None and root is roots[name]:
                    raise MutationError(
                        explain(
                            f"{self.name} calls itself, and writes to an array that "
                            "another of its variables shares memory with",
                            why="compiled code takes them for two arrays.",
                            fix="pass a copy of one of them",
                        )
                    )

    # -- errors ------------------------------------------------------------------------

    def _refuse_endless(self) -> None:
        raise JoinError(
            explain(
                f"{self.name} calls itself on every path",
                why="the type of its result follows from a path on which it does not.",
                fix="let it return without calling itself where a condition holds",
            )
        ) from None

    def _refuse_types(self) -> None:
        raise JoinError(
            explain(
                f"{self.name} calls itself, and returns another type at every depth",
                why="a function of compiled code has one type of result.",
                fix="give the result one shape, dtype and structure on all paths",
            )
        )


def _is_in(x: Any, arrays: Sequence[Any]) -> bool:
    return isinstance(x, TracedArray) and any(x is a for a in arrays)


def _same_objects(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(
        x is y
        or (
            isinstance(x, StageTracer) and isinstance(y, StageTracer) and x.var is y.var
        )
        for x, y in zip(a, b, strict=True)
    )


def _overwrite(array: Any, value: Any, name: str) -> None:
    """Give an array of the caller the entries that a call has left in it."""
    if not isinstance(array, TracedArray):
        raise MutationError(
            explain(
                f"{name} calls itself, and writes to a plain NumPy array",
                fix="make the array in the function that is compiled, or pass it in",
            )
        )
    if array._base is not None:
        array._write((Ellipsis,), (), value)
        return
    _check_owner(array)
    array._rebind(value)
