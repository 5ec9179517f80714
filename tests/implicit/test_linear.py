"""`linear_solve`: dense, sparse, and by products."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import wengert as wg
from wengert import implicit
from wengert.implicit import _sparse

RNG = np.random.default_rng(3)
N = 7
GENERAL = RNG.normal(size=(N, N)) + N * np.eye(N)
POSITIVE = GENERAL @ GENERAL.T
B, CT = RNG.normal(size=N), RNG.normal(size=N)
SPARSE = scipy.sparse.random_array((N, N), density=0.3, rng=RNG, format="csr")
SPARSE = (SPARSE + N * scipy.sparse.eye_array(N)).tocsr()
ROWS, COLUMNS = SPARSE.tocoo().row, SPARSE.tocoo().col


def by_cg(s, b):
    return implicit.linear_solve(
        lambda v: POSITIVE @ v + s * s * v, b, method="cg", tol=1e-13
    )


def by_gmres(s, b):
    return implicit.linear_solve(lambda v: s * (GENERAL @ v) + s * s * v, b, tol=1e-13)


def by_transpose(s, b):
    return implicit.linear_solve(
        lambda v: s * (GENERAL @ v) + s * s * v,
        b,
        transpose=lambda v: s * (GENERAL.T @ v) + s * s * v,
        tol=1e-13,
    )


def by_lu(s, b):
    return implicit.linear_solve(SPARSE, b, data=s * SPARSE.data**2)


def by_dense(s, b):
    return implicit.linear_solve(GENERAL + s * np.eye(N), b)


def _dense_of_sparse(s):
    matrix = np.zeros((N, N))
    matrix[ROWS, COLUMNS] = s * SPARSE.data**2
    return matrix


WAYS = {
    "cg": (by_cg, lambda s: POSITIVE + s * s * np.eye(N)),
    "gmres": (by_gmres, lambda s: s * GENERAL + s * s * np.eye(N)),
    "transpose": (by_transpose, lambda s: s * GENERAL + s * s * np.eye(N)),
    "sparse": (by_lu, _dense_of_sparse),
    "dense": (by_dense, lambda s: GENERAL + s * np.eye(N)),
}
S = 1.3


def _loss(solve):
    return lambda s, b: np.sum(solve(s, b) ** 3)


@pytest.mark.parametrize("name", WAYS)
def test_all_derivatives(name):
    solve, matrix = WAYS[name]
    reference = _loss(lambda s, b: np.linalg.solve(matrix(s), b))
    for of in (
        lambda f: f,
        lambda f: wg.grad(f, argnums=(0, 1)),
        lambda f: lambda s, b: wg.jvp(f, (s, b), (0.7, CT))[1],
        lambda f: lambda s, b: wg.hvp(lambda b: f(s, b), b, CT),
        lambda f: lambda s, b: wg.hessian(lambda s: f(s, b))(s),
    ):
        found, expected = of(_loss(solve))(S, B), of(reference)(S, B)
        for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", WAYS)
def test_compiled_and_transposed(name):
    """<ct, J t> = <J.T ct, t>, and both are compiled from either side."""
    solve, _ = WAYS[name]
    loss = _loss(solve)
    slopes = wg.jit(wg.grad(loss, argnums=(0, 1)))(S, B)
    for found in (slopes, wg.grad(wg.jit(loss), argnums=(0, 1))(S, B)):
        for a, b in zip(found, wg.grad(loss, argnums=(0, 1))(S, B), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    pushed = wg.jvp(solve, (S, B), (0.7, CT))[1]
    pulled = wg.vjp(solve, S, B)[1](B)
    assert B @ pushed == pytest.approx(0.7 * pulled[0] + CT @ pulled[1], rel=1e-11)


def test_many_lanes():
    lanes = np.stack([B, 2.0 * B])
    for solve in (by_gmres, by_lu):
        found = wg.jit(wg.vmap(solve, in_axes=(None, 0)))(S, lanes)
        np.testing.assert_allclose(found[1], 2.0 * found[0], rtol=1e-9)


def test_an_adjoint_solve_uses_the_factorisation_again(monkeypatch):
    made, splu = np.zeros((), int), scipy.sparse.linalg.splu

    def counting(a):
        made[...] += 1  # in an array: compiled code looks after lists
        return splu(a)

    monkeypatch.setattr(_sparse, "splu", counting)
    wg.grad(_loss(by_lu), argnums=(0, 1))(S, B)
    assert made == 1
    compiled = wg.jit(wg.grad(_loss(by_lu), argnums=(0, 1)))
    compiled(S, B)
    assert made == 2
    compiled(S, 2.0 * B)
    assert made == 2


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "dia", "lil"])
def test_formats(format):
    a = scipy.sparse.diags_array([1.0, 2.0, 4.0]).asformat(format)
    np.testing.assert_allclose(implicit.linear_solve(a, np.ones(3)), [1.0, 0.5, 0.25])


def test_a_tree_of_unknowns():
    def product(x):
        return {"u": 2.0 * x["u"] + x["v"][0], "v": (4.0 * x["v"][0] + x["u"][0],)}

    b = {"u": np.ones(2), "v": (3.0,)}
    x = implicit.linear_solve(product, b)
    for found, wanted in zip(
        wg.tree.leaves(product(x)), wg.tree.leaves(b), strict=True
    ):
        np.testing.assert_allclose(found, wanted)
    slope = wg.grad(lambda b: implicit.linear_solve(product, b)["u"][1])(b)
    assert slope["u"].tolist() == pytest.approx([1 / 14, 0.5])


def test_gmres_restarts():
    matrix = np.diag(np.arange(1.0, 41.0)) + np.diag(np.ones(39), 1)
    b = np.ones(40)
    x = implicit.linear_solve(lambda v: matrix @ v, b, restart=8, maxiter=2000)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, b), rtol=1e-8)


def test_poisson_costs_one_more_solve():
    """Unknown conductivity: the derivative of all of it by one adjoint solve."""
    n = 8
    second = scipy.sparse.diags_array(
        [-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)
    )
    eye = scipy.sparse.eye_array(n)
    grid = (scipy.sparse.kron(second, eye) + scipy.sparse.kron(eye, second)).tocsr()
    where = np.diff(grid.indptr).repeat(1)
    row = np.repeat(np.arange(n * n), where)

    def heat(conductivity):
        data = grid.data * conductivity[row]
        return implicit.linear_solve(grid, np.ones(n * n), data=data).sum()

    conductivity = 1.0 + RNG.random(n * n)
    wg.check_grads(heat, (conductivity,), order=1)
    np.testing.assert_allclose(
        wg.jit(wg.grad(heat))(conductivity), wg.grad(heat)(conductivity), rtol=1e-9
    )
