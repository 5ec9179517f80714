"""Arithmetic, powers, extrema, comparisons and rounding.

Python's operators evaluate the four operations: on arrays they are NumPy's ufuncs, to
the bit, and on scalars ten times as fast.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import is_complex
from wengert._ops.complex import conj, imag, real
from wengert._ops.families import (
    MINUS_ONE,
    ONE,
    Domain,
    Kink,
    Sample,
    batch_elementwise,
    elementwise,
    match,
    piecewise_constant,
    scale,
)
from wengert._ops.structure import astype, where
from wengert.errors import DTypeError

_COMPLEX = Domain(complex=True)
_NONZERO = Domain(0.5, 2.0, complex=True)

add = elementwise("add", operator.add, (ONE, ONE), domains=(_COMPLEX, _COMPLEX))
# A term more of a sum that a loop takes: compiled code may add its terms in any order.
accumulate = elementwise(
    "accumulate", operator.add, (ONE, ONE), domains=(_COMPLEX, _COMPLEX)
)
subtract = elementwise(
    "subtract", operator.sub, (ONE, MINUS_ONE), domains=(_COMPLEX, _COMPLEX)
)
multiply: Op = elementwise(
    "multiply",
    operator.mul,
    (lambda _out, _x, y: y, lambda _out, x, _y: x),
    domains=(_COMPLEX, _COMPLEX),
)
divide: Op = elementwise(
    "divide",
    operator.truediv,
    (lambda _out, _x, y: 1.0 / y, lambda out, _x, y: -out / y),
    domains=(_COMPLEX, _NONZERO),
    kinks=Kink(
        lambda _x, y: y == 0,
        "x / y at y = 0 (a pole)",
        "inf in x, -inf in y for x > 0",
        "the same",
        "the same",
        (1.0, 0.0),
        (np.inf, -np.inf),
    ),
)
negative = elementwise("negative", operator.neg, (MINUS_ONE,), domains=(_COMPLEX,))
positive = elementwise("positive", operator.pos, (ONE,), domains=(_COMPLEX,))
reciprocal: Op = elementwise(
    "reciprocal",
    lambda xp, x: np.reciprocal(x) if xp is np else 1.0 / x,
    (lambda out, _x: -out * out,),
    domains=(_NONZERO,),
    kinks=Kink(
        lambda x: x == 0,
        "reciprocal(x) at 0 (a pole)",
        "-inf",
        "-inf",
        "-inf",
        (0.0,),
        (-np.inf,),
    ),
)
square = elementwise(
    "square", "square", (lambda _out, x: 2.0 * x,), domains=(_COMPLEX,)
)


def _base_partial(power: Any) -> Any:
    """y x^(y-1), and 0 where y = 0, at x = 0 too."""

    def partial(_out: Any, x: Any, y: Any) -> Any:
        if isinstance(y, (int, float)):
            if y == 2:
                return y * x
            return 0.0 if y == 0 else y * power(x, y - 1)
        return y * power(x, where(equal(y, 0), 1.0, y - 1))

    return partial


def _exponent_partial(out: Any, x: Any, _y: Any) -> Any:
    """x^y log x, and at x = 0, where the power is finite, its limit 0."""
    from wengert._ops.transcendental import log

    if is_complex(out) and not is_complex(x):
        x = x + 0j  # the logarithm of a negative base
    return out * log(where(logical_and(equal(x, 0), isfinite(out)), 1.0, x))


def _power(name: str, evaluate: Any) -> Op:
    op: Op = elementwise(
        name,
        evaluate,
        (_base_partial(lambda x, y: op(x, y)), _exponent_partial),
        domains=(_NONZERO, _COMPLEX),
        kinks=Kink(
            lambda x, y: (x == 0) & ((np.real(y) < 1) | (y == 0)),
            f"{name}(x, y) at x = 0, y < 1",
            "in x: inf for 0 < y, 0 for y = 0, inf or -inf for y < 0; "
            "in y: 0 for y >= 0, -inf for y < 0",
            "the same, but NaN in x for y = 0 and in y for y < 0",
            "the same",
            (0.0, 0.5),
            (np.inf, 0.0),
        ),
    )
    return op


power = _power("power", operator.pow)
# Computes in float64 at least, and refuses no exponent of an integer.
float_power = _power("float_power", np.float_power)


def _floor_quotient(_out: Any, x: Any, y: Any) -> Any:
    return -floor_divide(x, y)


remainder: Op = elementwise(
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
fmod: Op = elementwise(
    "fmod",
    np.fmod,
    # Not trunc(x / y): the quotient may round up to the next integer.
    (ONE, lambda out, x, y: rint((out - x) / y)),
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


def _indicator(condition: Any, like: Any) -> Any:
    """1 where a condition holds and 0 elsewhere, in the dtype of a value."""
    return astype(condition, dtype=like.dtype)


def _share(out: Any, x: Any, y: Any) -> Any:
    """1 where x is the extremum, 1/2 at a tie, 0 elsewhere."""
    return _indicator(equal(x, out), out) * (1.0 - 0.5 * _indicator(equal(y, out), out))


def _extremum(
    name: str, evaluate: Any, jax: str = "1/2 each", torch: str = "1/2 each"
) -> Op:
    return elementwise(
        name,
        evaluate,
        (_share, lambda out, x, y: _share(out, y, x)),
        kinks=Kink(
            lambda x, y: x == y,
            f"{name}(x, y) at x = y",
            "1/2 each",
            jax,
            torch,
            (1.0, 1.0),
            (0.5, 0.5),
        ),
    )


maximum = _extremum("maximum", "maximum")
minimum = _extremum("minimum", "minimum")
fmax = _extremum("fmax", np.fmax, "0 in x, 1 in y", "1 in x, 0 in y")
fmin = _extremum("fmin", np.fmin, "0 in x, 1 in y", "1 in x, 0 in y")


def _clip_partials() -> tuple[Any, Any, Any]:
    """Those of ``minimum(maximum(x, low), high)``."""

    def in_x(out: Any, x: Any, low: Any, high: Any) -> Any:
        raised = maximum(x, low)
        return _share(out, raised, high) * _share(raised, x, low)

    def in_low(out: Any, x: Any, low: Any, high: Any) -> Any:
        raised = maximum(x, low)
        return _share(out, raised, high) * _share(raised, low, x)

    def in_high(out: Any, x: Any, low: Any, high: Any) -> Any:
        return _share(out, high, maximum(x, low))

    return in_x, in_low, in_high


clip: Op = elementwise(
    "clip",
    "clip",
    _clip_partials(),
    domains=(Domain(), Domain(-1.5, -0.5), Domain(0.5, 1.5)),
    kinks=Kink(
        lambda x, low, high: (x == low) | (x == high),
        "clip(x, low, high) at a bound",
        "1/2 in x, 1/2 in the bound",
        "1/2 in x, 1/2 in the bound",
        "1 in x, 0 in the bound",
        (0.0, 0.0, 1.0),
        (0.5, 0.5, 0.0),
    ),
)


def _relu_evaluate(xp: Any, x: Any) -> Any:
    return np.maximum(x, 0) if xp is np else xp.maximum(x, xp.zeros_like(x))


relu: Op = elementwise(
    "relu",
    _relu_evaluate,
    (lambda out, _x: sign(out),),
    kinks=Kink(lambda x: x == 0, "relu(x) at 0", "0", "0", "0", (0.0,), (0.0,)),
)

# -- magnitude and direction ----------------------------------------------------------


def _zero_kink(name: str, jax: str) -> Kink:
    return Kink(lambda x: x == 0, f"{name}(x) at 0", "0", jax, "0", (0.0,), (0.0,))


def _absolute_evaluate(xp: Any, x: Any) -> Any:
    # Python's abs of a complex NumPy scalar differs from the ufunc in the last bit.
    return np.absolute(x) if isinstance(x, np.complexfloating) else abs(x)


def _absolute_jvp(primals: Any, tangents: Any, out: Any, _: Any) -> Any:
    (x,), (dx,) = primals, tangents
    if is_complex(x):
        return match(real(scale(dx, conj(unit(x)))), out)
    return match(scale(dx, sign(x)), out)


def _absolute_vjp(ct: Any, _out: Any, x: Any) -> Any:
    return scale(ct, unit(x) if is_complex(x) else sign(x))


absolute: Op = Op(
    "absolute",
    "elementwise",
    evaluate=_absolute_evaluate,
    abstract=lambda x: type(x)(x.shape, np.zeros(0, x.dtype).real.dtype),
    jvp=_absolute_jvp,
    vjps=(_absolute_vjp,),
    batch=batch_elementwise("absolute"),
    samples=(Domain(),),
    kinks=_zero_kink("abs", "1"),
)
fabs: Op = elementwise(
    "fabs", np.fabs, (lambda _out, x: sign(x),), kinks=_zero_kink("fabs", "1")
)


def _turned(s: Any, t: Any, magnitude: Any) -> Any:
    """The part of t orthogonal to s, which has length 1, over a magnitude (or 0)."""
    turn = imag(conj(s) * t) / where(equal(magnitude, 0), 1.0, magnitude)
    return scale(turn, s * 1j)


# z/|z|: NumPy's sign of a complex number. Its derivative is its own transpose.
unit: Op = Op(
    "unit",
    "elementwise",
    evaluate=np.sign,
    abstract=lambda z: z,
    jvp=lambda primals, tangents, out, _: match(
        _turned(out, tangents[0], absolute(primals[0])), out
    ),
    vjps=(lambda ct, out, z: _turned(out, ct, absolute(z)),),
    batch=batch_elementwise("unit"),
    samples=[
        Sample((np.array([1.0 + 2.0j, -0.5 + 0.25j, -1.0j]),)),
        Sample((np.complex128(0.5 - 2.0j),)),
    ],
    kinks=Kink(
        lambda z: z == 0, "sign(z) of complex z at 0", "0", "0", "0", (0j,), (0.0,)
    ),
)

copysign: Op = elementwise(
    "copysign",
    "copysign",
    (
        lambda out, x, _y: sign(x) * sign(out),
        lambda _out, _x, _y: 0.0,
    ),
    domains=(Domain(), Domain(0.5, 2.0)),
    kinks=Kink(
        lambda x, y: (x == 0) | (y == 0),
        "copysign(x, y) at x = 0, or at y = 0 (a jump)",
        "0 in x at x = 0, 0 in y",
        "1 in x at x = 0, 0 in y",
        "0 in x at x = 0, 0 in y",
        (0.0, 1.0),
        (0.0, 0.0),
    ),
)

# -- derivative zero ------------------------------------------------------------------

_COMPARISON = "a comparison is constant except where its truth changes"


def _comparison(name: str, evaluate: Any) -> Op:
    return piecewise_constant(
        name,
        evaluate,
        arity=2,
        reason=_COMPARISON,
        kinks=Kink(
            lambda x, y: x == y,
            f"{name}(x, y) at x = y",
            "0",
            "0",
            "0",
            (1.0, 1.0),
            (0.0, 0.0),
        ),
    )


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
bitwise_and: Op = piecewise_constant(
    "bitwise_and", operator.and_, arity=2, reason=_BITS, domains=_INTEGER * 2
)
bitwise_or: Op = piecewise_constant(
    "bitwise_or", operator.or_, arity=2, reason=_BITS, domains=_INTEGER * 2
)
bitwise_xor: Op = piecewise_constant(
    "bitwise_xor", operator.xor, arity=2, reason=_BITS, domains=_INTEGER * 2
)
invert = piecewise_constant("invert", operator.invert, reason=_BITS, domains=_INTEGER)
left_shift: Op = piecewise_constant(
    "left_shift", operator.lshift, arity=2, reason=_BITS, domains=_INTEGER * 2
)
right_shift: Op = piecewise_constant(
    "right_shift", operator.rshift, arity=2, reason=_BITS, domains=_INTEGER * 2
)

_STEP = "it is constant between its jumps"


def _step(name: str, evaluate: Any, at: Any, jumps: str, example: float) -> Op:
    return piecewise_constant(
        name,
        evaluate,
        reason=_STEP,
        kinks=Kink(
            at, f"{name}(x) at {jumps} (a jump)", "0", "0", "0", (example,), (0.0,)
        ),
    )


def _at_integer(x: Any) -> Any:
    return x == np.floor(x)


def _sign_evaluate(xp: Any, x: Any) -> Any:
    if is_complex(x):
        raise DTypeError(
            explain(
                "sign: this op is the sign of real numbers",
                why="the sign z/|z| of a complex z is not constant between jumps.",
                fix="apply the op unit",
            )
        )
    return xp.sign(x)


sign: Op = _step("sign", _sign_evaluate, lambda x: x == 0, "0", 0.0)
floor = _step("floor", "floor", _at_integer, "an integer", 2.0)
ceil = _step("ceil", "ceil", _at_integer, "an integer", 2.0)
trunc = _step("trunc", "trunc", _at_integer, "an integer", 2.0)
rint: Op = _step(
    "rint",
    lambda xp, x: np.rint(x) if xp is np else xp.round(x),
    lambda x: x % 1 == 0.5,
    "a half",
    2.5,
)
round_decimals: Op = piecewise_constant(
    "round_decimals",
    lambda x, *, decimals=0: np.round(x, decimals),
    reason=_STEP,
    kinks=Kink(
        lambda x: x % 1 == 0.5,
        "round(x, decimals) half way between two results (a jump)",
        "0",
        "0",
        "0",
        (2.5,),
        (0.0,),
    ),
)
heaviside: Op = elementwise(
    "heaviside",
    np.heaviside,
    (lambda _out, _x, _y: 0.0, lambda _out, x, _y: 1.0 - absolute(sign(x))),
    kinks=Kink(
        lambda x, _y: x == 0,
        "heaviside(x, y) at x = 0 (a jump)",
        "0 in x, 1 in y",
        "0 in x, 1 in y",
        "no rule",
        (0.0, 0.5),
        (0.0, 1.0),
    ),
)
floor_divide: Op = piecewise_constant(
    "floor_divide",
    operator.floordiv,
    arity=2,
    reason=_STEP,
    domains=(Domain(0.3, 0.9), Domain(1.0, 2.0)),
    kinks=Kink(
        lambda x, y: x % y == 0,
        "x // y at a multiple of y (a jump)",
        "0",
        "0",
        "no rule",
        (2.0, 1.0),
        (0.0, 0.0),
    ),
)


def _cell_evaluate(knots: Any, x: Any) -> Any:
    last = max(knots.shape[0] - 2, 0)
    return np.clip(np.searchsorted(knots, x, side="right") - 1, 0, last)


def _cell_batch(size: Any, batched: Any, operands: Any, p: Any) -> Any:
    from wengert._ops.reduction import reduce_sum

    knots, x = operands
    if not batched[0]:
        return interp_cell(knots, x)
    lanes = x.shape[:1] if batched[1] else (1,)
    shape = tuple(x.shape[1:] if batched[1] else x.shape)
    column = knots.reshape((*knots.shape, *(1 for _ in shape)))
    below = less_equal(column, x.reshape((*lanes, 1, *shape)))
    count = reduce_sum(to_integer(below, dtype=np.int64), axes=(1,))
    return maximum(minimum(count - 1, knots.shape[1] - 2), 0)


interp_cell: Op = piecewise_constant(
    "interp_cell",
    _cell_evaluate,
    arity=2,
    reason="it is the position of a point between knots",
    abstract=lambda knots, x: type(x)(x.shape, np.dtype(np.int64)),
    batch=_cell_batch,
    domains=[Sample((np.array([0.0, 1.0, 3.0]), (4,)), differentiate=())],
    kinks=Kink(
        lambda knots, x: np.isin(x, knots),
        "interp(x, xp, fp) at a knot",
        "the slope on its right (at the last knot: on its left)",
        "the same",
        "",
        (np.array([0.0, 1.0, 3.0]), 1.0),
        (0.0, 0.0),
    ),
)
stop_gradient: Op = piecewise_constant(
    "stop_gradient", operator.pos, reason="stop_gradient asks for it"
)
to_integer: Op = piecewise_constant(
    "to_integer",
    lambda xp, x, *, dtype: x.astype(dtype) if xp is np else xp.astype(x, dtype),
    reason="a cast to integer or bool truncates",
    abstract=lambda x, *, dtype: type(x)(x.shape, np.dtype(dtype)),
    batch=lambda size, batched, operands, p: to_integer(*operands, **p),
    domains=[],
)
