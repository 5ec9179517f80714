"""Order along an axis: NumPy's own sorts on lines of memory, and binary search."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.elementwise import mapped
from wengert._backend.emitter import NO_MEMORY, Index
from wengert._backend.kernels import KERNELS, is_nan
from wengert._backend.libraries import KINDS, can_sort
from wengert._backend.lowering import Lowering
from wengert._backend.structure import permute
from wengert._backend.values import Array, Lazy, Shape, Value
from wengert._ir.program import Equation

_I64 = np.dtype(np.int64)

# -- sorts -----------------------------------------------------------------------------


def _last(lo: Lowering, x: Value, axis: int) -> Value:
    """The same entries with an axis at the end."""
    rank = len(x.shape)
    return permute(lo, x, (*(i for i in range(rank) if i != axis), axis))


def _in_place(lo: Lowering, x: Array, axis: int) -> Value:
    """The inverse of `_last`."""
    order = list(range(len(x.shape) - 1))
    order.insert(axis, len(order))
    return permute(lo, x, tuple(order))


def _sort(lo: Lowering, equation: Equation) -> list[Value] | None:
    x, axis = lo.value(equation.inputs[0]), equation.params["axis"]
    kind = equation.params.get("kind")
    if not can_sort("sort", kind, x.dtype):
        return None
    out = lo.copy(_last(lo, x, axis))
    name = f"sort:{KINDS[kind]}:{x.dtype.char}"
    _each_line(lo, name, out)
    return [_in_place(lo, out, axis)]


def _argsort(lo: Lowering, equation: Equation) -> list[Value] | None:
    x, axis = lo.value(equation.inputs[0]), equation.params["axis"]
    kind = equation.params.get("kind")
    if not can_sort("argsort", kind, x.dtype):
        return None
    keys = lo.contiguous(_last(lo, x, axis))
    dtype = equation.outputs[0].type.dtype
    positions = Lazy(keys.shape, dtype, lambda here: lo.e.value(here[-1]))
    out = lo.copy(positions)
    _each_line(lo, f"argsort:{KINDS[kind]}:{x.dtype.char}", keys, out)
    return [_in_place(lo, out, axis)]


def _each_line(lo: Lowering, name: str, *arrays: Array) -> None:
    """Call NumPy's function for the lines of the last axis of arrays in C order."""
    e = lo.e
    *lead, n = arrays[0].shape

    def line(here: Shape) -> None:
        pointers = [x.address(e, (*here, 0)) for x in arrays]
        nothing = ir.Constant(t.PTR, None)  # the array, which only strings need
        arguments = [*pointers, e.value(n), nothing]
        code = lo.call_library(name, t.I32, arguments)
        e.leave_if(e.b.icmp_signed("!=", code, ir.Constant(t.I32, 0)), NO_MEMORY)

    with e.when(e.compare(">", n, 1)):
        e.nest(tuple(lead), line)


# -- binary search ---------------------------------------------------------------------


def _less(lo: Lowering, dtype: np.dtype, x: Any, y: Any) -> Any:
    """The order of sorted entries: NaN is the largest."""
    less = KERNELS["less"][1](lo.e.b, dtype, x, y)
    if dtype.kind != "f":
        return less
    b = lo.e.b
    return b.or_(less, b.and_(is_nan(b, y), b.not_(is_nan(b, x))))


def _place(lo: Lowering, ordered: Value, x: Any, dtype: np.dtype, side: str) -> Any:
    """How many entries stand before x, as binary search finds it."""
    e, b = lo.e, lo.e.b
    n = ordered.shape[0]
    first, count = e.slot(t.I64, e.value(0)), e.slot(t.I64, e.value(n))
    with e.loop(_steps(lo, n)):
        start, left = (b.load(s, typ=t.I64) for s in (first, count))
        with e.when(e.compare(">", left, 0)):
            half = b.lshr(left, t.I64(1))
            middle = e.add(start, half)
            entry = t.cast(b, ordered.at(e, (middle,)), ordered.dtype, dtype)
            if side == "left":
                before = _less(lo, dtype, entry, x)
            else:
                before = b.not_(_less(lo, dtype, x, entry))
            behind = e.sub(left, e.add(half, 1))
            b.store(b.select(before, e.add(middle, 1), start), first)
            b.store(b.select(before, behind, half), count)
    return b.load(first, typ=t.I64)


def _steps(lo: Lowering, n: Index) -> Index:
    """Bits of a number: how often it can be halved before it is 0."""
    if isinstance(n, int):
        return n.bit_length()
    zeros = lo.e.intrinsic("llvm.ctlz.i64", t.I64, t.I64, t.I1)
    return lo.e.sub(64, lo.e.b.call(zeros, [n, t.I1(0)]))


def _search(lo: Lowering, equation: Equation, side: str) -> Value | None:
    ordered, x = (lo.value(a) for a in equation.inputs)
    out = equation.outputs[0].type
    dtype = np.result_type(ordered.dtype, x.dtype)
    if dtype.kind == "c" or len(ordered.shape) != 1:
        return None
    ordered = lo.cheap(ordered)

    def compute(entry: Any) -> Any:
        return _place(lo, ordered, t.cast(lo.e.b, entry, x.dtype, dtype), dtype, side)

    return mapped(lo, [x], lo.shape(out), _I64, compute)


def _searchsorted(lo: Lowering, equation: Equation) -> list[Value] | None:
    found = _search(lo, equation, equation.params["side"])
    return None if found is None else [found]


def _interp_cell(lo: Lowering, equation: Equation) -> list[Value] | None:
    """The knot on the left of a point; the first or last but one outside."""
    found = _search(lo, equation, "right")
    if found is None:
        return None
    e = lo.e
    last = e.maximum(e.sub(lo.value(equation.inputs[0]).shape[0], 2), 0)

    def compute(place: Any) -> Any:
        return e.value(e.minimum(e.maximum(e.sub(place, 1), 0), last))

    return [mapped(lo, [found], found.shape, _I64, compute)]


ORDERING = {
    "sort": _sort,
    "argsort": _argsort,
    "searchsorted": _searchsorted,
    "interp_cell": _interp_cell,
}
__all__ = ["ORDERING"]
