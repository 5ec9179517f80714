"""Matrix products by BLAS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._backend import lapack
from wengert._backend.elementwise import cast_to
from wengert._backend.emitter import Index
from wengert._backend.lowering import Lowering
from wengert._backend.structure import permute, swap_of_last
from wengert._backend.values import Array, Shape, Value

Lanes = Callable[[Shape], Shape]  # the lane of an operand, of that of the result


class Operand:
    """Matrices of a stack as BLAS sees them: column by column, perhaps transposed.

    The entries of rows or of columns must be next to each other; others are copied.
    """

    def __init__(self, lo: Lowering, x: Value, lanes: Lanes, dtype: np.dtype) -> None:
        self.lo, self.lanes = lo, lanes
        for transposed in (False, True):
            turned = permute(lo, x, swap_of_last(len(x.shape))) if transposed else x
            width = _row_length(turned, dtype)
            if width is not None and isinstance(turned, Array):
                self.array, self.transposed, self.width = turned, transposed, width
                return
        self.array, self.transposed = lo.copy(cast_to(lo, x, dtype)), False
        self.width = self.array.shape[-1]

    def arguments(self, lane: Shape) -> list[Any]:
        """The matrix, and the distance of its rows."""
        place = self.array.address(self.lo.e, (*self.lanes(lane), 0, 0))
        return [place, lapack.leading(self.lo, self.width)]

    @property
    def flag(self) -> Any:
        return lapack.character(self.lo, "t" if self.transposed else "n")


def _row_length(x: Value, dtype: np.dtype) -> Index | None:
    """The distance of rows in entries, if those of a row are in order."""
    if not isinstance(x, Array) or x.dtype != dtype:
        return None
    if x.contiguous:
        return x.shape[-1]
    row, entry = x.strides[-2:]
    width, size = x.shape[-1], dtype.itemsize
    known = isinstance(row, int) and isinstance(width, int)
    if not known or entry != size or row % size or row < max(width, 1) * size:
        return None
    return row // size


def products(lo: Lowering, x: Operand, y: Operand, sizes: Shape, out: Array) -> None:
    """Fill out, in C order, with ``(*lanes, m, k) @ (*lanes, k, n)``.

    ``C = A B`` in C order is ``C^T = B^T A^T`` in the order of BLAS.
    """
    rows, inner, columns = sizes
    lapack.require_at_most(lo, lapack.LARGEST, *sizes, x.width, y.width)
    one, zero = (lapack.number(lo, v, out.dtype) for v in (1.0, 0.0))
    extents = [lapack.integer(lo, n) for n in (columns, rows, inner)]
    name = lapack.LETTERS[out.dtype.char] + "gemm"

    def multiply(lane: Shape) -> None:
        arguments = [y.flag, x.flag, *extents, one, *y.arguments(lane)]
        arguments += [*x.arguments(lane), zero, out.address(lo.e, (*lane, 0, 0))]
        lapack.call(lo, name, *arguments, lapack.leading(lo, columns))

    lo.e.nest(out.shape[:-2], multiply)
