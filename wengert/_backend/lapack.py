"""Calls of the BLAS and LAPACK that SciPy ships: by address, in the run-time table.

Fortran takes every argument by address, integers of 32 bits, and matrices column by
column: `columns` is memory of that kind, seen as an array with the usual indices.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.emitter import Index
from wengert._backend.failures import not_done, not_square, too_large
from wengert._backend.lowering import Lowering
from wengert._backend.structure import permute
from wengert._backend.values import (
    Array,
    Lazy,
    Shape,
    Value,
    broadcast_index,
    same_extent,
)
from wengert._ir.program import Var

INTEGER = np.dtype(np.int32)
LARGEST = (1 << 31) - 1  # of Fortran's integers
LETTERS = {"f": "s", "d": "d", "F": "c", "D": "z"}  # first of a routine's name


def call(lo: Lowering, name: str, *arguments: Any) -> None:
    """Call a routine with the addresses of its arguments."""
    lo.call_library("linalg:" + name, t.VOID, list(arguments))


def character(lo: Lowering, letter: str) -> Any:
    return constant(lo, t.I8, ord(letter))


def constant(lo: Lowering, kind: Any, value: Any) -> Any:
    """The address of a constant."""
    return lo.e.slot(kind, ir.Constant(kind, value))


def number(lo: Lowering, value: float, dtype: np.dtype) -> Any:
    """The address of a number of a dtype."""
    return lo.e.slot(t.memory_type(dtype), t.constant(value, dtype))


def integer(lo: Lowering, n: Index) -> Any:
    """The address of an extent that `require_at_most` has seen."""
    return lo.e.slot(t.I32, lo.e.b.trunc(lo.e.value(n), t.I32))


def leading(lo: Lowering, n: Index) -> Any:
    """The address of a leading dimension, which is never 0."""
    return integer(lo, lo.e.maximum(n, 1))


def require_at_most(lo: Lowering, limit: int, *extents: Index) -> None:
    """Extents fit Fortran's integers, and so do sizes of workspace made of them."""
    for n in extents:
        if isinstance(n, int) and n <= limit:
            continue
        site = lo.sites.error(partial(too_large, limit), np.dtype(np.int64))
        values = [lo.e.value(n)]
        lo.e.fail_unless(lo.e.compare("<=", n, limit), site, values.copy)


def require_done(lo: Lowering, info: Any, message: str) -> None:
    """NumPy's exception where a routine reports a failure; {} is the place of it."""
    dtype = np.dtype(np.int64)
    site = lo.sites.error(partial(not_done, message), dtype)
    code = lo.e.b.load(info, typ=t.I32)
    fine = lo.e.b.icmp_signed("==", code, ir.Constant(t.I32, 0))
    lo.e.fail_unless(fine, site, lambda: [lo.e.b.sext(code, t.I64)])


# -- matrices --------------------------------------------------------------------------


def working_dtype(dtype: np.dtype) -> np.dtype:
    """What NumPy computes in: its factorisations have double precision only."""
    return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)


def columns(lo: Lowering, rows: Index, width: Index, dtype: np.dtype) -> Array:
    """Memory of a matrix, column by column."""
    turned = permute(lo, lo.allocate((width, rows), dtype), (1, 0))
    assert isinstance(turned, Array)
    return turned


def matrix_at(lo: Lowering, x: Value, lead: Shape, lane: Shape) -> Value:
    """One matrix of a stack that is broadcast to the leading extents."""
    e, own = lo.e, broadcast_index(x.shape[:-2], lead, lane)
    shape = x.shape[-2:]
    if not isinstance(x, Array):
        return Lazy(shape, x.dtype, lambda here: x.at(e, (*own, *here)), [x])
    pointer = x.address(e, (*own, 0, 0))
    return Array(
        pointer, shape, x.strides[-2:], x.dtype, x.block, contiguous=x.contiguous
    )


def result(lo: Lowering, var: Var, shape: Shape) -> Array:
    """Memory for a result, whose declared extents must be these."""
    out = lo.result(var)
    for declared, found in zip(out.shape, shape, strict=True):
        lo.require_extent(found, declared)
    return out


def part_at(lo: Lowering, out: Array, lane: Shape) -> Array:
    """The place of a result of one matrix, behind its leading indices."""
    rest = len(out.shape) - len(lane)
    pointer = out.address(lo.e, (*lane, *[0] * rest))
    return Array(
        pointer,
        out.shape[len(lane) :],
        out.strides[len(lane) :],
        out.dtype,
        out.block,
        contiguous=True,
    )


def answer(lo: Lowering, work: Array) -> Any:
    """The size of a workspace, which a routine wrote to its start when asked."""
    entry = work.at(lo.e, (0,))
    if work.dtype.kind == "c":
        entry = lo.e.b.extract_value(entry, 0)
    kind = lo.e.b.fptosi if work.dtype.kind in "fc" else lo.e.b.sext
    return kind(entry, t.I64)


def is_square(x: Value) -> bool:
    """Whether the matrices of a stack are square, as far as is known."""
    return len(x.shape) >= 2 and may_equal(*x.shape[-2:])


def may_equal(n: Index, m: Index) -> bool:
    return n == m or not (isinstance(n, int) and isinstance(m, int))


def require_square(lo: Lowering, x: Value) -> Index:
    """The extent of square matrices; NumPy's exception where they are not."""
    rows, width = x.shape[-2:]
    if not same_extent(rows, width):
        site = lo.sites.error(not_square)
        lo.e.fail_unless(lo.e.compare("==", rows, width), site, list)
    return rows if isinstance(rows, int) else width
