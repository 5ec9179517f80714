"""Exponentials, logarithms, trigonometric and hyperbolic functions.

The derivatives are written for accuracy: each of `sech2`, `arctan_slope`, ... is an op
of its own where the textbook formula, or its derivative, loses digits or overflows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.types import is_complex
from wengert._ops.arithmetic import equal
from wengert._ops.families import Domain, Kink, elementwise
from wengert._ops.structure import where

_COMPLEX = (Domain(-1.5, 1.5, complex=True),)
_POSITIVE = (Domain(0.3, 3.0, complex=True),)
_UNIT = (Domain(-0.9, 0.9, complex=True),)
_TWO = (Domain(), Domain())
_PLANE = (Domain(-2.0, 2.0), Domain(0.5, 2.0))

_LN2 = math.log(2.0)
_INF = math.inf


def _end_kink(text: str, at: float, derivative: float, torch: str = "") -> Kink:
    """A point where the slope is infinite: we return that infinity, as all do."""
    ours = "inf" if derivative > 0 else "-inf"
    return Kink(
        lambda x: abs(x) == abs(at),
        text,
        ours,
        ours,
        torch or ours,
        (at,),
        (derivative,),
    )


def _pole_kink(name: str, at: float, torch: str = "inf") -> Kink:
    return Kink(
        lambda x: x == at,
        f"{name}(x) at {at:g} (a pole)",
        "inf",
        "inf",
        torch,
        (at,),
        (_INF,),
    )


# -- exponentials and logarithms ------------------------------------------------------

exp = elementwise("exp", "exp", (lambda out, _x: out,), domains=_COMPLEX)
exp2 = elementwise(
    "exp2",
    lambda xp, x: np.exp2(x) if xp is np else 2.0**x,
    (lambda out, _x: _LN2 * out,),
    domains=_COMPLEX,
)
# exp(x), not out + 1, which is 0 from x = -37 on.
expm1 = elementwise("expm1", "expm1", (lambda _out, x: exp(x),), domains=_COMPLEX)
log: Op = elementwise(
    "log",
    "log",
    (lambda _out, x: 1.0 / x,),
    domains=_POSITIVE,
    kinks=_pole_kink("log", 0.0),
)
log2: Op = elementwise(
    "log2",
    "log2",
    (lambda _out, x: (1.0 / _LN2) / x,),
    domains=_POSITIVE,
    kinks=_pole_kink("log2", 0.0),
)
log10: Op = elementwise(
    "log10",
    "log10",
    (lambda _out, x: (1.0 / math.log(10.0)) / x,),
    domains=_POSITIVE,
    kinks=_pole_kink("log10", 0.0),
)
log1p: Op = elementwise(
    "log1p",
    "log1p",
    (lambda _out, x: 1.0 / (1.0 + x),),
    domains=_POSITIVE,
    kinks=_pole_kink("log1p", -1.0),
)


def _share_evaluate(power: Any) -> Any:
    """b^x / (b^x + b^y) as 1 / (1 + b^(y - x)); 1/2 where both are infinite."""

    def evaluate(xp: Any, x: Any, y: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            share = 1.0 / (1.0 + power(xp, y - x))
        share = xp.where(x == y, xp.asarray(0.5, dtype=share.dtype), share)
        return share[()] if xp is np else share

    return evaluate


def _log_of_sum(name: str, evaluate: Any, log_base: float, power: Any) -> Any:
    """``log_b(b^x + b^y)`` and its partial derivative, the share of x in the sum."""
    share: Op = elementwise(
        f"{name}_share",
        _share_evaluate(power),
        (
            lambda out, x, y: log_base * out * share(y, x),
            lambda out, x, y: -log_base * out * share(y, x),
        ),
        domains=_TWO,
    )
    return elementwise(
        name,
        evaluate,
        (lambda _out, x, y: share(x, y), lambda _out, x, y: share(y, x)),
        domains=_TWO,
        kinks=Kink(
            lambda x, y: (x == y) & np.isinf(x),
            f"{name}(x, y) at x = y = -inf",
            "1/2 each",
            "NaN",
            "NaN",
            (-_INF, -_INF),
            (0.5, 0.5),
        ),
    )


logaddexp = _log_of_sum("logaddexp", "logaddexp", 1.0, lambda xp, d: xp.exp(d))
logaddexp2 = _log_of_sum("logaddexp2", np.logaddexp2, _LN2, lambda xp, d: 2.0**d)

# -- roots ----------------------------------------------------------------------------

sqrt: Op = elementwise(
    "sqrt",
    "sqrt",
    (lambda out, _x: 0.5 / out,),
    domains=_POSITIVE,
    kinks=_end_kink("sqrt(x) at 0", 0.0, _INF),
)
cbrt: Op = elementwise(
    "cbrt",
    np.cbrt,
    (lambda out, _x: (1.0 / 3.0) / (out * out),),
    domains=(Domain(0.3, 3.0),),
    kinks=_end_kink("cbrt(x) at 0", 0.0, _INF),
)

# -- trigonometric --------------------------------------------------------------------

sin = elementwise("sin", "sin", (lambda _out, x: cos(x),), domains=_COMPLEX)
cos: Op = elementwise("cos", "cos", (lambda _out, x: -sin(x),), domains=_COMPLEX)
tan = elementwise("tan", "tan", (lambda _out, x: sec2(x),), domains=_UNIT)
# 1 + tan^2 has no digits left for complex x far from the real axis.
sec2: Op = elementwise(
    "sec2",
    lambda xp, x: xp.square(1.0 / xp.cos(x)),
    (lambda out, x: 2.0 * out * tan(x),),
    domains=_UNIT,
)


# The sign of a zero imaginary part says on which side of a cut a number lies: it is
# kept by x - (-1), but not by x + 1 or 1 - x.
def _plus_one(x: Any) -> Any:
    return x - (-1.0)


def _one_minus(x: Any) -> Any:
    return -(x - 1.0) if is_complex(x) else 1.0 - x


# The slopes of the inverse functions are ops of their own: the derivative of
# (1 - x)(1 + x), as the sum of two products, has no digits left near x = 0.
arcsin_slope: Op = elementwise(
    "arcsin_slope",
    lambda xp, x: 1.0 / (xp.sqrt(_one_minus(x)) * xp.sqrt(_plus_one(x))),
    (lambda out, x: x * out * out * out,),
    domains=_UNIT,
)
arcsin: Op = elementwise(
    "arcsin",
    "asin",
    (lambda _out, x: arcsin_slope(x),),
    domains=_UNIT,
    kinks=_end_kink("arcsin(x) at -1 and 1", 1.0, _INF),
)
arccos: Op = elementwise(
    "arccos",
    "acos",
    (lambda _out, x: -arcsin_slope(x),),
    domains=_UNIT,
    kinks=_end_kink("arccos(x) at -1 and 1", 1.0, -_INF),
)


def _one_plus_square(xp: Any, x: Any) -> Any:
    """1 + x^2; of a complex number by parts, for the digits near i and -i."""
    if not is_complex(x):
        return 1.0 + x * x
    re, im = xp.real(x), xp.imag(x)
    return (1.0 - im) * (1.0 + im) + re * re + 2.0j * (re * im)


def _arctan_slope_evaluate(xp: Any, x: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1.0 / _one_plus_square(xp, x)


arctan_slope: Op = elementwise(
    "arctan_slope",
    _arctan_slope_evaluate,
    (lambda out, x: -2.0 * x * out * out,),
    domains=_UNIT,
)
arctan = elementwise(
    "arctan", "atan", (lambda _out, x: arctan_slope(x),), domains=_UNIT
)

# -- hyperbolic -----------------------------------------------------------------------

sinh = elementwise("sinh", "sinh", (lambda _out, x: cosh(x),), domains=_COMPLEX)
cosh: Op = elementwise("cosh", "cosh", (lambda _out, x: sinh(x),), domains=_COMPLEX)


def _sech2_evaluate(xp: Any, x: Any) -> Any:
    """1 / cosh(x)^2, which is 0 where cosh(x) overflows."""
    if not is_complex(x):
        return xp.square(1.0 / xp.cosh(x))
    # 1 + e^2 has no digits left near the poles, where cosh cannot overflow.
    re = xp.real(x)
    e = xp.exp(xp.where(re > 0, -x, x))
    near = xp.where(xp.abs(re) < 1.0, x, xp.zeros_like(x))
    near_value = 1.0 / xp.cosh(near)
    return xp.square(xp.where(xp.abs(re) < 1.0, near_value, 2.0 * e / (1.0 + e * e)))


# Not 1 - out*out: relative error 4e-2 at x = 18 and 1 from 19.5 on, which finite
# differences cannot see.
tanh = elementwise("tanh", "tanh", (lambda _out, x: sech2(x),), domains=_UNIT)
sech2: Op = elementwise(
    "sech2", _sech2_evaluate, (lambda out, x: -2.0 * out * tanh(x),), domains=_UNIT
)


def _arcsinh_slope_evaluate(xp: Any, x: Any) -> Any:
    if is_complex(x):
        return 1.0 / xp.sqrt(_one_plus_square(xp, x))
    return 1.0 / xp.hypot(x, xp.ones_like(x))


arcsinh_slope: Op = elementwise(
    "arcsinh_slope",
    _arcsinh_slope_evaluate,
    (lambda out, x: -x * out * out * out,),
    domains=_UNIT,
)
arcsinh: Op = elementwise(
    "arcsinh", "asinh", (lambda _out, x: arcsinh_slope(x),), domains=_UNIT
)
arccosh_slope: Op = elementwise(
    "arccosh_slope",
    lambda xp, x: 1.0 / (xp.sqrt(x - 1.0) * xp.sqrt(_plus_one(x))),
    (lambda out, x: -x * out * out * out,),
    domains=(Domain(1.2, 3.0, complex=True),),
)
arccosh: Op = elementwise(
    "arccosh",
    "acosh",
    (lambda _out, x: arccosh_slope(x),),
    domains=(Domain(1.2, 3.0, complex=True),),
    kinks=_end_kink("arccosh(x) at 1", 1.0, _INF),
)
arctanh_slope: Op = elementwise(
    "arctanh_slope",
    lambda xp, x: 1.0 / (_one_minus(x) * _plus_one(x)),
    (lambda out, x: 2.0 * x * out * out,),
    domains=_UNIT,
)
arctanh: Op = elementwise(
    "arctanh",
    "atanh",
    (lambda _out, x: arctanh_slope(x),),
    domains=_UNIT,
    kinks=_end_kink("arctanh(x) at -1 and 1", 1.0, _INF),
)

# -- the plane ------------------------------------------------------------------------


def _at_origin(x: Any, y: Any) -> Any:
    return (x == 0) & (y == 0)


def _cosine_evaluate(xp: Any, x: Any, y: Any) -> Any:
    """x / hypot(x, y), and 0 at the origin."""
    r = xp.hypot(x, y)
    return x / xp.where(r == 0, xp.ones_like(r), r)


def _radius(x: Any, y: Any) -> Any:
    """The divisor of a derivative in the plane; not 0 at the origin."""
    r = hypot(x, y)
    return where(equal(r, 0), 1.0, r)


def _sine_squared(_out: Any, x: Any, y: Any) -> Any:
    sine = cosine(y, x)
    return sine * sine / _radius(x, y)


# The cosine of the angle of (x, y). Its derivative as that of a quotient would be the
# difference 1/r - x^2/r^3, which has no digits left near the axes.
cosine: Op = elementwise(
    "cosine",
    _cosine_evaluate,
    (_sine_squared, lambda out, x, y: -out * cosine(y, x) / _radius(x, y)),
    domains=_PLANE,
)
hypot = elementwise(
    "hypot",
    "hypot",
    (lambda _out, x, y: cosine(x, y), lambda _out, x, y: cosine(y, x)),
    domains=_PLANE,
    kinks=Kink(
        _at_origin,
        "hypot(x, y) at x = y = 0",
        "0 in x, 0 in y",
        "1/2 in x, 1/2 in y",
        "NaN in x, NaN in y",
        (0.0, 0.0),
        (0.0, 0.0),
    ),
)
arctan2 = elementwise(
    "arctan2",
    "atan2",
    (
        lambda _out, y, x: cosine(x, y) / _radius(x, y),
        lambda _out, y, x: -cosine(y, x) / _radius(x, y),
    ),
    domains=_PLANE,
    kinks=Kink(
        _at_origin,
        "arctan2(y, x) at x = y = 0",
        "0 in y, 0 in x",
        "NaN in y, NaN in x",
        "0 in y, 0 in x",
        (0.0, 0.0),
        (0.0, 0.0),
    ),
)

# -- angles ---------------------------------------------------------------------------

degrees = elementwise(
    "degrees",
    lambda xp, x: np.degrees(x) if xp is np else x * (180.0 / math.pi),
    (lambda _out, _x: 180.0 / math.pi,),
)
radians = elementwise(
    "radians",
    lambda xp, x: np.radians(x) if xp is np else x * (math.pi / 180.0),
    (lambda _out, _x: math.pi / 180.0,),
)
