"""`vmap` in compiled code: arguments that are not mapped, and rules in regions."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._array.traced import TracedArray, TracedScalar
from wengert.errors import ShapeError

XS = np.array([1.0, 2.0, 3.0])
B = np.array([0.5, 1.5, 2.5, 3.5])


def weighted(x, b, k):
    assert isinstance(b, TracedArray) and isinstance(x, TracedScalar)
    return (b[1:] * x).sum() * k + b.sum()


def lanes(xs, b, k):
    return wg.vmap(weighted, in_axes=(0, None, None))(xs, b, k)


def test_an_argument_that_is_not_mapped_is_an_array():
    expected = XS * B[1:].sum() * 2.0 + B.sum()
    np.testing.assert_allclose(wg.jit(lanes)(XS, B, 2.0), expected, rtol=1e-14)
    direct = wg.jit(wg.vmap(weighted, in_axes=(0, None, None)))
    np.testing.assert_allclose(direct(XS, B, 2.0), expected, rtol=1e-14)


@pytest.mark.parametrize("argnum", [0, 1, 2])
def test_an_argument_that_is_not_mapped_is_differentiated(argnum):
    total = lambda *args: wnp.sum(lanes(*args) ** 2)
    eager = wg.grad(total, argnum)(XS, B, 2.0)
    np.testing.assert_allclose(wg.jit(wg.grad(total, argnum))(XS, B, 2.0), eager)
    np.testing.assert_allclose(wg.grad(wg.jit(total), argnum)(XS, B, 2.0), eager)


def test_an_argument_that_is_not_mapped_is_the_functions_own():
    def writes(x, b):
        b[0] = 5.0
        return b.sum() * x

    b = np.ones(4)
    result = wg.jit(wg.vmap(writes, in_axes=(0, None)))(XS, b)
    assert result.tolist() == [8.0, 16.0, 24.0] and b.tolist() == [1.0] * 4


# -- rules whose index arrays are made in a region -------------------------------------

ORDER = np.array([2, 0, 1, 1])


def fancy(x):
    y = x.copy()
    y[ORDER[:3]] = x[:3] ** 2
    y[[0, 1]] += x[1]
    return (y * y * x[ORDER]).sum()


def trace(x):
    return wnp.einsum("ii->", np.outer(x, x) * x)


def order(x):
    return (np.sort(np.outer(x, x), axis=0) ** 2 * np.arange(4.0)).sum()


def spectrum(x):
    s = np.linalg.eigvalsh(np.outer(x, x) + np.diag(np.arange(4.0)))
    return (s * np.arange(4.0)).sum()


def vectors(x):
    return (
        np.linalg.eigh(np.outer(x, x) + np.diag(np.arange(4.0)))[1][:, 0] ** 4
    ).sum()


def singular(x):
    s = np.linalg.svd(np.outer(x, x) + np.diag(np.arange(1.0, 5.0)), compute_uv=False)
    return (s * np.arange(4.0)).sum()


def in_a_loop(f):
    def looped(x):
        s = 0.0
        for i in range(6):
            s = s * 0.5 + f(x * (i + 1))
        return s

    return looped


def in_a_branch(f):
    return lambda x: f(x) if x[0] > 0 else x.sum()


@pytest.mark.parametrize("around", [in_a_loop, in_a_branch])
@pytest.mark.parametrize("f", [fancy, trace, order, spectrum, vectors, singular])
def test_rules_make_their_indices_in_the_program(f, around):
    g = around(f)
    product = lambda x, v: wg.jvp(wg.grad(g), (x,), (v,))[1]
    x = np.array([0.3, 0.7, 0.2, 0.5])
    xs, vs = np.stack([x, 2 * x, x + 0.1]), np.ones((3, 4))
    expected = np.stack([product(x, v) for x, v in zip(xs, vs, strict=True)])
    compiled = wg.jit(wg.vmap(product)), wg.vmap(wg.jit(product))
    for lanes_of in compiled:
        np.testing.assert_allclose(lanes_of(xs, vs), expected, rtol=1e-7, atol=1e-9)


@wg.jit
def lengths(x, n, m):
    rows = np.zeros((n, 3)) + x[:n]
    return wg.vmap(lambda r, s: r @ s)(rows, x[:m])


def test_the_number_of_lanes_may_be_known_at_run_time_only():
    x = np.arange(12.0).reshape(4, 3)
    for n in (2, 4):
        np.testing.assert_allclose(lengths(x, n, n), np.sum(x[:n] ** 2, axis=1))
    grad = wg.jit(wg.grad(lambda x, n: wnp.sum(lengths(x, n, n) ** 2)))
    by_hand = 4.0 * np.sum(x**2, axis=1, keepdims=True) * x
    by_hand[3:] = 0.0
    np.testing.assert_allclose(grad(x, 3), by_hand)


def test_numbers_of_lanes_that_differ_at_run_time_are_an_error():
    x = np.ones((4, 3))
    with pytest.raises(ShapeError, match=r"different lengths \(3 and 2\)"):
        lengths(x, 2, 3)
    with pytest.raises(ShapeError, match=r"different lengths \(3 and 2\)"):
        wg.jit(lambda x, m: wg.vmap(wnp.add)(np.ones((2, 3)), x[:m]))(x, 3)
