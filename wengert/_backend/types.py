"""LLVM types of dtypes: in memory, in registers, and casts between them."""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
import ml_dtypes
import numpy as np
from llvmlite import ir

I1, I8, I16, I32, I64 = (ir.IntType(n) for n in (1, 8, 16, 32, 64))
PTR = ir.PointerType()
VOID = ir.VoidType()
FLOATS = {2: ir.HalfType(), 4: ir.FloatType(), 8: ir.DoubleType()}
SUPPORTED = frozenset("?bhilqBHILQfdFD")
FLOAT16, FLOAT32, FLOAT64 = (np.dtype(n) for n in ("f2", "f4", "f8"))
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)  # in registers its bits


def check_dtype(dtype: Any, name: str) -> None:
    """Refuse what has no machine type."""
    dtype = np.dtype(dtype)
    if dtype.char in SUPPORTED or dtype == BFLOAT16:
        return
    if dtype != FLOAT16 or not _converts_halves():
        raise NotImplementedError(
            f"{name}: compiled code has no dtype {dtype.name}; compute in float32 or "
            "float64"
        )


@cache
def _converts_halves() -> bool:
    """Whether the processor does: LLVM calls a function that may be missing else."""
    is_x86 = llvm.get_default_triple().startswith(("x86", "i386", "i686"))
    return not is_x86 or bool(llvm.get_host_cpu_features().get("f16c"))


def is_narrow(dtype: np.dtype) -> bool:
    """Whether numbers are stored in 2 bytes and computed with as float32."""
    return dtype in (FLOAT16, BFLOAT16)


def computed(dtype: np.dtype) -> np.dtype:
    """The dtype of arithmetic."""
    return FLOAT32 if is_narrow(dtype) else dtype


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
    if dtype == BFLOAT16:
        return ir.Constant(kind, int(value.view(np.uint16)))
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
    if is_narrow(source):
        return cast(b, _widened(b, value, source), FLOAT32, target)
    if is_narrow(target):
        if source == FLOAT64 and target == FLOAT16:
            return _narrowed(b, _rounded_to_odd(b, value), target)
        return _narrowed(b, cast(b, value, source, FLOAT32), target)
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


def _widened(b: ir.IRBuilder, value: Any, source: np.dtype) -> Any:
    if source == FLOAT16:
        return b.fpext(value, FLOATS[4])
    bits = b.shl(b.zext(value, I32), I32(16))
    return b.bitcast(bits, FLOATS[4])


def _narrowed(b: ir.IRBuilder, value: Any, target: np.dtype) -> Any:
    """Of float32, to the nearest; to the even one where two are as near."""
    if target == FLOAT16:
        return b.fptrunc(value, FLOATS[2])
    bits = b.bitcast(value, I32)
    odd = b.and_(b.lshr(bits, I32(16)), I32(1))
    rounded = b.add(bits, b.add(odd, I32(0x7FFF)))
    missing = b.fcmp_unordered("uno", value, value)
    return b.trunc(b.lshr(b.select(missing, I32(0x7FC00000), rounded), I32(16)), I16)


def _rounded_to_odd(b: ir.IRBuilder, value: Any) -> Any:
    """float64 as a float32 that rounds to the same float16.

    Its last bit says whether anything was cut off (Boldo and Melquiond, "Emulation of a
    FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
    """
    nearest = b.fptrunc(value, FLOATS[4])
    back = b.fpext(nearest, FLOATS[8])
    size, limit = (absolute(b, x) for x in (back, value))
    bits = b.bitcast(nearest, I32)
    toward_zero = b.sub(bits, b.zext(b.fcmp_ordered(">", size, limit), I32))
    cut = b.zext(b.fcmp_ordered("!=", back, value), I32)
    return b.bitcast(b.or_(toward_zero, cut), FLOATS[4])


def absolute(b: ir.IRBuilder, value: Any) -> Any:
    """Of float64."""
    bits = b.and_(b.bitcast(value, I64), I64((1 << 63) - 1))
    return b.bitcast(bits, FLOATS[8])


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
