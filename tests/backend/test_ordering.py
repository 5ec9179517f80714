"""Sorting and searching, compiled: ties, NaN, every dtype, any axis, any extent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backend.building import F64, I64, Builder, var
from wengert._backend import compile_program
from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.evaluate import evaluate
from wengert._ir.program import Equation, Var

DTYPES = "? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16".split()
RNG = np.random.default_rng(3)


def check(name: str, *operands: Any, **params: Any) -> None:
    """Compiled as NumPy, to the bit, in native code."""
    atoms = [var(x.shape, x.dtype) for x in operands]
    b = Builder(*atoms)
    program = b.program(b.emit(name, *atoms, **params))
    compiled = compile_program(program, guarded=True)
    assert compiled.host_calls == []
    (found,), counts = compiled.counted(*operands)
    (wanted,) = evaluate(program, operands)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    assert (counts.leaked, counts.overruns) == (0, 0)


def entries(dtype: str, *shape: int) -> Any:
    """With ties, infinities and NaN, where the dtype has them."""
    if dtype[0] not in "fc":
        return RNG.integers(0, 2 if dtype == "?" else 100, shape).astype(dtype)
    values = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 7.25])
    chosen = RNG.choice(values, shape)
    if dtype[0] == "c":
        chosen = chosen + 1j * RNG.choice(values[:4], shape)
    return chosen.astype(dtype)


KINDS = [
    *(("sort", kind) for kind in (None, "quicksort", "heapsort", "mergesort")),
    *(("argsort", kind) for kind in (None, "quicksort", "stable")),
]


@pytest.mark.parametrize(("name", "kind"), KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_kind(name: str, dtype: str, kind: Any) -> None:
    """NumPy does not say which of equal keys comes first: ours is its choice."""
    check(name, entries(dtype, 70), axis=0, kind=kind)


@pytest.mark.parametrize("shape", [(0,), (1,), (0, 3), (3, 0), (4, 1, 3), (5, 17, 3)])
@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_every_axis(name: str, shape: Any) -> None:
    for axis in range(len(shape)):
        check(name, entries("f8", *shape), axis=axis)


def test_a_view_stays_as_it_is() -> None:
    x = var((6, 4))
    b = Builder(x)
    turned = b.emit("transpose", x, axes=(1, 0))
    ordered = b.emit("sort", turned, axis=1)
    program = b.program(ordered, b.emit("add", turned, ordered))
    given = RNG.standard_normal((6, 4))
    for found, wanted in zip(
        compile_program(program)(given), evaluate(program, [given]), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("size", [0, 1, 2, 100])
def test_run_time_extents(size: int) -> None:
    n = var((), I64)
    x, q = var((n,)), var((3,))
    b = Builder(n, x, q)
    ordered, order = b.emit("sort", x, axis=0), b.emit("argsort", x, axis=0)
    places = Var(ArrayType((3,), I64))
    b.equations.append(
        Equation(OPS["searchsorted"], (ordered, q), {"side": "left"}, (places,))
    )
    program = b.program(ordered, order, places)
    given = [np.int64(size), RNG.standard_normal(size), np.array([-9.0, 0.1, 9.0])]
    for found, wanted in zip(
        compile_program(program)(*given), evaluate(program, given), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 31])
def test_searches(side: str, size: int) -> None:
    ordered = np.sort(entries("f8", size))
    asked = np.array([[-np.inf, -1.5, 0.0, np.nan], [np.inf, 0.5, 7.25, 9.0]])
    check("searchsorted", ordered, asked, side=side)


@pytest.mark.parametrize("pair", ["i8 i8", "i4 f8", "f8 i4", "u1 i2", "f4 f8", "? ?"])
def test_searches_of_mixed_dtypes(pair: str) -> None:
    first, second = pair.split()
    ordered = np.sort(np.array([0, 1, 1, 3, 5])).astype(first)
    check("searchsorted", ordered, np.array([0, 1, 4, 7]).astype(second), side="right")


@pytest.mark.parametrize("knots", [[0.0], [0.0, 1.0], [0.0, 1.0, 1.0, 4.0]])
def test_cells(knots: list[float]) -> None:
    points = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 4.0, 9.0, np.nan])
    check("interp_cell", np.array(knots), points)


@pytest.mark.parametrize("name", ["reduce_fmax", "reduce_fmin"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1", "?"])
def test_extrema_of_what_is_not_nan(name: str, dtype: str) -> None:
    x = entries(dtype, 4, 5)
    if dtype[0] == "f":
        x[1] = np.nan
    for axes in ((0,), (1,), (0, 1)):
        check(name, x, axes=axes)


@pytest.mark.parametrize("name", ["reduce_fmax", "reduce_max"])
def test_no_entries_have_no_extremum(name: str) -> None:
    n = var((), I64)
    x = var((n,), F64)
    b = Builder(n, x)
    compiled = compile_program(b.program(b.emit(name, x, axes=(0,))))
    function = "fmax" if name == "reduce_fmax" else "maximum"
    with pytest.raises(ValueError, match=f"reduction operation {function} which has"):
        compiled(np.int64(0), np.ones(0))
