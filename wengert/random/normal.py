"""Normal numbers.

References:
    Box & Muller, "A note on the generation of random normal deviates", Annals of
    Mathematical Statistics 29, 1958.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.random._checks import (
    as_array,
    check_key,
    checked_float,
    checked_shape,
    described,
    shape_for,
    size_of,
)
from wengert.random._philox import LOW, draw

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
    width, convert = (2, _pairs) if dtype == np.float64 else (4, _pairs32)
    return draw(key, size_of(shape), width, dtype, convert).reshape(shape)


def multivariate_normal(
    key: Any, mean: Any, cov: Any, shape: Any = None, dtype: Any = np.float64
) -> Any:
    """Normal vectors of a mean and a covariance matrix.

    ``mean + L @ z`` with the Cholesky factor L of the covariance, which is
    differentiated with respect to both.

    Args:
        key: A key.
        mean: A vector of length n, or a stack of them: shape (..., n).
        cov: A positive definite matrix, or a stack of them: shape (..., n, n), of
            which the lower triangle is read.
        shape: The shape of the result without its last axis, to which the stacks
            broadcast; by default their own.
        dtype: float64 or float32.

    Raises:
        ShapeError: the mean is no vector, the covariance no matrix of its length, or
            they are more than `shape` asks for.
        numpy.linalg.LinAlgError: the covariance is not positive definite.

    Example:
        >>> import numpy as np, wengert as wg
        >>> key, cov = wg.random.key(0), np.array([[2.0, 1.0], [1.0, 3.0]])
        >>> x = wg.random.multivariate_normal(key, np.zeros(2), cov, (50_000,))
        >>> np.cov(x.T).round(1)
        array([[2., 1.],
               [1., 3.]])
    """
    check_key("multivariate_normal", key)
    dtype = checked_float("multivariate_normal", dtype)
    mean, cov = as_array(mean), as_array(cov)
    length = np.shape(mean)[-1:]
    if not length or np.shape(cov)[-2:] != length * 2:
        raise ShapeError(
            explain(
                f"multivariate_normal: mean is {described(mean)}, cov {described(cov)}",
                fix="give a vector of length n, and a matrix of shape (n, n)",
            )
        )
    own = {"mean": mean[..., 0], "cov": cov[..., 0, 0]}
    shape = shape_for("multivariate_normal", shape, **own)
    z = normal(key, (*shape, *length), dtype)
    factor = np.linalg.cholesky(cov)
    if np.ndim(cov) == 2:
        return (mean + z @ factor.T).astype(dtype)  # one product for all
    return (mean + (factor @ z[..., None])[..., 0]).astype(dtype)


def _pairs(words: Any) -> Any:
    """Two normal numbers of each two words: (n, 2) to (n, 2)."""
    distance = (words[:, 0] >> np.uint64(11)).astype(np.float64) + 0.5
    radius, angle = _radius(distance * 2.0**-53), words[:, 1]
    x, y = _circle(angle, 53, np.dtype(np.float64))
    return np.stack([radius * x, radius * y], axis=-1)


def _pairs32(words: Any) -> Any:
    """Two normal numbers of each word, in float32: (n, 2) to (n, 4)."""
    distance = (words & LOW).astype(np.float64) + 0.5
    # In double precision: logarithms of float32 are not within 4 ulp of each other.
    radius = _radius(distance * 2.0**-32).astype(np.float32)
    x, y = _circle(words & ~LOW, 24, np.dtype(np.float32))
    return np.stack([radius * x, radius * y], axis=-1).reshape((-1, 4))


def _radius(fraction: Any) -> Any:
    return np.sqrt(-2.0 * np.log(fraction))


def _circle(angle: Any, digits: int, dtype: np.dtype) -> tuple[Any, Any]:
    """Points of the unit circle: its quarter from two bits, the place from the next.

    They are sums and products alone, the same to the last bit eagerly and compiled.
    """
    place = (angle << np.uint64(2) >> np.uint64(64 - digits)).astype(dtype)
    sine, cosine = _quarter(place * 2.0**-digits - 0.5, TERMS[dtype])
    swap = angle >> np.uint64(63) == 1
    sign = 1 - 2 * (angle >> np.uint64(62) & np.uint64(1)).astype(dtype)
    return sign * np.where(swap, sine, cosine), sign * np.where(swap, cosine, sine)


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
