"""Integers, orders and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError
from wengert.random._checks import (
    check_key,
    check_range,
    described,
    kind_of,
    shape_for,
    size_of,
)
from wengert.random._philox import LOW, WORD, words


def integers(
    key: Any, low: Any, high: Any, shape: Any = None, dtype: Any = np.int64
) -> Any:
    """Integers from `low` to ``high - 1``, all equally likely (to within 2**-64).

    Args:
        key: A key.
        low: The least integer, or an array of them.
        high: The end, larger than `low`.
        shape: Of the result, to which both broadcast; by default their own.
        dtype: Of the result, an integer one that holds them.

    Raises:
        ArgumentError: `high` is not larger than `low`.
        DTypeError: `low` or `high` is no integer, or `dtype` is no dtype of integers.
        ShapeError: `low` and `high` have more entries than `shape`.

    Example:
        >>> import wengert as wg
        >>> wg.random.integers(wg.random.key(0), 1, 7, (5,))
        array([4, 1, 2, 3, 6])
    """
    check_key("integers", key)
    _check_integers(low, high, dtype)
    shape = shape_for("integers", shape, low=low, high=high)
    check_range(
        "integers", "high is not larger than low", low < high, "give low < high"
    )
    first = np.asarray(low, np.int64)
    span = (np.asarray(high, np.int64) - first).astype(np.uint64)
    drawn = _below(key, span, shape).astype(np.int64) + first
    return drawn.astype(dtype)


def _check_integers(low: Any, high: Any, dtype: Any) -> None:
    for name, bound in (("low", low), ("high", high)):
        if kind_of(bound) not in "iu":
            raise DTypeError(
                explain(f"integers: {name} is {described(bound)}", fix="give integers")
            )
    if np.dtype(dtype).kind not in "iu":
        raise DTypeError(
            explain(f"integers: dtype={np.dtype(dtype)}", fix="draw np.int64")
        )


def _below(key: Any, span: Any, shape: tuple[Any, ...]) -> Any:
    """Integers less than `span`: the first 64 bits of span times a fraction of 128."""
    pairs = words(key, 2 * size_of(shape)).reshape((*shape, 2))
    low, high = pairs[..., 0], pairs[..., 1]
    upper, lower = _product(high, span)
    carried = lower + _product(low, span)[0]
    return upper + (carried < lower)


def _product(x: Any, y: Any) -> tuple[Any, Any]:
    """The upper and the lower 64 bits of a product of two integers of 64 bits."""
    x0, x1, y0, y1 = x & LOW, x >> WORD, y & LOW, y >> WORD
    cross = x1 * y0 + (x0 * y0 >> WORD)
    middle = x0 * y1 + (cross & LOW)
    return x1 * y1 + (cross >> WORD) + (middle >> WORD), x * y


def permutation(key: Any, x: Any, axis: int = 0) -> Any:
    """The integers below `x`, or the rows of an array, in random order.

    Args:
        key: A key.
        x: A number of integers, or an array.
        axis: Along which the array is shuffled, its slices as they are.

    Raises:
        ArgumentError: `x` is negative, or no integer.
        ShapeError: the array has no such axis.

    Example:
        >>> import wengert as wg
        >>> wg.random.permutation(wg.random.key(0), 5)
        array([3, 4, 2, 1, 0])
    """
    check_key("permutation", key)
    if np.ndim(x) == 0:
        return _order(key, _count("permutation", x))
    if not -np.ndim(x) <= axis < np.ndim(x):
        raise ShapeError(
            explain(
                f"permutation: axis={axis} of {described(x)}",
                fix="name one of its axes",
            )
        )
    return np.take(x, _order(key, np.shape(x)[axis]), axis=axis)


def _order(key: Any, n: Any) -> Any:
    """A random order of n integers: that of keys of 64 bits."""
    return np.argsort(words(key, n), kind="stable")


def _count(name: str, n: Any) -> Any:
    if kind_of(n) not in "iu":
        raise ArgumentError(
            explain(
                f"{name}: expected an array or an integer, got {described(n)}",
                fix="give an integer, or an array",
            )
        )
    check_range(name, "a negative number of integers", n >= 0, "give one >= 0")
    return n
