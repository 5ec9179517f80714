"""Convolutions and windows, compiled: strides, padding, groups, dtypes, extents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backend.building import I64, Builder, var
from wengert._backend import compile_program
from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.evaluate import evaluate
from wengert._ir.program import Equation, Var
from wengert._ops.convolution import Window

RNG = np.random.default_rng(5)
WINDOWS = [
    Window((1, 1), ((0, 0), (0, 0)), (1, 1)),
    Window((2, 3), ((1, 2), (3, 0)), (1, 2)),
    Window((3, 1), ((9, 9), (0, 1)), (2, 1)),  # places that see nothing but padding
]


def check(name: str, *operands: Any, **params: Any) -> None:
    """Compiled as NumPy, in native code, up to the order of sums."""
    atoms = [var(x.shape, x.dtype) for x in operands]
    b = Builder(*atoms)
    program = b.program(b.emit(name, *atoms, **params))
    compiled = compile_program(program, guarded=True)
    assert compiled.host_calls == []
    (found,), counts = compiled.counted(*operands)
    (wanted,) = evaluate(program, operands)
    assert found.dtype == wanted.dtype
    single = wanted.dtype == np.float32
    tolerance = (1e-6 if single else 1e-15) * np.max(abs(wanted), initial=0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)
    assert (counts.leaked, counts.overruns) == (0, 0)


def numbers(dtype: str, *shape: int) -> Any:
    x = RNG.integers(-4, 5, shape) + RNG.standard_normal(shape)
    return (x + 1j * x[::-1] if dtype[0] == "c" else x).astype(dtype)


@pytest.mark.parametrize("how", WINDOWS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dtypes", ["f8 f8", "f4 f4", "f4 f8", "i8 i8", "c16 f8"])
def test_products(how: Window, groups: int, dtypes: str) -> None:
    first, second = dtypes.split()
    space, window = (9, 8), (3, 2)
    out = how.out_extents(space, window)
    x, w = numbers(first, 2, 4, *space), numbers(second, 6, 4 // groups, *window)
    y = numbers(first, 2, 6, *out)
    check("conv", x, w, how=how, groups=groups)
    check("conv_input", y, w, how=how, groups=groups, space=space)
    check("conv_kernel", x, y, how=how, groups=groups, window=window)


@pytest.mark.parametrize("shape", [(0, 3, 5), (2, 0, 5), (2, 3, 2)])
def test_no_entries(shape: Any) -> None:
    how = Window((1,), ((0, 0),), (1,))
    check(
        "conv", numbers("f8", *shape), numbers("f8", 4, shape[1], 2), how=how, groups=1
    )


@pytest.mark.parametrize("how", WINDOWS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "?", "c16"])
def test_windows(how: Window, dtype: str) -> None:
    x = numbers(dtype, 2, 9, 8)
    check("windows", x, how=how, window=(3, 2))
    out = how.out_extents((9, 8), (3, 2))
    if dtype != "?":
        check("unwindow", numbers(dtype, 2, *out, 3, 2), how=how, space=(9, 8))


def test_windows_of_what_is_computed() -> None:
    x = var((2, 6))
    b = Builder(x)
    how = Window((2,), ((1, 1),), (1,))
    doubled = b.emit("add", x, x)
    seen = b.emit("windows", doubled, how=how, window=(3,))
    program = b.program(b.emit("reduce_max", seen, axes=(2,)), doubled)
    given = numbers("f8", 2, 6)
    for found, wanted in zip(
        compile_program(program)(given), evaluate(program, [given]), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtypes", ["f8 f8", "i8 i4", "f4 i8", "c16 f8", "? ?"])
@pytest.mark.parametrize("extents", [(7, 3), (3, 8), (1, 1), (4, 4), (2, 5)])
def test_convolve(mode: str, dtypes: str, extents: Any) -> None:
    first, second = dtypes.split()
    x, y = numbers(first, extents[0]), numbers(second, extents[1])
    check("convolve", x, y, mode=mode)


def sliding(how: Window, n: Any, places: Any, window: int) -> Any:
    """The windows of a vector with run-time extents."""
    x = var((n,))
    b = Builder(n, places, x)
    out = Var(ArrayType((places, window), x.type.dtype))
    params = {"how": how, "window": (window,)}
    b.equations.append(Equation(OPS["windows"], (x,), params, (out,)))
    return b.program(b.emit("reduce_sum", out, axes=(1,)))


def test_windows_with_run_time_extents() -> None:
    n, places = var((), I64), var((), I64)
    compiled = compile_program(sliding(Window((2,), ((1, 0),), (2,)), n, places, 2))
    x = np.arange(6.0)
    np.testing.assert_array_equal(compiled(6, 3, x)[0], [1.0, 4.0, 8.0])
    with pytest.raises(ValueError, match="an axis has 3 entries where 4 are expected"):
        compiled(6, 4, x)
    with pytest.raises(ValueError, match="an axis has 0 entries where 2 are expected"):
        compiled(0, 2, x[:0])


def test_a_convolution_with_run_time_extents() -> None:
    n, m, out = (var((), I64) for _ in range(3))
    x, y = var((n,)), var((m,))
    b = Builder(n, m, out, x, y)
    z = Var(ArrayType((out,), x.type.dtype))
    b.equations.append(Equation(OPS["convolve"], (x, y), {"mode": "full"}, (z,)))
    compiled = compile_program(b.program(z))
    for sizes in ((5, 3), (2, 6), (1, 1)):
        first, second = (numbers("f8", k) for k in sizes)
        (found,) = compiled(*sizes, sum(sizes) - 1, first, second)
        np.testing.assert_allclose(found, np.convolve(first, second), rtol=1e-13)
    with pytest.raises(ValueError, match="v cannot be empty"):
        compiled(2, 0, 1, np.ones(2), np.ones(0))
