"""Gauss-Seidel iteration, until it has converged.

Golub & Van Loan, *Matrix Computations*, 4th ed., 2013, section 11.2: how many sweeps
it takes depends on the numbers, and each overwrites the unknowns one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def solve(a: Any, b: Any, tolerance: float = 1e-13) -> Any:
    """Solve ``a @ x = b`` for a diagonally dominant, or positive definite, matrix.

    Args:
        a: Matrix of shape (n, n).
        b: Right-hand side of shape (n,).
        tolerance: The last sweep changes no unknown by more than this.

    Returns:
        The solution, shape (n,).

    Example:
        >>> solve(np.array([[4.0, 1.0], [1.0, 2.0]]), np.array([9.0, 4.0])).round(9)
        array([2., 1.])
    """
    n = len(b)
    x = np.zeros_like(b)
    change = np.inf
    while change > tolerance:
        change = 0.0
        for i in range(n):
            total = b[i]
            for j in range(n):
                if j != i:
                    total -= a[i, j] * x[j]
            new = total / a[i, i]
            change = max(change, abs(new - x[i]))
            x[i] = new
    return x
