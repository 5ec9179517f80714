"""Gaussian elimination with partial pivoting, in place, as in a first course."""

from __future__ import annotations

from typing import Any

import numpy as np


def solve(a: Any, b: Any) -> Any:
    """Solve ``a @ x = b`` by elimination with row exchanges and back substitution.

    Args:
        a: Matrix of shape (n, n).
        b: Right-hand side of shape (n,).

    Returns:
        The solution, shape (n,).

    Raises:
        ZeroDivisionError: the matrix is singular.

    Example:
        >>> import numpy as np
        >>> solve(np.array([[0.0, 2.0], [4.0, 1.0]]), np.array([2.0, 9.0])).tolist()
        [2.0, 1.0]
    """
    a, b = a.copy(), b.copy()
    n = len(b)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        if a[pivot, k] == 0.0:
            raise ZeroDivisionError(f"the matrix is singular: no pivot in column {k}")
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            b[k], b[pivot] = b[pivot], b[k]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros_like(b)
    for k in reversed(range(n)):
        total = b[k]
        for j in range(k + 1, n):
            total -= a[k, j] * x[j]
        x[k] = total / a[k, k]
    return x
