"""Scalar kernels: what an elementwise op does with registers.

A row of `KERNELS` is ``(rule, kernel)``: the rule says to which dtype the operands
are cast (``common``: that of all of them, ``result``: that of the result, ``bool``),
and the kernel is a function of ``(builder, dtype of the operands, *registers)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.scalars import (
    Kernel,
    absolute_integer,
    by_kind,
    by_parts,
    conjugate,
    floating,
    floor_divide_signed,
    fmod_signed,
    instruction,
    integer_extremum,
    intrinsic,
    libm,
    multiply_complex,
    number,
    parts,
    remainder_signed,
    same,
    shift,
    sign_integer,
    unsigned,
)

# -- floats ----------------------------------------------------------------------------


def is_nan(b: Any, x: Any) -> Any:
    return b.fcmp_unordered("uno", x, x)


def _sign_float(b: Any, dtype: np.dtype, x: Any) -> Any:
    zero, one = number(0.0, dtype), number(1.0, dtype)
    negative = b.select(b.fcmp_ordered("<", x, zero), number(-1.0, dtype), x)
    signed = b.select(b.fcmp_ordered(">", x, zero), one, negative)
    return b.select(b.fcmp_ordered("==", x, zero), zero, signed)


def _float_mod(b: Any, dtype: np.dtype, x: Any, y: Any) -> tuple[Any, Any]:
    """``(x mod y with the sign of y, whether it was moved by y)``."""
    zero = number(0.0, dtype)
    rest = libm("fmod")(b, dtype, x, y)
    nonzero = b.fcmp_unordered("!=", rest, zero)
    differ = b.xor(b.fcmp_ordered("<", y, zero), b.fcmp_ordered("<", rest, zero))
    moves = b.and_(nonzero, differ)
    moved = b.select(moves, b.fadd(rest, y), rest)
    signed_zero = intrinsic("copysign")(b, dtype, zero, y)
    return b.select(nonzero, moved, signed_zero), moves


def _remainder_float(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    by_zero = b.fcmp_ordered("==", y, number(0.0, dtype))
    value, _ = _float_mod(b, dtype, x, y)
    return b.select(by_zero, number(math.nan, dtype), value)


def _floor_divide_float(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    """As NumPy's: from the exact remainder, so that the quotient is a whole number."""
    zero, one = number(0.0, dtype), number(1.0, dtype)
    rest = libm("fmod")(b, dtype, x, y)
    _, moves = _float_mod(b, dtype, x, y)
    quotient = b.fdiv(b.fsub(x, rest), y)
    quotient = b.select(moves, b.fsub(quotient, one), quotient)
    floored = intrinsic("floor")(b, dtype, quotient)
    off = b.fcmp_ordered(">", b.fsub(quotient, floored), number(0.5, dtype))
    floored = b.select(off, b.fadd(floored, one), floored)
    plain = b.fdiv(x, y)
    signed_zero = intrinsic("copysign")(b, dtype, zero, plain)
    is_zero = b.fcmp_ordered("==", quotient, zero)
    value = b.select(is_zero, signed_zero, floored)
    return b.select(b.fcmp_ordered("==", y, zero), plain, value)


def _only_numbers(relation: str) -> Kernel:
    """fmax and fmin: the other operand where one is NaN."""

    def kernel(b: Any, _dtype: np.dtype, x: Any, y: Any) -> Any:
        first = b.or_(b.fcmp_ordered(relation, x, y), is_nan(b, y))
        return b.select(first, x, y)

    return kernel


def _finite(b: Any, dtype: np.dtype, x: Any) -> Any:
    size = intrinsic("fabs")(b, dtype, x)
    return b.fcmp_ordered("<", size, number(math.inf, dtype))


def _infinite(b: Any, dtype: np.dtype, x: Any) -> Any:
    size = intrinsic("fabs")(b, dtype, x)
    return b.fcmp_ordered("==", size, number(math.inf, dtype))


def _signbit(b: Any, dtype: np.dtype, x: Any) -> Any:
    kind = ir.IntType(8 * dtype.itemsize)
    return b.icmp_signed("<", b.bitcast(x, kind), ir.Constant(kind, 0))


def _heaviside(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    zero, one = number(0.0, dtype), number(1.0, dtype)
    at_zero = b.select(b.fcmp_ordered("==", x, zero), y, one)
    value = b.select(b.fcmp_ordered("<", x, zero), zero, at_zero)
    return b.select(is_nan(b, x), x, value)


def _relu(b: Any, dtype: np.dtype, x: Any) -> Any:
    return intrinsic("maximum")(b, dtype, x, number(0.0, dtype))


def _clip_float(b: Any, dtype: np.dtype, x: Any, low: Any, high: Any) -> Any:
    raised = intrinsic("maximum")(b, dtype, x, low)
    return intrinsic("minimum")(b, dtype, raised, high)


def _clip_integer(kind: str) -> Kernel:
    raise_, lower = integer_extremum(">")[kind], integer_extremum("<")[kind]

    def kernel(b: Any, dtype: np.dtype, x: Any, low: Any, high: Any) -> Any:
        return lower(b, dtype, raise_(b, dtype, x, low), high)

    return kernel


def _scale(zero_weight: bool) -> Kernel:
    """A product that is 0 where the first factor is, whatever the second is.

    Whether the second is finite is asked of it, and not of the product: that is known
    earlier, and in a loop often before it starts.
    """

    def wins(b: Any, dtype: np.dtype, x: Any, w: Any) -> Any:
        finite = _finite(b, dtype, w)
        return b.and_(b.fcmp_ordered("==", x, number(0.0, dtype)), b.not_(finite))

    def kernel(b: Any, dtype: np.dtype, x: Any, w: Any) -> Any:
        strong = wins(b, dtype, x, w)
        if zero_weight:
            strong = b.or_(strong, wins(b, dtype, w, x))
        return b.select(strong, number(0.0, dtype), b.fmul(x, w))

    return by_kind(f=kernel, i=instruction("mul"), u=instruction("mul"))


def _unit(b: Any, dtype: np.dtype, z: Any) -> Any:
    """``z / |z|``; of infinite numbers an axis, NaN where both parts are."""
    real = np.dtype(f"f{dtype.itemsize // 2}")
    both = parts(b, z)
    size = libm("hypot")(b, real, *both)
    zero, infinity = number(0.0, real), number(math.inf, real)
    nothing = b.fcmp_ordered("==", size, zero)
    far = b.fcmp_ordered("==", size, infinity)
    divisor = b.select(nothing, number(1.0, real), size)
    infinite = [_infinite(b, real, p) for p in both]
    lost = b.and_(*infinite)
    out = []
    for p, own in zip(both, infinite, strict=True):
        axis = intrinsic("copysign")(b, real, number(1.0, real), p)
        end = b.select(own, axis, zero)
        end = b.select(lost, number(math.nan, real), end)
        out.append(b.select(far, end, b.fdiv(p, divisor)))
    return t.make_complex(b, out[0], out[1], dtype)


# -- compositions ----------------------------------------------------------------------


def _one_over(kernel: Kernel) -> Kernel:
    def reciprocal(b: Any, dtype: np.dtype, *xs: Any) -> Any:
        return b.fdiv(number(1.0, dtype), kernel(b, dtype, *xs))

    return reciprocal


def _squared(kernel: Kernel) -> Kernel:
    def square(b: Any, dtype: np.dtype, *xs: Any) -> Any:
        value = kernel(b, dtype, *xs)
        return b.fmul(value, value)

    return square


def _plus_one(b: Any, dtype: np.dtype, x: Any) -> Any:
    return b.fsub(x, number(-1.0, dtype))


def _minus_one(b: Any, dtype: np.dtype, x: Any) -> Any:
    return b.fsub(x, number(1.0, dtype))


def _one_minus(b: Any, dtype: np.dtype, x: Any) -> Any:
    return b.fsub(number(1.0, dtype), x)


def _product(first: Kernel, second: Kernel, root: bool) -> Kernel:
    sqrt = intrinsic("sqrt") if root else lambda _b, _d, x: x

    def kernel(b: Any, dtype: np.dtype, x: Any) -> Any:
        one, other = (sqrt(b, dtype, k(b, dtype, x)) for k in (first, second))
        return b.fmul(one, other)

    return kernel


def _one_plus_square(b: Any, dtype: np.dtype, x: Any) -> Any:
    return b.fadd(number(1.0, dtype), b.fmul(x, x))


def _cosine(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    radius = libm("hypot")(b, dtype, x, y)
    origin = b.fcmp_ordered("==", radius, number(0.0, dtype))
    return b.fdiv(x, b.select(origin, number(1.0, dtype), radius))


def _log_add_exp(base_two: bool) -> Kernel:
    """``max + log(1 + exp(-|x - y|))``, and the common value and log 2 at a tie."""
    power = libm("exp2") if base_two else libm("exp")
    scale = 1.0 / math.log(2.0) if base_two else 1.0
    tie = 1.0 if base_two else math.log(2.0)

    def kernel(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
        difference = b.fsub(x, y)
        top = b.select(b.fcmp_ordered(">", difference, number(0.0, dtype)), x, y)
        down = b.fneg(intrinsic("fabs")(b, dtype, difference))
        more = libm("log1p")(b, dtype, power(b, dtype, down))
        if base_two:
            more = b.fmul(number(scale, dtype), more)
        value = b.fadd(top, more)
        value = b.select(is_nan(b, difference), difference, value)
        equal = b.fcmp_ordered("==", x, y)
        return b.select(equal, b.fadd(x, number(tie, dtype)), value)

    return kernel


def _share(base_two: bool) -> Kernel:
    power = libm("exp2") if base_two else libm("exp")

    def kernel(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
        one = number(1.0, dtype)
        share = b.fdiv(one, b.fadd(one, power(b, dtype, b.fsub(y, x))))
        equal = b.fcmp_ordered("==", x, y)
        return b.select(equal, number(0.5, dtype), share)

    return kernel


def _softplus(b: Any, dtype: np.dtype, x: Any) -> Any:
    return _log_add_exp(False)(b, dtype, x, number(0.0, dtype))


def _sigmoid(b: Any, dtype: np.dtype, x: Any) -> Any:
    one = number(1.0, dtype)
    return b.fdiv(one, b.fadd(one, libm("exp")(b, dtype, b.fneg(x))))


def _sigmoid_slope(b: Any, dtype: np.dtype, x: Any) -> Any:
    e = libm("exp")(b, dtype, b.fneg(intrinsic("fabs")(b, dtype, x)))
    total = b.fadd(number(1.0, dtype), e)
    return b.fdiv(e, b.fmul(total, total))


def _gaussian(rate: float) -> Kernel:
    """``exp(-rate x^2)`` from an exact square and a small rest, as the op does."""
    exp = libm("exp")

    def kernel(b: Any, dtype: np.dtype, x: Any) -> Any:
        grid = b.fmul(x, number(64.0, dtype))
        grid = b.fdiv(intrinsic("rint")(b, dtype, grid), number(64.0, dtype))
        bounds = number(-64.0, dtype), number(64.0, dtype)
        coarse = _clip_float(b, dtype, grid, *bounds)
        rest = b.fsub(x, coarse)
        main = exp(b, dtype, b.fmul(number(-rate, dtype), b.fmul(coarse, coarse)))
        small = b.fmul(b.fmul(number(-rate, dtype), rest), b.fadd(x, coarse))
        return b.fmul(main, exp(b, dtype, small))

    return kernel


def _times(factor: float) -> Kernel:
    return lambda b, dtype, x: b.fmul(x, number(factor, dtype))


# -- the table -------------------------------------------------------------------------


def _comparison(relation: str) -> Kernel:
    ordered = "fcmp_unordered" if relation == "!=" else "fcmp_ordered"
    kernels: dict[str, Kernel] = {
        "f": lambda b, _d, x, y: getattr(b, ordered)(relation, x, y),
        "i": lambda b, _d, x, y: b.icmp_signed(relation, x, y),
        "u": lambda b, _d, x, y: b.icmp_unsigned(relation, x, y),
        "b": lambda b, _d, x, y: b.icmp_unsigned(relation, x, y),
    }
    if relation in ("==", "!="):
        join = "and_" if relation == "==" else "or_"

        def of_complex(b: Any, _d: np.dtype, x: Any, y: Any) -> Any:
            pairs = zip(parts(b, x), parts(b, y), strict=True)
            return getattr(b, join)(*(kernels["f"](b, _d, p, q) for p, q in pairs))

        return by_kind(**kernels, c=of_complex)
    return by_kind(**kernels)


def _arithmetic(name: str, logical: str | None = None) -> Kernel:
    kernels: dict[str, Kernel] = {"f": instruction("f" + name)}
    kernels |= {"i": instruction(name), "u": instruction(name)}
    if logical:
        kernels["b"] = instruction(logical)
    kernels["c"] = multiply_complex if name == "mul" else by_parts("f" + name)
    return by_kind(**kernels)


def reassociated(name: str, logical: str) -> Kernel:
    """Of terms that may be taken in any order: vectors of partial results then."""
    kernels = dict.fromkeys("iubc", _arithmetic(name, logical))
    any_order = instruction("f" + name, flags=("reassoc",))
    return by_kind(f=any_order, **kernels)


def _extremum(name: str, relation: str) -> Kernel:
    return by_kind(f=intrinsic(name), **integer_extremum(relation))


def _rounding(name: str) -> Kernel:
    return by_kind(f=intrinsic(name), i=same, u=same, b=same)


def _anything(kernel: Kernel) -> Kernel:
    return by_kind(**dict.fromkeys("fiubc", kernel))


def _bits(name: str) -> Kernel:
    return by_kind(**dict.fromkeys("iub", instruction(name)))


def _false(b: Any, _dtype: np.dtype, _x: Any) -> Any:
    return ir.Constant(t.I1, 0)


def _true(b: Any, _dtype: np.dtype, _x: Any) -> Any:
    return ir.Constant(t.I1, 1)


def _always(kernel: Kernel, otherwise: Kernel) -> Kernel:
    return by_kind(f=kernel, i=otherwise, u=otherwise, b=otherwise)


_SQUARE = by_kind(
    f=lambda b, _d, x: b.fmul(x, x),
    i=lambda b, _d, x: b.mul(x, x),
    u=lambda b, _d, x: b.mul(x, x),
    c=lambda b, d, x: multiply_complex(b, d, x, x),
)

KERNELS: dict[str, tuple[str, Kernel]] = {
    "add": ("common", _arithmetic("add", "or_")),
    "accumulate": ("common", reassociated("add", "or_")),
    "subtract": ("common", _arithmetic("sub")),
    "multiply": ("common", _arithmetic("mul", "and_")),
    "divide": ("result", floating(instruction("fdiv"))),
    "negative": (
        "common",
        by_kind(
            f=instruction("fneg"),
            i=instruction("neg"),
            u=instruction("neg"),
            c=by_parts("fneg"),
        ),
    ),
    "positive": ("common", _anything(same)),
    "stop_gradient": ("common", _anything(same)),
    "conj": ("common", by_kind(f=same, i=same, u=same, c=conjugate)),
    "reciprocal": ("common", floating(_one_over(same))),
    "square": ("common", _SQUARE),
    "absolute": (
        "common",
        by_kind(f=intrinsic("fabs"), i=absolute_integer, u=same, b=same),
    ),
    "fabs": ("result", floating(intrinsic("fabs"))),
    "sign": ("common", by_kind(f=_sign_float, i=sign_integer, u=sign_integer)),
    "unit": ("common", by_kind(c=_unit)),
    "copysign": ("result", floating(intrinsic("copysign"))),
    "maximum": ("common", _extremum("maximum", ">")),
    "minimum": ("common", _extremum("minimum", "<")),
    "fmax": ("common", by_kind(f=_only_numbers(">="), **integer_extremum(">"))),
    "fmin": ("common", by_kind(f=_only_numbers("<="), **integer_extremum("<"))),
    "clip": (
        "common",
        by_kind(f=_clip_float, i=_clip_integer("i"), u=_clip_integer("u")),
    ),
    "relu": ("common", floating(_relu)),
    "floor_divide": (
        "common",
        by_kind(f=_floor_divide_float, i=floor_divide_signed, u=unsigned("udiv")),
    ),
    "remainder": (
        "common",
        by_kind(f=_remainder_float, i=remainder_signed, u=unsigned("urem")),
    ),
    "fmod": ("common", by_kind(f=libm("fmod"), i=fmod_signed, u=unsigned("urem"))),
    "power": ("common", floating(libm("pow"))),
    "float_power": ("result", floating(libm("pow"))),
    "equal": ("common", _comparison("==")),
    "not_equal": ("common", _comparison("!=")),
    "less": ("common", _comparison("<")),
    "less_equal": ("common", _comparison("<=")),
    "greater": ("common", _comparison(">")),
    "greater_equal": ("common", _comparison(">=")),
    "logical_and": ("bool", instruction("and_")),
    "logical_or": ("bool", instruction("or_")),
    "logical_xor": ("bool", instruction("xor")),
    "logical_not": ("bool", instruction("not_")),
    "isnan": ("common", _always(lambda b, _d, x: is_nan(b, x), _false)),
    "isinf": ("common", _always(_infinite, _false)),
    "isfinite": ("common", _always(_finite, _true)),
    "signbit": ("common", floating(_signbit)),
    "bitwise_and": ("common", _bits("and_")),
    "bitwise_or": ("common", _bits("or_")),
    "bitwise_xor": ("common", _bits("xor")),
    "invert": ("common", _bits("not_")),
    "left_shift": ("common", by_kind(i=shift("shl"), u=shift("shl"))),
    "right_shift": ("common", by_kind(i=shift("ashr"), u=shift("lshr"))),
    "floor": ("common", _rounding("floor")),
    "ceil": ("common", _rounding("ceil")),
    "trunc": ("common", _rounding("trunc")),
    "rint": ("common", floating(intrinsic("rint"))),
    "heaviside": ("result", floating(_heaviside)),
    "degrees": ("result", floating(_times(180.0 / math.pi))),
    "radians": ("result", floating(_times(math.pi / 180.0))),
    "exp": ("result", floating(libm("exp"))),
    "exp2": ("result", floating(libm("exp2"))),
    "log": ("result", floating(libm("log"))),
    "log2": ("result", floating(libm("log2"))),
    "log10": ("result", floating(libm("log10"))),
    "sqrt": ("result", floating(intrinsic("sqrt"))),
    "deviation": ("result", floating(intrinsic("sqrt"))),
    "sin": ("result", floating(libm("sin"))),
    "cos": ("result", floating(libm("cos"))),
    "hypot": ("result", floating(libm("hypot"))),
    "arctan2": ("result", floating(libm("atan2"))),
    "cosine": ("result", floating(_cosine)),
    "sec2": ("result", floating(_squared(_one_over(libm("cos"))))),
    "sech2": ("result", floating(_squared(_one_over(libm("cosh"))))),
    "arcsin_slope": (
        "result",
        floating(_one_over(_product(_one_minus, _plus_one, True))),
    ),
    "arctan_slope": ("result", floating(_one_over(_one_plus_square))),
    "arcsinh_slope": (
        "result",
        floating(_one_over(lambda b, d, x: libm("hypot")(b, d, x, number(1.0, d)))),
    ),
    "arccosh_slope": (
        "result",
        floating(_one_over(_product(_minus_one, _plus_one, True))),
    ),
    "arctanh_slope": (
        "result",
        floating(_one_over(_product(_one_minus, _plus_one, False))),
    ),
    "logaddexp": ("result", floating(_log_add_exp(False))),
    "logaddexp2": ("result", floating(_log_add_exp(True))),
    "logaddexp_share": ("result", floating(_share(False))),
    "logaddexp2_share": ("result", floating(_share(True))),
    "softplus": ("result", floating(_softplus)),
    "sigmoid": ("result", floating(_sigmoid)),
    "sigmoid_slope": ("result", floating(_sigmoid_slope)),
    "gaussian": ("result", floating(_gaussian(1.0))),
    "half_gaussian": ("result", floating(_gaussian(0.5))),
}
_LIBM = {
    "expm1": "expm1",
    "log1p": "log1p",
    "cbrt": "cbrt",
    "tan": "tan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "erf": "erf",
    "erfc": "erfc",
}
KERNELS |= {op: ("result", floating(libm(name))) for op, name in _LIBM.items()}
SCALE = {both: ("common", _scale(both)) for both in (False, True)}


def operand_dtype(rule: str, dtypes: list[np.dtype], result: np.dtype) -> np.dtype:
    """The dtype to which a rule casts the operands."""
    if rule == "bool":
        return np.dtype(bool)
    return np.result_type(*dtypes) if rule == "common" else result


def kernel_for(
    name: str, params: dict[str, Any], dtypes: list[np.dtype], result: np.dtype
) -> tuple[np.dtype, Kernel] | None:
    """The dtype of the operands and the kernel, or None where there is none."""
    if name == "scale":
        rule, kernel = SCALE[bool(params.get("both", False))]
    elif name in KERNELS and not params:
        rule, kernel = KERNELS[name]
    else:
        return None
    dtype = operand_dtype(rule, dtypes, result)
    kinds = getattr(kernel, "kinds", None)
    if kinds is not None and dtype.kind not in kinds:
        return None
    mixed = {d.kind for d in dtypes} >= {"i", "u"}  # NumPy compares these exactly
    return None if mixed else (dtype, kernel)
