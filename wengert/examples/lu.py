"""LU decomposition with partial pivoting, in place.

Golub & Van Loan, *Matrix Computations*, 4th ed., 2013, algorithm 3.4.1: which rows are
exchanged depends on the entries, and the factors overwrite the matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def factor(a: Any) -> Any:
    """Overwrite a square matrix with its factors; the pivots that were chosen.

    Afterwards L is below the diagonal of `a`, with ones on the diagonal, and U is on
    the diagonal and above. Row k was exchanged with row ``pivots[k]``.

    Args:
        a: Matrix of shape (n, n); it is overwritten.

    Returns:
        The pivots, integers of shape (n,).

    Raises:
        ZeroDivisionError: the matrix is singular.

    Example:
        >>> a = np.array([[0.0, 2.0], [4.0, 1.0]])
        >>> factor(a).tolist(), a.tolist()
        ([1, 1], [[4.0, 1.0], [0.0, 2.0]])
    """
    n = len(a)
    pivots = np.zeros(n, dtype=int)
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[pivot, k]):
                pivot = i
        if a[pivot, k] == 0.0:
            raise ZeroDivisionError("the matrix is singular")
        pivots[k] = pivot
        if pivot != k:
            for j in range(n):
                a[k, j], a[pivot, j] = a[pivot, j], a[k, j]
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    return pivots


def solve(a: Any, b: Any) -> Any:
    """Solve ``a @ x = b``; the arguments stay as they are.

    Args:
        a: Matrix of shape (n, n).
        b: Right-hand side of shape (n,).

    Returns:
        The solution, shape (n,).

    Raises:
        ZeroDivisionError: the matrix is singular.

    Example:
        >>> solve(np.array([[0.0, 2.0], [4.0, 1.0]]), np.array([2.0, 9.0])).tolist()
        [2.0, 1.0]
    """
    a, x = a.copy(), b.copy()
    pivots = factor(a)
    n = len(x)
    for k in range(n):
        x[k], x[pivots[k]] = x[pivots[k]], x[k]
    for i in range(n):
        for j in range(i):
            x[i] -= a[i, j] * x[j]
    for i in reversed(range(n)):
        for j in range(i + 1, n):
            x[i] -= a[i, j] * x[j]
        x[i] /= a[i, i]
    return x


def log_determinant(a: Any) -> Any:
    """The logarithm of the absolute value of the determinant, a scalar.

    Its gradient is the transposed inverse of the matrix.

    Example:
        >>> round(float(log_determinant(2.0 * np.eye(3))), 3)
        2.079
    """
    a = a.copy()
    factor(a)
    total = 0.0
    for i in range(len(a)):
        total += np.log(abs(a[i, i]))
    return total
