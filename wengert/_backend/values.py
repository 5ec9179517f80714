"""Values of a function under construction: scalars, arrays in memory, delayed arrays.

All of them answer `at(emitter, indices)` with an entry in a register, and
`flat(emitter)` with a function of the position in C order, or None where there is no
cheaper way than indices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._backend import types as t
from wengert._backend.emitter import Emitter, Index

Shape = tuple[Index, ...]
_NONE: frozenset[Any] = frozenset()


class Block:
    """Memory with one static owner.

    `kind` is "heap", "stack", "borrowed" or "result" (the caller's memory for a
    result); `references` counts the variables in scope whose values read it. A carry on
    the heap may be in the memory of a result while it runs: `results` are the addresses
    that its own may equal.
    """

    def __init__(
        self, pointer: Any, kind: str, results: frozenset[Any] = _NONE
    ) -> None:
        self.pointer = pointer
        self.kind = kind
        self.results = results
        self.references = 0
        self.claimed = False

    def claim(self) -> bool:
        """Take the memory of a result: once."""
        first = not self.claimed
        self.claimed = True
        return first


class Scalar:
    """A value of shape () in a register."""

    shape: Shape = ()
    blocks: tuple[Block, ...] = ()
    trivial = True
    depth = 0

    def __init__(self, value: Any, dtype: np.dtype) -> None:
        self.value = value
        self.dtype = dtype

    def at(self, _e: Emitter, _indices: Shape) -> Any:
        return self.value

    def flat(self, _e: Emitter) -> Callable[[Index], Any]:
        return lambda _k: self.value


class Array:
    """A view of memory; strides are in bytes.

    `distinct` says that no two entries share memory, so that it may be written to;
    `swapped` that the entries are in C order but for the last two axes.
    """

    trivial = True
    depth = 0

    def __init__(
        self,
        pointer: Any,
        shape: Shape,
        strides: Shape,
        dtype: np.dtype,
        block: Block,
        *,
        contiguous: bool,
        distinct: bool = True,
        swapped: bool = False,
    ) -> None:
        self.pointer = pointer
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.block = block
        self.contiguous = contiguous
        self.distinct = distinct
        self.swapped = swapped

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (self.block,)

    def address(self, e: Emitter, indices: Shape) -> Any:
        offset: Index = 0
        for index, stride in zip(indices, self.strides, strict=True):
            offset = e.add(offset, e.mul(index, stride))
        return e.offset(self.pointer, offset)

    def flat_address(self, e: Emitter, k: Index) -> Any:
        return e.offset(self.pointer, e.mul(k, self.dtype.itemsize))

    def at(self, e: Emitter, indices: Shape) -> Any:
        return t.load(e.b, self.address(e, indices), self.dtype)

    def put(self, e: Emitter, indices: Shape, value: Any) -> None:
        t.store(e.b, value, self.address(e, indices), self.dtype)

    def flat(self, e: Emitter) -> Callable[[Index], Any] | None:
        if not self.contiguous:
            return None
        return lambda k: t.load(e.b, self.flat_address(e, k), self.dtype)


class Lazy:
    """An array that is a function of indices, evaluated where it is read.

    `trivial` says that evaluating an entry again costs nothing to speak of; `depth` is
    how many delayed arrays it is made of, one inside another.
    """

    def __init__(
        self,
        shape: Shape,
        dtype: np.dtype,
        entry: Callable[[Shape], Any],
        sources: Any = (),
        *,
        flat: Callable[[Index], Any] | None = None,
        trivial: bool = False,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.entry = entry
        self.blocks = tuple({b: None for s in sources for b in s.blocks})
        self.depth = 1 + max((s.depth for s in sources), default=0)
        self.trivial = trivial
        self._flat = flat

    def at(self, _e: Emitter, indices: Shape) -> Any:
        return self.entry(indices)

    def flat(self, _e: Emitter) -> Callable[[Index], Any] | None:
        return self._flat


Value = Scalar | Array | Lazy


def contiguous_strides(e: Emitter, shape: Shape, itemsize: int) -> Shape:
    strides: list[Index] = []
    stride: Index = itemsize
    for n in reversed(shape):
        strides.append(stride)
        stride = e.mul(stride, n)
    return tuple(reversed(strides))


def contiguous_array(
    e: Emitter, pointer: Any, shape: Shape, dtype: np.dtype, block: Block
) -> Array:
    strides = contiguous_strides(e, shape, dtype.itemsize)
    return Array(pointer, shape, strides, dtype, block, contiguous=True)


def same_extent(a: Index, b: Index) -> bool:
    return a is b or (isinstance(a, int) and isinstance(b, int) and a == b)


def same_shape(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(map(same_extent, a, b))


def same_view(a: Array, b: Array) -> bool:
    """Whether two arrays in C order are the same memory."""
    return a.pointer is b.pointer and a.contiguous and b.contiguous


def is_static(shape: Shape) -> bool:
    return all(isinstance(n, int) for n in shape)


def broadcast_index(shape: Shape, target: Shape, indices: Shape) -> Shape:
    """Indices of an operand, of indices of what it is broadcast to."""
    given = indices[len(indices) - len(shape) :]
    wanted = target[len(target) - len(shape) :]
    return tuple(
        0 if isinstance(n, int) and n == 1 and not same_extent(n, m) else i
        for n, m, i in zip(shape, wanted, given, strict=True)
    )
