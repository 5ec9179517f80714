"""The engine on the arrays of another library: array_api_strict.

They refuse to mix with NumPy's, so that one constant made in the wrong namespace is an
error here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict as xp
import numpy
import pytest

import wengert as wg
import wengert.numpy as np
from wengert.errors import MissingRuleError

X = numpy.random.default_rng(4).uniform(0.5, 1.5, (3, 4))
DX = numpy.random.default_rng(5).uniform(-1.0, 1.0, (3, 4))


def strict(x: Any) -> Any:
    return xp.asarray(x)


def plain(x: Any) -> numpy.ndarray:
    """The numbers of a strict array; anything else is an error."""
    assert type(x).__module__.startswith("array_api_strict"), type(x)
    return numpy.asarray(x)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: 2.0 * x * x - x / (1.0 + x) + (-x) ** 2,
    "exp, log": lambda x: np.exp(x) * np.log(x) + np.sqrt(x) + np.square(x),
    "expm1, log1p": lambda x: np.expm1(x) * np.log1p(x) + np.log2(x) + np.log10(x),
    "trigonometry": lambda x: np.sin(x) * np.cos(x) + np.tan(x),
    "inverse trigonometry": lambda x: np.arctan(x) + np.arctan2(x, 2.0 * x * x),
    "hyperbolic": lambda x: np.tanh(x) + np.sinh(x) * np.cosh(x) + np.arcsinh(x),
    "power": lambda x: x**3 + x**0.5 + x**x,
    "extrema": lambda x: np.maximum(x, 1.0) * np.minimum(x, 0.9) + np.abs(x - 1.0),
    "where": lambda x: np.where(x > 1.0, x * x, 3.0 * x),
    "hypot, logaddexp": lambda x: np.hypot(x, 2.0 * x) + np.logaddexp(x, x * x),
    "remainder": lambda x: x % 0.4 + x // 0.3 * x,
    "rounding": lambda x: np.floor(x) * x + np.sign(x) * x + np.round(x) * x,
    "sum": lambda x: x.sum(),
    "sum over axis": lambda x: np.sum(x * x, axis=1) * 2.0,
    "sum, keepdims": lambda x: x / np.sum(x, axis=0, keepdims=True),
    "mean": lambda x: x * np.mean(x) + np.mean(x, axis=0),
    "variance": lambda x: np.var(x) * x + np.std(x, axis=0),
    "prod": lambda x: np.prod(x, axis=1),
    "max, min": lambda x: np.max(x, axis=0) * np.min(x),
    "matmul": lambda x: x @ x.T @ x,
    "matmul, vector": lambda x: x @ x[0],
    "reshape": lambda x: np.reshape(x, (4, 3)) * np.reshape(x * x, (4, 3)),
    "transpose": lambda x: x.T * np.sin(x).T,
    "swapaxes": lambda x: np.swapaxes(x * x, 0, 1),
    "broadcast": lambda x: x[:, :1] * x[0],
    "index": lambda x: x[1] * x[0, 2] + x[2, ::-1],
    "slices": lambda x: x[1:, ::2] * x[:-1, 1::2],
    "newaxis": lambda x: x[:, None, :] * x[None, :, :],
    "concatenate": lambda x: np.concatenate([x, x * x], axis=1),
    "stack": lambda x: np.stack([x[0], x[1] * x[2]]),
    "flip": lambda x: np.flip(x, axis=1) * x,
    "cumsum": lambda x: np.cumsum(x * x, axis=1),
    "zeros, ones": lambda x: x * np.ones((3, 4)) + np.zeros((3, 4)),
}


_ELEMENTWISE = (
    "arithmetic exp expm1 trigonometry hyperbolic power extrema hypot remainder".split()
)
UFUNCS = [name for name in PROGRAMS if name.split(",")[0] in _ELEMENTWISE]


def assert_close(got: Any, expected: Any, tolerance: float = 1e-12) -> None:
    numpy.testing.assert_allclose(plain(got), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", UFUNCS)
def test_value_outside_transformations(name: str) -> None:
    f = PROGRAMS[name]
    assert_close(f(strict(X)), f(X), 1e-14)


@pytest.mark.parametrize("name", PROGRAMS)
def test_jvp(name: str) -> None:
    f = PROGRAMS[name]
    for got, expected in zip(
        wg.jvp(f, (strict(X),), (strict(DX),)), wg.jvp(f, (X,), (DX,)), strict=True
    ):
        assert_close(got, expected)


@pytest.mark.parametrize("name", PROGRAMS)
def test_vjp(name: str) -> None:
    f = PROGRAMS[name]
    value, pullback = wg.vjp(f, strict(X))
    expected, plain_pullback = wg.vjp(f, X)
    assert_close(value, expected, 1e-14)
    ct = numpy.cos(numpy.arange(expected.size)).reshape(expected.shape)
    assert_close(pullback(strict(ct))[0], plain_pullback(ct)[0])


@pytest.mark.parametrize("name", PROGRAMS)
def test_grad(name: str) -> None:
    def total(x: Any) -> Any:
        y = PROGRAMS[name](x)
        return np.sum(y * y)

    value, gradient = wg.value_and_grad(total)(strict(X))
    expected = wg.value_and_grad(total)(X)
    assert_close(value, expected[0])
    assert_close(gradient, expected[1])


@pytest.mark.parametrize("name", PROGRAMS)
def test_vmap(name: str) -> None:
    f = PROGRAMS[name]
    lanes = numpy.stack([X, X[::-1] * 1.01])
    assert_close(wg.vmap(f)(strict(lanes)), wg.vmap(f)(lanes))


@pytest.mark.parametrize("name", PROGRAMS)
def test_hessian_vector_product(name: str) -> None:
    def total(x: Any) -> Any:
        y = PROGRAMS[name](x)
        return np.sum(y * y)

    got = wg.jvp(wg.grad(total), (strict(X),), (strict(DX),))[1]
    assert_close(got, wg.jvp(wg.grad(total), (X,), (DX,))[1], 1e-11)


def test_linearize_and_nested_vmap() -> None:
    f = PROGRAMS["hyperbolic"]
    value, pushforward = wg.linearize(f, strict(X))
    assert_close(value, f(X), 1e-14)
    assert_close(pushforward(strict(DX)), wg.jvp(f, (X,), (DX,))[1])
    rows = wg.vmap(lambda t: wg.jvp(f, (strict(X),), (t,))[1])(strict(DX[None]))
    assert_close(rows, wg.jvp(f, (X,), (DX,))[1][None])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_gradient_has_the_dtype_of_its_input(dtype: str) -> None:
    x = xp.asarray(X, dtype=getattr(xp, dtype))
    gradient = wg.grad(lambda x: np.sum(np.real(x * x * 2.0)))(x)
    assert gradient.dtype == x.dtype
    numpy.testing.assert_allclose(plain(gradient), 4.0 * X, rtol=1e-6)


def test_writes_into_a_traced_array() -> None:
    def f(np_: Any, x: Any) -> Any:
        y = x * 1.0
        y[0] = y[1] * x[2]
        y[1:, 1] += x[1:, 0]
        y[2, 2] = 0.5
        return y * y

    ours = lambda x: f(np, x)
    value, pullback = wg.vjp(ours, strict(X))
    assert_close(value, f(numpy, X.copy()), 1e-14)
    assert_close(pullback(strict(DX))[0], wg.vjp(ours, X)[1](DX)[0])
    assert_close(
        wg.jvp(ours, (strict(X),), (strict(DX),))[1], wg.jvp(ours, (X,), (DX,))[1]
    )


def test_arguments_are_not_changed() -> None:
    x = strict(X)

    def f(x: Any) -> Any:
        x *= 2.0
        x[0] = 1.0
        return np.sum(x)

    wg.grad(f)(x)
    wg.jvp(f, (x,), (strict(DX),))
    assert (numpy.asarray(x) == X).all()


def test_trees_of_strict_arrays() -> None:
    p = {"w": strict(X), "b": [strict(X[0]), None, 3]}
    gradient = wg.grad(lambda p: np.sum(p["w"] * p["b"][0] * p["b"][2]))(p)
    assert_close(gradient["w"], 3.0 * numpy.broadcast_to(X[0], X.shape))
    assert_close(gradient["b"][0], 3.0 * X.sum(axis=0))
    assert gradient["b"][1] is None and gradient["b"][2] is None


def test_gather_is_refused_where_the_standard_cannot_add_at_repeated_indices() -> None:
    with pytest.raises(
        MissingRuleError, match="cannot add at integer arrays(.|\n)*Fix"
    ):
        wg.grad(lambda x: np.sum(x[[0, 2, 2], [1, 1, 1]]))(strict(X))
