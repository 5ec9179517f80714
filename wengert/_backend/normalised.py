"""Softmax and its logarithms: reductions of delayed arrays, one formula each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from wengert._backend import types as t
from wengert._backend.elementwise import mapped
from wengert._backend.kernels import KERNELS
from wengert._backend.lowering import Lowering
from wengert._backend.reductions import MONOIDS, reduced
from wengert._backend.structure import reshaped
from wengert._backend.values import Shape, Value
from wengert._ir.program import Equation


class _Parts:
    """``x - max x`` along axes, and sums over them, as NumPy's row evaluates them."""

    def __init__(self, lo: Lowering, x: Value, axes: tuple[int, ...]) -> None:
        self.lo, self.axes, self.shape, self.dtype = lo, axes, x.shape, x.dtype
        self.kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        x = lo.cheap(x)
        self.top = self.reduced("reduce_max", x)
        self.below = lo.copy(self.map([x, self.top], self._below))

    def reduced(self, name: str, x: Value) -> Value:
        """Over the axes, which stay with length 1."""
        lo = self.lo

        def entry(here: Shape) -> Any:
            return x.at(lo.e, here)

        out = reduced(lo, x.shape, self.axes, self.dtype, MONOIDS[name], entry)
        return reshaped(lo, out, self.kept)

    def map(self, operands: list[Value], compute: Callable[..., Any]) -> Value:
        return mapped(self.lo, operands, self.shape, self.dtype, compute)

    def map_kept(self, operands: list[Value], compute: Callable[..., Any]) -> Value:
        return self.lo.cheap(mapped(self.lo, operands, self.kept, self.dtype, compute))

    def number(self, value: float) -> Any:
        return t.constant(value, self.dtype)

    def call(self, name: str, *xs: Any) -> Any:
        return KERNELS[name][1](self.lo.e.b, self.dtype, *xs)

    def _below(self, x: Any, top: Any) -> Any:
        """Beside an infinite maximum the rest is at -inf."""
        b = self.lo.e.b
        infinite = self.call("isinf", top)
        zero, low = self.number(0.0), self.number(-math.inf)
        highest = b.and_(b.fcmp_ordered("==", x, top), b.fcmp_ordered(">", top, zero))
        beside = b.select(highest, zero, low)
        return b.select(infinite, beside, b.fsub(x, top))

    def log_total(self) -> Value:
        """log of the sum of exp(below): those at the top are counted, not summed."""
        b = self.lo.e.b
        zero, one = self.number(0.0), self.number(1.0)

        def at_top(x: Any) -> Any:
            return b.select(b.fcmp_ordered("==", x, zero), one, zero)

        def rest(x: Any) -> Any:
            power = self.call("exp", x)
            return b.select(b.fcmp_ordered("==", x, zero), zero, power)

        count = self.reduced("reduce_sum", self.map([self.below], at_top))
        total = self.reduced("reduce_sum", self.map([self.below], rest))

        def combine(n: Any, s: Any) -> Any:
            n = b.select(b.fcmp_ordered("==", n, zero), one, n)
            return b.fadd(self.call("log1p", b.fdiv(s, n)), self.call("log", n))

        return self.map_kept([count, total], combine)


def _parts(lo: Lowering, equation: Equation) -> _Parts | None:
    x = lo.value(equation.inputs[0])
    axes = equation.params["axes"]
    static = all(isinstance(n, int) and n > 0 for n in x.shape)
    if x.dtype.kind != "f" or not static or not x.shape or not axes:
        return None
    return _Parts(lo, x, axes)


def _softmax(lo: Lowering, equation: Equation) -> list[Value] | None:
    parts = _parts(lo, equation)
    if parts is None:
        return None
    b = lo.e.b
    weights = lo.copy(parts.map([parts.below], lambda x: parts.call("exp", x)))
    total = parts.reduced("reduce_sum", weights)

    def divide(weight: Any, s: Any) -> Any:
        empty = b.fcmp_ordered("==", s, parts.number(0.0))
        return b.fdiv(weight, b.select(empty, parts.number(1.0), s))

    return [parts.map([weights, lo.cheap(total)], divide)]


def _log_softmax(lo: Lowering, equation: Equation) -> list[Value] | None:
    parts = _parts(lo, equation)
    if parts is None:
        return None
    return [parts.map([parts.below, parts.log_total()], lo.e.b.fsub)]


def _logsumexp(lo: Lowering, equation: Equation) -> list[Value] | None:
    parts = _parts(lo, equation)
    if parts is None:
        return None
    value = parts.map_kept([parts.top, parts.log_total()], lo.e.b.fadd)
    return [reshaped(lo, value, lo.shape(equation.outputs[0].type))]


NORMALISED = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
}
__all__ = ["NORMALISED"]
