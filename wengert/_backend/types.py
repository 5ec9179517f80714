"""LLVM types of dtypes: in memory, in registers, and casts between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

I1, I8, I32, I64 = (ir.IntType(n) for n in (1, 8, 32, 64))
PTR = ir.PointerType()
VOID = ir.VoidType()
FLOATS = {4: ir.FloatType(), 8: ir.DoubleType()}
SUPPORTED = frozenset("?bhilqBHILQfdFD")


def check_dtype(dtype: Any, name: str) -> None:
    """Refuse what has no machine type."""
    if np.dtype(dtype).char not in SUPPORTED:
        raise NotImplementedError(
            f"{name}: compiled code has no dtype {np.dtype(dtype).name}; compute in "
            "float32 or float64"
        )


def memory_type(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return FLOATS[dtype.itemsize]
    if dtype.kind == "c":
        part = FLOATS[dtype.itemsize // 2]
        return ir.LiteralStructType([part, part])
    return ir.IntType(8 * dtype.itemsize)


def register_type(dtype: np.dtype) -> Any:
    return I1 if dtype.kind == "b" else memory_type(dtype)


def constant(value: Any, dtype: np.dtype) -> ir.Constant:
    """A number as a constant in a register."""
    kind = register_type(dtype)
    value = np.asarray(value).astype(dtype)[()]
    if dtype.kind == "c":
        part = kind.elements[0]
        parts = [ir.Constant(part, float(v)) for v in (value.real, value.imag)]
        return ir.Constant(kind, parts)
    if dtype.kind == "f":
        return ir.Constant(kind, float(value))
    return ir.Constant(kind, int(value))


def load(builder: ir.IRBuilder, pointer: Any, dtype: np.dtype) -> Any:
    value = builder.load(pointer, typ=memory_type(dtype), align=_align(dtype))
    if dtype.kind == "b":
        return builder.icmp_unsigned("!=", value, ir.Constant(I8, 0))
    return value


def store(builder: ir.IRBuilder, value: Any, pointer: Any, dtype: np.dtype) -> None:
    if dtype.kind == "b":
        value = builder.zext(value, I8)
    builder.store(value, pointer, align=_align(dtype))


def _align(dtype: np.dtype) -> int:
    return dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize


# -- casts -----------------------------------------------------------------------------


def cast(b: ir.IRBuilder, value: Any, source: np.dtype, target: np.dtype) -> Any:
    """As NumPy's `astype`; a complex number loses its imaginary part."""
    if source == target:
        return value
    if source.kind == "c":
        return _cast_complex(b, value, source, target)
    if target.kind == "c":
        part = np.dtype(f"f{target.itemsize // 2}")
        return make_complex(
            b, cast(b, value, source, part), constant(0.0, part), target
        )
    if target.kind == "b":
        zero = constant(0, source)
        if source.kind == "f":
            return b.fcmp_unordered("!=", value, zero)
        return b.icmp_unsigned("!=", value, zero)
    if source.kind == "f":
        return _cast_float(b, value, source, target)
    return _cast_integer(b, value, source, target)


def make_complex(b: ir.IRBuilder, re: Any, im: Any, dtype: np.dtype) -> Any:
    empty = ir.Constant(register_type(dtype), ir.Undefined)
    return b.insert_value(b.insert_value(empty, re, 0), im, 1)


def _cast_complex(b: Any, value: Any, source: np.dtype, target: np.dtype) -> Any:
    part = np.dtype(f"f{source.itemsize // 2}")
    re, im = b.extract_value(value, 0), b.extract_value(value, 1)
    if target.kind == "b":
        return b.or_(cast(b, re, part, target), cast(b, im, part, target))
    if target.kind != "c":
        return cast(b, re, part, target)
    other = np.dtype(f"f{target.itemsize // 2}")
    return make_complex(b, cast(b, re, part, other), cast(b, im, part, other), target)


def _cast_integer(b: Any, value: Any, source: np.dtype, target: np.dtype) -> Any:
    kind = register_type(target)
    signed = source.kind == "i"
    if target.kind == "f":
        return b.sitofp(value, kind) if signed else b.uitofp(value, kind)
    wide, given = kind.width, value.type.width
    if wide == given:
        return value
    if wide < given:
        return b.trunc(value, kind)
    return b.sext(value, kind) if signed else b.zext(value, kind)


def _cast_float(b: Any, value: Any, source: np.dtype, target: np.dtype) -> Any:
    kind = register_type(target)
    if target.kind == "f":
        wider = target.itemsize > source.itemsize
        return b.fpext(value, kind) if wider else b.fptrunc(value, kind)
    if target.kind == "u" and target.itemsize == 8:
        return _to_uint64(b, value, source)
    if target.itemsize == 8 or (target.kind == "u" and target.itemsize == 4):
        return _resize(b, _to_signed(b, value, source, 64), kind)
    return _resize(b, _to_signed(b, value, source, 32), kind)


def _resize(b: Any, value: Any, kind: Any) -> Any:
    return value if value.type.width == kind.width else b.trunc(value, kind)


def _to_signed(b: Any, value: Any, source: np.dtype, bits: int) -> Any:
    """The machine's conversion: what does not fit, and NaN, gives the least number."""
    kind = ir.IntType(bits)
    limit = constant(2.0 ** (bits - 1), source)
    low = constant(-(2.0 ** (bits - 1)), source)
    fits = b.and_(b.fcmp_ordered("<", value, limit), b.fcmp_ordered(">=", value, low))
    if bits == 32 and source.itemsize == 8:
        below = b.fcmp_ordered(">", value, constant(-(2.0**31) - 1, source))
        fits = b.and_(b.fcmp_ordered("<", value, limit), below)
    safe = b.select(fits, value, constant(0.0, source))
    return b.select(fits, b.fptosi(safe, kind), ir.Constant(kind, -(1 << (bits - 1))))


def _to_uint64(b: Any, value: Any, source: np.dtype) -> Any:
    half = constant(2.0**63, source)
    small = _to_signed(b, value, source, 64)
    large = _to_signed(b, b.fsub(value, half), source, 64)
    flipped = b.xor(large, ir.Constant(I64, -(1 << 63)))
    return b.select(b.fcmp_ordered(">=", value, half), flipped, small)
