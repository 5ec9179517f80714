"""Index expressions: which axes their items concern, and what shape they take.

An `index` is NumPy's index expression as a tuple, with `Slot(k)` where the k-th index
operand stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import OPS
from wengert._core.source import explain
from wengert._core.types import ArrayType, broadcast_shapes, is_bool
from wengert.errors import MissingRuleError


class Slot(NamedTuple):
    """Stands in an index for the k-th index operand."""

    k: int


def fill_slots(index: tuple[Any, ...], indices: tuple[Any, ...]) -> tuple[Any, ...]:
    if not indices:
        return index
    return tuple(indices[i.k] if type(i) is Slot else i for i in index)


def indexed_type(x: ArrayType, *indices: ArrayType, index: Any, **_: Any) -> ArrayType:
    given = [t for t in indices if t.shape]
    of_places = bool(given) and not any(is_bool(t.dtype) for t in given)
    if any(type(n) is not int for t in given for n in t.shape) or (
        of_places and any(type(n) is not int for n in x.shape)
    ):
        return ArrayType(_run_time_shape(x.shape, indices, index), x.dtype)
    stand_ins = StandIns()
    shape, index = stand_ins.shape_and_index(x.shape, index, indices)
    probe = np.broadcast_to(np.int8(0), shape)
    filled = tuple(
        np.zeros(stand_ins(t.shape), bool) if is_bool(t.dtype) else _stand_in(t.shape)
        for t in indices
    )
    found = probe[fill_slots(index, filled)].shape
    return ArrayType(stand_ins.back(found), x.dtype)


def _stand_in(shape: tuple[int, ...]) -> Any:
    """Indices of known shape; a number for one, with which NumPy makes a view."""
    return np.zeros(shape, np.int64) if shape else 0


def _run_time_shape(shape: Any, indices: Any, index: Any) -> tuple[Any, ...]:
    """The shape of what arrays of run-time lengths index."""
    at = layout(index, indices, len(shape)).position
    numbers = list(shape)
    for item, axis in axes_indexed(index, indices, len(shape)):
        if type(item) is Slot:
            numbers[axis] = 1
    rest = indexed_type(
        ArrayType(tuple(numbers), np.dtype(np.int8)),
        index=tuple(0 if type(i) is Slot else i for i in index),
    ).shape
    lanes = broadcast_shapes(*(t.shape for t in indices if t.ndim))
    return (*rest[:at], *lanes, *rest[at:])


def axes_indexed(index: Any, indices: Any, rank: int) -> list[tuple[Any, int]]:
    """The items of an index, each with the first axis that it concerns."""
    left = rank - sum(_consumed(item, indices) for item in index)
    axis, found = 0, []
    for item in index:
        found.append((item, axis))
        axis += left if item is Ellipsis else _consumed(item, indices)
    return found


def _consumed(item: Any, indices: Any) -> int:
    """How many axes an item takes, not counting those an ellipsis stands for."""
    if type(item) is Slot and is_bool(indices[item.k].dtype):
        return len(indices[item.k].shape)
    return int(item is not None and item is not Ellipsis)


class StandIns:
    """Numbers in place of run-time extents, so that NumPy finds shapes by trial."""

    FIRST = 1 << 16

    def __init__(self) -> None:
        self.extents: list[Any] = []

    def __call__(self, shape: Any) -> tuple[int, ...]:
        return tuple(map(self._number, shape))

    def _number(self, extent: Any) -> int:
        if isinstance(extent, int):
            return extent
        if extent not in self.extents:
            self.extents.append(extent)
        return self.FIRST + self.extents.index(extent)

    def back(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        known = range(self.FIRST, self.FIRST + len(self.extents))
        return tuple(self.extents[n - self.FIRST] if n in known else n for n in shape)

    def shape_and_index(
        self, shape: Any, index: Any, indices: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        """A shape and an index in which run-time slices are whole axes of their own."""
        if all(isinstance(n, int) for n in shape) and not any(map(is_run_time, index)):
            return shape, index
        numbers, items = list(self(shape)), []
        for item, axis in axes_indexed(index, indices, len(shape)):
            if isinstance(item, slice) and (
                is_run_time(item) or not isinstance(shape[axis], int)
            ):
                extent = sliced_extent(item, shape[axis])
                if not isinstance(extent, int):
                    extent = extent.as_extent()  # compared as what it is computed by
                numbers[axis] = self._number(extent)
                item = slice(None)
            items.append(item)
        return tuple(numbers), tuple(items)


def is_run_time(item: Any) -> bool:
    """Whether an item of an index is a slice with a bound known at run time only."""
    if not isinstance(item, slice):
        return False
    parts = (item.start, item.stop, item.step)
    return any(p is not None and not isinstance(p, int) for p in parts)


def sliced_extent(s: slice, n: Any) -> Any:
    """The number of entries that a slice takes of an axis, in a staged program."""
    step = 1 if s.step is None else s.step
    if step == -1 and s.start is None and s.stop is None:
        return n
    if not isinstance(step, int) or step < 0:
        raise MissingRuleError(
            explain(
                f"indexing: a step of {step} in a slice whose length is known at run "
                "time only",
                fix="reverse the whole axis, x[::-1], and slice the result",
            )
        )
    low = 0 if s.start is None else _clipped(s.start, n)
    high = n if s.stop is None else _clipped(s.stop, n)
    span = high if type(low) is int and low == 0 else OPS["maximum"](high - low, 0)
    return span if step == 1 else (span + (step - 1)) // step


def _clipped(bound: Any, n: Any) -> Any:
    """A bound of a slice, counted from the start, from 0 to n."""
    least, most = OPS["minimum"], OPS["maximum"]
    if not isinstance(bound, int):
        start = OPS["where"](OPS["less"](bound, 0), bound + n, bound)
        return least(most(start, 0), n)
    if bound < 0:
        return most(n + bound, 0)
    return least(n, bound) if bound else 0


class Layout(NamedTuple):
    """Where the block of axes made by advanced indices stands in a result.

    NumPy puts it where the first of adjacent advanced indices stands, else in front.
    """

    rank: int
    position: int
    adjacent: bool


def layout(index: tuple[Any, ...], types: Sequence[ArrayType], ndim: int) -> Layout:
    advanced = [
        i for i, item in enumerate(index) if type(item) is Slot or isinstance(item, int)
    ]
    ranks = [1 if is_bool(t.dtype) else t.ndim for t in types]
    adjacent = advanced == list(range(advanced[0], advanced[-1] + 1))
    before = index[: advanced[0]]
    left = ndim - sum(_consumed(item, types) for item in index)
    position = sum(left if item is Ellipsis else 1 for item in before)
    return Layout(max(ranks), position if adjacent else 0, adjacent)


def written_region(x: ArrayType, indices: Any, index: Any) -> tuple[Any, ...]:
    """Shape of what is written; a mask's value says how many entries it selects."""
    stand_ins = StandIns()
    shape, index = stand_ins.shape_and_index(x.shape, index, indices)
    probe = np.broadcast_to(np.int8(0), shape)
    known = (
        i if isinstance(i, np.ndarray) else np.zeros(stand_ins(i.shape), i.dtype)
        for i in indices
    )
    return stand_ins.back(probe[fill_slots(index, tuple(known))].shape)
