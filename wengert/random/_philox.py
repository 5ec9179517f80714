"""The generator: Philox 4x32-10, which turns a key and a number into 128 random bits.

Ordinary NumPy on uint64, whose products hold two words of 32 bits.

References:
    Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11,
    2011.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp

MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
INCREMENTS = np.array([[0x9E3779B9], [0xBB67AE85]], np.uint64)
LOW = np.uint64(0xFFFFFFFF)
WORD = np.uint64(32)
# Blocks computed at once: few calls of NumPy, in arrays that the cache holds.
AT_ONCE = 2048
# The last word of the counter, which keeps the uses of one key apart.
DRAW, SPLIT, FOLD = (np.uint64(use) for use in (0, 1, 2))


def philox(even: Any, odd: Any, key: Any) -> tuple[Any, Any]:
    """Ten rounds on n counters of four words.

    Args:
        even: Words 0 and 2 of each counter, uint64 of shape (2, n).
        odd: Words 1 and 3.
        key: Its two words, uint64 of shape (2, 1).

    Returns:
        Words 0 and 2 of each result, and words 1 and 3.
    """
    for _ in wg.range(10, unroll=True):
        products = (MULTIPLIERS * even)[::-1]
        even, odd = (products >> WORD) ^ odd ^ key, products & LOW
        key = (key + INCREMENTS) & LOW
    return even, odd


def results(key: Any, numbers: Any, use: np.uint64) -> Any:
    """128 bits for each number, as two integers: uint64 of shape (n, 2)."""
    nothing = np.zeros_like(numbers)
    even = np.stack([numbers & LOW, nothing])
    odd = np.stack([numbers >> WORD, nothing + use])
    even, odd = philox(even, odd, key.astype(np.uint64)[:, None])
    return (even | odd << WORD).T


def draw(
    key: Any, count: Any, width: int, dtype: Any, convert: Callable[[Any], Any]
) -> Any:
    """The first numbers that a key gives, of shape (count,).

    Args:
        key: A key.
        count: How many.
        width: How many there are in 128 bits.
        dtype: Of the result.
        convert: What makes numbers of results: uint64 of shape (n, 2) to (n, width).
    """
    blocks = (count + width - 1) // width
    # One part, or five and more: fewer would be written out where this is compiled.
    size = blocks if blocks <= AT_ONCE else min((blocks + 4) // 5, AT_ONCE)
    out = wnp.empty(blocks * width, dtype)
    for start in range(0, blocks, max(size, 1)):
        first = min(start, blocks - size)  # the last part overlaps the one before
        numbers = np.arange(size, dtype=np.uint64) + np.uint64(first)
        part = convert(results(key, numbers, DRAW)).reshape(-1)
        out[width * first : width * (first + size)] = part
    return out[:count]


def words(key: Any, count: Any) -> Any:
    """Words of 64 bits."""
    return draw(key, count, 2, np.uint64, same)


def same(words: Any) -> Any:
    """Words as they are."""
    return words
