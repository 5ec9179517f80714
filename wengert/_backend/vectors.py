"""Functions of the C library for vectors of numbers, so that loops with them vectorise.

glibc's libmvec has them for x86-64, within 4 ulp. A call says by an attribute which
function takes its place in a loop of 4 or 8 steps at a time; the name is that of the
vector ABI (``d``: AVX2, ``e``: AVX-512; lanes; one ``v`` for an operand).
"""

from __future__ import annotations

import ctypes
import re
from functools import cache

import llvmlite.binding as llvm

_LIBRARY = "libmvec.so.1"
_UNARY = (
    "exp log sin cos acos acosh asin asinh atan atanh cbrt cosh erf erfc exp2 expm1 "
    "log10 log1p log2 sinh tan tanh"
).split()
_ARITY = {**dict.fromkeys(_UNARY, 1), "pow": 2, "atan2": 2}
_LANES = {"d": 4, "e": 8}
_CALL = re.compile(r'(call (double|float) @"(\w+)"\([^\n]*?\))(?=\s*$)', re.MULTILINE)


@cache
def _available() -> ctypes.CDLL | None:
    """The library, loaded for generated code too; None where there is none."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    llvm.load_library_permanently(_LIBRARY)
    return library


@cache
def _targets() -> tuple[str, ...]:
    """The variants that this processor can run."""
    features = llvm.get_host_cpu_features()
    found = [("d", "avx2"), ("e", "avx512f")]
    return tuple(letter for letter, feature in found if features.get(feature))


@cache
def _variants(name: str) -> tuple[tuple[int, str], ...]:
    """``(lanes, symbol)`` of a scalar function's vector functions."""
    library = _available()
    single = name.endswith("f") and name[:-1] in _ARITY
    arity = _ARITY.get(name[:-1] if single else name)
    if library is None or arity is None:
        return ()
    found = []
    for letter in _targets():
        lanes = _LANES[letter] * (2 if single else 1)
        symbol = f"_ZGV{letter}N{lanes}{'v' * arity}_{name}"
        if hasattr(library, symbol):
            found.append((lanes, symbol))
    return tuple(found)


def vector_functions() -> list[str]:
    """Every vector function there is, by name; they are ready for generated code."""
    names = [name + suffix for name in _ARITY for suffix in ("", "f")]
    return [symbol for name in names for _, symbol in _variants(name)]


def with_vector_functions(text: str) -> str:
    """The text of a module whose calls name their vector functions."""
    declared: dict[str, str] = {}

    def marked(match: re.Match[str]) -> str:
        call, kind, name = match.groups()
        variants = _variants(name)
        if not variants:
            return call
        count = len(variants[0][1].split("_")[1].rsplit("N", 1)[1].lstrip("0123456789"))
        for lanes, symbol in variants:
            vector = f"<{lanes} x {kind}>"
            operands = ", ".join([vector] * count)
            declared[symbol] = f"declare {vector} @{symbol}({operands})"
        names = ",".join(
            f"_ZGV_LLVM_N{lanes}{'v' * count}_{name}({symbol})"
            for lanes, symbol in variants
        )
        return f'{call} "vector-function-abi-variant"="{names}"'

    text = _CALL.sub(marked, text)
    if not declared:
        return text
    kept = ", ".join(f"ptr @{symbol}" for symbol in declared)
    used = f"@llvm.compiler.used = appending global [{len(declared)} x ptr] [{kept}]"
    return "\n".join([text, *declared.values(), f'{used}, section "llvm.metadata"'])
