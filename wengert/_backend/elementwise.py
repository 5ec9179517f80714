"""Elementwise ops: kernels over broadcast operands, delayed until they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._backend import types as t
from wengert._backend.emitter import Index
from wengert._backend.kernels import KERNELS, kernel_for
from wengert._backend.lowering import Lowering
from wengert._backend.scalars import parts
from wengert._backend.values import (
    Lazy,
    Scalar,
    Shape,
    Value,
    broadcast_index,
    same_shape,
)
from wengert._ir.program import Equation


def mapped(
    lo: Lowering,
    operands: list[Value],
    shape: Shape,
    dtype: np.dtype,
    compute: Callable[..., Any],
    *,
    trivial: bool = False,
) -> Value:
    """An entry of every operand, broadcast, through a function of registers."""
    e = lo.e
    if not shape:
        return Scalar(compute(*(o.at(e, ()) for o in operands)), dtype)
    operands = [o if same_shape(o.shape, shape) else lo.cheap(o) for o in operands]

    def entry(indices: Shape) -> Any:
        own = (broadcast_index(o.shape, shape, indices) for o in operands)
        return compute(*(o.at(e, i) for o, i in zip(operands, own, strict=True)))

    readers = [
        o.flat(e) if o.shape == () or same_shape(o.shape, shape) else None
        for o in operands
    ]
    flat = None
    if all(r is not None for r in readers):

        def flat(k: Index) -> Any:
            return compute(*(read(k) for read in readers if read is not None))

    return Lazy(shape, dtype, entry, operands, flat=flat, trivial=trivial)


def cast_to(lo: Lowering, x: Value, dtype: np.dtype) -> Value:
    """As NumPy's `astype`."""
    if x.dtype == dtype:
        return x
    b = lo.e.b
    return mapped(lo, [x], x.shape, dtype, lambda v: t.cast(b, v, x.dtype, dtype))


def lower_elementwise(lo: Lowering, equation: Equation) -> list[Value] | None:
    """An op with a row in the table of kernels."""
    operands = [lo.value(a) for a in equation.inputs]
    out = equation.outputs[0].type if len(equation.outputs) == 1 else None
    if out is None or not operands:
        return None
    dtypes = [o.dtype for o in operands]
    found = kernel_for(equation.op.name, equation.params, dtypes, out.dtype)
    if found is None:
        return None
    dtype, kernel = found
    b = lo.e.b

    def compute(*entries: Any) -> Any:
        pairs = zip(entries, dtypes, strict=True)
        value = kernel(b, dtype, *(t.cast(b, x, d, dtype) for x, d in pairs))
        given = np.dtype(bool) if value.type == t.I1 else dtype
        return t.cast(b, value, given, out.dtype)

    return [mapped(lo, operands, lo.shape(out), out.dtype, compute)]


def _where(lo: Lowering, equation: Equation) -> list[Value]:
    out = equation.outputs[0].type
    operands = [lo.value(a) for a in equation.inputs]
    mask, first, second = (o.dtype for o in operands)
    b = lo.e.b

    def compute(holds: Any, x: Any, y: Any) -> Any:
        return b.select(
            t.cast(b, holds, mask, np.dtype(bool)),
            t.cast(b, x, first, out.dtype),
            t.cast(b, y, second, out.dtype),
        )

    return [mapped(lo, operands, lo.shape(out), out.dtype, compute)]


def _astype(lo: Lowering, equation: Equation) -> list[Value]:
    out = equation.outputs[0].type
    x = lo.value(equation.inputs[0])
    if x.dtype == out.dtype:
        return [x]

    def compute(entry: Any) -> Any:
        return t.cast(lo.e.b, entry, x.dtype, out.dtype)

    return [mapped(lo, [x], lo.shape(out), out.dtype, compute, trivial=x.trivial)]


def _part(number: int) -> Callable[[Lowering, Equation], list[Value]]:
    def lower(lo: Lowering, equation: Equation) -> list[Value]:
        out = equation.outputs[0].type
        x = lo.value(equation.inputs[0])

        def compute(entry: Any) -> Any:
            if x.dtype.kind == "c":
                return parts(lo.e.b, entry)[number]
            return t.constant(0, out.dtype) if number else entry

        return [mapped(lo, [x], lo.shape(out), out.dtype, compute, trivial=x.trivial)]

    return lower


def _round_decimals(lo: Lowering, equation: Equation) -> list[Value] | None:
    """As NumPy's: scaled, rounded and scaled back."""
    x, out = lo.value(equation.inputs[0]), equation.outputs[0].type
    decimals = equation.params.get("decimals", 0)
    if out.dtype.kind in "iub" and decimals >= 0 and out.dtype == x.dtype:
        return [x]
    if out.dtype.kind != "f" or not isinstance(decimals, int):
        return None
    b, dtype = lo.e.b, out.dtype
    power = t.constant(10.0 ** abs(decimals), dtype)
    up, down = (b.fmul, b.fdiv) if decimals > 0 else (b.fdiv, b.fmul)

    def compute(entry: Any) -> Any:
        if decimals == 0:
            return KERNELS["rint"][1](b, dtype, entry)
        return down(KERNELS["rint"][1](b, dtype, up(entry, power)), power)

    return [mapped(lo, [x], lo.shape(out), dtype, compute)]


def _substitute(lo: Lowering, equation: Equation) -> list[Value] | None:
    value = lo.value(equation.inputs[0])
    shape = lo.shape(equation.outputs[0].type)
    return [value] if same_shape(value.shape, shape) else None


def _same(lo: Lowering, equation: Equation) -> list[Value]:
    """Values never change: a copy is the value."""
    return [lo.value(equation.inputs[0])]


SELECTIONS = {
    "where": _where,
    "astype": _astype,
    "promote": _astype,
    "to_integer": _astype,
    "detached": _astype,
    "real": _part(0),
    "imag": _part(1),
    "round_decimals": _round_decimals,
    "substitute": _substitute,
    "copy": _same,
    "stop_gradient": _same,
    "positive": _same,
}
