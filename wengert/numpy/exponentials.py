"""Sums of exponentials and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import unwrap
from wengert._core.types import is_inexact, type_of
from wengert._ops import reduction as ops
from wengert._ops.arithmetic import isfinite, stop_gradient
from wengert._ops.reduction import kept_shape, reduce_sum
from wengert._ops.structure import broadcast_to, reshape, where
from wengert._ops.transcendental import exp, log
from wengert.numpy._dispatch import as_array
from wengert.numpy._ufunc import apply
from wengert.numpy.reductions import finish
from wengert.numpy.shaping import normalize_axes

__all__ = ["log_softmax", "logsumexp", "softmax"]


def _along(a: Any, axis: Any) -> tuple[Any, Any]:
    x = as_array(a)
    if not is_inexact(x.dtype):
        x = cast(x, np.dtype(np.float64))
    return x, normalize_axes(axis, len(x.shape))


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """The logarithm of a sum of exponentials, ``log(sum(b * exp(a), axis))``.

    Neither overflows nor loses the small terms. Entries may be infinite: the result is
    inf where one is inf, and -inf, with the derivative 0, where all are -inf.

    Args:
        a: Array of any shape.
        axis: An axis or a tuple of axes; None for all.
        b: Weights that broadcast with `a`.
        keepdims: Keep the reduced axes with length 1.

    Returns:
        An array of the shape of `a` without the reduced axes.

    Example:
        >>> import numpy as np, wengert.numpy as wnp
        >>> float(wnp.logsumexp(np.array([0.0, 0.0, -1000.0])))  # log 2
        0.6931471805599...

    References:
        Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and softmax
        functions", IMA J. Numer. Anal. 41, 2021.
    """
    x, axes = _along(a, axis)
    shape = type_of(x).shape
    if b is None:
        result = apply(ops.logsumexp, x, axes=axes)
        return finish(unwrap(result), shape, axes, keepdims, None)
    weights = as_array(b)
    x = broadcast_to(x, shape=np.broadcast_shapes(x.shape, weights.shape))
    axes = normalize_axes(axis, len(x.shape))
    top = stop_gradient(ops.reduce_max(x, axes=axes))
    top = where(isfinite(top), top, 0.0)
    below = x - reshape(top, shape=kept_shape(tuple(x.shape), axes))
    result = log(reduce_sum(weights * exp(below), axes=axes)) + top
    return finish(result, type_of(x).shape, axes, keepdims, None)


def softmax(x: Any, axis: Any = None) -> Any:
    """Exponentials over their sum, ``exp(x) / sum(exp(x), axis)``.

    Beside an entry inf all finite ones get 0, and several share equally. Where all are
    -inf, as in a row that is masked out, the result is 0, not NaN.

    Args:
        x: Array of any shape.
        axis: An axis or a tuple of axes; None for all, as in SciPy.

    Returns:
        An array of the shape of `x` whose entries add up to 1 along `axis`.

    Example:
        >>> import numpy as np, wengert.numpy as wnp
        >>> wnp.softmax(np.array([0.0, 0.0, -np.inf]))
        array([0.5, 0.5, 0. ])
    """
    value, axes = _along(x, axis)
    return apply(ops.softmax, value, axes=axes)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax`, accurate where that underflows.

    Args:
        x: Array of any shape.
        axis: An axis or a tuple of axes; None for all, as in SciPy.

    Returns:
        An array of the shape of `x`.

    Example:
        >>> import numpy as np, wengert.numpy as wnp
        >>> wnp.log_softmax(np.array([0.0, -1000.0]))
        array([    0., -1000.])
    """
    value, axes = _along(x, axis)
    return apply(ops.log_softmax, value, axes=axes)
