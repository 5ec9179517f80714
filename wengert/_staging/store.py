"""The entries of a list that has grown: rows of buffers, and how many there are.

A buffer is longer than the list, and twice as long whenever it is full, so that an
append costs a constant on average. Buffers and the number are traced arrays like any
other: regions adopt them, branches join them, loops carry them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from wengert._array.traced import TracedArray, make_twins, root_of, wrap
from wengert._core import tree
from wengert._core.interp import CURRENT, Tracer
from wengert._core.source import explain
from wengert._core.types import ArrayType, shape_of, type_of
from wengert._modes.batch import BatchTracer
from wengert._ops.arithmetic import (
    add,
    greater_equal,
    less,
    less_equal,
    logical_and,
    multiply,
    subtract,
)
from wengert._ops.families import zeros_of
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem, update
from wengert._ops.structure import astype, where, with_length
from wengert._staging.batched import refuse_lengths
from wengert._staging.joins import Leaf, converted, engine_leaf, take_apart
from wengert._staging.region import Buffer, Region
from wengert._staging.signals import emit_check
from wengert._staging.stage import as_extent
from wengert.errors import JoinError, MutationError

_AT = (Slot(0),)
_FIRST = 8  # rows of a new buffer


class Entry(NamedTuple):
    """What the entries of a list have in common."""

    structure: Any
    types: tuple[ArrayType, ...]  # of the leaves, with extents as they are outside
    scalars: tuple[bool, ...]

    def __str__(self) -> str:
        shown = ", ".join(f"{t.dtype}{list(t.shape) or ''}" for t in self.types)
        return shown if self.structure.is_leaf() else f"{self.structure} of {shown}"


def entry_of(value: Any, home: Any, where_made: Any) -> Entry:
    """What an entry is that is appended now, as the place where the list is sees it."""
    apart = take_apart("entry", value)
    leaves = [leaf for leaf in apart.leaves if isinstance(leaf, Leaf)]
    if len(leaves) < len(apart.leaves) or not leaves:
        other = next((x for x in apart.leaves if not isinstance(x, Leaf)), value)
        raise JoinError(
            explain(
                f"the list made at {where_made} grows in a compiled branch or loop, "
                f"and an entry holds {type(other).__name__} {other!r}",
                why="such a list is an array, of numbers or arrays.",
                fix="keep what is no number in a list of its own, outside of the loop",
            )
        )
    types = [type_of(engine_leaf(leaf)) for leaf in leaves]
    shapes = [_outside(t.shape, home) for t in types]
    if None in shapes:
        raise JoinError(
            explain(
                f"the list made at {where_made} grows by arrays whose length a "
                "compiled branch or loop decides",
                why="the rows of an array have one length.",
                fix="extend the list by the entries: xs.extend(row)",
            )
        )
    return Entry(
        apart.structure,
        tuple(ArrayType(s, t.dtype) for s, t in zip(shapes, types, strict=True)),
        tuple(leaf.scalar for leaf in leaves),
    )


def _outside(shape: Any, home: Any) -> Any:
    """A shape of the innermost region as the interpreter of the list sees it."""
    for interpreter in CURRENT.get().chain():
        if interpreter is home or shape is None:
            break
        if isinstance(interpreter, Region):
            shape = interpreter.outside(shape)
    return shape


def joined(first: Entry, second: Entry, where_made: Any) -> Entry:
    """What holds entries of both kinds, with the dtypes that ``numpy.array`` gives."""
    alike = first.structure == second.structure and all(
        a.shape == b.shape for a, b in zip(first.types, second.types, strict=True)
    )
    if not alike:
        raise JoinError(
            explain(
                f"the list made at {where_made} grows in a compiled branch or loop, "
                f"and has entries of different types: {first} and {second}",
                why="such a list is an array, whose entries have one shape.",
                fix="append entries of one shape and structure",
            )
        )
    types = [
        ArrayType(a.shape, np.result_type(a.dtype, b.dtype))
        for a, b in zip(first.types, second.types, strict=True)
    ]
    scalars = [a and b for a, b in zip(first.scalars, second.scalars, strict=True)]
    return Entry(first.structure, tuple(types), tuple(scalars))


def number_of(value: Any) -> Any:
    """A number of entries as an extent."""
    if isinstance(value, BatchTracer):
        refuse_lengths()
    return as_extent(value) if isinstance(value, Tracer) else int(value)


class Store:
    """The entries of a list that has grown."""

    def __init__(self, entry: Entry, items: Sequence[Any]) -> None:
        self.entry = entry
        rows = max(_FIRST, len(items))
        self.buffers = [
            Buffer(zeros_of(ArrayType((rows, *t.shape), t.dtype))) for t in entry.types
        ]
        self.length = TracedArray(np.int64(0))
        for item in items:
            self.append(item)

    def retype(self, entry: Entry) -> None:
        """Hold entries of wider dtypes."""
        self.entry = entry
        for buffer, type_ in zip(self.buffers, entry.types, strict=True):
            if buffer.dtype != type_.dtype:
                buffer._rebind(astype(buffer._read(), dtype=type_.dtype))

    def copy(self) -> Store:
        """Another list of the same entries."""
        new = object.__new__(Store)
        new.entry = self.entry
        new.buffers = [Buffer(b._read()) for b in self.buffers]
        new.length = TracedArray(self.length._read())
        return new

    # -- reading -----------------------------------------------------------------------

    def count(self) -> Any:
        """The number of entries, as user code sees it."""
        return wrap(self.length._read())

    def arrays(self) -> list[TracedArray]:
        """Of each leaf an array, with a row for each entry."""
        n = number_of(self.length._read())
        return [
            TracedArray(with_length(b._read(), length=n, axis=0)) for b in self.buffers
        ]

    def place(self, i: Any, what: str) -> Any:
        """The row of entry i, which may count from the end; checked when it runs."""
        n = self.length._read()
        k = where(less(i, 0), add(i, n), i)
        inside = logical_and(greater_equal(k, 0), less(k, n))
        emit_check(inside, lambda: IndexError(f"list {what}index out of range"))
        return k

    def item(self, k: Any) -> Any:
        """The entry in row k; an array is a view, for a write to it is one to it."""
        leaves: list[Any] = []
        for buffer, type_, scalar in zip(
            self.buffers, self.entry.types, self.entry.scalars, strict=True
        ):
            if type_.shape:
                leaves.append(buffer[wrap(k)])
                continue
            value = getitem(buffer._read(), k, index=_AT)
            leaves.append(wrap(value) if scalar else TracedArray(value))
        return tree.unflatten(self.entry.structure, leaves)

    # -- writing -----------------------------------------------------------------------

    def append(self, value: Any) -> None:
        n = self.length._read()
        self._reserve(add(n, 1))
        self.put(n, value)
        _rebind(self.length, add(n, 1))

    def extend(self, rows: Sequence[Any]) -> None:
        """Append the rows of arrays, engine values, one for each leaf."""
        n, more = self.length._read(), shape_of(rows[0])[0]
        end = add(n, more)
        self._reserve(end)
        part = (slice(number_of(n), number_of(end)),)
        for buffer, row in zip(self.buffers, rows, strict=True):
            given = converted(row, buffer.dtype)
            _rebind(buffer, update(buffer._read(), given, index=part))
        _rebind(self.length, end)

    def put(self, k: Any, value: Any) -> None:
        """Write an entry into row k."""
        leaves = take_apart("entry", value).leaves
        for buffer, leaf in zip(self.buffers, leaves, strict=True):
            row = converted(engine_leaf(leaf), buffer.dtype)
            _rebind(buffer, update(buffer._read(), row, k, index=_AT))
            appended = root_of(leaf.value)
            if appended is not None:
                make_twins(appended, buffer)  # a later write to it is not seen here

    def pop(self) -> Any:
        n = self.length._read()
        last = subtract(n, 1)
        emit_check(greater_equal(last, 0), lambda: IndexError("pop from empty list"))
        value = self.item(last)
        _rebind(self.length, last)
        return tree.map(_detached, value)

    def clear(self) -> None:
        _rebind(self.length, np.int64(0))

    def _reserve(self, count: Any) -> None:
        """Make the buffers long enough for so many entries."""
        rows = shape_of(self.buffers[0]._read())[0]
        fits = less_equal(count, rows)
        longer = number_of(where(fits, rows, add(multiply(count, 2), _FIRST)))
        for buffer in self.buffers:
            _rebind(buffer, with_length(buffer._read(), length=longer, axis=0))


def _detached(entry: Any) -> Any:
    """An entry that is no longer in the list."""
    return TracedArray(entry._read()) if isinstance(entry, TracedArray) else entry


def _rebind(array: TracedArray, value: Any) -> None:
    """Let an array of a store hold another value, here or in the region around."""
    interpreter = CURRENT.get()
    if array._owner is not interpreter:
        array._read()  # a region adopts it
        if not interpreter.adopts(array):
            _refuse_outer()
    array._rebind(value)


def _refuse_outer() -> NoReturn:
    raise MutationError(
        explain(
            "a list is changed that was made outside the innermost transformation, "
            "checkpoint or custom rule",
            why="the change would be lost, or seen by a derivative that must not see "
            "it.",
            fix="make the list in the function that changes it, and return it",
        )
    )
