"""Sparse linear equations, by a factorisation that forward and adjoint solves share."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, ShapeError, SingularJacobianError
from wengert.implicit._function import How, implicit_function
from wengert.implicit._linear import Linear, Residual
from wengert.implicit._trees import numbers

ORDERED = ("csr", "csc", "coo")  # whose `tocoo` keeps the order of the entries


class _Factors:
    """The places of a matrix, and the factorisation of the last one that has them."""

    def __init__(self, matrix: Any) -> None:
        self.places = matrix.tocoo()
        self.last: tuple[Any, Any] | None = None  # entries, and their factorisation

    def of(self, data: np.ndarray) -> Any:
        if self.last is None or not np.array_equal(self.last[0], data):
            matrix = self.places.copy()
            matrix.data = data.copy()
            try:
                self.last = matrix.data, splu(matrix.tocsc())
            except RuntimeError as error:  # SuperLU: a pivot is exactly zero
                raise SingularJacobianError(
                    explain(
                        "linear_solve: the sparse matrix is singular",
                        fix="leave out equations that follow from others, or add a "
                        "regularisation",
                    )
                ) from error
        return self.last[1]


def solve_sparse(a: Any, data: Any, b: Any) -> Any:
    """The x with ``a @ x = b``, for a sparse matrix with these entries, or its own."""
    if data is None:
        a = a.tocsr()
        data = a.data
    if a.format not in ORDERED:
        raise ArgumentError(
            explain(
                f"linear_solve: data= for a sparse matrix of format {a.format!r}",
                why="its places are not in the order of its data.",
                fix="pass a.tocsr(), and data in the order of its entries",
            )
        )
    shapes = a.shape, np.shape(data), np.shape(b)
    if shapes[0][0] != shapes[0][1] or shapes[1:] != (a.data.shape, (a.shape[0],)):
        raise ShapeError(
            explain(
                f"linear_solve: a sparse matrix of shape {shapes[0]}, {a.data.size} "
                f"places, entries of shape {shapes[1]}, and b of shape {shapes[2]}",
                fix="give as many equations as unknowns, an entry for each of a.data, "
                "and a vector b",
            )
        )
    return _solve(_Factors(a), False, numbers("linear_solve", (data, b)))


def _solve(factors: _Factors, transposed: bool, given: Any) -> Any:
    data, b = given
    to, of = factors.places.row, factors.places.col
    if transposed:
        to, of = of, to

    def by_factors(data: Any, b: Any) -> Any:
        return factors.of(data).solve(b, "T" if transposed else "N")

    def residual(x: Any, data: Any, b: Any) -> Any:
        product = np.zeros(len(b))
        np.add.at(product, to, data * x[of])
        return product - b

    def again(state: Any, residual: Residual, v: Any, b: Any) -> Any:
        return _solve(factors, transposed, (data, b))

    def other(state: Any, residual: Residual, v: Any, b: Any) -> Any:
        return _solve(factors, not transposed, (data, b))

    solve = wg.opaque(by_factors, out=lambda data, b: (b.shape, b.dtype))
    linear = Linear(lambda name, residual, v: ((), None), again, other, again)
    implicit = implicit_function(solve, residual, linear, How("linear_solve"))
    return implicit(data, b)
