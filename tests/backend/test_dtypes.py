"""Casts between all dtypes, and arithmetic of integers and complex numbers."""

from __future__ import annotations

from typing import Any

import ml_dtypes  # noqa: F401 - registers bfloat16
import numpy as np
import pytest

from tests.backend.building import Builder, var
from wengert._backend import compile_program
from wengert._ir.evaluate import evaluate

NARROW = ["float16", "bfloat16"]
NAMES = [*"? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16".split(), *NARROW]
INTEGERS = "i1 i2 i4 i8 u1 u2 u4 u8".split()
REALS = [0.0, -0.0, 1.0, -1.0, 2.5, -3.5, 100.0, -100.0]
SPECIAL = [*REALS, np.inf, -np.inf, np.nan, 1e300, 2.0**31, -(2.0**31)]


def run(name: str, *arrays: Any, **params: Any) -> tuple[Any, Any]:
    atoms = [var(np.shape(a), a.dtype) for a in arrays]
    builder = Builder(*atoms)
    program = builder.program(builder.emit(name, *atoms, **params))
    with np.errstate(all="ignore"):
        (wanted,) = evaluate(program, arrays)
    (found,) = compile_program(program)(*arrays)
    return found, wanted


def check(name: str, *arrays: Any, **params: Any) -> None:
    found, wanted = run(name, *arrays, **params)
    assert found.dtype == wanted.dtype
    if found.dtype.name == "bfloat16":  # whose NaN NumPy does not take for one
        found, wanted = found.astype(np.float32), wanted.astype(np.float32)
    np.testing.assert_array_equal(found, wanted)


def samples(name: str) -> Any:
    dtype = np.dtype(name)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.array([0, 1, 2, 3, 7, info.max, info.min, info.max - 1], dtype)
    return np.array(REALS).astype(dtype)


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("target", NAMES)
def test_casts(source: str, target: str) -> None:
    values = samples(source)
    if np.dtype(source).kind in "fcV" and np.dtype(target).kind == "u":
        values = np.abs(values)  # C leaves negative numbers undefined
    check("astype", values, dtype=np.dtype(target))


@pytest.mark.parametrize("target", ["i4", "i8", "?", "f4"])
def test_casts_of_what_does_not_fit(target: str) -> None:
    with np.errstate(all="ignore"):
        check("astype", np.array(SPECIAL), dtype=np.dtype(target))


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize(
    "op",
    [
        "add", "subtract", "multiply", "floor_divide", "remainder", "fmod", "maximum",
        "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift",
        "right_shift", "equal", "less", "less_equal", "greater", "logical_and",
    ],
)  # fmt: skip
def test_integer_arithmetic(name: str, op: str) -> None:
    values = samples(name)
    check(op, values[:, None] + np.zeros(8, values.dtype), np.resize(values, (8, 8)))


@pytest.mark.parametrize("name", ["i1", "i8", "u4"])
@pytest.mark.parametrize("op", ["negative", "absolute", "sign", "invert", "square"])
def test_integer_functions(name: str, op: str) -> None:
    check(op, samples(name))


@pytest.mark.parametrize("op", ["floor_divide", "remainder", "fmod", "divide"])
@pytest.mark.parametrize("name", ["f4", "f8"])
def test_float_division(op: str, name: str) -> None:
    with np.errstate(over="ignore"):
        values = np.array([*SPECIAL, 0.3, 7.0, -7.0]).astype(name)
    table = np.resize(values, (len(values), len(values)))
    check(op, table.T.copy(), table)


@pytest.mark.parametrize(
    "op", ["sign", "floor", "ceil", "trunc", "rint", "isnan", "isinf", "isfinite",
           "signbit", "absolute", "relu", "negative"]
)  # fmt: skip
def test_float_functions(op: str) -> None:
    check(op, np.array(SPECIAL))


@pytest.mark.parametrize("op", ["maximum", "minimum", "fmax", "fmin", "copysign"])
def test_float_extrema(op: str) -> None:
    values = np.array(SPECIAL)
    check(op, values[:, None] + np.zeros(len(values)), np.resize(values, (14, 14)))


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "equal", "not_equal"])
@pytest.mark.parametrize("name", ["c8", "c16"])
def test_complex_arithmetic(op: str, name: str) -> None:
    values = np.array([1 + 2j, -0.5 + 0.25j, 3 - 1j, 0j], name)
    found, wanted = run(op, values[:, None] + np.zeros(4, name), values)
    np.testing.assert_allclose(found, wanted, rtol=1e-6 if name == "c8" else 1e-15)


@pytest.mark.parametrize("op", ["conj", "real", "imag", "negative", "exp", "absolute"])
def test_complex_functions(op: str) -> None:
    found, wanted = run(op, np.array([1 + 2j, -0.5 + 0.25j]))
    np.testing.assert_allclose(found, wanted, rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_sums_of_every_dtype(name: str) -> None:
    check("reduce_sum", np.arange(6).reshape(2, 3).astype(name), axes=(0,))
    check("reduce_sum", np.arange(6).reshape(2, 3).astype(name), axes=(0, 1))


@pytest.mark.parametrize("name", NAMES)
def test_writes_of_every_dtype(name: str) -> None:
    x = np.arange(5).astype(name)
    check("update", x, np.array([1, 0, 1]).astype(name), index=(slice(1, 4),))
    check("add_at", x, np.array([1, 0, 1]).astype(name), index=(slice(1, 4),))


@pytest.mark.parametrize("name", ["i4", "i8", "u1"])
def test_integer_powers(name: str) -> None:
    check("power", samples(name), np.array(5, name)[()])


def test_a_negative_integer_power_is_an_error() -> None:
    x, n = var((), np.int64), var((), np.int64)
    builder = Builder(x, n)
    compiled = compile_program(builder.program(builder.emit("power", x, n)))
    assert compiled(3, 4) == [81]
    with pytest.raises(ValueError, match="Integers to negative integer powers are not"):
        compiled(3, -1)


# -- floats of 2 bytes -----------------------------------------------------------------


@pytest.mark.parametrize("target", NARROW)
@pytest.mark.parametrize("source", ["f4", "f8", "i4", "i8", "u8"])
def test_casts_to_narrow_floats_round_once(source: str, target: str) -> None:
    """Beside the middle of two numbers, above the largest and below the least."""
    ends = np.array([1.0, 1.5, 1024.0, 2.0**-14, 2.0**-24, 65504.0, 65520.0, 3e38])
    with np.errstate(all="ignore"):
        middle = ends[:, None] * (1 + np.array([2.0**-11, 3 * 2.0**-11, 2.0**-9]))
        tiny = np.array([0.0, 2.0**-40, -(2.0**-40), 2.0**-22])
        values = (middle[..., None] * (1 + tiny)).ravel()
        special = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-9, 1e300]
        if source[0] != "f":
            values, special = values[values < 2**31 - 1] * 1000, [0, 65519, 65520]
        check("astype", np.array([*values, *special]).astype(source), dtype=target)


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "maximum"])
def test_narrow_arithmetic_rounds_after_each_operation(name: str, op: str) -> None:
    values = np.random.default_rng(2).standard_normal((2, 500)) * 10.0
    x, y = values.astype(name)
    check(op, x, y)
    check("cumsum", x, axis=0)
    check("cumprod", x / x.dtype.type(8), axis=0)


@pytest.mark.parametrize("name", NARROW)
def test_narrow_numbers_in_and_out(name: str) -> None:
    x, n = var((), name), var((3,), name)
    b = Builder(x, n)
    same = b.emit("multiply", x, x)
    total = b.emit("add_at", n, x, index=(1,))
    compiled = compile_program(b.program(same, total, x))
    dtype = np.dtype(name)
    found = compiled(dtype.type(1.5), np.ones(3, dtype))
    assert [v.dtype for v in found] == [dtype] * 3
    assert (float(found[0]), float(found[2])) == (2.25, 1.5)
    np.testing.assert_array_equal(found[1].astype(float), [1.0, 2.5, 1.0])
