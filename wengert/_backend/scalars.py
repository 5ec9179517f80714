"""Pieces of scalar kernels: calls of functions, and integer and complex arithmetic.

A kernel is a function of ``(builder, dtype of the operands, *registers)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t

Kernel = Callable[..., Any]
LIBM_SUFFIX = {4: "f", 8: ""}


def number(value: float, dtype: np.dtype) -> ir.Constant:
    return t.constant(value, dtype)


def external(b: ir.IRBuilder, name: str, result: Any, operands: list[Any]) -> Any:
    """Call a function that is not of this module."""
    module = b.function.module
    function = module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(result, [o.type for o in operands])
        function = ir.Function(module, kind, name)
        if not name.startswith("llvm."):
            function.attributes.add("nounwind")
            function.attributes.add("readnone")
    return b.call(function, operands)


def intrinsic(name: str) -> Kernel:
    """An intrinsic of LLVM that has one type."""

    def kernel(b: ir.IRBuilder, dtype: np.dtype, *xs: Any) -> Any:
        bits = 8 * dtype.itemsize
        kind = f"f{bits}" if dtype.kind == "f" else f"i{bits}"
        return external(b, f"llvm.{name}.{kind}", xs[0].type, list(xs))

    return kernel


def libm(name: str) -> Kernel:
    """A function of the C library."""

    def kernel(b: ir.IRBuilder, dtype: np.dtype, *xs: Any) -> Any:
        return external(b, name + LIBM_SUFFIX[dtype.itemsize], xs[0].type, list(xs))

    return kernel


def by_kind(**kernels: Kernel) -> Kernel:
    """A kernel for each kind of dtype: ``f``, ``i``, ``u``, ``c`` or ``b``."""

    def kernel(b: ir.IRBuilder, dtype: np.dtype, *xs: Any) -> Any:
        return kernels[dtype.kind](b, dtype, *xs)

    kernel.kinds = frozenset(kernels)  # type: ignore[attr-defined]
    return kernel


def floating(kernel: Kernel) -> Kernel:
    return by_kind(f=kernel)


def instruction(name: str, **options: Any) -> Kernel:
    return lambda b, _dtype, *xs: getattr(b, name)(*xs, **options)


def modulus(b: ir.IRBuilder, dtype: np.dtype, x: Any) -> Any:
    """The absolute value of a float or complex number."""
    if dtype.kind == "f":
        return intrinsic("fabs")(b, dtype, x)
    return libm("hypot")(b, np.dtype(f"f{dtype.itemsize // 2}"), *parts(b, x))


# -- complex arithmetic ----------------------------------------------------------------


def parts(b: Any, z: Any) -> tuple[Any, Any]:
    return b.extract_value(z, 0), b.extract_value(z, 1)


def by_parts(name: str) -> Kernel:
    def kernel(b: Any, dtype: np.dtype, *zs: Any) -> Any:
        pairs = [parts(b, z) for z in zs]
        re, im = (getattr(b, name)(*(p[i] for p in pairs)) for i in (0, 1))
        return t.make_complex(b, re, im, dtype)

    return kernel


def multiply_complex(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    (xr, xi), (yr, yi) = parts(b, x), parts(b, y)
    re = b.fsub(b.fmul(xr, yr), b.fmul(xi, yi))
    im = b.fadd(b.fmul(xr, yi), b.fmul(xi, yr))
    return t.make_complex(b, re, im, dtype)


def conjugate(b: Any, dtype: np.dtype, z: Any) -> Any:
    re, im = parts(b, z)
    return t.make_complex(b, re, b.fneg(im), dtype)


def same(_b: Any, _dtype: np.dtype, x: Any) -> Any:
    return x


# -- integers --------------------------------------------------------------------------


def is_least(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    """Whether a division of signed integers overflows."""
    least = ir.Constant(x.type, -(1 << (x.type.width - 1)))
    minus = ir.Constant(x.type, -1)
    return b.and_(b.icmp_signed("==", x, least), b.icmp_signed("==", y, minus))


def floor_divide_signed(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    zero, one = ir.Constant(x.type, 0), ir.Constant(x.type, 1)
    by_zero = b.icmp_signed("==", y, zero)
    safe = b.select(b.or_(by_zero, is_least(b, dtype, x, y)), one, y)
    quotient, rest = b.sdiv(x, safe), b.srem(x, safe)
    crosses = b.and_(
        b.icmp_signed("!=", rest, zero), b.icmp_signed("<", b.xor(rest, safe), zero)
    )
    floored = b.sub(quotient, b.zext(crosses, x.type))
    return b.select(by_zero, zero, floored)


def remainder_signed(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    zero, one = ir.Constant(x.type, 0), ir.Constant(x.type, 1)
    trivial = b.or_(b.icmp_signed("==", y, zero), is_least(b, dtype, x, y))
    safe = b.select(trivial, one, y)
    rest = b.srem(x, safe)
    crosses = b.and_(
        b.icmp_signed("!=", rest, zero), b.icmp_signed("<", b.xor(rest, safe), zero)
    )
    return b.select(crosses, b.add(rest, safe), rest)


def fmod_signed(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
    zero, one = ir.Constant(x.type, 0), ir.Constant(x.type, 1)
    trivial = b.or_(b.icmp_signed("==", y, zero), is_least(b, dtype, x, y))
    return b.select(trivial, zero, b.srem(x, b.select(trivial, one, y)))


def unsigned(name: str) -> Kernel:
    def kernel(b: Any, _dtype: np.dtype, x: Any, y: Any) -> Any:
        zero, one = ir.Constant(x.type, 0), ir.Constant(x.type, 1)
        by_zero = b.icmp_unsigned("==", y, zero)
        result = getattr(b, name)(x, b.select(by_zero, one, y))
        return b.select(by_zero, zero, result)

    return kernel


def shift(name: str) -> Kernel:
    """A shift by too many bits, or by less than none, moves all of them out."""

    def kernel(b: Any, dtype: np.dtype, x: Any, y: Any) -> Any:
        zero = ir.Constant(x.type, 0)
        fits = b.icmp_unsigned("<", y, ir.Constant(x.type, x.type.width))
        shifted = getattr(b, name)(x, b.select(fits, y, zero))
        out = zero
        if name == "ashr":
            out = b.ashr(x, ir.Constant(x.type, x.type.width - 1))
        return b.select(fits, shifted, out)

    return kernel


def integer_extremum(relation: str) -> dict[str, Kernel]:
    def choose(compare: str) -> Kernel:
        return lambda b, _d, x, y: b.select(getattr(b, compare)(relation, x, y), x, y)

    logical = "or_" if relation == ">" else "and_"
    return {
        "i": choose("icmp_signed"),
        "u": choose("icmp_unsigned"),
        "b": instruction(logical),
    }


def absolute_integer(b: Any, _dtype: np.dtype, x: Any) -> Any:
    negative = b.icmp_signed("<", x, ir.Constant(x.type, 0))
    return b.select(negative, b.neg(x), x)


def sign_integer(b: Any, dtype: np.dtype, x: Any) -> Any:
    zero = ir.Constant(x.type, 0)
    if dtype.kind == "u":
        return b.zext(b.icmp_unsigned("!=", x, zero), x.type)
    above = b.zext(b.icmp_signed(">", x, zero), x.type)
    return b.sub(above, b.zext(b.icmp_signed("<", x, zero), x.type))
