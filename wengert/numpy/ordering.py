"""Sorting, searching, and what is read off sorted arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import unwrap, wrap
from wengert._core.interp import is_known
from wengert._core.source import explain
from wengert._core.types import is_complex_dtype, is_inexact
from wengert._ops import ordering as ops
from wengert._ops.arithmetic import isnan
from wengert._ops.index import Slot
from wengert._ops.indexing import add_at, getitem
from wengert._ops.reduction import along, kept_shape
from wengert._ops.structure import (
    broadcast_to,
    concatenate,
    full,
    iota,
    reshape,
    transpose,
    where,
)
from wengert.errors import MissingRuleError
from wengert.numpy._dispatch import as_array, constant, like_numpy
from wengert.numpy._ufunc import _store
from wengert.numpy.reductions import mean
from wengert.numpy.shaping import normalize_axes, normalize_axis

__all__ = [
    "argsort",
    "argwhere",
    "bincount",
    "digitize",
    "flatnonzero",
    "lexsort",
    "median",
    "nonzero",
    "percentile",
    "quantile",
    "searchsorted",
    "sort",
    "unique",
]

lexsort = constant("lexsort")
unique = constant("unique")


def _sorting(a: Any, axis: Any, kind: Any, order: Any, stable: Any) -> tuple[Any, ...]:
    np.sort(np.zeros(1), kind=kind, order=order, stable=stable)  # NumPy's errors
    x = as_array(a)
    if axis is None:
        x, axis = reshape(x, shape=(prod(x.shape),)), 0
    return x, normalize_axis(axis, len(x.shape)), "stable" if stable else kind


@like_numpy
def sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """``numpy.sort``.

    The derivative is carried by the permutation; entries that tie keep their order in
    the array, whatever `kind` is.
    """
    x, axis, kind = _sorting(a, axis, kind, order, stable)
    return wrap(ops.sort(x, axis=axis, kind=kind))


@like_numpy
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """``numpy.argsort``: positions, which carry no derivative."""
    x, axis, kind = _sorting(a, axis, kind, order, stable)
    return wrap(ops.argsort(x, axis=axis, kind=kind))


@like_numpy
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """``numpy.searchsorted``: positions, which carry no derivative."""
    np.searchsorted(np.zeros(1), 0.0, side=side)  # NumPy's error
    ordered = as_array(a)
    if sorter is not None:
        ordered = ops.take(ordered, as_array(sorter), axis=0)
    return wrap(ops.searchsorted(ordered, as_array(v), side=side))


@like_numpy
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """``numpy.digitize``: positions, which carry no derivative."""
    value, edges = as_array(x), as_array(bins)
    if is_complex_dtype(value.dtype):
        raise TypeError("x may not be complex")
    side = "left" if right else "right"
    steps = getitem(edges, index=(slice(1, None),)) - getitem(
        edges, index=(slice(None, -1),)
    )
    if wrap(steps >= 0).all():
        return wrap(ops.searchsorted(edges, value, side=side))
    if not wrap(steps <= 0).all():
        raise ValueError("bins must be monotonically increasing or decreasing")
    falling = getitem(edges, index=(slice(None, None, -1),))
    return wrap(edges.shape[0] - ops.searchsorted(falling, value, side=side))


def _nonzero(a: Any) -> tuple[Any, ...]:
    """Positions where the values of this run are not 0."""
    mask = as_array(a) != 0
    if is_known(mask):
        return np.nonzero(np.asarray(wrap(mask)))
    return tuple(
        getitem(_indices(mask.shape, axis), mask, index=(Slot(0),))
        for axis in range(len(mask.shape))
    )


def _indices(shape: Any, axis: int) -> Any:
    """The index along one axis, as an array of this shape."""
    lanes = tuple(n if i == axis else 1 for i, n in enumerate(shape))
    return broadcast_to(reshape(iota(size=shape[axis]), shape=lanes), shape=shape)


@like_numpy
def nonzero(a: Any) -> Any:
    """``numpy.nonzero``: positions, which carry no derivative."""
    if not as_array(a).shape:
        np.nonzero(np.zeros(()))  # NumPy's error
    return tuple(map(wrap, _nonzero(a)))


@like_numpy
def flatnonzero(a: Any) -> Any:
    """``numpy.flatnonzero``: positions, which carry no derivative."""
    x = as_array(a)
    return wrap(_nonzero(wrap(reshape(x, shape=(prod(x.shape),))))[0])


@like_numpy
def argwhere(a: Any) -> Any:
    """``numpy.argwhere``: positions, which carry no derivative."""
    if is_known(as_array(a)):
        return wrap(np.argwhere(np.asarray(wrap(as_array(a) != 0))))
    columns = [reshape(p, shape=(p.shape[0], 1)) for p in _nonzero(a)]
    return wrap(concatenate(*columns, axis=1))


@like_numpy
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """``numpy.bincount``, differentiable in the weights."""
    positions = np.asarray(x)
    if weights is None:
        return wrap(np.bincount(positions, minlength=minlength))
    w = as_array(weights)
    length = np.bincount(positions, minlength=minlength).shape[0]
    if tuple(w.shape) != positions.shape:
        raise ValueError("The weights and list don't have the same length.")
    w = cast(w, np.dtype(np.float64))
    empty = full(shape=(length,), value=0.0, dtype=np.dtype(np.float64))
    return wrap(add_at(empty, w, positions, index=(Slot(0),)))


# -- order statistics -----------------------------------------------------------------


def _lanes(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """The reduced axes merged into one, the last, and sorted."""
    shape = tuple(x.shape)
    axes = normalize_axes(axis, len(shape))
    rest = tuple(i for i in range(len(shape)) if i not in axes)
    if axes != (len(shape) - 1,):
        moved = transpose(x, axes=(*rest, *axes))
        count = prod(shape[i] for i in axes)
        x = reshape(moved, shape=(*(shape[i] for i in rest), count))
    return ops.sort(x, axis=len(rest)), axes


def _or_nan(result: Any, ordered: Any) -> Any:
    """NaN where a lane has one: it was sorted to the end."""
    if not is_inexact(ordered.dtype):
        return result
    last = getitem(ordered, index=(Ellipsis, -1))
    return where(isnan(last), last, result)


@like_numpy
def median(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """``numpy.median``; entries that tie are taken in their order in the array."""
    x = as_array(a)
    ordered, axes = _lanes(x, axis)
    last = len(ordered.shape) - 1
    count = ordered.shape[last]
    if not count:
        return mean(a, axes, out=out, keepdims=keepdims)
    half = count // 2
    index = along(last, half - 1 + count % 2, half + 1)
    middle = unwrap(mean(wrap(getitem(ordered, index=index)), last))
    result = _or_nan(middle, ordered)
    if keepdims:
        result = reshape(result, shape=kept_shape(tuple(x.shape), axes))
    return wrap(result) if out is None else _store("median", result, out, True)


@like_numpy
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """``numpy.quantile`` by linear interpolation, of constant `q`."""
    return _quantile("Quantiles must be in the range [0, 1]", 1, **locals())


@like_numpy
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """``numpy.percentile`` by linear interpolation, of constant `q`."""
    return _quantile("Percentiles must be in the range [0, 100]", 100, **locals())


def _quantile(
    message: str,
    whole: int,
    a: Any,
    q: Any,
    axis: Any,
    out: Any,
    overwrite_input: bool,
    method: str,
    keepdims: bool,
    weights: Any,
) -> Any:
    x = as_array(a)
    if is_complex_dtype(x.dtype):
        raise TypeError("a must be an array of real numbers")
    if method != "linear" or weights is not None:
        raise MissingRuleError(
            explain(
                f"quantile: method={method!r}"
                + ("" if weights is None else " with weights")
                + " has no derivative rule",
                fix='leave both out: method="linear" interpolates',
            )
        )
    weak = type(q) in (int, float)
    fractions = np.asarray(q) if whole == 1 else np.true_divide(q, whole, out=...)
    if fractions.size and not (fractions.min() >= 0 and fractions.max() <= 1):
        raise ValueError(message)
    if fractions.ndim > 2:
        raise ValueError("q must be a scalar or 1d")
    ordered, axes = _lanes(x, axis)
    result = _interpolated(ordered, fractions, weak)
    if keepdims:
        kept = kept_shape(tuple(x.shape), axes)
        result = reshape(result, shape=(*fractions.shape, *kept))
    return wrap(result) if out is None else _store("quantile", result, out, True)


def _interpolated(ordered: Any, fractions: np.ndarray, weak: bool) -> Any:
    """As NumPy interpolates: from the nearer end, so that it is exact at both."""
    rest = len(ordered.shape) - 1
    count = ordered.shape[rest]
    places = np.asarray((count - 1) * fractions)
    if places.dtype.kind in "iu":
        return _or_nan(_entries(ordered, places, rest), ordered)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, count - 1)
    t: Any = np.asarray(places - below)
    t = float(t) if weak else t.reshape(t.shape + (1,) * rest)
    low, high = _entries(ordered, below, rest), _entries(ordered, above, rest)
    step = high - low
    nearer_high = np.asarray(t) >= 0.5
    result = where(nearer_high, high - step * (1 - t), low + step * t)
    return _or_nan(result, ordered)


def _entries(ordered: Any, positions: np.ndarray, rest: int) -> Any:
    """Entries of every lane, the axes of the positions in front."""
    if not positions.ndim:
        return getitem(ordered, index=(Ellipsis, int(positions)))
    taken = ops.take(ordered, positions, axis=rest)
    front = range(rest, rest + positions.ndim)
    return transpose(taken, axes=(*front, *range(rest)))
