"""Checks of a function of `wengert.numpy` against NumPy, differences and loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp

Call = Callable[[Any, Any], Any]  # of a namespace and an array


def layouts(x: np.ndarray) -> list[np.ndarray]:
    """The same numbers in C order, in Fortran order, and strided."""
    wide = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    strided = wide[tuple(slice(None, None, 2) for _ in x.shape)]
    strided[...] = x
    return [x, np.asfortranarray(x), strided, x[..., ::-1]]


def same_bits(got: Any, expected: Any) -> None:
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            same_bits(a, b)
        return
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
    assert (np.signbit(np.real(got)) == np.signbit(np.real(expected))).all()


def check_value(call: Call, x: np.ndarray, *, by_numpy: bool = True) -> None:
    for y in layouts(x):
        expected = call(np, y)
        same_bits(call(wnp, y), expected)
        same_bits(wg.vjp(lambda y: call(wnp, y), y)[0], expected)
        same_bits(wg.jvp(lambda y: call(wnp, y), (y,), (y,))[0], expected)
        if by_numpy:  # NumPy's own functions arrive at ours
            same_bits(wg.vjp(lambda y: call(np, y), y)[0], expected)


def _flat(values: Any) -> np.ndarray:
    return np.concatenate([np.ravel(v) for v in wg.tree.leaves(values)] + [np.zeros(0)])


def check_derivatives(call: Call, x: np.ndarray, atol: float = 1e-8) -> None:
    """jvp against differences, vjp and jvp, second order, vmap against a loop."""
    rng = np.random.default_rng(7)
    dx, h = rng.normal(size=x.shape), 1e-6

    def fun(y: Any) -> Any:
        return call(wnp, y)

    _, tangent = wg.jvp(fun, (x,), (dx,))
    high, low = _flat(call(np, x + h * dx)), _flat(call(np, x - h * dx))
    np.testing.assert_allclose(_flat(tangent), (high - low) / (2 * h), atol=1e-6)
    value, pullback = wg.vjp(fun, x)
    ct = wg.tree.map(lambda v: rng.normal(size=np.shape(v)), value)
    (cotangent,) = pullback(ct)
    assert cotangent.shape == x.shape
    left, right = np.dot(_flat(ct), _flat(tangent)), np.vdot(cotangent, dx)
    np.testing.assert_allclose(right, left, rtol=1e-12, atol=1e-12)

    def gradient(y: Any) -> Any:
        return wg.vjp(lambda z: call(wnp, z * z), y)[1](ct)[0]

    _, second = wg.jvp(gradient, (x,), (dx,))
    expected = (gradient(x + h * dx) - gradient(x - h * dx)) / (2 * h)
    np.testing.assert_allclose(second, expected, atol=2e-6, rtol=1e-6)
    check_lanes(fun, rng.normal(size=(3, *x.shape)) * 0.1 + x)
    check_lanes(gradient, rng.normal(size=(3, *x.shape)) * 0.1 + x)


def check_lanes(fun: Callable[[Any], Any], lanes: np.ndarray) -> None:
    together = wg.tree.leaves(wg.vmap(fun)(lanes))
    apart = [wg.tree.leaves(fun(lane)) for lane in lanes]
    for got, expected in zip(together, zip(*apart, strict=True), strict=True):
        np.testing.assert_allclose(got, np.stack(expected), rtol=1e-12, atol=1e-13)


def same_error(call: Call, x: Any) -> None:
    """The exception that NumPy raises, word for word."""
    error = None
    try:
        call(np, x)
    except Exception as raised:
        error = raised
    assert error is not None
    for run in (
        lambda: wg.vjp(lambda y: call(wnp, y), x),
        lambda: wg.jvp(lambda y: call(wnp, y), (x,), (x,)),
        lambda: call(wnp, x),
    ):
        try:
            run()
        except type(error) as raised:
            assert str(raised).startswith(str(error))
        else:
            raise AssertionError(f"nothing was raised; NumPy raises {error!r}")
