"""Contractions in native code: labels, layouts, dtypes, BLAS and loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.backend.test_linalg import Native, general

# Operands are small enough for loops, or large enough for BLAS.
PRODUCTS: list[tuple[str, dict[str, Any], list[tuple[int, ...]]]] = [
    ("matmul", {}, [(40, 30), (30, 20)]),
    ("matmul", {}, [(3, 40, 30), (30, 20)]),
    ("matmul", {}, [(40, 30), (3, 30, 20)]),
    ("matmul", {}, [(2, 1, 9, 30), (3, 30, 20)]),
    ("matmul", {}, [(40,), (3, 40, 20)]),
    ("matmul", {}, [(3, 40, 20), (20,)]),
    ("matmul", {}, [(40, 0), (0, 20)]),
    ("matvec", {}, [(3, 40, 20), (2, 1, 20)]),
    ("vecdot", {}, [(3, 1, 40), (5, 40)]),
    ("dot", {}, [(5, 6, 20), (4, 20, 7)]),
    ("dot", {}, [(), (4, 5)]),
    ("tensordot", {"axes": ((0, 2), (1, 0))}, [(20, 5, 6), (6, 20, 7)]),
    ("tensordot", {"axes": ((1, 0), (0, 1))}, [(20, 6), (6, 20)]),
    ("tensordot", {"axes": ((), ())}, [(3, 2), (4,)]),
    ("einsum", {"subscripts": "bij,bjk->bik"}, [(3, 20, 9), (3, 9, 10)]),
    ("einsum", {"subscripts": "ij,jk->ki"}, [(20, 9), (9, 10)]),
    ("einsum", {"subscripts": "ibj,kjb->bki"}, [(20, 3, 9), (10, 9, 3)]),
    ("einsum", {"subscripts": "iaj,jbk->abik"}, [(9, 2, 8), (8, 3, 7)]),
    ("einsum", {"subscripts": "ij,kj,lk->il"}, [(20, 9), (10, 9), (11, 10)]),
    ("einsum", {"subscripts": "iij,jkk->ik"}, [(5, 5, 20), (20, 6, 6)]),
    ("einsum", {"subscripts": "...i,i->..."}, [(3, 40, 30), (30,)]),
    ("einsum", {"subscripts": "i,j,k,l->"}, [(3,), (4,), (5,), (6,)]),
    ("einsum", {"subscripts": "ij,ij->ij"}, [(1, 5), (4, 1)]),
    ("einsum", {"subscripts": "ab,bc,cd", "optimize": True}, [(4, 5), (5, 6), (6, 7)]),
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(("name", "params", "shapes"), PRODUCTS)
def test_products(name: str, params: Any, shapes: Any, dtype: str) -> None:
    operands = [general(*shape, dtype=dtype) for shape in shapes]
    Native(name, *operands, static=True, **params).check(*operands)
    Native(name, *operands, **params).check(*operands)


@pytest.mark.parametrize("name", ["matmul", "tensordot", "einsum"])
@pytest.mark.parametrize("dtypes", [("int64", "int64"), ("bool", "bool")])
def test_products_of_whole_numbers(name: str, dtypes: Any) -> None:
    params = {"tensordot": {"axes": ((1,), (0,))}, "einsum": {"subscripts": "ij,jk"}}
    x, y = (np.arange(20).reshape(s) % 3 for s in ((4, 5), (5, 4)))
    x, y = x.astype(dtypes[0]), y.astype(dtypes[1])
    Native(name, x, y, static=True, **params.get(name, {})).check(x, y)


def test_products_of_two_precisions() -> None:
    x, y = general(20, 30, dtype="float32"), general(30, 10)
    Native("matmul", x, y, static=True).check(x, y)
    Native("matmul", y.T.copy(), x.T.copy()).check(y.T.copy(), x.T.copy())


LAYOUTS: list[Any] = [
    lambda x: x,
    lambda x: x.T,
    lambda x: x[::-1],
    lambda x: x[:, ::-1],
    lambda x: x[::2],
    lambda x: x[:, ::2],
    lambda x: x[3:20, 4:19],
    lambda x: x[:1],
    lambda x: x[:, :1],
    lambda x: wnp.broadcast_to(x[0], (20, 24)),
    lambda x: wnp.broadcast_to(x[:, :1], (24, 20)),
    lambda x: 2.0 * x,
]


@pytest.mark.parametrize("left", range(len(LAYOUTS)))
def test_matrices_in_any_layout(left: int) -> None:
    """Views are read where they lie, if BLAS can, and copied if not."""
    x = general(24, 24)

    def product(x: Any) -> Any:
        first = LAYOUTS[left](x)
        return [first.T @ first, first @ first.T, first @ first[0]]

    for found, wanted in zip(wg.jit(product)(x), product(x), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_transposed_matrices_of_run_time_extents() -> None:
    def f(x: Any) -> Any:
        return x.T @ x, x @ x.T, x.T @ x[:, 0]

    compiled = wg.jit(f)
    for n, m in [(20, 30), (21, 31), (22, 32), (23, 33), (40, 17)]:
        x = general(n, m)
        for found, wanted in zip(compiled(x), f(x), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_vectors_of_run_time_extents(dtype: str) -> None:
    """BLAS leaves a product as it is where there is nothing to sum."""
    x, v = general(4, 5, dtype=dtype), general(5, dtype=dtype)
    for name, first, second in [("matmul", x, v), ("matmul", v, x.T.copy())]:
        native = Native(name, first, second)
        for m, k in [(40, 30), (1, 7), (6, 0), (0, 6), (0, 0), (6, 1)]:
            a, b = general(m, k, dtype=dtype), general(k, dtype=dtype)
            native.check(*((a, b) if second is v else (b, a.T.copy())))


@pytest.mark.parametrize("n", [8, 40])
def test_products_of_views_and_vectors(n: int) -> None:
    x = general(n, n)

    def f(x: Any) -> Any:
        column, row = x[:, 3], x[3, ::2]
        return x @ column, x.T @ column, column @ x, x[::2] @ column, row @ x[::2]

    for found, wanted in zip(wg.jit(f)(x), f(x), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_products_beyond_fortrans_integers() -> None:
    native = Native("matmul", general(4, 5), general(5, 6))
    operands = np.empty((0, 0)), np.empty((0, 2**31))
    with pytest.raises(ValueError, match="an axis of 2147483648 entries"):
        native.compiled(*native.arguments(*operands))
