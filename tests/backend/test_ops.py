"""Every row of the table, compiled: one equation against what the row evaluates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert.numpy  # noqa: F401 - registers every op
from tests.backend.building import BOOL, Builder, var
from wengert._backend import compile_program
from wengert._cases import cases
from wengert._core.op import OPS, Op
from wengert._core.types import type_of
from wengert._ir.evaluate import evaluate
from wengert._ir.program import literal

EXACT = {
    "add", "subtract", "multiply", "divide", "negative", "sqrt", "square", "absolute",
    "floor", "ceil", "trunc", "rint", "sign", "maximum", "minimum", "getitem", "take",
    "update", "add_at", "transpose", "reshape", "flip", "concatenate", "pad_zeros",
    "where", "equal", "less", "greater", "floor_divide", "remainder", "fmod", "clip",
    "tril", "triu", "broadcast_to", "full", "argmax", "argmin", "scale", "copysign",
}  # fmt: skip
# On AVX-512, NumPy's own float32 functions are off by as much as 4 ulp.
ULPS = {np.dtype(np.float64): 8, np.dtype(np.float32): 16}
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


def compare(op: Op, found: Any, wanted: Any) -> None:
    wanted = np.asarray(wanted)
    assert found.dtype == wanted.dtype
    assert np.shape(found) == wanted.shape
    if op.name in EXACT or wanted.dtype.kind in "iub":
        np.testing.assert_array_equal(found, wanted)
        return
    real = np.dtype(wanted.real.dtype)
    tolerance = ULPS[real] * np.finfo(real).eps
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


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


@pytest.mark.parametrize(
    ("op", "case"), [p for p in all_cases() if "plain" in p.id or "sample" in p.id]
)
def test_an_op_compiled_for_float32(op: Op, case: Any) -> None:
    operands = [cast(x, np.float32) for x in case.operands]
    params = {
        k: np.dtype(np.float32) if v == np.float64 else v
        for k, v in case.params.items()
    }
    try:
        program, arguments = program_of(op, operands, params)
        with np.errstate(all="ignore"):
            wanted = evaluate(program, arguments)
    except (TypeError, ValueError):
        pytest.skip("NumPy has no float32 of this op")
    found = compile_program(program, guarded=True)(*arguments)
    for value, want in zip(found, wanted, strict=True):
        compare(op, value, want)
