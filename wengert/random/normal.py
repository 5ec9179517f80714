"""Normal numbers.

References:
    Box & Muller, "A note on the generation of random normal deviates", Annals of
    Mathematical Statistics 29, 1958.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.random._checks import check_key, checked_float, checked_shape, size_of
from wengert.random._philox import LOW, words

# Terms of the series of the sine and cosine of up to an eighth of a turn.
TERMS = {np.dtype(np.float64): 9, np.dtype(np.float32): 5}


def normal(key: Any, shape: Any = (), dtype: Any = np.float64) -> Any:
    """Normal numbers of mean 0 and variance 1.

    Scale and shift them by ordinary arithmetic, ``mean + std * normal(...)``, which is
    differentiated with respect to both (the reparameterised gradient).

    Args:
        key: A key.
        shape: Of the result.
        dtype: float64 or float32.

    Example:
        >>> import wengert as wg
        >>> wg.random.normal(wg.random.key(0), (2,)).round(3)
        array([-0.062,  0.501])
    """
    check_key("normal", key)
    dtype = checked_float("normal", dtype)
    shape = checked_shape("normal", shape)
    size = size_of(shape)
    radius, x, y = polar(key, (size + 1) // 2, dtype)
    pairs = np.stack([radius * x, radius * y], axis=-1)
    return pairs.reshape(-1)[:size].reshape(shape)


def polar(key: Any, count: Any, dtype: np.dtype) -> tuple[Any, Any, Any]:
    """Points of the plane, normal in both directions: a radius, and x, y on the circle.

    x and y are sums and products alone, the same to the last bit eagerly and compiled.
    """
    double = dtype == np.float64
    if double:
        pairs = words(key, 2 * count).reshape((count, 2))
        distance, angle = pairs[:, 0] >> np.uint64(11), pairs[:, 1]
    else:
        pairs = words(key, count)
        distance, angle = pairs & LOW, pairs & ~LOW
    exponent, digits = (-53, 53) if double else (-32, 24)
    # In double precision: logarithms of float32 are not within 4 ulp of each other.
    fraction = (distance.astype(np.float64) + 0.5) * 2.0**exponent
    radius = np.sqrt(-2.0 * np.log(fraction)).astype(dtype)
    # Two bits choose one of four arcs, the next ones the place in it.
    place = angle << np.uint64(2) >> np.uint64(64 - digits)
    sine, cosine = _quarter(place.astype(dtype) * 2.0**-digits - 0.5, TERMS[dtype])
    swap = angle >> np.uint64(63) == 1
    flip = (angle >> np.uint64(62) & np.uint64(1)) == 1
    radius = np.where(flip, -radius, radius)
    return radius, np.where(swap, sine, cosine), np.where(swap, cosine, sine)


def _quarter(t: Any, terms: int) -> tuple[Any, Any]:
    """Sine and cosine of t quarters of a turn, for t from -1/2 to 1/2."""
    square = t * t
    odd = [_coefficient(2 * k + 1) for k in range(terms)]
    even = [_coefficient(2 * k) for k in range(terms + 1)]
    return t * _polynomial(odd, square), _polynomial(even, square)


def _coefficient(k: int) -> float:
    return (-1.0) ** (k // 2) * (math.pi / 2) ** k / math.factorial(k)


def _polynomial(coefficients: list[float], x: Any) -> Any:
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value
