"""Krylov methods, on vectors: linear equations by products with their matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Product = Callable[[Any], Any]


def cg(
    product: Product, b: Any, tol: float, maxiter: int, restart: int
) -> tuple[Any, Any]:
    """``(x, residual)`` by conjugate gradients (Hestenes & Stiefel, 1952)."""
    x, r, p = 0.0 * b, b.copy(), b.copy()
    rr = r @ r
    target = tol * tol * rr
    k = 0
    while rr > target and k < maxiter:
        q = product(p)
        alpha = rr / (p @ q)
        x = x + alpha * p
        r = r - alpha * q
        new = r @ r
        p = r + new / rr * p
        rr, k = new, k + 1
    return x, b - product(x)


def gmres(
    product: Product, b: Any, tol: float, maxiter: int, restart: int
) -> tuple[Any, Any]:
    """``(x, residual)`` by restarted GMRES (Saad & Schultz, 1986)."""
    x, r = 0.0 * b, b.copy()
    target = tol * np.sqrt(b @ b)
    k = 0
    while np.sqrt(r @ r) > target and k < maxiter:
        change, steps = _cycle(product, r, target, min(restart, len(b)))
        x = x + change
        r, k = b - product(x), k + steps
    return x, r


def _cycle(product: Product, r: Any, target: Any, m: int) -> tuple[Any, Any]:
    """The change of x that makes the residual least in m directions, and their number.

    Arnoldi's process makes the directions; each column of its Hessenberg matrix is
    made triangular by Givens rotations as soon as it is there.
    """
    beta = np.sqrt(r @ r)
    basis = np.zeros((m + 1, len(r)))
    basis[0] = r / beta
    triangle, rhs = np.eye(m), np.zeros(m + 1)
    cosines, sines = np.zeros(m), np.zeros(m)
    rhs[0] = beta
    k = 0
    while k < m and abs(rhs[k]) > target:
        w = product(basis[k])
        column = np.zeros(m + 1)
        for i in range(k + 1):
            column[i] = w @ basis[i]
            w = w - column[i] * basis[i]
        length = np.sqrt(w @ w)
        basis[k + 1] = w / np.where(length > 0.0, length, 1.0)
        for i in range(k):
            turned = cosines[i] * column[i] + sines[i] * column[i + 1]
            column[i + 1] = cosines[i] * column[i + 1] - sines[i] * column[i]
            column[i] = turned
        diagonal = np.hypot(column[k], length)
        diagonal = np.where(diagonal > 0.0, diagonal, 1.0)  # of a singular matrix
        cosines[k], sines[k] = column[k] / diagonal, length / diagonal
        column[k] = diagonal
        triangle[:, k] = column[:m]
        rhs[k + 1] = -sines[k] * rhs[k]
        rhs[k] = cosines[k] * rhs[k]
        k += 1
    used = np.where(np.arange(m) < k, rhs[:m], 0.0)
    return np.linalg.solve(triangle, used) @ basis[:m], k
