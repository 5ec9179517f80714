"""Gamma and beta numbers, differentiable in their parameters.

Both are made of logarithms of gamma numbers, which do not underflow where the
parameters are small. Their derivatives are those that keep the distribution function as
it is (the implicit reparameterisation): of z = log x, with the distribution function
P(a, x),

    dz/da = -(dP/da) / (x dP/dx).

References:
    Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26,
    2000; Figurnov, Mohamed & Mnih, "Implicit reparameterization gradients", NeurIPS
    2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma, expit

import wengert as wg
from wengert.random._checks import (
    as_array,
    check_key,
    check_range,
    checked_float,
    shape_for,
)
from wengert.random.keys import fold_in
from wengert.random.normal import normal
from wengert.random.uniform import uniform

TERMS = 25  # of the series, for x <= 1
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
NEGLIGIBLE = 38.0  # exp(-38) is less than the last bit of 1


def gamma(key: Any, a: Any, shape: Any = None, dtype: Any = np.float64) -> Any:
    """Gamma numbers of shape parameter `a` and scale 1.

    Differentiated with respect to `a` to any order, with the random numbers that the
    key stands for held. For another scale, multiply.

    Args:
        key: A key.
        a: The shape parameter, or an array of them; positive.
        shape: Of the result, to which `a` broadcasts; by default that of `a`.
        dtype: float64 or float32; computed in float64.

    Raises:
        ArgumentError: `a` is not positive.
        ShapeError: `a` has more entries than `shape`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> key = wg.random.key(0)
        >>> mean = lambda a: np.mean(wg.random.gamma(key, a, (10_000,)))
        >>> wg.grad(mean)(3.0).round(1)
        np.float64(1.0)
    """
    check_key("gamma", key)
    dtype = checked_float("gamma", dtype)
    a = as_array(a)
    shape = shape_for("gamma", shape, a=a)
    _check_positive("gamma", "a", a)
    return np.exp(_log_gamma(key, a, shape)).astype(dtype)


def beta(key: Any, a: Any, b: Any, shape: Any = None, dtype: Any = np.float64) -> Any:
    """Beta numbers of the parameters `a` and `b`.

    Differentiated with respect to both, as `gamma` is.

    Args:
        key: A key.
        a: The first parameter, or an array of them; positive.
        b: The second one.
        shape: Of the result, to which both broadcast; by default their own.
        dtype: float64 or float32; computed in float64.

    Raises:
        ArgumentError: `a` or `b` is not positive.
        ShapeError: they have more entries than `shape`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> draws = wg.random.beta(wg.random.key(0), 2.0, 3.0, (10_000,))
        >>> draws.mean().round(1)
        np.float64(0.4)
    """
    check_key("beta", key)
    dtype = checked_float("beta", dtype)
    a, b = as_array(a), as_array(b)
    shape = shape_for("beta", shape, a=a, b=b)
    _check_positive("beta", "a", a)
    _check_positive("beta", "b", b)
    both = np.stack([np.broadcast_to(a, shape), np.broadcast_to(b, shape)])
    first, second = _log_gamma(key, both, both.shape)
    return expit(first - second).astype(dtype)


def _check_positive(name: str, what: str, value: Any) -> None:
    check_range(name, f"{what} is not positive", value > 0, "give positive numbers")


def _log_gamma(key: Any, a: Any, shape: tuple[Any, ...]) -> Any:
    """Logarithms of gamma numbers, in float64."""
    a = np.broadcast_to(a, shape).astype(np.float64).reshape(-1)
    return _of_parameter(a, _rejection(wg.stop_gradient(a), key)).reshape(shape)


@wg.custom_jvp
def _of_parameter(a: Any, z: Any) -> Any:
    """The logarithm z of a gamma number, as a function of its parameter."""
    return z


@_of_parameter.defjvp
def _rule(primals: Any, tangents: Any) -> tuple[Any, Any]:
    a, drawn = primals
    z = _of_parameter(a, drawn)
    return z, slope(a, z) * tangents[0]


@wg.jit
def _rejection(a: Any, key: Any) -> Any:
    """Logarithms of gamma numbers, by refusing some of what is proposed.

    Always compiled: its steps are decided by numbers, and so differ between the lanes
    of `vmap`. For a < 1 a number for a + 1 is multiplied by a power of a uniform one.
    """
    d = np.where(a < 1.0, a + 1.0, a) - 1.0 / 3.0
    pending = np.ones(a.shape, bool)
    v = np.ones(a.shape)
    attempt = 1
    while np.any(pending):
        x = normal(fold_in(key, 2 * attempt), a.shape)
        u = 1.0 - uniform(fold_in(key, 2 * attempt + 1), a.shape)
        proposed = (1.0 + x / np.sqrt(9.0 * d)) ** 3
        possible = proposed > 0.0
        log_v = np.log(np.where(possible, proposed, 1.0))
        accepted = np.log(u) < 0.5 * x * x + d * (1.0 - proposed + log_v)
        v = np.where(pending & possible & accepted, proposed, v)
        pending = pending & ~(possible & accepted)
        attempt += 1
    boost = np.log(1.0 - uniform(fold_in(key, 0), a.shape)) / a
    return np.log(d * v) + np.where(a < 1.0, boost, 0.0)


# -- the derivative of log x with respect to a -----------------------------------------


def slope(a: Any, z: Any) -> Any:
    """dz/da of the logarithm z of a gamma number, shape parameter a.

    Relative errors are below 1e-12 up to a = 1e5, and grow as a does from there.
    """
    below = _series(a, np.minimum(z, 0.0))
    return np.where(z < 0.0, below, _quadrature(a, np.maximum(z, 0.0)))


def _series(a: Any, z: Any) -> Any:
    """From P = x^a exp(-x) S / Gamma(a + 1), S the sum of x^k / ((a + 1)...(a + k))."""
    x = np.exp(z)
    term, harmonic = np.ones_like(a), np.zeros_like(a)
    total, derivative = np.ones_like(a), np.zeros_like(a)
    for k in range(1, TERMS):
        term = term * x / (a + k)
        harmonic = harmonic + 1.0 / (a + k)
        total = total + term
        derivative = derivative - term * harmonic
    return (total * (digamma(a + 1.0) - z) - derivative) / a


def _quadrature(a: Any, z: Any) -> Any:
    """From one of dP/da and -d(1 - P)/da, as an integral without a change of sign.

    With t = x exp(s v), on the side s of x where log t - digamma(a) has one sign:

        dz/da = integral from 0 of (v + |z - digamma(a)|) exp(a s v - x (exp(s v) - 1)).
    """
    x = np.exp(z)
    distance = z - digamma(a)
    side = np.where(distance > 0.0, 1.0, -1.0)
    end = wg.stop_gradient(_end(a, x, side))
    total = np.zeros_like(a)
    for i in range(len(NODES)):
        v = end * (0.5 * (NODES[i] + 1.0))
        weight = end * (0.5 * WEIGHTS[i])
        exponent = a * side * v - x * np.expm1(side * v)
        total = total + weight * (v + abs(distance)) * np.exp(exponent)
    return total


def _end(a: Any, x: Any, side: Any) -> Any:
    """Where the integrand is negligible.

    Newton's method on the exponent, which is concave: from the right it stays there.
    It begins where the bounds exp(v) - 1 - v >= v^2 / 2, to the right, and
    exp(-v) - 1 + v >= v^2 / (2 + 2 v / 3), to the left, show that it may.
    """
    decay, left = side * (x - a), np.where(side > 0.0, 0.0, 1.0 / 3.0)
    half, linear = 0.5 * x + left * decay, decay - left * NEGLIGIBLE
    v = (np.sqrt(linear**2 + 4.0 * half * NEGLIGIBLE) - linear) / (2.0 * half)
    for _ in range(4):
        excess = a * side * v - x * np.expm1(side * v) + NEGLIGIBLE
        v = v - excess / (side * (a - x * np.exp(side * v)))
    return v
