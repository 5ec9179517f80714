"""Special functions, compiled: agreement with the rows at every kind of number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backend.building import Builder, var
from wengert._backend import compile_program
from wengert._backend.special import SPECIAL
from wengert._core.op import OPS
from wengert._ir.evaluate import evaluate

_SIZES = [
    0.0,
    5e-324,
    1e-300,
    1e-8,
    0.3,
    0.5,
    0.65,
    1 - 1e-12,
    1.0,
    1 + 1e-12,
    2.0,
    3.0,
]
_SIZES += [4.5, 7.25, 10.0, 36.5, 171.0, 172.0, 700.0, 1e5, 2.5e8, 1e17, 1e300, np.inf]
POINTS = np.array([*_SIZES, *(-x for x in _SIZES), np.nan])
# SciPy's ndtr squares x in one rounding, ours x / sqrt 2, which costs x^2 ulp; the
# others add terms of opposite sign, so that an ulp is that of a larger number.
BOUNDS = {"ndtr": 100, "polygamma": 2000, "sinc_derivative": 200}


def operands(name: str, dtype: Any) -> list[Any]:
    points = POINTS[np.abs(POINTS) < 1e30] if dtype == np.float32 else POINTS
    points = points.astype(dtype)
    domains = OPS[name].samples
    if len(domains) == 1:
        return [points]
    if domains[0].integer:  # SciPy's polygamma takes a step to 0 for each unit
        points = np.where(points < -1e6, -5.5, points).astype(dtype)
        orders = np.arange(7)
        return [np.repeat(orders, len(points)), np.tile(points, len(orders))]
    return [np.repeat(points, len(points)), np.tile(points, len(points))]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(SPECIAL))
def test_special_points(name: str, dtype: Any) -> None:
    given = operands(name, dtype)
    atoms = [var(x.shape, x.dtype) for x in given]
    b = Builder(*atoms)
    program = b.program(b.emit(name, *atoms))
    compiled = compile_program(program)
    assert compiled.host_calls == []
    (found,) = compiled(*given)
    with np.errstate(all="ignore"):
        (wanted,) = evaluate(program, given)
        bound = BOUNDS.get(name, 4) * np.spacing(abs(wanted))
        same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
        off = ~(same | (abs(found - wanted) <= bound))
    points = [x[off] for x in given]
    assert not np.any(off), (points, found[off], wanted[off])


def test_special_functions_are_loaded_when_they_are_called() -> None:
    x = var((3,))
    b = Builder(x)
    compiled = compile_program(b.program(b.emit("digamma", b.emit("gamma", x))))
    given = np.array([0.5, 1.5, 2.5])
    wanted = OPS["digamma"].evaluate(OPS["gamma"].evaluate(given))
    np.testing.assert_array_equal(compiled(given)[0], wanted)
