"""Smooth relaxations of functions with jumps and kinks, with a temperature.

Each tends to the hard function, away from its jumps, as the temperature tends to 0, and
has useful derivatives at every positive temperature. The temperature has the unit of
the input: it is the width over which a jump is spread.
"""

from __future__ import annotations

import math
from typing import Any

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ArgumentError

__all__ = [
    "argmax",
    "argsort",
    "floor",
    "max",
    "maximum",
    "min",
    "minimum",
    "round",
    "sign",
    "sort",
    "step",
]


def _check(name: str, temperature: Any) -> None:
    if not (temperature > 0 and temperature < math.inf):
        raise ArgumentError(
            explain(
                f"smooth.{name}: expected a positive temperature, got {temperature}",
                why="the relaxation is a function of x / temperature.",
                fix="pass temperature=0.1, say, or the hard function of wengert.numpy",
            )
        )


def step(x: Any, temperature: Any = 1.0) -> Any:
    """The logistic function ``1 / (1 + exp(-x / temperature))``, for ``x > 0``.

    Args:
        x: Array or number, real.
        temperature: Positive number.

    Returns:
        Numbers between 0 and 1, of the shape of `x`; 1/2 where `x` is 0.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> from wengert import smooth
        >>> float(smooth.step(0.0)), float(smooth.step(1.0, temperature=0.001))
        (0.5, 1.0)

    References:
        Verhulst, "Recherches mathématiques sur la loi d'accroissement de la
        population", 1845.
    """
    _check("step", temperature)
    return wnp.sigmoid(x / temperature)


def sign(x: Any, temperature: Any = 1.0) -> Any:
    """``tanh(x / temperature)``, for `numpy.sign`.

    Args:
        x: Array or number, real.
        temperature: Positive number.

    Returns:
        Numbers between -1 and 1, of the shape of `x`; 0 where `x` is 0.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> from wengert import smooth
        >>> float(smooth.sign(-1.0, temperature=0.01))
        -1.0
    """
    _check("sign", temperature)
    return wnp.tanh(x / temperature)


def floor(x: Any, temperature: Any = 0.1) -> Any:
    """`numpy.floor` averaged over a Cauchy distribution of scale `temperature`.

    ``x - 1/2 + arctan2(r sin(2 pi x), 1 - r cos(2 pi x)) / pi`` with
    ``r = exp(-2 pi temperature)``: the Fourier series of floor, its k-th term times
    ``r^k``. It increases strictly, its derivative is the Poisson kernel, and it tends
    to ``x - 1/2`` as the temperature grows.

    Args:
        x: Array or number, real.
        temperature: Positive number.

    Returns:
        Numbers of the shape of `x`; ``x - 1/2`` where `x` is an integer.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> from wengert import smooth
        >>> f"{smooth.floor(2.5, temperature=0.001):.6f}"
        '2.000000'

    References:
        Zygmund, *Trigonometric Series*, Cambridge 1959, ch. III.6 (Abel means).
    """
    _check("floor", temperature)
    decay = wnp.exp(-2.0 * math.pi * temperature)
    angle = math.pi * (x - wnp.floor(x))
    # 1 - r cos(2 a) without cancellation at small temperatures, where r is near 1.
    below = -wnp.expm1(-2.0 * math.pi * temperature) + 2.0 * decay * wnp.sin(angle) ** 2
    return x - 0.5 + wnp.arctan2(decay * wnp.sin(2.0 * angle), below) / math.pi


def round(x: Any, temperature: Any = 0.1) -> Any:
    """`numpy.round` averaged over a Cauchy distribution: ``floor(x + 1/2)``.

    Args:
        x: Array or number, real.
        temperature: Positive number.

    Returns:
        Numbers of the shape of `x`; `x` itself where it is half an integer.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> from wengert import smooth
        >>> f"{smooth.round(1.5):.3f} {smooth.round(2.0, temperature=0.001):.3f}"
        '1.500 2.000'
    """
    _check("round", temperature)
    return floor(x + 0.5, temperature)


def maximum(x: Any, y: Any, temperature: Any = 1.0) -> Any:
    """``temperature * log(exp(x / temperature) + exp(y / temperature))``.

    Args:
        x: Array or number, real.
        y: Array or number that broadcasts with `x`.
        temperature: Positive number.

    Returns:
        At least the maximum, and at most ``temperature * log(2)`` more.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> from wengert import smooth
        >>> float(smooth.maximum(1.0, 3.0, temperature=0.01))
        3.0

    References:
        Nesterov, "Smooth minimization of non-smooth functions", Mathematical
        Programming 103, 2005.
    """
    _check("maximum", temperature)
    return temperature * wnp.logaddexp(x / temperature, y / temperature)


def minimum(x: Any, y: Any, temperature: Any = 1.0) -> Any:
    """``-maximum(-x, -y)``.

    Args:
        x: Array or number, real.
        y: Array or number that broadcasts with `x`.
        temperature: Positive number.

    Returns:
        At most the minimum, and at least ``temperature * log(2)`` less.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> from wengert import smooth
        >>> float(smooth.minimum(1.0, 3.0, temperature=0.01))
        1.0
    """
    _check("minimum", temperature)
    return -temperature * wnp.logaddexp(-x / temperature, -y / temperature)


def max(x: Any, axis: Any = None, temperature: Any = 1.0) -> Any:
    """``temperature * log(sum(exp(x / temperature)))`` over the entries along an axis.

    Args:
        x: Array, real.
        axis: The axis or axes of the maximum; all where None.
        temperature: Positive number.

    Returns:
        At least the maximum of n entries, and at most ``temperature * log(n)`` more.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> import numpy as np
        >>> from wengert import smooth
        >>> float(smooth.max(np.array([1.0, 4.0, 2.0]), temperature=0.01))
        4.0
    """
    _check("max", temperature)
    return temperature * wnp.logsumexp(x / temperature, axis=axis)


def min(x: Any, axis: Any = None, temperature: Any = 1.0) -> Any:
    """``-max(-x)`` over the entries along an axis.

    Args:
        x: Array, real.
        axis: The axis or axes of the minimum; all where None.
        temperature: Positive number.

    Returns:
        At most the minimum of n entries, and at least ``temperature * log(n)`` less.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> import numpy as np
        >>> from wengert import smooth
        >>> float(smooth.min(np.array([1.0, 4.0, 2.0]), temperature=0.01))
        1.0
    """
    _check("min", temperature)
    return -temperature * wnp.logsumexp(-x / temperature, axis=axis)


def argmax(x: Any, axis: int = -1, temperature: Any = 1.0) -> Any:
    """The mean position under ``softmax(x / temperature)``, for `numpy.argmax`.

    Args:
        x: Array, real.
        axis: The axis along which the maximum is sought.
        temperature: Positive number.

    Returns:
        Numbers between 0 and n - 1: an array without that axis.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> import numpy as np
        >>> from wengert import smooth
        >>> float(smooth.argmax(np.array([1.0, 4.0, 2.0]), temperature=0.01))
        1.0

    References:
        Chapelle & Wu, "Gradient descent optimization of smoothed information retrieval
        metrics", Information Retrieval 13, 2010.
    """
    _check("argmax", temperature)
    last = wnp.moveaxis(wnp.asarray(x), axis, -1)
    weights = _softmax(last / temperature)
    return wnp.sum(weights * wnp.arange(last.shape[-1]), axis=-1)


def sort(x: Any, axis: int = -1, temperature: Any = 1.0) -> Any:
    """`numpy.sort` through a relaxed permutation matrix (SoftSort): ``argsort(x) @ x``.

    Args:
        x: Array, real, with n entries along the axis; time and memory grow with n^2.
        axis: The axis to sort along.
        temperature: Positive number.

    Returns:
        An array of the shape of `x`, in increasing order along the axis.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> import numpy as np
        >>> from wengert import smooth
        >>> smooth.sort(np.array([3.0, 1.0, 2.0]), temperature=0.01)
        array([1., 2., 3.])

    References:
        Prillo & Eisenschlos, "SoftSort: a continuous relaxation for the argsort
        operator", ICML 2020.
    """
    _check("sort", temperature)
    last = wnp.moveaxis(wnp.asarray(x), axis, -1)
    weights = argsort(last, temperature=temperature)
    ordered = wnp.sum(weights * wnp.expand_dims(last, -2), axis=-1)
    return wnp.moveaxis(ordered, -1, axis)


def argsort(x: Any, temperature: Any = 1.0) -> Any:
    """A relaxed permutation matrix that sorts the last axis (SoftSort).

    ``P[i, j] = softmax_j(-|sort(x)[i] - x[j]| / temperature)``

    Args:
        x: Array, real, of shape (..., n).
        temperature: Positive number.

    Returns:
        An array of shape (..., n, n) whose rows are non-negative and sum to 1; row i
        marks the place of the i-th smallest entry.

    Raises:
        ArgumentError: the temperature is not positive and finite.

    Example:
        >>> import numpy as np
        >>> from wengert import smooth
        >>> np.round(smooth.argsort(np.array([3.0, 1.0, 2.0]), temperature=0.01))
        array([[0., 1., 0.],
               [0., 0., 1.],
               [1., 0., 0.]])

    References:
        Prillo & Eisenschlos, "SoftSort: a continuous relaxation for the argsort
        operator", ICML 2020.
    """
    _check("argsort", temperature)
    x = wnp.asarray(x)
    ordered = wnp.sort(x, axis=-1)
    distances = wnp.absolute(wnp.expand_dims(ordered, -1) - wnp.expand_dims(x, -2))
    return _softmax(-distances / temperature)


def _softmax(x: Any) -> Any:
    return wnp.softmax(x, axis=-1)
