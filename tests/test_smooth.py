"""Relaxations: their hard limits, bounds and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert import smooth
from wengert.errors import ArgumentError

X = np.array([-1.7, -0.6, 0.3, 0.9, 2.2])
Y = np.array([0.5, -0.9, 1.3, 0.8, -2.0])
TABLE = np.array([[0.3, -1.2, 2.5], [4.0, 1.0, 2.0]])

# The relaxation, the hard function, and a point away from its kinks.
RELAXATIONS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], np.ndarray]] = {
    "step": (smooth.step, lambda x: np.heaviside(x, 0.5), X),
    "sign": (smooth.sign, np.sign, X),
    "floor": (smooth.floor, np.floor, X),
    "round": (smooth.round, np.round, X),
    "maximum": (
        lambda x, temperature: smooth.maximum(x, Y, temperature),
        lambda x: np.maximum(x, Y),
        X,
    ),
    "minimum": (
        lambda x, temperature: smooth.minimum(x, Y, temperature),
        lambda x: np.minimum(x, Y),
        X,
    ),
    "max": (smooth.max, np.max, TABLE),
    "max over an axis": (
        lambda x, temperature: smooth.max(x, 0, temperature),
        lambda x: np.max(x, axis=0),
        TABLE,
    ),
    "min": (smooth.min, np.min, TABLE),
    "sort": (smooth.sort, np.sort, TABLE),
    "sort along axis 0": (
        lambda x, temperature: smooth.sort(x, 0, temperature),
        lambda x: np.sort(x, axis=0),
        TABLE,
    ),
    "argmax": (smooth.argmax, lambda x: np.argmax(x, axis=-1), TABLE),
    "argmax along axis 0": (
        lambda x, temperature: smooth.argmax(x, 0, temperature),
        lambda x: np.argmax(x, axis=0),
        TABLE,
    ),
    "argsort": (
        smooth.argsort,
        lambda x: np.eye(x.shape[-1])[np.argsort(x, axis=-1)],
        TABLE,
    ),
}


@pytest.fixture(params=RELAXATIONS)
def relaxation(request: pytest.FixtureRequest) -> Any:
    return RELAXATIONS[request.param]


def test_limit_is_the_hard_function(relaxation: Any) -> None:
    soft, hard, x = relaxation
    errors = [
        np.max(abs(soft(x, temperature=t) - hard(x))) for t in (1e-1, 1e-2, 1e-3, 1e-4)
    ]
    assert np.all(np.diff(errors) < 1e-15)
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_derivatives_are_those_of_differences(
    relaxation: Any, temperature: float
) -> None:
    soft, _, x = relaxation
    dx = np.linspace(0.5, 1.5, x.size).reshape(x.shape)

    def fun(x: Any) -> Any:
        return soft(x, temperature=temperature)

    out, tangent = wg.jvp(fun, (x,), (dx,))
    h = 1e-5
    difference = (fun(x + h * dx) - fun(x - h * dx)) / (2 * h)
    np.testing.assert_allclose(tangent, difference, rtol=1e-6, atol=1e-8)
    assert np.any(tangent != 0.0)
    ct = np.linspace(1.0, 2.0, out.size).reshape(out.shape)
    (cotangent,) = wg.vjp(fun, x)[1](ct)
    left, right = np.vdot(cotangent, dx), np.vdot(ct, tangent)
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("temperature", [1e-6, 1e-2, 1.0, 1e3])
def test_gradients_are_finite_at_kinks_too(temperature: float) -> None:
    ties = np.array([1.0, 1.0, 2.0, 0.0, -1.0])
    for soft, _, _ in RELAXATIONS.values():
        for x in (ties, np.stack([ties, ties])):
            if soft in (RELAXATIONS["maximum"][0], RELAXATIONS["minimum"][0]):
                x = Y
            gradient = wg.grad(lambda x: wnp.sum(soft(x, temperature=temperature)))(x)
            assert np.all(np.isfinite(gradient))


def test_derivative_with_respect_to_the_temperature() -> None:
    def fun(t: Any) -> Any:
        return smooth.max(X, temperature=t)

    h = 1e-6
    difference = (fun(0.5 + h) - fun(0.5 - h)) / (2 * h)
    np.testing.assert_allclose(wg.grad(fun)(0.5), difference, rtol=1e-8)


def test_compiled_with_a_temperature_that_is_an_argument(relaxation: Any) -> None:
    soft, _, x = relaxation

    def total(x: Any, t: Any) -> Any:
        return wnp.sum(soft(x, temperature=t) ** 2)

    eager = wg.value_and_grad(total, argnums=(0, 1))
    compiled = wg.jit(eager)
    value, gradients = compiled(x, 0.3)
    expected, slopes = eager(x, 0.3)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for found, slope in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(found, slope, rtol=1e-11, atol=1e-13)
    with pytest.raises(
        ArgumentError, match="expected a positive temperature, got -0.3"
    ):
        compiled(x, -0.3)


def test_bounds_of_the_maximum() -> None:
    for t in (0.1, 1.0):
        excess = smooth.maximum(X, Y, t) - np.maximum(X, Y)
        assert np.all(excess >= 0.0) and np.all(excess <= t * np.log(2.0))
        assert 0.0 <= smooth.max(X, temperature=t) - np.max(X) <= t * np.log(5.0)


def test_slope_of_the_smooth_floor_is_the_poisson_kernel() -> None:
    t, x = 0.05, np.linspace(-1.0, 2.0, 31)
    r = np.exp(-2 * np.pi * t)
    kernel = (1 - r * r) / (1 - 2 * r * np.cos(2 * np.pi * x) + r * r)
    slope = wg.grad(lambda x: wnp.sum(smooth.floor(x, t)))(x)
    np.testing.assert_allclose(slope, kernel, rtol=1e-10)
    assert np.all(slope > 0.0)


def test_rows_of_argsort_are_distributions() -> None:
    weights = smooth.argsort(TABLE, temperature=0.7)
    assert np.all(weights >= 0.0)
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0)


def test_lanes() -> None:
    got = wg.vmap(lambda x: smooth.sort(x, temperature=0.5))(TABLE)
    np.testing.assert_allclose(got, smooth.sort(TABLE, temperature=0.5))


@pytest.mark.parametrize("name", smooth.__all__)
@pytest.mark.parametrize("temperature", [0.0, -1.0, np.inf, np.nan])
def test_temperature_must_be_positive(name: str, temperature: float) -> None:
    function = getattr(smooth, name)
    operands = (X, Y) if name in ("maximum", "minimum") else (X,)
    with pytest.raises(
        ArgumentError, match=f"smooth.{name}: expected a positive temperature, got"
    ):
        function(*operands, temperature=temperature)
