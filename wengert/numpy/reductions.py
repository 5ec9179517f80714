"""Sums, means, variances, extrema and truth over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import unwrap, wrap
from wengert._core.types import type_of
from wengert._ops.reduction import kept_shape, reduce_sum
from wengert._ops.structure import reshape
from wengert.numpy._ufunc import _store
from wengert.numpy.shaping import normalize_axes

__all__ = [
    "sum",
]


def _as_array(x: Any) -> Any:
    value = unwrap(x)
    return value if hasattr(value, "shape") else np.asarray(value)


def finish(out: Any, shape: Any, axes: Any, keepdims: bool, destination: Any) -> Any:
    """Keep the reduced axes as ones, and write to ``out=``, as asked."""
    if keepdims:
        out = reshape(out, shape=kept_shape(shape, axes))
    return wrap(out) if destination is None else _store("reduction", out, destination, True)


def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    """``numpy.sum``."""
    x = _as_array(a)
    if dtype is not None:
        x = cast(x, np.dtype(dtype))
    axes = normalize_axes(axis, len(x.shape))
    return finish(reduce_sum(x, axes=axes), type_of(x).shape, axes, keepdims, out)
