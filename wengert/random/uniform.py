"""Bits, and what is uniform: floats, integers, yes or no."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import DTypeError
from wengert.random._checks import (
    as_array,
    check_key,
    check_range,
    checked_float,
    checked_shape,
    shape_for,
    size_of,
)
from wengert.random._philox import LOW, WORD, draw, same


def bits(key: Any, shape: Any = (), dtype: Any = np.uint32) -> Any:
    """Random bits.

    The results of the generator for the counters 0, 1, 2, ..., lowest bits first.

    Args:
        key: A key.
        shape: Of the result.
        dtype: uint32 or uint64.

    Raises:
        DTypeError: for another dtype.

    Example:
        >>> import wengert as wg
        >>> wg.random.bits(wg.random.key(0), (3,))
        array([1713891541, 3781805453, 3159862348], dtype=uint32)
    """
    check_key("bits", key)
    shape = checked_shape("bits", shape)
    dtype = np.dtype(dtype)
    if dtype not in (np.uint32, np.uint64):
        raise DTypeError(
            explain(f"bits: dtype={dtype}", fix="draw np.uint32 or np.uint64")
        )
    width, convert = (2, same) if dtype == np.uint64 else (4, halves)
    return draw(key, size_of(shape), width, dtype, convert).reshape(shape)


def uniform(
    key: Any,
    shape: Any = (),
    dtype: Any = np.float64,
    low: Any = 0.0,
    high: Any = 1.0,
) -> Any:
    """Uniform numbers, at least `low` and less than `high`.

    ``low + (high - low) * u``, where u is a multiple of 2**-53 (float32: 2**-24) in
    [0, 1). It is differentiated with respect to `low` and `high`.

    Args:
        key: A key.
        shape: Of the result; `low` and `high` broadcast to it.
        dtype: float64 or float32.
        low: The least number, or an array of them.
        high: The end, which rounding may reach.

    Raises:
        ArgumentError: `high` is less than `low`, or one is NaN.
        ShapeError: `low` and `high` have more entries than `shape`.

    Example:
        >>> import wengert as wg
        >>> wg.random.uniform(wg.random.key(0), (2,), low=-1.0).round(3)
        array([0.761, 0.211])
    """
    check_key("uniform", key)
    dtype = checked_float("uniform", dtype)
    low, high = as_array(low), as_array(high)
    shape = shape_for("uniform", shape, low=low, high=high)
    check_range(
        "uniform", "high is less than low", low <= high, "give bounds with low <= high"
    )
    u = fractions(key, size_of(shape), dtype).reshape(shape)
    return (low + (high - low) * u).astype(dtype)


def fractions(key: Any, count: Any, dtype: np.dtype) -> Any:
    """Multiples of 2**-53 or 2**-24 in [0, 1), of shape (count,)."""
    if dtype == np.float64:
        return draw(key, count, 2, dtype, lambda w: (w >> np.uint64(11)) * 2.0**-53)
    return draw(key, count, 4, dtype, lambda w: _fractions32(halves(w)))


def halves(words: Any) -> Any:
    """The words of 32 bits in those of 64, the lower ones first: (n, 2) to (n, 4)."""
    return np.stack([words & LOW, words >> WORD], axis=-1).reshape((-1, 4))


def _fractions32(words: Any) -> Any:
    return (words >> np.uint64(8)).astype(np.float32) * 2.0**-24


def bernoulli(key: Any, p: Any = 0.5, shape: Any = None) -> Any:
    """Booleans, each true with probability `p`.

    Args:
        key: A key.
        p: Probabilities, rounded to multiples of 2**-32.
        shape: Of the result, to which `p` broadcasts; by default that of `p`.

    Raises:
        ArgumentError: `p` is not between 0 and 1.
        ShapeError: `p` has more entries than `shape`.

    Example:
        >>> import wengert as wg
        >>> wg.random.bernoulli(wg.random.key(0), 0.9, (4,))
        array([ True,  True,  True,  True])
    """
    check_key("bernoulli", key)
    p = as_array(p)
    shape = shape_for("bernoulli", shape, p=p)
    check_range(
        "bernoulli",
        "p is not between 0 and 1",
        (p >= 0) & (p <= 1),
        "give probabilities",
    )
    u = draw(key, size_of(shape), 4, np.float64, lambda w: halves(w) * 2.0**-32)
    return u.reshape(shape) < p
