"""Arithmetic, powers, extrema, comparisons and rounding.

Python's operators evaluate the four operations: on arrays they are NumPy's ufuncs, to
the bit, and on scalars ten times as fast.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert._core.op import Op

from wengert._ops.families import (
    MINUS_ONE,
    ONE,
    Domain,
    Kink,
    elementwise,
    piecewise_constant,
)
from wengert._ops.structure import where

_COMPLEX = Domain(complex=True)
_NONZERO = Domain(0.5, 2.0, complex=True)

add = elementwise("add", operator.add, (ONE, ONE), domains=(_COMPLEX, _COMPLEX))
subtract = elementwise("subtract", operator.sub, (ONE, MINUS_ONE), domains=(_COMPLEX, _COMPLEX))
multiply = elementwise(
    "multiply",
    operator.mul,
    (lambda _out, _x, y: y, lambda _out, x, _y: x),
    domains=(_COMPLEX, _COMPLEX),
)
divide = elementwise(
    "divide",
    operator.truediv,
    (lambda _out, _x, y: 1.0 / y, lambda out, _x, y: -out / y),
    domains=(_COMPLEX, _NONZERO),
)
negative = elementwise("negative", operator.neg, (MINUS_ONE,), domains=(_COMPLEX,))
positive = elementwise("positive", operator.pos, (ONE,), domains=(_COMPLEX,))
reciprocal = elementwise(
    "reciprocal", np.reciprocal, (lambda out, _x: -out * out,), domains=(_NONZERO,)
)
square = elementwise("square", "square", (lambda _out, x: 2.0 * x,), domains=(_COMPLEX,))


def _power_base(_out: Any, x: Any, y: Any) -> Any:
    """y x^(y-1), and 0 where y = 0, at x = 0 too."""
    if isinstance(y, (int, float)):
        return 0.0 * x if y == 0 else y * x ** (y - 1)
    return where(equal(y, 0), 0.0, y * power(x, where(equal(y, 0), 1.0, y - 1)))


def _power_exponent(out: Any, x: Any, _y: Any) -> Any:
    """x^y log x, and its limit 0 at x = 0 (for y > 0, where out = 0)."""
    from wengert._ops.transcendental import log

    safe = where(equal(x, 0), 1.0, x)
    return out * log(safe)


power = elementwise(
    "power",
    operator.pow,
    (_power_base, _power_exponent),
    domains=(Domain(0.5, 2.0, complex=True), _COMPLEX),
)


def _floor_quotient(_out: Any, x: Any, y: Any) -> Any:
    return -floor_divide(x, y)


remainder = elementwise(
    "remainder",
    operator.mod,
    (ONE, _floor_quotient),
    domains=(Domain(0.3, 0.9), Domain(1.0, 2.0)),
    kinks=Kink(
        lambda x, y: x % y == 0,
        "x mod y at a multiple of y (a jump)",
        "1 in x, -floor(x/y) in y",
        "the same",
        "the same",
        (2.0, 1.0),
        (1.0, -2.0),
    ),
)
fmod = elementwise(
    "fmod",
    np.fmod,
    (ONE, lambda _out, x, y: -trunc(x / y)),
    domains=(Domain(0.3, 0.9), Domain(1.0, 2.0)),
    kinks=Kink(
        lambda x, y: np.fmod(x, y) == 0,
        "fmod(x, y) at a multiple of y (a jump)",
        "1 in x, -trunc(x/y) in y",
        "the same",
        "the same",
        (2.0, 1.0),
        (1.0, -2.0),
    ),
)

# -- extrema --------------------------------------------------------------------------


def _share(out: Any, x: Any, y: Any) -> Any:
    """1 where x is the extremum, 1/2 at a tie, 0 elsewhere."""
    return where(equal(x, y), 0.5, where(equal(x, out), 1.0, 0.0))


def _extremum(name: str) -> Op:
    return elementwise(
        name,
        name,
        (_share, lambda out, x, y: _share(out, y, x)),
        kinks=Kink(
            lambda x, y: x == y,
            f"{name}(x, y) at x = y",
            "1/2 each",
            "1/2 each",
            "1/2 each",
            (1.0, 1.0),
            (0.5, 0.5),
        ),
    )


maximum = _extremum("maximum")
minimum = _extremum("minimum")

_ABS_KINK = Kink(
    lambda x: x == 0, "abs(x) at 0", "0", "1 (0 if -0.0)", "0", (0.0,), (0.0,)
)


def _abs_partial(_out: Any, x: Any) -> Any:
    return sign(x)


absolute = elementwise("absolute", operator.abs, (_abs_partial,), kinks=_ABS_KINK)

# -- derivative zero ------------------------------------------------------------------

_COMPARISON = "a comparison is constant except where its truth changes"


def _comparison(name: str, evaluate: Any) -> Op:
    return piecewise_constant(
        name,
        evaluate,
        arity=2,
        reason=_COMPARISON,
        kinks=Kink(lambda x, y: x == y, f"{name}(x, y) at x = y", "0", "0", "0", (1.0, 1.0), (0.0, 0.0)),
    )  # fmt: skip


equal = _comparison("equal", operator.eq)
not_equal = _comparison("not_equal", operator.ne)
less = _comparison("less", operator.lt)
less_equal = _comparison("less_equal", operator.le)
greater = _comparison("greater", operator.gt)
greater_equal = _comparison("greater_equal", operator.ge)

_LOGIC = "a truth value has no derivative"
logical_and = piecewise_constant("logical_and", "logical_and", arity=2, reason=_LOGIC)
logical_or = piecewise_constant("logical_or", "logical_or", arity=2, reason=_LOGIC)
logical_xor = piecewise_constant("logical_xor", "logical_xor", arity=2, reason=_LOGIC)
logical_not = piecewise_constant("logical_not", "logical_not", reason=_LOGIC)
isnan = piecewise_constant("isnan", "isnan", reason=_LOGIC)
isinf = piecewise_constant("isinf", "isinf", reason=_LOGIC)
isfinite = piecewise_constant("isfinite", "isfinite", reason=_LOGIC)
signbit = piecewise_constant("signbit", "signbit", reason=_LOGIC)

_INTEGER = (Domain(1, 9, integer=True),)
_BITS = "a bit pattern has no derivative"
bitwise_and = piecewise_constant(
    "bitwise_and", operator.and_, arity=2, reason=_BITS, domains=_INTEGER * 2
)
bitwise_or = piecewise_constant(
    "bitwise_or", operator.or_, arity=2, reason=_BITS, domains=_INTEGER * 2
)
bitwise_xor = piecewise_constant(
    "bitwise_xor", operator.xor, arity=2, reason=_BITS, domains=_INTEGER * 2
)
invert = piecewise_constant("invert", operator.invert, reason=_BITS, domains=_INTEGER)
left_shift = piecewise_constant(
    "left_shift", operator.lshift, arity=2, reason=_BITS, domains=_INTEGER * 2
)
right_shift = piecewise_constant(
    "right_shift", operator.rshift, arity=2, reason=_BITS, domains=_INTEGER * 2
)

_STEP = "it is constant between its jumps"


def _step(name: str, evaluate: Any, at: Any, jumps: str, example: float) -> Op:
    return piecewise_constant(
        name,
        evaluate,
        reason=_STEP,
        kinks=Kink(at, f"{name}(x) at {jumps} (a jump)", "0", "0", "0", (example,), (0.0,)),
    )


def _at_integer(x: Any) -> Any:
    return x == np.floor(x)


sign = _step("sign", "sign", lambda x: x == 0, "0", 0.0)
floor = _step("floor", "floor", _at_integer, "an integer", 2.0)
ceil = _step("ceil", "ceil", _at_integer, "an integer", 2.0)
trunc = _step("trunc", "trunc", _at_integer, "an integer", 2.0)
rint = _step("rint", lambda xp, x: xp.round(x), lambda x: x % 1 == 0.5, "a half", 2.5)
heaviside = piecewise_constant(
    "heaviside",
    np.heaviside,
    arity=2,
    reason=_STEP,
    kinks=Kink(
        lambda x, _y: x == 0, "heaviside(x, y) at x = 0 (a jump)", "0", "0", "0", (0.0, 0.5), (0.0, 0.0)
    ),
)  # fmt: skip
floor_divide = piecewise_constant(
    "floor_divide",
    operator.floordiv,
    arity=2,
    reason=_STEP,
    domains=(Domain(0.3, 0.9), Domain(1.0, 2.0)),
    kinks=Kink(
        lambda x, y: x % y == 0, "x // y at a multiple of y (a jump)", "0", "0", "0", (2.0, 1.0), (0.0, 0.0)
    ),
)  # fmt: skip
stop_gradient = piecewise_constant(
    "stop_gradient", operator.pos, reason="stop_gradient asks for it"
)
to_integer = piecewise_constant(
    "to_integer",
    lambda xp, x, *, dtype: x.astype(dtype) if xp is np else xp.astype(x, dtype),
    reason="a cast to integer or bool truncates",
    abstract=lambda x, *, dtype: type(x)(x.shape, np.dtype(dtype)),
    batch=lambda size, batched, operands, p: to_integer(*operands, **p),
    domains=[],
)

