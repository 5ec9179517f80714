"""Special functions: formulas of the C library's, and calls of SciPy's own code.

The formulas follow the rows' (`wengert._ops.special`), so that values agree; those of
the C library's functions only run in vectors, several entries at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._backend import types as t
from wengert._backend.elementwise import mapped
from wengert._backend.kernels import KERNELS
from wengert._backend.lowering import Lowering
from wengert._backend.values import Value
from wengert._ir.program import Equation
from wengert._ops.special import TAIL

_F32, _F64, _I64 = (np.dtype(n) for n in ("f4", "f8", "i8"))


class _Registers:
    """Arithmetic of one floating dtype on registers."""

    def __init__(self, lo: Lowering, dtype: np.dtype) -> None:
        self.lo, self.b, self.dtype = lo, lo.e.b, dtype

    def number(self, value: float) -> Any:
        return t.constant(value, self.dtype)

    def call(self, name: str, *xs: Any) -> Any:
        """An op with a kernel; numbers become constants."""
        return KERNELS[name][1](self.b, self.dtype, *map(self._register, xs))

    def _register(self, x: Any) -> Any:
        return self.number(x) if isinstance(x, (int, float)) else x

    def add(self, x: Any, y: Any) -> Any:
        return self.call("add", x, y)

    def sub(self, x: Any, y: Any) -> Any:
        return self.call("subtract", x, y)

    def mul(self, x: Any, y: Any) -> Any:
        return self.call("multiply", x, y)

    def div(self, x: Any, y: Any) -> Any:
        return self.call("divide", x, y)

    def neg(self, x: Any) -> Any:
        return self.call("negative", x)

    def select(self, holds: Any, x: Any, y: Any) -> Any:
        return self.b.select(holds, self._register(x), self._register(y))

    def slot(self, value: Any) -> Any:
        return self.lo.e.slot(t.register_type(self.dtype), self._register(value))

    def load(self, slot: Any) -> Any:
        return self.b.load(slot, typ=t.register_type(self.dtype))

    def scipy(self, name: str, *xs: Any) -> Any:
        """A function of SciPy's on doubles; the last operand is for Cython."""
        given = [t.cast(self.b, x, self.dtype, _F64) for x in xs]
        value = self._cython(name, _F64, given)
        return t.cast(self.b, value, _F64, self.dtype)

    def _cython(self, name: str, dtype: np.dtype, xs: list[Any]) -> Any:
        entry = f"special:{name}"
        flag = t.I32(0)
        return self.lo.call_library(entry, t.register_type(dtype), [*xs, flag])

    def erfinv(self, x: Any) -> Any:
        """SciPy computes it in either precision."""
        name = "__pyx_fuse_1erfinv" if self.dtype == _F32 else "__pyx_fuse_0erfinv"
        return self._cython(name, self.dtype, [x])


Formula = Callable[..., Any]

# -- formulas of the C library's functions ---------------------------------------------


def _log_expit(r: _Registers, x: Any) -> Any:
    below = r.call("minimum", x, 0.0)
    return r.sub(below, r.call("log1p", r.call("exp", r.neg(r.call("absolute", x)))))


def _logit(r: _Registers, x: Any) -> Any:
    """Near 1/2 from log1p, where the logarithm of the quotient is nearly 0."""
    far = r.b.or_(r.call("less", x, 0.3), r.call("greater", x, 0.65))
    twice = r.mul(2.0, r.sub(x, 0.5))
    near = r.sub(r.call("log1p", twice), r.call("log1p", r.neg(twice)))
    return r.select(far, r.call("log", r.div(x, r.sub(1.0, x))), near)


def _ndtr(r: _Registers, x: Any) -> Any:
    z = r.mul(x, math.sqrt(0.5))
    size = r.call("absolute", z)
    inner = r.add(0.5, r.mul(0.5, r.call("erf", z)))
    tail = r.mul(0.5, r.call("erfc", size))
    outer = r.select(r.call("greater", z, 0.0), r.sub(1.0, tail), tail)
    return r.select(r.call("less", size, 1.0), inner, outer)


def _entr(r: _Registers, x: Any) -> Any:
    value = r.mul(r.neg(x), r.call("log", x))
    value = r.select(r.call("less", x, 0.0), -math.inf, value)
    return r.select(r.call("equal", x, 0.0), 0.0, value)


def _times_log(log: str) -> Formula:
    """x log(y): 0 where x is, unless y is NaN."""

    def formula(r: _Registers, x: Any, y: Any) -> Any:
        number = r.b.not_(r.call("isnan", y))
        nothing = r.b.and_(r.call("equal", x, 0.0), number)
        return r.select(nothing, 0.0, r.mul(x, r.call(log, y)))

    return formula


def _relative_excess(r: _Registers, x: Any, y: Any) -> Any:
    return r.div(r.sub(x, y), y)


def _log_ratio(r: _Registers, x: Any, y: Any) -> Any:
    ratio = r.div(x, y)
    near = r.call("log1p", _relative_excess(r, x, y))
    apart = r.sub(r.call("log", x), r.call("log", y))
    low, high = (1e-300, 1e300) if r.dtype == _F64 else (0.0, math.inf)
    in_range = r.b.and_(r.call("greater", ratio, low), r.call("less", ratio, high))
    value = r.select(in_range, r.call("log", ratio), apart)
    close = r.call("less", r.call("absolute", r.sub(ratio, 1.0)), 0.5)
    return r.select(close, near, value)


def _sinc(r: _Registers, x: Any) -> Any:
    u = r.mul(math.pi, x)
    origin = r.call("equal", u, 0.0)
    divisor = r.select(origin, 1.0, u)
    return r.select(origin, 1.0, r.div(r.call("sin", divisor), divisor))


# -- the normal distribution's left tail -----------------------------------------------


def _hazard(r: _Registers, x: Any) -> Any:
    below = r.div(r.neg(r.call("minimum", x, 0.0)), math.sqrt(2.0))
    left = r.div(math.sqrt(2.0 / math.pi), r.scipy("__pyx_fuse_1erfcx", below))
    density = r.call("half_gaussian", r.call("maximum", x, 0.0))
    density = r.mul(1.0 / math.sqrt(2.0 * math.pi), density)
    right = r.div(density, _ndtr(r, x))
    return r.select(r.call("less", x, 0.0), left, right)


def _mills_tail(r: _Registers, order: Any, x: Any) -> Any:
    """Backward from depth 60 in the left tail, else forward from the hazard."""
    e = r.lo.e
    in_tail = r.call("less", x, TAIL)
    value = r.slot(0.0)
    with e.when(in_tail), e.loop(61) as k:
        depth = t.cast(r.b, e.value(e.sub(60, k)), _I64, r.dtype)
        above = r.add(r.neg(x), r.load(value))
        r.b.store(r.div(r.add(order, depth), above), value)
    with e.when(r.b.not_(in_tail)):
        r.b.store(r.add(x, _hazard(r, x)), value)
        with e.loop(t.cast(r.b, order, r.dtype, _I64), 1) as k:
            number = t.cast(r.b, k, _I64, r.dtype)
            r.b.store(r.add(x, r.div(number, r.load(value))), value)
    return r.load(value)


# -- gamma functions -------------------------------------------------------------------

_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
    43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730,
)  # fmt: skip
_EPSILON = 2.0**-53


def _polygamma(r: _Registers, n: Any, x: Any) -> Any:
    order = r.add(n, 1.0)
    half = r.mul(n, 0.5)
    even = r.call("equal", r.call("floor", half), half)
    size = r.mul(r.scipy("__pyx_fuse_1gamma", order), _zeta(r, order, x))
    value = r.select(even, r.neg(size), size)
    digamma = r.scipy("__pyx_fuse_1psi", x)
    return r.select(r.call("equal", n, 0.0), digamma, value)


def _zeta(r: _Registers, s: Any, q: Any) -> Any:
    """Hurwitz' zeta function of a whole number s, by Euler and Maclaurin's formula.

    References:
        Olver et al., "NIST Handbook of Mathematical Functions", 2010, 25.11.
    """
    far = r.add(r.div(1.0, r.sub(s, 1.0)), r.div(0.5, q))
    far = r.mul(far, r.call("power", q, r.sub(1.0, s)))
    left = r.call("less_equal", q, 0.0)
    pole = r.b.and_(left, r.call("equal", q, r.call("floor", q)))
    pole = r.b.or_(pole, r.call("equal", s, 1.0))
    value = r.select(r.call("greater", q, 1e8), far, _euler_maclaurin(r, s, q))
    value = r.select(pole, math.inf, value)
    return r.select(r.call("less", s, 1.0), math.nan, value)


def _euler_maclaurin(r: _Registers, s: Any, q: Any) -> Any:
    """At least 9 terms, and as far as 9 to the right of 0; then the rest's expansion.

    It stops where a term changes nothing: those of the expansion grow in the end.
    """
    e = r.lo.e
    total, base, term = (r.slot(v) for v in (0.0, q, 0.0))
    r.b.store(r.call("power", q, r.neg(s)), total)
    done = e.slot(t.I1, t.I1(0))

    def add(change: Any) -> None:
        old, ended = r.load(total), r.b.load(done, typ=t.I1)
        new = r.select(ended, old, r.add(old, change))
        least = r.mul(_EPSILON, r.call("absolute", new))
        small = r.call("less", r.call("absolute", change), least)
        r.b.store(new, total)
        r.b.store(r.b.or_(ended, small), done)

    steps = t.cast(r.b, r.add(r.call("floor", r.sub(9.0, q)), 1.0), r.dtype, _I64)
    with e.loop(e.maximum(steps, 9)):
        r.b.store(r.add(r.load(base), 1.0), base)
        r.b.store(r.call("power", r.load(base), r.neg(s)), term)
        add(r.load(term))
    w, b = r.load(base), r.load(term)
    rest = r.sub(r.div(r.mul(b, w), r.sub(s, 1.0)), r.mul(0.5, b))
    ended, old = r.b.load(done, typ=t.I1), r.load(total)
    r.b.store(r.select(ended, old, r.add(old, rest)), total)
    rising, power = s, r.div(b, w)
    for j, number in enumerate(_BERNOULLI):
        weight = number / math.factorial(2 * j + 2)
        add(r.mul(r.mul(rising, power), weight))
        for k in (2 * j + 1, 2 * j + 2):
            rising, power = r.mul(rising, r.add(s, k)), r.div(power, w)
    return r.load(total)


# -- derivatives of sinc ---------------------------------------------------------------


def _sinc_derivative(r: _Registers, n: Any, x: Any) -> Any:
    """The recurrence for u > n, else the power series, as the row has them."""
    e = r.lo.e
    u = r.mul(math.pi, x)
    small = r.call("less", r.call("absolute", u), r.add(1.0, r.mul(0.5, n)))
    value = r.slot(0.0)
    with e.when(small):
        r.b.store(_sinc_series(r, n, u), value)
    with e.when(r.b.not_(small)):
        turns = r.sub(x, r.mul(2.0, r.call("rint", r.mul(0.5, x))))
        angle = r.mul(math.pi, turns)
        sine, cosine = r.call("sin", angle), r.call("cos", angle)
        r.b.store(r.div(sine, u), value)
        with e.loop(e.add(t.cast(r.b, n, r.dtype, _I64), 1), 1) as k:
            odd = e.b.trunc(k, t.I1)
            half = e.b.trunc(e.b.lshr(k, t.I64(1)), t.I1)
            wave = r.select(odd, cosine, sine)
            wave = r.select(half, r.neg(wave), wave)
            number = t.cast(r.b, k, _I64, r.dtype)
            rest = r.sub(wave, r.mul(number, r.load(value)))
            r.b.store(r.div(rest, u), value)
    return r.mul(r.call("power", math.pi, n), r.load(value))


def _sinc_series(r: _Registers, n: Any, u: Any) -> Any:
    """Sum over k of ``(-1)^k u^(2k - n) / ((2k + 1) (2k - n)!)``, from its end."""
    e = r.lo.e
    first = r.call("floor", r.mul(0.5, r.add(n, 1.0)))
    lowest = r.sub(r.mul(2.0, first), n)  # the least power of u: 0 or 1
    total = r.slot(0.0)
    count = e.add(t.cast(r.b, n, r.dtype, _I64), 15)
    with e.loop(count) as j:
        down = t.cast(r.b, e.sub(e.sub(count, 1), j), _I64, r.dtype)
        twice = r.mul(2.0, r.add(first, down))
        power = r.sub(twice, n)
        ratio = r.div(u, r.add(power, 1.0))
        ratio = r.neg(r.mul(ratio, r.div(u, r.add(power, 2.0))))
        own = r.div(1.0, r.add(twice, 1.0))
        r.b.store(r.add(own, r.mul(ratio, r.load(total))), total)
    half = r.mul(0.5, first)
    even = r.call("equal", r.call("floor", half), half)
    value = r.select(even, r.load(total), r.neg(r.load(total)))
    return r.select(r.call("equal", lowest, 0.0), value, r.mul(u, value))


# -- the table -------------------------------------------------------------------------


def _scipy(name: str) -> Formula:
    return lambda r, *xs: r.scipy(name, *xs)


_FORMULAS: dict[str, Formula] = {
    "log_expit": _log_expit,
    "logit": _logit,
    "entr": _entr,
    "xlogy": _times_log("log"),
    "xlog1py": _times_log("log1p"),
    "relative_excess": _relative_excess,
    "log_ratio": _log_ratio,
    "sinc": _sinc,
    "hazard": _hazard,
    "erfinv": _Registers.erfinv,
    "ndtri": _scipy("ndtri"),
    "log_ndtr": _scipy("__pyx_fuse_1log_ndtr"),
    "digamma": _scipy("__pyx_fuse_1psi"),
    "gamma": _scipy("__pyx_fuse_1gamma"),
    "gammaln": _scipy("gammaln"),
    "loggamma": _scipy("__pyx_fuse_1loggamma"),
    "rel_entr": _scipy("rel_entr"),
    "kl_div": _scipy("kl_div"),
}
# Computed in double precision: what rounding x costs grows with x or with the order.
_DOUBLE: dict[str, Formula] = {
    "ndtr": _ndtr,
    "polygamma": _polygamma,
    "mills_tail": _mills_tail,
    "sinc_derivative": _sinc_derivative,
}


def _lower(formula: Formula, dtype: np.dtype | None) -> Any:
    """Of real numbers; `dtype` is what is computed in, else that of the result."""

    def lower(lo: Lowering, equation: Equation) -> list[Value] | None:
        operands = [lo.value(a) for a in equation.inputs]
        out = equation.outputs[0].type
        if out.dtype.kind != "f":
            return None
        own = dtype or out.dtype
        r = _Registers(lo, own)

        def compute(*entries: Any) -> Any:
            pairs = zip(entries, operands, strict=True)
            value = formula(r, *(t.cast(r.b, x, o.dtype, own) for x, o in pairs))
            return t.cast(r.b, value, own, out.dtype)

        return [mapped(lo, operands, lo.shape(out), out.dtype, compute)]

    return lower


SPECIAL = {
    **{name: _lower(formula, None) for name, formula in _FORMULAS.items()},
    **{name: _lower(formula, _F64) for name, formula in _DOUBLE.items()},
}
__all__ = ["SPECIAL"]
