"""``wengert.scipy.linalg``: SciPy's values, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import wengert as wg
import wengert.scipy.linalg as wsl

RNG = np.random.default_rng(17)
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
POSITIVE = A @ A.T
B = RNG.normal(size=(4, 2))

CALLS = {
    "solve": (lambda sl, a, b: sl.solve(a, b), A, B),
    "solve vector": (lambda sl, a, b: sl.solve(a, b, check_finite=False), A, B[:, 0]),
    "solve transposed": (lambda sl, a, b: sl.solve(a, b, transposed=True), A, B),
    "inv": (lambda sl, a: sl.inv(a), A),
    "det": (lambda sl, a: sl.det(a), A),
    "norm": (lambda sl, a: sl.norm(a), A),
    "norm 1": (lambda sl, a: sl.norm(a, 1, keepdims=True), A),
    "cholesky": (lambda sl, a: sl.cholesky(a), POSITIVE),
    "cholesky lower": (lambda sl, a: sl.cholesky(a, lower=True), POSITIVE),
    "triangular": (lambda sl, a, b: sl.solve_triangular(a, b), A, B),
    "triangular T": (lambda sl, a, b: sl.solve_triangular(a, b, "T", lower=True), A, B),
    "triangular C": (lambda sl, a, b: sl.solve_triangular(a, b, 2), A, B[:, 0]),
    "triangular unit": (
        lambda sl, a, b: sl.solve_triangular(a, b, lower=True, unit_diagonal=True),
        A,
        B,
    ),
}


@pytest.mark.parametrize(
    ("call", "xs"), [(c, xs) for c, *xs in CALLS.values()], ids=CALLS
)
def test_value_and_derivatives(call, xs):
    dxs = [RNG.normal(size=x.shape) for x in xs]

    def function(*a):
        return call(wsl, *a)

    expected = call(scipy.linalg, *xs)
    np.testing.assert_array_equal(function(*xs), expected)
    value, tangent = wg.jvp(function, tuple(xs), tuple(dxs))
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14)
    h = 1e-6
    ahead = function(*(x + h * dx for x, dx in zip(xs, dxs, strict=True)))
    behind = function(*(x - h * dx for x, dx in zip(xs, dxs, strict=True)))
    slope = (ahead - behind) / (2 * h)
    np.testing.assert_allclose(
        tangent, slope, rtol=1e-6, atol=1e-6 * (1 + abs(slope).max())
    )
    ct = RNG.normal(size=np.shape(value))
    cts = wg.vjp(function, *xs)[1](ct)
    got = sum(np.vdot(c, dx) for c, dx in zip(cts, dxs, strict=True))
    np.testing.assert_allclose(got, np.vdot(ct, tangent), rtol=1e-11)
    lanes = [np.stack([x, 2 * x]) for x in xs]
    batched = wg.vmap(function)(*lanes)
    np.testing.assert_allclose(
        batched[1], function(*(x[1] for x in lanes)), rtol=1e-10, atol=1e-13
    )


def test_what_is_not_read_has_no_gradient():
    gradient = wg.grad(lambda a: wsl.solve_triangular(a, B, lower=True).sum())(A)
    assert not np.triu(gradient, 1).any()
    gradient = wg.grad(lambda a: wsl.solve_triangular(a, B, unit_diagonal=True).sum())(
        A
    )
    assert not np.tril(gradient).any()


def test_stacks_are_refused_inside_too():
    with pytest.raises(
        wg.errors.ShapeError, match="inv: expected a square matrix"
    ) as caught:
        wg.vjp(wsl.inv, np.ones((2, 3, 3)))
    assert "Fix: for stacks of matrices" in str(caught.value)


def test_singular_matrices_are_an_error():
    with pytest.raises(np.linalg.LinAlgError):
        wg.vjp(lambda a: wsl.solve_triangular(a, B), np.diag([1.0, 1.0, 0.0, 1.0]))
