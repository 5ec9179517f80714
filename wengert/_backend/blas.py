"""Matrix products by BLAS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._backend import lapack
from wengert._backend import types as t
from wengert._backend.elementwise import cast_to
from wengert._backend.emitter import Index
from wengert._backend.lowering import Lowering
from wengert._backend.structure import constant_array, permute, swap_of_last
from wengert._backend.values import Array, Shape, Value

Lanes = Callable[[Shape], Shape]  # the lane of an operand, of that of the result
Lane = Callable[[Shape], None]


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

    @property
    def step(self) -> Index:
        """The distance of the entries of a column."""
        return 1 if self.transposed else self.width

    @property
    def row_step(self) -> Index:
        return self.width if self.transposed else 1

    def arguments(self, lane: Shape) -> list[Any]:
        """The matrix, and the distance of its rows."""
        place = self.array.address(self.lo.e, (*self.lanes(lane), 0, 0))
        return [place, lapack.leading(self.lo, self.width)]

    def flag(self, *, turned: bool = False) -> Any:
        """What BLAS has to transpose for the matrix's transpose, or the matrix."""
        return lapack.character(self.lo, "nt"[self.transposed != turned])


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
    lapack.require_at_most(lo, lapack.LARGEST, *sizes, x.width, y.width)
    rows, inner, columns = sizes
    if isinstance(columns, int) and columns == 1:
        multiply = _by_vector(lo, x, y, (rows, inner), out, turned=True)
    elif isinstance(rows, int) and rows == 1:
        multiply = _by_vector(lo, y, x, (columns, inner), out, turned=False)
    else:
        multiply = _by_matrix(lo, x, y, sizes, out)
    lo.e.nest(out.shape[:-2], multiply)


def _call(lo: Lowering, name: str, dtype: np.dtype, *arguments: Any) -> None:
    lapack.call(lo, lapack.LETTERS[dtype.char] + name, *arguments)


def _by_matrix(lo: Lowering, x: Operand, y: Operand, sizes: Shape, out: Array) -> Lane:
    rows, inner, columns = sizes
    one, zero = (lapack.number(lo, v, out.dtype) for v in (1.0, 0.0))
    extents = [lapack.integer(lo, n) for n in (columns, rows, inner)]

    def multiply(lane: Shape) -> None:
        arguments = [y.flag(), x.flag(), *extents, one, *y.arguments(lane)]
        arguments += [*x.arguments(lane), zero, out.address(lo.e, (*lane, 0, 0))]
        _call(lo, "gemm", out.dtype, *arguments, lapack.leading(lo, columns))

    return multiply


def _by_vector(
    lo: Lowering, x: Operand, v: Operand, sizes: Shape, out: Array, *, turned: bool
) -> Lane:
    """The product ``x v`` of a matrix and a column, or ``v x`` of a row (not turned).

    Sizes are the length of the product, and of the sum. BLAS leaves the product as it
    is where there is nothing to sum.
    """
    length, inner = sizes
    one, zero = (lapack.number(lo, value, out.dtype) for value in (1.0, 0.0))
    straight = x.transposed == turned
    extents = [lapack.integer(lo, n) for n in (sizes if straight else sizes[::-1])]
    step = lapack.leading(lo, v.step if turned else v.row_step)
    if not isinstance(inner, int) or inner == 0:
        lo.fill(out, constant_array(t.constant(0.0, out.dtype), out.shape, out.dtype))

    def multiply(lane: Shape) -> None:
        matrix, lead = x.arguments(lane)
        arguments = [x.flag(turned=turned), *extents, one, matrix, lead]
        arguments += [v.arguments(lane)[0], step, zero]
        place = out.address(lo.e, (*lane, 0, 0))
        _call(lo, "gemv", out.dtype, *arguments, place, lapack.integer(lo, 1))

    return multiply
