"""What is refused of data before anything is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, DataError, DTypeError, ShapeError


def checked_rows(name: str, arrays: Any) -> int:
    """The one leading length of a tree of arrays."""
    paths, leaves = wg.tree.paths(arrays, "arrays"), wg.tree.leaves(arrays)
    for path, leaf in zip(paths, leaves, strict=True):
        if not isinstance(leaf, np.ndarray) or leaf.ndim == 0 or leaf.dtype == object:
            raise DTypeError(
                explain(
                    f"{name}: {path} is {described(leaf)}",
                    why="rows are taken along the first axis of NumPy arrays.",
                    fix="pass arrays, np.asarray(values); or, to batches, a function "
                    "that returns examples",
                )
            )
    if not leaves:
        raise ArgumentError(
            explain(f"{name}: there are no arrays", fix="pass one array or more")
        )
    for path, leaf in zip(paths, leaves, strict=True):
        if len(leaf) != len(leaves[0]):
            raise ShapeError(
                explain(
                    f"{name}: {path} has {len(leaf)} rows, and {paths[0]} has "
                    f"{len(leaves[0])}",
                    fix="give all arrays one entry for each row",
                )
            )
    return len(leaves[0])


def check_count(name: str, what: str, value: Any) -> None:
    """Refuse what is no positive number of things."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(
            explain(f"{name}: {what}={value!r}", fix="give an integer of at least 1")
        )


def check_finite(data: Any, rows: Any = None) -> None:
    """Refuse arrays with a NaN or an infinity.

    Args:
        data: A tree of arrays.
        rows: The number of each row, for the message; otherwise counted from 0.

    Raises:
        DataError: names the array, the first place and what is there.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.data.check_finite((np.ones(3), np.arange(2)))
    """
    paths, leaves = wg.tree.paths(data, "data"), wg.tree.leaves(data)
    for path, leaf in zip(paths, leaves, strict=True):
        values = np.asarray(leaf)
        if values.dtype.kind not in "fc" or np.isfinite(values).all():
            continue
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        value = values[place]
        if rows is not None:
            place = (int(rows[place[0]]), *place[1:])
        raise DataError(
            explain(
                f"{path}[{', '.join(map(str, place))}] is {value}",
                why="every result that it enters would be NaN or infinite.",
                fix="leave such rows out, or replace what is missing",
            )
        )


def described(value: Any) -> str:
    if not isinstance(value, (np.ndarray, np.generic)):
        return f"a {type(value).__name__}"
    return f"an array of {value.dtype} of shape {value.shape}"
