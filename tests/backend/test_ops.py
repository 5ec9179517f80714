"""Every row of the table, compiled: one equation against what the row evaluates."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import wengert.numpy  # noqa: F401 - registers every op
from tests.backend.building import BOOL, Builder, var
from wengert._backend import compile_program
from wengert._backend.types import is_narrow
from wengert._cases import cases
from wengert._core.op import OPS, Op
from wengert._core.types import type_of
from wengert._ir.evaluate import evaluate
from wengert._ir.program import literal
from wengert.errors import InvalidProgramError

EXACT = {
    "add", "subtract", "multiply", "divide", "negative", "sqrt", "square", "absolute",
    "floor", "ceil", "trunc", "rint", "sign", "maximum", "minimum", "getitem", "take",
    "update", "add_at", "transpose", "reshape", "flip", "concatenate", "pad_zeros",
    "where", "equal", "less", "greater", "floor_divide", "remainder", "fmod", "clip",
    "tril", "triu", "broadcast_to", "full", "argmax", "argmin", "scale", "copysign",
}  # fmt: skip
ULPS = 4
# NumPy and native code add the products in another order: an ulp is that of the largest
# entry, since terms may cancel in others.
OF_LARGEST = {
    "matmul", "dot", "matvec", "vecdot", "vdot", "einsum", "tensordot", "conv",
    "conv_input", "conv_kernel", "convolve", "det_derivative",
}  # fmt: skip
# Bounds where 4 ulp are not reached, with the reason.
BOUNDS = {
    # SciPy's own squares x in one rounding, which costs x^2 ulp; ours does not.
    ("erfc", "float64"): 8,
    # NumPy's own rounds pi x to half precision; ours rounds the result only.
    ("sinc", "float16"): 16,
    # Cofactors: SciPy's LAPACK and NumPy's eliminate in blocks of other sizes.
    ("det_derivative", "float32"): 8,
    ("det_derivative", "float64"): 8,
}
# Native code for every sample: LAPACK, BLAS or loops.
NATIVE = frozenset(
    "cholesky det dot eigh eigvalsh einsum inv matmul matvec p_norm slogdet solve "
    "solve_triangular svd svdvals tensordot two_norm vdot vecdot".split()
)
NUMBERS = (bool, int, float, complex)


def _has_mask(case: Any) -> bool:
    """Reading at a mask has no type: the frontend makes positions of it."""
    return any(getattr(x, "dtype", None) == BOOL for x in case.operands)


def all_cases() -> list[Any]:
    ops = sorted(OPS, key=lambda op: op.name)
    return [
        pytest.param(op, case, id=f"{op.name}-{case.label}")
        for op in ops
        if op.samples
        for case in cases(op)
        if not (op.name == "getitem" and _has_mask(case))
    ]


def program_of(op: Op, operands: Any, params: Any) -> tuple[Any, list[Any]]:
    """A program of one equation, and its arguments; numbers are constants."""
    floats = [x for x in operands if not isinstance(x, NUMBERS)]
    common = np.result_type(*floats) if floats else None
    atoms, arguments = [], []
    for x in operands:
        if isinstance(x, NUMBERS):
            atoms.append(literal(x, common))
        else:
            type_ = type_of(x)
            atoms.append(var(type_.shape, type_.dtype))
            arguments.append(x)
    builder = Builder(*(a for a in atoms if not hasattr(a, "value")))
    out = builder.emit(op.name, *atoms, **params)
    return builder.program(*(out if op.multiple else (out,))), arguments


def compare(op: Op, found: Any, wanted: Any, least: Any = None) -> None:
    """To within some ulp, of the least precise dtype that NumPy computed in."""
    wanted = np.asarray(wanted)
    assert found.dtype == wanted.dtype
    assert np.shape(found) == wanted.shape
    exact = op.name in EXACT and not is_narrow(wanted.dtype)
    if exact or wanted.dtype.kind in "iub":
        np.testing.assert_array_equal(found, wanted)
        return
    dtype = least or np.dtype(wanted.real.dtype)
    found, wanted = (
        np.asarray(v).astype(np.result_type(v, "f8")) for v in (found, wanted)
    )
    with np.errstate(invalid="ignore"):
        size = np.abs(np.where(np.isfinite(wanted), wanted, 0))
        if op.name in OF_LARGEST:
            size = np.max(size, initial=0)
        bound = BOUNDS.get((op.name, dtype.name), ULPS)
        within = abs(found - wanted) <= bound * ulp(size, dtype)
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    assert np.all(within | same), f"{found} is not {wanted}"


def ulp(size: Any, dtype: np.dtype) -> Any:
    """The distance of neighbours."""
    info = ml_dtypes.finfo(dtype)
    gap = np.ldexp(float(info.eps), np.frexp(size)[1] - 1)
    return np.maximum(gap, float(info.smallest_subnormal))


def cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if getattr(x, "dtype", None) == np.float64 else x


@pytest.mark.parametrize(("op", "case"), all_cases())
def test_an_op_compiled_equals_what_its_row_evaluates(op: Op, case: Any) -> None:
    program, arguments = program_of(op, case.operands, case.params)
    compiled = compile_program(program)
    assert op.name not in NATIVE or compiled.host_calls == []
    with np.errstate(all="ignore"):
        wanted = evaluate(program, arguments)
    for found, want in zip(compiled(*arguments), wanted, strict=True):
        compare(op, found, want)
    spread = [np.stack([a, a], -1)[..., 0] if np.ndim(a) else a for a in arguments]
    for found, want in zip(compiled(*spread), wanted, strict=True):
        compare(op, found, want)


SMALLER = [
    pytest.param(*p.values, np.dtype(name), id=f"{p.id}-{name}")
    for name in ("float32", "float16", "bfloat16")
    for p in all_cases()
    if p.id.endswith(("-plain", "-sample 0"))
    or (name == "float32" and ("plain" in p.id or "sample" in p.id))
]


@pytest.mark.parametrize(("op", "case", "dtype"), SMALLER)
def test_an_op_compiled_for_smaller_floats(op: Op, case: Any, dtype: np.dtype) -> None:
    operands = [cast(x, dtype) for x in case.operands]
    params = {k: dtype if v == np.float64 else v for k, v in case.params.items()}
    try:
        program, arguments = program_of(op, operands, params)
        with np.errstate(all="ignore"):
            wanted = evaluate(program, arguments)
    except (TypeError, ValueError, InvalidProgramError):
        pytest.skip(f"NumPy has no {dtype.name} of this op")
    found = compile_program(program, guarded=True)(*arguments)
    for value, want in zip(found, wanted, strict=True):
        compare(op, value, want, dtype)
