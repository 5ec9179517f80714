"""Parts of a program run as a whole: their scope, and their line on the tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.interp import CURRENT, Interpreter, Tracer, prepared, using
from wengert._core.op import Op, Plan
from wengert._core.source import Site, explain, user_site
from wengert._core.types import Params
from wengert._modes import api
from wengert._modes.tape import Tape, TapeTracer, backward, forward
from wengert.errors import CheckpointError, LeakedValueError

# -- user values and engine values ---------------------------------------------------


class Layout(NamedTuple):
    """How the values of a pytree are put back into it."""

    structure: Any
    static: list[Any]  # the leaves that are no arrays; None where there is one
    arrays: list[int]  # which leaves are arrays
    scalars: list[bool]  # which of these are scalars to the user


def pack(given: Any) -> tuple[list[Any], Layout]:
    """The arrays of a pytree as engine values; Python's numbers stay as they are."""
    leaves, structure = tree.flatten(given)
    arrays = [
        i
        for i, leaf in enumerate(leaves)
        if api.is_array(leaf) and type(leaf) not in (float, complex)
    ]
    values = [api.engine_value(leaves[i]) for i in arrays]
    scalars = [api.is_scalar(leaves[i]) for i in arrays]
    static = list(leaves)
    for i in arrays:
        static[i] = None
    return values, Layout(structure, static, arrays, scalars)


def unpack(values: list[Any], layout: Layout) -> Any:
    """The pytree with these values, as user code sees it."""
    leaves = list(layout.static)
    for i, value, scalar in zip(layout.arrays, values, layout.scalars, strict=True):
        leaves[i] = api.user_value(value, scalar)
    return tree.unflatten(layout.structure, leaves)


def private(given: Any) -> Any:
    """Arguments for a run outside every transformation, which may write to them."""
    return tree.map(lambda x: x.copy(order="K") if type(x) is np.ndarray else x, given)


# -- scopes --------------------------------------------------------------------------


class Scope(Interpreter):
    """Hands every op to its parent, and owns the arrays that a part of a program makes.

    A write into any other array is refused. `checkpoints` is the schedule of the loops
    in it that have none of their own; `again` says that the part has been run before.
    """

    def __init__(
        self,
        parent: Interpreter,
        name: str,
        snapshots: Any = None,
        checkpoints: Any = None,
        again: bool = False,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.again = again
        self.checkpoints = checkpoints
        self.snapshots = parent.snapshots if snapshots is None else snapshots

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        assert self.parent is not None
        return self.parent.apply(op, operands, params)


class Repeated(Scope):
    """A part that is run again for its derivative."""


def is_run_again() -> bool:
    """Whether what is running will be run again for its derivative."""
    return any(isinstance(below, Repeated) for below in CURRENT.get().chain())


class Snapshots:
    """The snapshots of an interpreter, with a note of those that a run has used.

    Given what an earlier run used, it refuses arrays that have changed since.
    """

    def __init__(self, shared: Any, expected: dict[int, Any] | None = None) -> None:
        self.shared = shared
        self.expected = expected or {}
        self.used: dict[int, Any] = {}

    def get(self, key: int) -> Any:
        known = self.shared.get(key)
        if known is not None:
            self._note(key, known)
        return known

    def __setitem__(self, key: int, known: Any) -> None:
        self.shared[key] = known
        self._note(key, known)

    def pop(self, key: int, default: Any = None) -> Any:
        return self.shared.pop(key, default)

    def _note(self, key: int, known: Any) -> None:
        self.used[key] = known
        earlier = self.expected.get(key)
        if earlier is None or earlier[1] is known[1] or earlier[0]() is not known[0]():
            return
        if earlier[0]() is not None and not np.array_equal(
            earlier[1], known[1], equal_nan=True
        ):
            raise CheckpointError(
                explain(
                    f"an array of shape {known[1].shape} was written to after a "
                    "checkpointed "
                    "function had read it",
                    why="the function is run again for the derivative, and would read "
                    "another value.",
                    fix="pass the array as an argument, or write into a copy",
                )
            )


# -- running parts of a program with and without a tape ------------------------------


def top_tape(interpreter: Interpreter) -> Tape | None:
    """The tape that records what is applied now, if there is one."""
    for below in interpreter.chain():
        if isinstance(below, Tape):
            return below
    return None


class _Discarded(list[Any]):
    def append(self, entry: Any) -> None:
        """Forget the entry, and with it its residuals."""


@contextmanager
def entries_of(tape: Tape, entries: list[Any]) -> Iterator[list[Any]]:
    """Let a tape record into another list."""
    kept, tape.entries = tape.entries, entries
    try:
        yield entries
    finally:
        tape.entries = kept


def unrecorded(tape: Tape) -> Any:
    return entries_of(tape, _Discarded())


@contextmanager
def revived(interpreter: Interpreter) -> Iterator[None]:
    """Run again what ran under an interpreter that may have ended."""
    chain = [below for below in interpreter.chain() if not below.alive]
    for below in chain:
        below.alive = True
    try:
        with using(interpreter):
            yield
    finally:
        for below in chain:
            below.alive = False


def call_in_scope(
    scope: Scope, fun: Callable[..., Any], values: Any, layout: Layout
) -> Any:
    """``(values, layout)`` of what a function of ``(args, kwargs)`` returns."""
    with scope.running():
        args, kwargs = unpack(values, layout)
        return pack(prepared(fun)(*args, **kwargs))


def numbers_on(tape: Tape, values: list[Any]) -> list[int]:
    """Numbers that some values, or the parts they are made of, have on a tape."""
    found: dict[int, None] = {}
    pending = list(reversed(values))
    while pending:
        value = pending.pop()
        if type(value) is TapeTracer and value.interpreter is tape:
            found[value.index] = None
        elif isinstance(value, Tracer):
            for part in ("tangent", "value", "primal"):
                pending.append(getattr(value, part, None))
    return list(found)


def concrete(value: Any) -> Any:
    while isinstance(value, Tracer) and value.known:
        value = value.primal if hasattr(value, "primal") else value.value  # type: ignore[attr-defined]
    return value


def size_in_bytes(values: list[Any]) -> int:
    return sum(int(getattr(concrete(v), "nbytes", 8)) for v in values)


def fingerprint(values: list[Any]) -> list[Any]:
    """A few numbers by which to tell whether a second run returned the same values."""
    marks: list[Any] = []
    for value in values:
        x = concrete(value)
        if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc":
            with np.errstate(all="ignore"):
                marks.append(
                    (x.shape, x.sum(), x.reshape(-1)[::2].sum(), np.abs(x).sum())
                )
        else:
            marks.append((getattr(x, "shape", ()), str(x) if np.ndim(x) == 0 else None))
    return marks


def refuse_change(name: str, before: list[Any], after: list[Any]) -> None:
    """Raise unless two runs returned the same, up to rounding."""
    same = len(before) == len(after)
    for old, new in zip(before, after, strict=False):
        same = same and old[0] == new[0] and len(old) == len(new)
        if same and len(old) == 4:
            with np.errstate(all="ignore"):
                slack = 1e-3 * old[3] if old[3].dtype.itemsize < 8 else 1e-9 * old[3]
                same = bool(
                    np.allclose(old[1:3], new[1:3], rtol=0, atol=slack, equal_nan=True)
                )
        elif same:
            same = old == new
    if not same:
        raise CheckpointError(
            explain(
                f"{name} was run again for the derivative, and returned something else",
                why="it draws random numbers, or reads a value that has changed since.",
                fix="pass what it reads as an argument, and draw random numbers with "
                "wg.random, from a key that is one too",
            )
        )


# -- lines of the Wengert list that stand for many -----------------------------------


_NO_PLAN = Plan((), (), (), None)


class Block:
    """The op of an entry that pulls back all of its inputs at once.

    The numbers from `start` to `stop` were given out inside; those in `outputs` may be
    read by later entries.
    """

    family = "block"
    multiple = True
    cut = None

    def __init__(self, tape: Tape, name: str) -> None:
        self.tape = tape
        self.name = name
        self.start = len(tape.types)
        self.stop = self.start
        self.outputs: list[int] = []
        self.site: Site = user_site(2)

    def append(self, values: list[Any]) -> None:
        """End the block with these values, and put its line on the tape."""
        self.stop = len(self.tape.types)
        self.outputs = [n for n in numbers_on(self.tape, values) if n >= self.start]
        if self.outputs:
            self.tape.entries.append(
                (
                    self,
                    _NO_PLAN,
                    [],
                    (),
                    {},
                    self.outputs,
                    self.site.code,
                    self.site.offset,
                )
            )

    def pull(self, cotangents: dict[int, Any]) -> None:
        """Take the cotangents of the outputs, add those of what the block has read."""
        taken = {n: cotangents.pop(n, None) for n in self.outputs}
        if self.start < self.stop and any(
            self.start <= n < self.stop for n in cotangents
        ):
            raise LeakedValueError(
                explain(
                    f"a value made inside {self.name} is used outside it",
                    why="it was not kept, so its derivative would be lost.",
                    fix="return the value from the function instead of storing it",
                    site=self.site,
                )
            )
        if any(ct is not None for ct in taken.values()):
            self._pull(taken, cotangents)

    def _pull(self, taken: dict[int, Any], cotangents: dict[int, Any]) -> None:
        raise NotImplementedError

    def push(self, tangents: dict[int, Any]) -> None:
        """Add the tangents of the outputs, for a list of linear ops."""
        raise NotImplementedError

    def sweep(self, entries: list[Any], given: Any, cotangents: dict[int, Any]) -> None:
        """Pull pairs of a number and its cotangent back through some entries."""
        for number, ct in given:
            if ct is not None:
                present = cotangents.get(number)
                cotangents[number] = ct if present is None else present + ct
        with entries_of(self.tape, entries):
            backward(self.tape, cotangents, consume=True)


class Region(Block):
    """A checkpointed function: run again when its derivative is needed."""

    def __init__(
        self,
        tape: Tape,
        name: str,
        fun: Callable[..., Any],
        values: Any,
        layout: Any,
        plan: Any,
    ) -> None:
        super().__init__(tape, name)
        self.parent = CURRENT.get()
        self.fun = fun
        self.values = values
        self.layout = layout
        self.plan = plan

    def first_run(self) -> Any:
        snapshots = Snapshots(self.parent.snapshots)
        scope = Repeated(self.parent, self.name, snapshots, self.plan)
        with unrecorded(self.tape):
            values, layout = call_in_scope(scope, self.fun, self.values, self.layout)
        self.used = snapshots.used
        self.mark = fingerprint(values)
        self.append(values)
        return unpack(values, layout)

    def second_run(self) -> tuple[list[Any], list[int]]:
        """The entries of another run, and the numbers of what it returned."""
        snapshots = Snapshots(self.parent.snapshots, self.used)
        mark = len(self.tape.types)
        with revived(self.parent), entries_of(self.tape, []) as entries:
            scope = Repeated(self.parent, self.name, snapshots, self.plan, again=True)
            values, _ = call_in_scope(scope, self.fun, self.values, self.layout)
        refuse_change(self.name, self.mark, fingerprint(values))
        return entries, [n for n in numbers_on(self.tape, values) if n >= mark]

    def _pull(self, taken: dict[int, Any], cotangents: dict[int, Any]) -> None:
        mark = len(self.tape.types)
        entries, numbers = self.second_run()
        self.sweep(entries, zip(numbers, taken.values(), strict=True), cotangents)
        del self.tape.types[mark:]

    def push(self, tangents: dict[int, Any]) -> None:
        entries, numbers = self.second_run()
        with entries_of(self.tape, entries):
            forward(self.tape, tangents)
        for old, new in zip(self.outputs, numbers, strict=True):
            if new in tangents:
                tangents[old] = tangents[new]


def run_region(
    name: str, fun: Callable[..., Any], args: Any, kwargs: Any, plan: Any
) -> Any:
    """Call a function as a checkpointed region of what is running."""
    current = CURRENT.get()
    values, layout = pack((args, kwargs))
    tape = top_tape(current)
    if tape is None:
        scope = Scope(current, name, checkpoints=plan)
        return unpack(*call_in_scope(scope, fun, values, layout))
    return Region(tape, name, fun, values, layout, plan).first_run()
