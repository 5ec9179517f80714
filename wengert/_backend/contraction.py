"""Products summed over an axis: loops for small ones, BLAS for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.emitter import Index
from wengert._backend.kernels import KERNELS
from wengert._backend.lowering import Lowering
from wengert._backend.reductions import MONOIDS, reduced
from wengert._backend.structure import permute, reshaped
from wengert._backend.values import Array, Shape, Value, broadcast_index, is_static
from wengert._ir.program import Equation

SMALL = 512  # multiplications; below it a call of BLAS costs more than a loop


def _matmul(lo: Lowering, equation: Equation) -> list[Value] | None:
    """``(*b, m, k), (*b, k, n) -> (*b, m, n)``; without m or n for a vector."""
    x, y = (lo.value(a) for a in equation.inputs)
    out = equation.outputs[0].type
    if out.dtype.kind == "c" or not x.shape or not y.shape:
        return None
    lo.require_extent(x.shape[-1], y.shape[-2:][0])
    if len(x.shape) == len(y.shape) == 1:
        return [_inner(lo, x, y, out.dtype)]
    left = reshaped(lo, x, (1, *x.shape)) if len(x.shape) == 1 else x
    right = reshaped(lo, y, (*y.shape, 1)) if len(y.shape) == 1 else y
    shape = lo.shape(out)
    batch = shape[: max(len(left.shape), len(right.shape)) - 2]
    sizes = (left.shape[-2], left.shape[-1], right.shape[-1])
    if not batch and _use_blas(sizes, x.dtype, y.dtype, out.dtype):
        return [reshaped(lo, blas_product(lo, left, right, sizes, out.dtype), shape)]
    left, right = lo.cheap(left), lo.cheap(right)
    product = _loops(lo, left, right, batch, sizes, out.dtype)
    return [reshaped(lo, product, shape)]


def _use_blas(sizes: Shape, *dtypes: np.dtype) -> bool:
    if any(d != dtypes[0] for d in dtypes) or dtypes[0].kind != "f":
        return False
    if not is_static(sizes):
        return True
    return sizes[0] * sizes[1] * sizes[2] > SMALL


def _multiply(lo: Lowering, x: Value, y: Value, dtype: np.dtype, i: Any, j: Any) -> Any:
    e = lo.e
    a = t.cast(e.b, x.at(e, i), x.dtype, dtype)
    b = t.cast(e.b, y.at(e, j), y.dtype, dtype)
    return KERNELS["multiply"][1](e.b, dtype, a, b)


def _inner(lo: Lowering, x: Value, y: Value, dtype: np.dtype) -> Value:
    def entry(here: Shape) -> Any:
        return _multiply(lo, x, y, dtype, here, here)

    return reduced(lo, x.shape, (0,), dtype, MONOIDS["reduce_sum"], entry)


def _loops(
    lo: Lowering, x: Value, y: Value, batch: Shape, sizes: Shape, dtype: np.dtype
) -> Value:
    """Rows of the result as sums of rows of y, which lie in order in memory."""
    rank = len(batch)

    def entry(here: Shape) -> Any:
        lane, (i, k, j) = here[:rank], here[rank:]
        own = broadcast_index(x.shape[:-2], batch, lane)
        other = broadcast_index(y.shape[:-2], batch, lane)
        return _multiply(lo, x, y, dtype, (*own, i, k), (*other, k, j))

    return reduced(
        lo, (*batch, *sizes), (rank + 1,), dtype, MONOIDS["reduce_sum"], entry
    )


# -- BLAS ------------------------------------------------------------------------------


class _Matrix:
    """A matrix as BLAS sees it: column by column, perhaps transposed."""

    def __init__(self, lo: Lowering, x: Value) -> None:
        array = lo.array(x)
        size = array.dtype.itemsize
        if not array.contiguous:
            turned = permute(lo, array, (1, 0))
            plain = isinstance(turned, Array) and _is_plain(turned, size)
            if plain and isinstance(turned, Array):
                self.pointer, self.transposed = turned.pointer, True
                self.leading = turned.shape[1]
                return
            array = lo.copy(array)
        self.pointer, self.transposed = array.pointer, False
        self.leading = array.shape[1]


def _is_plain(x: Array, size: int) -> bool:
    """Whether strides are those of C order, as far as they are known."""
    rows, columns = x.strides
    if not isinstance(columns, int) or columns != size:
        return False
    width = x.shape[1]
    return isinstance(rows, int) and isinstance(width, int) and rows == width * size


def blas_product(
    lo: Lowering, x: Value, y: Value, sizes: Shape, dtype: np.dtype
) -> Array:
    """``C = A B`` in C order is ``C^T = B^T A^T`` in the order of BLAS."""
    e = lo.e
    rows, inner, columns = sizes
    a, b = _Matrix(lo, x), _Matrix(lo, y)
    out = lo.allocate((rows, columns), dtype)
    kind = t.memory_type(dtype)
    one, zero = (_constant(lo, kind, v) for v in (1.0, 0.0))
    flags = [_constant(lo, t.I8, ord("t" if m.transposed else "n")) for m in (b, a)]
    m, n, k = (_integer(lo, v) for v in (columns, rows, inner))
    leads = [_integer(lo, e.maximum(v, 1)) for v in (b.leading, a.leading, columns)]
    arguments = [*flags, m, n, k, one, b.pointer, leads[0], a.pointer, leads[1]]
    arguments += [zero, out.pointer, leads[2]]
    name = ("s" if dtype.itemsize == 4 else "d") + "gemm"
    lo.call_library("scipy.linalg.cython_blas:" + name, t.VOID, arguments)
    return out


def _constant(lo: Lowering, kind: Any, value: Any) -> Any:
    return lo.e.slot(kind, ir.Constant(kind, value))


def _integer(lo: Lowering, n: Index) -> Any:
    return lo.e.slot(t.I32, lo.e.b.trunc(lo.e.value(n), t.I32))


def _vecdot(lo: Lowering, equation: Equation) -> list[Value] | None:
    x, y = (lo.value(a) for a in equation.inputs)
    dtype = equation.outputs[0].type.dtype
    if dtype.kind == "c" or len(x.shape) != 1 or len(y.shape) != 1:
        return None
    return [_inner(lo, x, y, dtype)]


def _matvec(lo: Lowering, equation: Equation) -> list[Value] | None:
    return _matmul(lo, equation) if equation.inputs[1].type.ndim == 1 else None


def _dot(lo: Lowering, equation: Equation) -> list[Value] | None:
    ranks = [a.type.ndim for a in equation.inputs]
    return _matmul(lo, equation) if max(ranks) <= 2 else None


CONTRACTIONS = {
    "matmul": _matmul,
    "dot": _dot,
    "matvec": _matvec,
    "vecdot": _vecdot,
    "vdot": _vecdot,
}
