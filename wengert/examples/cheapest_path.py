"""The cheapest path across a table, by dynamic programming.

Bellman, *On the theory of dynamic programming*, 1952: the cheapest way to a cell is one
step from the cheapest way to one of its neighbours. The gradient of the cheapest total
in the costs is the path itself: 1 in the cells that it visits, 0 elsewhere. With a soft
minimum it is how likely a random path is to visit each cell (Mensch & Blondel,
*Differentiable dynamic programming for structured prediction and attention*, 2018).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def cheapest(cost: Any) -> Any:
    """The least sum of costs along a path from the left edge of a table to the right.

    Each step goes one column to the right, and one row up, down or neither.

    Args:
        cost: Cost of visiting each cell, shape (rows, columns).

    Returns:
        The least total, a scalar.

    Example:
        >>> float(cheapest(np.array([[1.0, 9.0, 1.0], [5.0, 2.0, 7.0]])))
        4.0
    """
    rows, columns = cost.shape
    total = cost.copy()
    for j in range(1, columns):
        for i in range(rows):
            least = total[i, j - 1]
            if i > 0:
                least = min(least, total[i - 1, j - 1])
            if i < rows - 1:
                least = min(least, total[i + 1, j - 1])
            total[i, j] += least
    return np.min(total[:, -1])


def soft(cost: Any, temperature: Any) -> Any:
    """The same with ``-t log(sum(exp(-x / t)))`` for the least of the totals x.

    Paths of total x count with weight ``exp(-x / t)``; as t falls to 0, only the
    cheapest counts.

    Args:
        cost: Cost of visiting each cell, shape (rows, columns).
        temperature: t, positive.

    Returns:
        The soft minimum over all paths, a scalar; less than `cheapest`.

    Example:
        >>> table = np.array([[1.0, 9.0, 1.0], [5.0, 2.0, 7.0]])
        >>> round(float(soft(table, 0.1)), 3)
        4.0
    """
    rows, columns = cost.shape
    total = cost.copy()
    for j in range(1, columns):
        for i in range(rows):
            total[i, j] += _soft_minimum(
                total[max(i - 1, 0) : min(i + 2, rows), j - 1], temperature
            )
    return _soft_minimum(total[:, -1], temperature)


def _soft_minimum(x: Any, temperature: Any) -> Any:
    least = np.min(x)
    return least - temperature * np.log(np.sum(np.exp((least - x) / temperature)))
