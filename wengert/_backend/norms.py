"""Norms of vectors and of matrices: sums of powers, by NumPy's formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._backend import types as t
from wengert._backend.elementwise import mapped
from wengert._backend.lowering import Lowering
from wengert._backend.reductions import MONOIDS, reduced
from wengert._backend.scalars import intrinsic, libm, modulus, parts
from wengert._backend.values import Shape, Value
from wengert._ir.program import Equation

Kernel = Callable[..., Any]


def _norm(lo: Lowering, equation: Equation, size: Kernel, root: Kernel) -> list[Value]:
    """The root of the sum of the sizes of the entries, over some axes."""
    x, (var,) = lo.value(equation.inputs[0]), equation.outputs
    axes, dtype, b = equation.params.get("axes"), var.type.dtype, lo.e.b
    axes = tuple(range(len(x.shape))) if axes is None else axes
    wide = np.result_type(x.dtype, dtype)  # complex, if the entries are

    def entry(here: Shape) -> Any:
        return size(b, wide, t.cast(b, x.at(lo.e, here), x.dtype, wide))

    total = reduced(lo, x.shape, axes, dtype, MONOIDS["reduce_sum"], entry)
    return [mapped(lo, [total], total.shape, dtype, lambda s: root(b, dtype, s))]


def _square(b: Any, dtype: np.dtype, x: Any) -> Any:
    squares = [b.fmul(p, p) for p in (parts(b, x) if dtype.kind == "c" else (x,))]
    return squares[0] if dtype.kind == "f" else b.fadd(*squares)


def _two_norm(lo: Lowering, equation: Equation) -> list[Value]:
    return _norm(lo, equation, _square, intrinsic("sqrt"))


def _p_norm(lo: Lowering, equation: Equation) -> list[Value]:
    ord_ = equation.params["ord"]

    def size(b: Any, dtype: np.dtype, x: Any) -> Any:
        real = np.zeros(0, dtype).real.dtype
        return libm("pow")(b, real, modulus(b, dtype, x), t.constant(ord_, real))

    def root(b: Any, dtype: np.dtype, total: Any) -> Any:
        exponent = t.constant(np.reciprocal(ord_, dtype=dtype), dtype)
        return libm("pow")(b, dtype, total, exponent)

    return _norm(lo, equation, size, root)


NORMS = {"two_norm": _two_norm, "p_norm": _p_norm}
__all__ = ["NORMS"]
