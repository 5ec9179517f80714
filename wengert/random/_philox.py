"""The generator: Philox 4x32-10, which turns a key and a number into 128 random bits.

Ordinary NumPy on uint64, whose products hold two words of 32 bits.

References:
    Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11,
    2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg

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


def words(key: Any, count: Any) -> Any:
    """The first words of 64 bits that a key gives: uint64 of shape (count,)."""
    blocks = (count + 1) // 2
    size = min(blocks, AT_ONCE)
    length = (blocks + AT_ONCE - 1) // AT_ONCE * size
    out = np.empty((length, 2), np.uint64)
    for start in range(0, length, AT_ONCE):
        numbers = np.arange(size, dtype=np.uint64) + np.uint64(start)
        out[start : start + size] = results(key, numbers, DRAW)
    return out.reshape(-1)[:count]
