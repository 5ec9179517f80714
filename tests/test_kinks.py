"""The table of kinks: every entry is what both modes return, and what the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._core.op import OPS, Op
from wengert._ops.kinks import kink_table
from wengert.errors import DTypeError
from wengert.numpy._ufunc import apply

PAGE = Path(__file__).parent.parent / "docs" / "kinks.md"
ROWS = [row for row in OPS if row.kinks is not None]

# Rows with params: operands, params, and the derivative for a cotangent of ones.
HALVES = (np.array([1.0, 1.0]),), {"axes": (0,)}, (np.array([0.5, 0.5]),)
WITH_PARAMS: dict[str, Any] = {
    "reduce_max": HALVES,
    "reduce_min": HALVES,
    "reduce_fmax": HALVES,
    "reduce_fmin": HALVES,
    "sort": ((np.array([2.0, 2.0]),), {"axis": 0}, (np.array([1.0, 1.0]),)),
    "two_norm": ((np.zeros(2),), {"axes": (0,)}, (np.zeros(2),)),
}
LIPSCHITZ = "absolute fabs relu maximum minimum fmax fmin clip hypot".split()


def point(row: Op) -> tuple[Any, dict[str, Any], Any]:
    if row.name in WITH_PARAMS:
        return WITH_PARAMS[row.name]
    assert row.kinks.example, f"{row.name}: its kink has no example"
    return row.kinks.example, {}, row.kinks.derivative


def value_of(row: Op, params: dict[str, Any]) -> Any:
    return lambda *xs: apply(row, *xs, **params) * 1.0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_forward_and_reverse_return_the_entry(row: Op) -> None:
    operands, params, derivative = point(row)
    assert len(derivative) == len(operands)
    fun = value_of(row, params)
    with np.errstate(all="ignore"):
        out, pullback = wg.vjp(fun, *operands)
        cotangents = pullback(np.ones_like(out)[()])
        for i, expected in enumerate(derivative):
            ones = [np.zeros_like(x)[()] for x in operands]
            ones[i] = np.ones_like(operands[i])[()]
            tangent = wg.jvp(fun, operands, tuple(ones))[1]
            np.testing.assert_array_equal(cotangents[i], expected)
            np.testing.assert_array_equal(np.sum(tangent), np.sum(expected))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_example_is_a_hit(row: Op) -> None:
    operands, params, _ = point(row)
    try:
        hit = row.kinks.hit(*operands, **params)
    except TypeError:
        hit = row.kinks.hit(*operands)
    assert np.any(hit)


@pytest.mark.parametrize("name", ["sqrt", "log", "reciprocal", "tanh", "arctan"])
def test_a_pushforward_meets_poles_and_overflows_without_a_warning(name: str) -> None:
    x, t = np.array([0.0, 1e200]), np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        pushforward = wg.linearize(getattr(wnp, name), x)[1]
        expected = wg.jvp(getattr(wnp, name), (x,), (t,))[1]
    np.testing.assert_array_equal(pushforward(t), expected)


@pytest.mark.parametrize("name", LIPSCHITZ)
def test_the_entry_lies_between_the_slopes_nearby(name: str) -> None:
    row = OPS[name]
    rng = np.random.default_rng(0)
    example = row.kinks.example
    slopes = []
    for _ in range(64):
        near = tuple(x + 1e-6 * rng.standard_normal() for x in example)
        slopes.append(wg.grad(value_of(row, {}), tuple(range(len(near))))(*near))
    low, high = np.min(slopes, axis=0), np.max(slopes, axis=0)
    assert np.all(low <= row.kinks.derivative)
    assert np.all(row.kinks.derivative <= high)


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text().endswith(kink_table()), (
        "docs/kinks.md must end with the text of wengert._ops.kinks.kink_table()"
    )


# -- special values that are no kinks --------------------------------------------------


def gradient(fun: Any, *xs: Any) -> tuple[float, ...]:
    with np.errstate(all="ignore"):
        parts = wg.grad(fun, argnums=tuple(range(len(xs))))(*xs)
    return tuple(float(part) for part in parts)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 2.0, (0.0, 0.0)),
        (0.0, 1.0, (1.0, 0.0)),
        (0.0, 0.0, (0.0, 0.0)),
        (0.0, -1.0, (-np.inf, -np.inf)),
        (-2.0, 3.0, (12.0, np.nan)),
        (-2.0, 0.0, (0.0, np.nan)),
        (np.inf, 0.0, (0.0, np.inf)),
    ],
)
def test_power(x: float, y: float, expected: tuple[float, ...]) -> None:
    np.testing.assert_array_equal(gradient(wnp.power, x, y), expected)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.0, 2.0, np.array([0, 1, 2, 3])])
def test_power_with_a_constant_exponent(exponent: Any) -> None:
    """Negative and zero bases, Python and array exponents, integer and float."""
    x = np.array([-2.0, 0.0, 0.5, np.inf])
    n = np.broadcast_to(exponent, x.shape).astype(float)
    with np.errstate(all="ignore"):
        got = wg.grad(lambda x: wnp.sum(x**exponent))(x)
        expected = np.where(n == 0, 0.0, n * x ** np.where(n == 0, 1.0, n - 1))
    np.testing.assert_array_equal(got, expected)


def test_negative_base_with_complex_exponent() -> None:
    y, dy = 0.5 + 0.25j, 1.0 - 2.0j
    out, tangent = wg.jvp(lambda y: wnp.power(-2.0, y), (y,), (dy,))
    np.testing.assert_allclose(tangent, out * np.log(-2.0 + 0j) * dy, rtol=1e-14)


def test_second_derivative_at_the_origin_is_finite() -> None:
    hessian = wg.grad(lambda x: wg.grad(lambda y: wnp.hypot(x, y))(0.0))
    assert hessian(0.0) == 0.0


def test_logaddexp_of_minus_infinity() -> None:
    assert gradient(wnp.logaddexp, -np.inf, 1.0) == (0.0, 1.0)
    assert gradient(wnp.logaddexp, -np.inf, -np.inf) == (0.5, 0.5)


def test_absolute_of_complex() -> None:
    z = np.array([3.0 + 4.0j, 0.0, -2.0j])
    got = wg.grad(lambda z: wnp.sum(abs(z)))(z)
    np.testing.assert_allclose(got, [0.6 + 0.8j, 0.0, -1.0j])


def test_sign_of_complex() -> None:
    z, dz = 3.0 + 4.0j, 1.0 - 0.5j
    out, tangent = wg.jvp(wnp.sign, (z,), (dz,))
    h = 1e-6
    difference = (np.sign(z + h * dz) - np.sign(z - h * dz)) / (2 * h)
    assert out == np.sign(z)
    np.testing.assert_allclose(tangent, difference, rtol=1e-8)


def test_sign_op_refuses_complex() -> None:
    with pytest.raises(DTypeError, match="sign: this op is the sign of real numbers"):
        OPS["sign"](1.0 + 2.0j)


@pytest.mark.parametrize("name", ["polygamma", "sigmoid", "log_ndtr"])
def test_real_derivatives_refuse_complex(name: str) -> None:
    rows = {
        "polygamma": ("polygamma", 1),
        "sigmoid": ("sigmoid_slope",),
        "log_ndtr": ("hazard",),
    }
    row, *order = rows[name]
    with pytest.raises(
        DTypeError, match=f"{name}: expected real numbers, got complex128"
    ):
        OPS[row](*order, np.complex128(1.0 + 2.0j))
