"""Keys: where random numbers come from, and how one key becomes several."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ArgumentError
from wengert.random._checks import check_key, check_range, described, kind_of
from wengert.random._philox import FOLD, LOW, SPLIT, WORD, results


def key(seed: Any) -> Any:
    """The key of a seed.

    What is drawn is a function of the key: the same key gives the same numbers, on any
    machine, eagerly and compiled. That a key is used twice cannot be noticed: give
    every draw one of its own, by `split` or `fold_in`.

    Args:
        seed: An integer from 0 to 2**64 - 1; other seeds give other keys.

    Returns:
        An array of uint32 of shape (2,).

    Raises:
        ArgumentError: `seed` is not such an integer.

    Example:
        >>> import wengert as wg
        >>> wg.random.key(7)
        array([7, 0], dtype=uint32)
    """
    number = _number("key", "seed", seed)
    return np.stack([number & LOW, number >> WORD]).astype(np.uint32)


def split(key: Any, n: Any = 2) -> Any:
    """Independent keys made of one, which is not to be used any more.

    Args:
        key: A key.
        n: How many.

    Returns:
        An array of uint32 of shape (n, 2), a key in each row. The first ones do not
        depend on how many there are.

    Raises:
        ArgumentError: `key` is no key, or `n` is no integer of at least 0.

    Example:
        >>> import wengert as wg
        >>> wg.random.split(wg.random.key(0))
        array([[ 768504805,  323543615],
               [3914554339, 1359758665]], dtype=uint32)
    """
    check_key("split", key)
    _check_number("split", "n", n)
    return _keys(results(key, np.arange(n, dtype=np.uint64), SPLIT))


def fold_in(key: Any, data: Any) -> Any:
    """The key for a number: of a step, a layer, a worker.

    Args:
        key: A key, which may be used again to fold in other numbers.
        data: An integer from 0 to 2**64 - 1.

    Returns:
        A key, independent of those for other numbers.

    Raises:
        ArgumentError: `key` is no key, or `data` is not such an integer.

    Example:
        >>> import wengert as wg
        >>> key = wg.random.key(0)
        >>> for step in range(2):
        ...     print(wg.random.uniform(wg.random.fold_in(key, step)).round(3))
        0.011
        0.319
    """
    check_key("fold_in", key)
    number = _number("fold_in", "data", data)
    return _keys(results(key, np.reshape(number, (1,)), FOLD))[0]


def _keys(results: Any) -> Any:
    """The first 64 bits of each result, as a key."""
    first = results[:, 0]
    return np.stack([first & LOW, first >> WORD], axis=-1).astype(np.uint32)


def _number(name: str, what: str, value: Any) -> Any:
    """An integer as a number of uint64."""
    _check_number(name, what, value)
    return np.asarray(value).astype(np.uint64)


def _check_number(name: str, what: str, value: Any) -> None:
    fix = "give an integer from 0 to 2**64 - 1"
    if isinstance(value, bool) or kind_of(value) not in "iu" or np.shape(value) != ():
        raise ArgumentError(explain(f"{name}: {what} is {described(value)}", fix=fix))
    fits = value >> 64 == 0 if isinstance(value, int) else value >= 0
    check_range(name, f"{what} is out of range", fits, fix)
