"""Integers, orders and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError
from wengert.random._checks import (
    as_array,
    check_key,
    check_range,
    checked_shape,
    described,
    kind_of,
    shape_for,
    size_of,
)
from wengert.random._philox import LOW, WORD, words
from wengert.random.uniform import fractions


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
    low, high = as_array(low), as_array(high)
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
    x = as_array(x)
    if np.ndim(x) == 0:
        return _order(key, _count("permutation", x))
    _check_axis("permutation", x, axis)
    return np.take(x, _order(key, np.shape(x)[axis]), axis=axis)


def _check_axis(name: str, x: Any, axis: int) -> None:
    if not -np.ndim(x) <= axis < np.ndim(x):
        raise ShapeError(
            explain(
                f"{name}: axis={axis} of {described(x)}", fix="name one of its axes"
            )
        )


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


def categorical(key: Any, logits: Any, shape: Any = None) -> Any:
    """The number of a category, with probabilities proportional to ``exp(logits)``.

    Args:
        key: A key.
        logits: Along the last axis those of the categories; -inf for impossible ones.
        shape: Of the result, to which the axes of `logits` in front of the last one
            broadcast; by default these.

    Raises:
        ArgumentError: a logit is NaN or inf, or all are -inf.
        ShapeError: there are no categories, or more rows of them than `shape` has
            entries.

    Example:
        >>> import numpy as np, wengert as wg
        >>> p = np.array([0.1, 0.0, 0.9])
        >>> with np.errstate(divide="ignore"):
        ...     wg.random.categorical(wg.random.key(0), np.log(p), (8,))
        array([2, 2, 2, 0, 2, 2, 2, 2])
    """
    check_key("categorical", key)
    logits = as_array(logits)
    if np.ndim(logits) == 0 or np.shape(logits)[-1] == 0:
        raise ShapeError(
            explain(
                f"categorical: logits are {described(logits)}",
                why="the last axis is that of the categories, one or more.",
                fix="pass an array of logits",
            )
        )
    largest = np.max(logits, axis=-1, keepdims=True)
    check_range(
        "categorical",
        "the largest logit is not finite",
        np.isfinite(largest),
        "give finite logits, and -inf only for impossible categories",
    )
    shape = shape_for("categorical", shape, logits=logits[..., 0])
    return _drawn(key, np.exp(logits - largest), shape)


def _drawn(key: Any, weights: Any, shape: tuple[Any, ...]) -> Any:
    """The category in which a uniform share of the sum of the weights falls."""
    sums = np.cumsum(weights, axis=-1)
    share = fractions(key, size_of(shape), np.dtype(np.float64)).reshape(shape)
    place = share * sums[..., -1]
    return np.sum(sums <= place[..., None], axis=-1)


def choice(
    key: Any,
    a: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
) -> Any:
    """Slices of an array, chosen at random.

    Args:
        key: A key.
        a: The array, or a number n for the integers below it.
        shape: How many.
        replace: Whether one slice may be chosen several times.
        p: The probability of each slice; equal ones by default.
        axis: Along which `a` is sliced.

    Returns:
        `shape` in the place of that axis.

    Raises:
        ArgumentError: there is nothing to choose from, or less than is to be chosen
            without replacement; `p` is negative, does not sum to 1, or has fewer
            nonzero entries than are chosen without replacement.
        ShapeError: `p` does not have an entry for each slice, or there is no such axis.

    Example:
        >>> import wengert as wg
        >>> wg.random.choice(wg.random.key(0), 10, (4,), replace=False)
        array([3, 5, 4, 2])
    """
    check_key("choice", key)
    a, p = as_array(a), as_array(p)
    shape = checked_shape("choice", shape)
    among = np.ndim(a) > 0
    if among:
        _check_axis("choice", a, axis)
    n, size = np.shape(a)[axis] if among else _count("choice", a), size_of(shape)
    _check_enough(n, size, replace)
    if p is None and replace:
        index = integers(key, 0, n, (size,))
    elif p is None:
        index = _order(key, n)[:size]
    else:
        index = _weighted(key, _checked_weights(p, n, size, replace), size, replace)
    index = index.reshape(shape)
    return np.take(a, index, axis=axis) if among else index


def _weighted(key: Any, p: Any, size: Any, replace: bool) -> Any:
    """Without replacement: the first of waiting times whose rates are p.

    As Efraimidis & Spirakis, "Weighted random sampling with a reservoir", 2006.
    """
    if replace:
        return _drawn(key, p, (size,))
    u = fractions(key, len(p), np.dtype(np.float64))
    possible = p > 0
    waits = -np.log1p(-u) / np.where(possible, p, 1.0)
    return np.argsort(np.where(possible, waits, np.inf), kind="stable")[:size]


def _check_enough(n: Any, size: Any, replace: bool) -> None:
    check_range(
        "choice",
        "there is nothing to choose from",
        n > 0,
        "give one slice or more",
    )
    check_range(
        "choice",
        "more is to be chosen than there is, without replacement",
        replace | (size <= n),
        "choose fewer, or with replace=True",
    )


def _checked_weights(p: Any, n: Any, size: Any, replace: bool) -> Any:
    if np.shape(p) != (n,):
        raise ShapeError(
            explain(
                f"choice: p is {described(p)}, and there are {n} slices to choose from",
                fix="give one probability for each",
            )
        )
    check_range(
        "choice",
        "p is not a list of probabilities whose sum is 1",
        np.all(p >= 0) & (abs(np.sum(p) - 1.0) <= 1e-6),
        "divide by the sum: p / np.sum(p)",
    )
    check_range(
        "choice",
        "fewer slices are possible than are to be chosen, without replacement",
        replace | (np.sum(p > 0) >= size),
        "choose fewer, or with replace=True",
    )
    return p
