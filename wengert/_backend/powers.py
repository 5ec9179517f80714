"""Powers: of floats by the C library, of integers by squaring."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.elementwise import lower_elementwise, mapped
from wengert._backend.failures import negative_exponent
from wengert._backend.lowering import Lowering
from wengert._backend.values import Scalar, Value
from wengert._ir.program import Equation


def _power(lo: Lowering, equation: Equation) -> list[Value] | None:
    """Of integers, one exponent for all entries; NumPy refuses it below zero."""
    x, y = (lo.value(a) for a in equation.inputs)
    out = equation.outputs[0].type
    if out.dtype.kind not in "iu" or not isinstance(y, Scalar):
        return lower_elementwise(lo, equation)
    e = lo.e
    exponent = e.value(lo.number(y))
    site = lo.sites.error(negative_exponent)
    e.fail_unless(e.compare(">=", exponent, 0), site, list)

    def compute(base: Any) -> Any:
        return _by_squaring(lo, t.cast(e.b, base, x.dtype, out.dtype), exponent)

    value = mapped(lo, [x], lo.shape(out), out.dtype, compute)
    return [value]


def _by_squaring(lo: Lowering, base: Any, exponent: Any) -> Any:
    """A loop over the bits of the exponent; products wrap around."""
    e, kind = lo.e, base.type
    power = e.slot(kind, ir.Constant(kind, 1))
    square, bits = e.slot(kind, base), e.slot(t.I64, exponent)
    head, body, end = (e.block(n) for n in ("bits", "bit", "powered"))
    e.b.branch(head)
    e.b.position_at_end(head)
    rest = e.b.load(bits, typ=t.I64)
    e.b.cbranch(e.compare(">", rest, 0), body, end)
    e.b.position_at_end(body)
    factor = e.b.load(square, typ=kind)
    old = e.b.load(power, typ=kind)
    odd = e.b.trunc(rest, t.I1)
    e.b.store(e.b.select(odd, e.b.mul(old, factor), old), power)
    e.b.store(e.b.mul(factor, factor), square)
    e.b.store(e.b.lshr(rest, ir.Constant(t.I64, 1)), bits)
    e.b.branch(head)
    e.b.position_at_end(end)
    return e.b.load(power, typ=kind)


POWERS = {"power": _power}
__all__ = ["POWERS"]
