"""Transformations inside transformations: no perturbation is confused with another."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy
import pytest

import wengert as wg
import wengert.numpy as np
from wengert._cases import differences

X = numpy.array([0.7, 1.3, -0.4])


def forward(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.jvp(f, (x,), (1.0,))[1]


def reverse(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.vjp(f, x)[1](1.0)[0]


def gradient(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return wg.grad(f)


def linearized(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.linearize(f, x)[1](1.0)


def batched_grad(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.vmap(wg.grad(f))(np.array([x, x]))[1]


def batched_jvp(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The lanes are directions; the point is shared."""
    directions = numpy.array([3.0, 1.0])
    return lambda x: wg.vmap(lambda t: wg.jvp(f, (x,), (t,))[1])(directions)[1]


D: dict[str, Callable[[Any], Any]] = {
    "forward": forward,
    "reverse": reverse,
    "grad": gradient,
    "linearize": linearized,
    "vmap grad": batched_grad,
    "vmap jvp": batched_jvp,
}
PAIRS = list(product(D, D))
TRIPLES = list(product(("forward", "grad", "linearize", "vmap jvp"), repeat=3))


def same(got: Any, expected: Any, tolerance: float = 1e-13) -> None:
    assert numpy.shape(got) == numpy.shape(expected)
    numpy.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# -- perturbation confusion ------------------------------------------------------------


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_the_classic(outer: str, inner: str) -> None:
    """d/dx (x d/dy (x + y)) = 1, not 2. Siskind & Pearlmutter, IFL 2005."""
    d_outer, d_inner = D[outer], D[inner]
    same(d_outer(lambda x: x * d_inner(lambda y: x + y)(1.0))(1.0), 1.0)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_products_of_both_variables(outer: str, inner: str) -> None:
    """d/dx (x d/dy (x y^2) at y = x) = d/dx 2 x^3."""
    d_outer, d_inner = D[outer], D[inner]
    same(d_outer(lambda x: x * d_inner(lambda y: x * y * y)(x))(3.0), 54.0)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_inner_derivative_of_an_outer_constant(outer: str, inner: str) -> None:
    d_outer, d_inner = D[outer], D[inner]
    same(d_outer(lambda x: d_inner(lambda y: x * x)(2.0) + x)(3.0), 1.0)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_function_that_returns_a_closure(outer: str, inner: str) -> None:
    """The amazing bug of Manzyuk et al.: the closure must not keep the inner tag."""
    d_outer, d_inner = D[outer], D[inner]

    def shifted(u: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        return lambda f: lambda x: f(x + u)

    def second(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: d_outer(lambda u: d_inner(lambda y: shifted(u)(f)(y))(x))(0.0)

    same(second(np.exp)(1.5), math.exp(1.5))


@pytest.mark.parametrize("modes", TRIPLES)
def test_three_levels_each_closing_over_the_others(modes: tuple[str, str, str]) -> None:
    """d/dx [x d/dy [y x d/dz (x y z^2 + z)]] at y = x, z = y."""
    a, b, c = (D[m] for m in modes)

    def f(x: Any) -> Any:
        def g(y: Any) -> Any:
            return y * x * c(lambda z: x * y * z * z + z)(y)

        return x * b(g)(x)

    # c: 2 x y^2 + 1; g: 2 x^2 y^3 + x y; g': 6 x^2 y^2 + x; f: 6 x^5 + x^2.
    same(a(f)(1.2), 30.0 * 1.2**4 + 2.4)


@pytest.mark.parametrize("modes", TRIPLES)
def test_third_derivative(modes: tuple[str, str, str]) -> None:
    a, b, c = (D[m] for m in modes)

    def f(x: Any) -> Any:
        return np.exp(2.0 * x) * np.sin(x)

    x = 0.3
    expected = math.exp(2 * x) * (2.0 * math.sin(x) + 11.0 * math.cos(x))
    same(a(b(c(f)))(x), expected)


@pytest.mark.parametrize("mode", D)
def test_fifth_derivative(mode: str) -> None:
    d = D[mode]
    same(d(d(d(d(d(lambda x: x**7)))))(1.1), 2520.0 * 1.1**2)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_inner_loop_of_newton(outer: str, inner: str) -> None:
    """The derivative of a root found with derivatives: d sqrt(a) / da."""
    d_outer, d_inner = D[outer], D[inner]

    def root(a: Any) -> Any:
        y = 1.0 + 0.0 * a
        for _ in range(8):
            y = y - (y * y - a) / d_inner(lambda v: v * v - a)(y)
        return y

    same(d_outer(root)(2.0), 0.5 / math.sqrt(2.0), 1e-12)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_writes_at_both_levels(outer: str, inner: str) -> None:
    d_outer, d_inner = D[outer], D[inner]

    def f(x: Any) -> Any:
        buffer = np.zeros(3)
        buffer[0] = x

        def g(y: Any) -> Any:
            own = np.array(buffer)
            own[1] = y * own[0]
            own *= y
            return own.sum()  # x y + x y^2

        buffer[1] = d_inner(g)(x) * x  # x (x + 2 x^2)
        return buffer.sum()

    same(d_outer(f)(1.5), 1.0 + 3.0 + 6.0 * 1.5**2)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_inner_branch_on_an_outer_value(outer: str, inner: str) -> None:
    d_outer, d_inner = D[outer], D[inner]

    def f(x: Any) -> Any:
        def g(y: Any) -> Any:
            return y * y * x if x > y else y * 100.0

        return d_inner(g)(0.5)

    same(d_outer(f)(2.0), 1.0)
    same(d_outer(f)(0.1), 0.0)


def test_same_function_at_two_levels() -> None:
    def g(x: Any) -> Any:
        return x * x * x

    same(wg.grad(lambda x: wg.grad(g)(x) * g(x))(2.0), 15.0 * 2.0**4)


def test_inner_result_kept_while_the_outer_runs_on() -> None:
    def f(x: Any) -> Any:
        value, pullback = wg.vjp(lambda y: y * y * x, x)
        out = value
        for _ in range(3):
            out = out * pullback(out)[0]
        return out

    # value x^3, pullback(ct) = 2 x^2 ct: out <- 2 x^2 out^2, three times.
    expected = differences(
        lambda x: (f(x),), (numpy.float64(0.9),), (numpy.float64(1.0),)
    )
    same(wg.grad(f)(0.9), expected[0], 1e-8)
    same(wg.jvp(f, (0.9,), (1.0,))[1], expected[0], 1e-8)


def test_pullback_called_under_another_transformation() -> None:
    """A pullback is a function of its cotangent, which may be traced."""
    _, pullback = wg.vjp(lambda x: np.sin(x) * x, X)

    def through(ct: Any) -> Any:
        return (pullback(ct)[0] ** 2).sum()

    slope = numpy.cos(X) * X + numpy.sin(X)
    same(wg.grad(through)(numpy.ones(3)), 2.0 * slope * slope)
    same(wg.vmap(lambda ct: pullback(ct)[0])(numpy.eye(3)), numpy.diag(slope))


def test_pushforward_called_under_another_transformation() -> None:
    _, pushforward = wg.linearize(lambda x: np.sin(x) * x, X)
    slope = numpy.cos(X) * X + numpy.sin(X)
    same(
        wg.grad(lambda t: (pushforward(t) ** 2).sum())(numpy.ones(3)), 2 * slope * slope
    )
    same(wg.vmap(pushforward)(numpy.eye(3)), numpy.diag(slope))


# -- vmap among the others -------------------------------------------------------------


def energy(x: Any) -> Any:
    return (np.sin(x) * x).sum() + x[0] * x[1] * x[2]


def hessian_by(outer: str, inner: str) -> Any:
    """Columns of the Hessian, by one inner and one outer derivative."""
    if inner == "reverse":
        first = wg.grad(energy)
    else:
        first = lambda x: wg.vmap(lambda t: wg.jvp(energy, (x,), (t,))[1])(numpy.eye(3))
    if outer == "forward":
        return wg.vmap(lambda t: wg.jvp(first, (X,), (t,))[1])(numpy.eye(3))
    return wg.vmap(lambda ct: wg.vjp(first, X)[1](ct)[0])(numpy.eye(3))


@pytest.mark.parametrize(
    ("outer", "inner"), list(product(("forward", "reverse"), repeat=2))
)
def test_hessian_by_all_nests(outer: str, inner: str) -> None:
    expected = numpy.diag(2.0 * numpy.cos(X) - X * numpy.sin(X))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected[i, j] = expected[j, i] = X[3 - i - j]
    same(hessian_by(outer, inner), expected)


def test_vmap_of_grad_of_jvp() -> None:
    def f(x: Any, v: Any) -> Any:
        return wg.jvp(energy, (x,), (v,))[1]

    points, vectors = numpy.stack([X, X * 2.0]), numpy.stack([X * X, X - 1.0])
    got = wg.vmap(wg.grad(f))(points, vectors)
    expected = [wg.grad(f)(x, v) for x, v in zip(points, vectors, strict=True)]
    same(got, numpy.stack(expected))


def test_grad_of_vmap_of_grad() -> None:
    def total(x: Any) -> Any:
        return wg.vmap(wg.grad(lambda u: (u * u * u * x[0]).sum()))(
            x.reshape(3, 1)
        ).sum()

    # sum of 3 u^2 x0.
    expected = 6.0 * X * X[0]
    expected[0] += 3.0 * (X * X).sum()
    same(wg.grad(total)(X), expected)


def test_vmap_in_vmap_with_closures() -> None:
    def outer(x: Any) -> Any:
        return wg.vmap(lambda y: wg.grad(lambda z: z * z * x * y)(y))(X)

    same(wg.vmap(outer)(X), 2.0 * X[:, None] * X[None, :] ** 2)


def test_lane_values_stay_apart_from_tangents() -> None:
    def f(x: Any) -> Any:
        return wg.vmap(lambda y: y * x)(np.array([x, 2.0 * x])).sum()  # 3 x^2

    same(wg.grad(f)(1.7), 6.0 * 1.7)
    same(wg.jvp(f, (1.7,), (1.0,))[1], 6.0 * 1.7)
    same(wg.vmap(wg.grad(f))(X), 6.0 * X)
    same(wg.grad(lambda x: wg.vmap(wg.grad(f))(x).sum())(X), numpy.full(3, 6.0))


@pytest.mark.parametrize("axes", [(0, 0), (1, 0), (0, 1), (2, 1), (-1, -1)])
def test_vmap_axes_under_grad(axes: tuple[int, int]) -> None:
    a = numpy.arange(1.0, 25.0).reshape(2, 3, 4)

    def f(a: Any) -> Any:
        out = wg.vmap(lambda m: m * m, in_axes=axes[0], out_axes=axes[1])(a)
        return (out * weights).sum()

    shape = wg.vmap(lambda m: m, in_axes=axes[0], out_axes=axes[1])(a).shape
    weights = numpy.arange(24.0).reshape(shape)
    back = wg.vmap(lambda w: w, in_axes=axes[1], out_axes=axes[0])(weights)
    same(wg.grad(f)(a), 2.0 * a * back)


def test_complex_values_at_every_level() -> None:
    z = numpy.array([1.0 + 2.0j, -0.5 + 0.3j])

    def f(z: Any) -> Any:
        inner = wg.grad(lambda w: (w * w * z).real.sum())(z)  # conj(2 w z) at w = z
        return (inner * inner).real.sum()

    dz = numpy.array([0.3 - 1.0j, 0.7 + 0.2j])
    expected = differences(lambda z: (f(z),), (z,), (dz,))[0]
    g = wg.grad(f)(z)
    same(numpy.sum(numpy.conj(g) * dz).real, expected, 1e-8)
    same(wg.jvp(f, (z,), (dz,))[1], expected, 1e-8)


# -- strict_nan and options are of one level -------------------------------------------


def test_strict_nan_holds_inside_and_ends_with_its_level() -> None:
    def f(x: Any) -> Any:
        return 0.0 * np.sqrt(x)

    with numpy.errstate(divide="ignore", invalid="ignore"):
        assert wg.grad(f)(0.0) == 0.0
        assert numpy.isnan(wg.grad(f, strict_nan=True)(0.0))
        assert wg.grad(f)(0.0) == 0.0


def test_convention_of_an_inner_level() -> None:
    def inner(z: Any, convention: str) -> Any:
        return wg.grad(lambda w: (w * (1.0 + 2.0j)).real, convention=convention)(z)

    assert inner(1.0 + 0.0j, "steepest") == 1.0 - 2.0j
    assert inner(1.0 + 0.0j, "jax") == 1.0 + 2.0j
