"""Parts of data for training, validation and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.data._checks import checked_rows
from wengert.errors import ArgumentError, ShapeError


def split(
    arrays: Any, shares: Sequence[float], key: Any, *, labels: Any = None
) -> tuple[Any, ...]:
    """Split rows at random, each into one part.

    Args:
        arrays: A tree of arrays with one leading length.
        shares: The share of each part, positive; together 1.
        key: Of `wengert.random`.
        labels: The class of each row: each part has the same share of every class, to
            within a row.

    Returns:
        A tree as `arrays` for each share.

    Raises:
        ArgumentError: shares that do not sum to 1, or a part that would be empty.
        ShapeError: not one label for each row, or other leading lengths.

    Example:
        >>> import numpy as np, wengert as wg
        >>> y = np.array([0] * 90 + [1] * 10)
        >>> train, test = wg.data.split(
        ...     {"x": np.arange(100.0), "y": y}, (0.8, 0.2), wg.random.key(0), labels=y
        ... )
        >>> np.bincount(train["y"]), np.bincount(test["y"])
        (array([72,  8]), array([18,  2]))
    """
    rows = checked_rows("split", arrays)
    ends = _ends(rows, shares)
    order = wg.random.permutation(key, rows)
    if labels is not None:
        order = order[_by_class(np.asarray(labels), order)]
    parts = [np.sort(order[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    return tuple(wg.tree.map(lambda x, p=p: np.asarray(x[p]), arrays) for p in parts)


def _ends(rows: int, shares: Sequence[float]) -> list[int]:
    """Where the parts end."""
    given = np.asarray(shares, float)
    if given.ndim != 1 or not (given > 0).all() or abs(given.sum() - 1) > 1e-9:
        raise ArgumentError(
            explain(
                f"split: shares={shares!r}",
                fix="give positive shares whose sum is 1: (0.8, 0.1, 0.1)",
            )
        )
    ends = np.rint(np.cumsum(given) * rows).astype(int)
    if (np.diff(ends, prepend=0) == 0).any():
        raise ArgumentError(
            explain(
                f"split: of {rows} rows, a part of shares={shares!r} has none",
                fix="give larger shares, or more rows",
            )
        )
    return ends.tolist()


def _by_class(labels: Any, order: Any) -> Any:
    """An order of `order` in which every class is spread evenly."""
    if labels.shape != order.shape:
        raise ShapeError(
            explain(
                f"split: labels have shape {labels.shape}, and there are {len(order)} "
                "rows",
                fix="give one label for each row",
            )
        )
    _, classes, counts = np.unique(
        labels[order], return_inverse=True, return_counts=True
    )
    by_class = np.argsort(classes, kind="stable")
    ranks = np.empty(len(order))
    ranks[by_class] = np.arange(len(order)) - np.repeat(
        np.cumsum(counts) - counts, counts
    )
    return np.argsort((ranks + 0.5) / counts[classes], kind="stable")
