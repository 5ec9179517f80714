"""Sums, means, variances, extrema and truth over axes.

Outside a transformation NumPy's own functions run, with all their arguments.
"""

from __future__ import annotations

import builtins
import warnings
from math import prod as product_of
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import unwrap, wrap
from wengert._core.op import Op
from wengert._core.types import is_complex_dtype, is_inexact, type_of
from wengert._ops import reduction as ops
from wengert._ops.arithmetic import isnan, maximum, minimum, multiply, square
from wengert._ops.complex import imag, real
from wengert._ops.ordering import argmax as argmax_op
from wengert._ops.ordering import argmin as argmin_op
from wengert._ops.reduction import kept_shape, reduce_sum
from wengert._ops.structure import astype, broadcast_to, reshape, transpose
from wengert._ops.structure import where as where_op
from wengert.numpy._dispatch import as_array, like_numpy
from wengert.numpy._ufunc import _store
from wengert.numpy.shaping import normalize_axes, normalize_axis

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "max",
    "mean",
    "min",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nansum",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]

_MISSING: Any = np._NoValue  # NumPy's mark of an argument that was not given


def finish(out: Any, shape: Any, axes: Any, keepdims: Any, destination: Any) -> Any:
    """Keep the reduced axes as ones, and write to ``out=``, as asked."""
    if _is_set(keepdims):
        out = reshape(out, shape=kept_shape(shape, axes))
    return (
        wrap(out)
        if destination is None
        else _store("reduction", out, destination, True)
    )


def _is_set(keepdims: Any) -> bool:
    return keepdims is not _MISSING and bool(keepdims)


def _mask(where: Any, x: Any) -> Any:
    """The argument ``where=`` in the shape of x; None where it selects everything."""
    if where is _MISSING or where is True or where is None:
        return None
    return broadcast_to(as_array(where), shape=tuple(x.shape))


def _inexact_first(x: Any, dtype: Any) -> tuple[Any, Any]:
    """``(x, dtype)``, with x cast at once where dtype would cut its dependence."""
    if dtype is None:
        return x, None
    dtype = np.dtype(dtype)
    return (x, dtype) if is_inexact(dtype) else (cast(x, dtype), None)


def _total(x: Any, axes: Any, mask: Any, dtype: Any = None) -> Any:
    params = {"axes": axes} if dtype is None else {"axes": axes, "dtype": dtype}
    if mask is None:
        return reduce_sum(x, **params)
    return ops.masked_sum(x, mask, **params)


@like_numpy
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.sum``; `initial` is added to the sum at the end."""
    x, dtype = _inexact_first(as_array(a), dtype)
    axes = normalize_axes(axis, len(x.shape))
    total = _total(x, axes, _mask(where, x), dtype)
    if initial is not _MISSING:
        total = total + unwrap(initial)
    return finish(total, type_of(x).shape, axes, keepdims, out)


@like_numpy
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.prod``; its derivatives of every order hold where entries are 0."""
    x, dtype = _inexact_first(as_array(a), dtype)
    axes = normalize_axes(axis, len(x.shape))
    mask = _mask(where, x)
    factors = x if mask is None else where_op(mask, x, 1)
    params = {"axes": axes} if dtype is None else {"axes": axes, "dtype": dtype}
    product = ops.reduce_prod(factors, **params)
    if initial is not _MISSING:
        product = product * unwrap(initial)
    return finish(product, type_of(x).shape, axes, keepdims, out)


# -- means and variances --------------------------------------------------------------


def _count(shape: Any, axes: Any, mask: Any) -> Any:
    if mask is None:
        return product_of([shape[i] for i in axes])
    return reduce_sum(mask, axes=axes)


def _is_half(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.char == "e"


_WIDE = (np.dtype(np.float64), np.dtype(np.complex128))


def _divided(total: Any, count: Any) -> Any:
    """A sum over a count as NumPy divides it: in float64, then back to its dtype."""
    if not isinstance(total.dtype, np.dtype):
        return total / float(count) if isinstance(count, int) else total / count
    if isinstance(count, (int, float)):
        count = np.float64(count)
    if total.dtype in _WIDE:
        return total / count
    return astype(total / count, dtype=total.dtype)


def _summing_dtype(x: Any, dtype: Any) -> Any:
    if dtype is not None:
        return np.dtype(dtype)
    return None if is_inexact(x.dtype) else np.dtype(np.float64)


@like_numpy
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    *,
    where: Any = _MISSING,
) -> Any:
    """``numpy.mean``."""
    x = as_array(a)
    shape = x.shape
    axes, mask = normalize_axes(axis, len(shape)), _mask(where, x)
    count = _count(shape, axes, mask)
    if type(count) is int and count == 0:
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=3)
    half = dtype is None and _is_half(x.dtype)  # is summed in float32
    total = _total(x, axes, mask, np.float32 if half else _summing_dtype(x, dtype))
    result = _divided(total, count)
    if half:
        result = astype(result, dtype=x.dtype)
    return finish(result, shape, axes, keepdims, out)


def _squared_size(deviations: Any) -> Any:
    if not is_complex_dtype(deviations.dtype):
        return square(deviations)
    return square(real(deviations)) + square(imag(deviations))


def _variance(
    x: Any, axes: Any, dtype: Any, ddof: Any, mask: Any, given_mean: Any
) -> Any:
    dtype = _summing_dtype(x, dtype)
    count = _count(x.shape, axes, mask)
    if type(count) is int and ddof >= count:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
    kept = kept_shape(tuple(x.shape), axes)
    if given_mean is None:
        total = reshape(_total(x, axes, mask, dtype), shape=kept)
        divisor = count if mask is None else reshape(count, shape=kept)
        centre = _divided(total, divisor)
    else:
        centre = as_array(given_mean)
    squares = _squared_size(x - centre)
    if dtype is not None and is_complex_dtype(dtype):
        dtype = None
    total = _total(squares, axes, mask, dtype)
    free = count - ddof
    known = isinstance(free, (int, float))
    return _divided(total, builtins.max(free, 0) if known else maximum(free, 0))


def _degrees(ddof: Any, correction: Any) -> Any:
    if correction is _MISSING:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    return correction


@like_numpy
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = _MISSING,
    *,
    where: Any = _MISSING,
    mean: Any = _MISSING,
    correction: Any = _MISSING,
) -> Any:
    """``numpy.var``."""
    x = as_array(a)
    axes, mask = normalize_axes(axis, len(x.shape)), _mask(where, x)
    given_mean = None if mean is _MISSING else mean
    ddof = _degrees(ddof, correction)
    result = _variance(x, axes, dtype, ddof, mask, given_mean)
    return finish(result, type_of(x).shape, axes, keepdims, out)


@like_numpy
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = _MISSING,
    *,
    where: Any = _MISSING,
    mean: Any = _MISSING,
    correction: Any = _MISSING,
) -> Any:
    """``numpy.std``; its derivative where all entries are equal is 0."""
    x = as_array(a)
    axes, mask = normalize_axes(axis, len(x.shape)), _mask(where, x)
    given_mean = None if mean is _MISSING else mean
    ddof = _degrees(ddof, correction)
    result = ops.deviation(_variance(x, axes, dtype, ddof, mask, given_mean))
    return finish(result, type_of(x).shape, axes, keepdims, out)


@like_numpy
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = _MISSING,
) -> Any:
    """``numpy.average``, differentiable in the array and in the weights."""
    x = as_array(a)
    axes = normalize_axes(axis, len(x.shape))
    shape = type_of(x).shape
    if weights is None:
        result = mean(a, axis, keepdims=keepdims)
        count = unwrap(result).dtype.type(_count(x.shape, axes, None))
        return (result, wrap(_as_shape(count, result))) if returned else result
    w = _weights(x, as_array(weights), axis, axes)
    parts = [x.dtype, w.dtype] + ([] if is_inexact(x.dtype) else [np.dtype("f8")])
    dtype = np.result_type(*parts)
    scale = reduce_sum(w, axes=axes, dtype=dtype)
    if wrap(ops.reduce_any(scale == 0.0, axes=tuple(range(scale.ndim)))):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    terms = multiply(cast(x, dtype), cast(w, dtype))
    result = finish(reduce_sum(terms, axes=axes) / scale, shape, axes, keepdims, None)
    if not returned:
        return result
    return result, finish(scale, shape, axes, keepdims, None)


def _as_shape(count: Any, like: Any) -> Any:
    shape = tuple(unwrap(like).shape)
    return broadcast_to(count, shape=shape) if shape else count


def _weights(x: Any, w: Any, axis: Any, axes: Any) -> Any:
    """Weights in the shape of the array, or NumPy's errors."""
    shape = tuple(x.shape)
    if tuple(w.shape) == shape:
        return w
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    order = axis if isinstance(axis, (tuple, list)) else (axis,)
    given = tuple(normalize_axis(i, len(shape)) for i in order)
    if tuple(w.shape) != tuple(shape[i] for i in given):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    sorted_weights = transpose(w, axes=tuple(given.index(i) for i in axes))
    lanes = tuple(n if i in axes else 1 for i, n in enumerate(shape))
    return broadcast_to(reshape(sorted_weights, shape=lanes), shape=shape)


# -- extrema --------------------------------------------------------------------------


def _extremum(
    op: Op,
    pairwise: Op,
    a: Any,
    axis: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    x = as_array(a)
    axes = normalize_axes(axis, len(x.shape))
    shape = type_of(x).shape
    mask = _mask(where, x)
    if initial is _MISSING:
        if mask is not None:
            raise ValueError(
                f"reduction operation '{pairwise.name}' does not have an identity, so "
                "to use a where mask one has to specify 'initial'"
            )
        return finish(op(x, axes=axes), shape, axes, keepdims, out)
    start = cast(unwrap(initial), x.dtype)
    start = (
        astype(np.asarray(start), dtype=x.dtype)
        if not hasattr(start, "dtype")
        else start
    )
    if mask is not None:
        x = where_op(mask, x, start)
    if _count(x.shape, axes, None) == 0:
        empty = tuple(n for i, n in enumerate(shape) if i not in axes)
        return finish(broadcast_to(start, shape=empty), shape, axes, keepdims, out)
    return finish(pairwise(op(x, axes=axes), start), shape, axes, keepdims, out)


@like_numpy
def max(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.max``; entries that tie share the derivative equally."""
    return _extremum(ops.reduce_max, maximum, a, axis, out, keepdims, initial, where)


@like_numpy
def min(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.min``; entries that tie share the derivative equally."""
    return _extremum(ops.reduce_min, minimum, a, axis, out, keepdims, initial, where)


amax, amin = max, min


@like_numpy
def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.nanmax``; entries that tie share the derivative equally."""
    return _extremum(ops.reduce_fmax, maximum, a, axis, out, keepdims, initial, where)


@like_numpy
def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.nanmin``; entries that tie share the derivative equally."""
    return _extremum(ops.reduce_fmin, minimum, a, axis, out, keepdims, initial, where)


@like_numpy
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = _MISSING) -> Any:
    """``numpy.ptp``: the maximum less the minimum."""
    x = as_array(a)
    axes = normalize_axes(axis, len(x.shape))
    spread = ops.reduce_max(x, axes=axes) - ops.reduce_min(x, axes=axes)
    return finish(spread, type_of(x).shape, axes, keepdims, out)


def _position(op: Op, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    x = as_array(a)
    shape = type_of(x).shape
    axes = normalize_axes(axis, len(shape))
    if axis is None:
        x, along = reshape(x, shape=(product_of(shape),)), 0
    else:
        along = normalize_axis(axis, len(shape))
    return finish(op(x, axis=along), shape, axes, keepdims, out)


@like_numpy
def argmax(
    a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _MISSING
) -> Any:
    """``numpy.argmax``: positions, which carry no derivative."""
    return _position(argmax_op, a, axis, out, keepdims)


@like_numpy
def argmin(
    a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _MISSING
) -> Any:
    """``numpy.argmin``: positions, which carry no derivative."""
    return _position(argmin_op, a, axis, out, keepdims)


# -- truth ----------------------------------------------------------------------------


def _truth(
    op: Op, neutral: bool, a: Any, axis: Any, out: Any, keepdims: Any, where: Any
) -> Any:
    x = as_array(a)
    axes, mask = normalize_axes(axis, len(x.shape)), _mask(where, x)
    if mask is not None:
        x = where_op(mask, x != 0, neutral)
    return finish(op(x, axes=axes), type_of(x).shape, axes, keepdims, out)


@like_numpy
def any(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    *,
    where: Any = _MISSING,
) -> Any:
    """``numpy.any``: truth, which carries no derivative."""
    return _truth(ops.reduce_any, False, a, axis, out, keepdims, where)


@like_numpy
def all(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    *,
    where: Any = _MISSING,
) -> Any:
    """``numpy.all``: truth, which carries no derivative."""
    return _truth(ops.reduce_all, True, a, axis, out, keepdims, where)


@like_numpy
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``numpy.count_nonzero``: a count, which carries no derivative."""
    x = as_array(a)
    axes = normalize_axes(axis, len(x.shape))
    return finish(reduce_sum(x != 0, axes=axes), type_of(x).shape, axes, keepdims, None)


# -- without NaN ----------------------------------------------------------------------


def _replaced(a: Any, value: float) -> tuple[Any, Any]:
    """``(the array with a value in place of NaN, where it was NaN or None)``."""
    x = as_array(a)
    if not is_inexact(x.dtype):
        return x, None
    gaps = isnan(x)
    return where_op(gaps, value, x), gaps


@like_numpy
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.nansum``; the derivative with respect to a NaN is 0."""
    return sum(wrap(_replaced(a, 0)[0]), axis, dtype, out, keepdims, initial, where)


@like_numpy
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    initial: Any = _MISSING,
    where: Any = _MISSING,
) -> Any:
    """``numpy.nanprod``; the derivative with respect to a NaN is 0."""
    return prod(wrap(_replaced(a, 1)[0]), axis, dtype, out, keepdims, initial, where)


@like_numpy
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _MISSING,
    *,
    where: Any = _MISSING,
) -> Any:
    """``numpy.nanmean``; the derivative with respect to a NaN is 0."""
    x, gaps = _replaced(a, 0)
    if gaps is None:
        return mean(a, axis, dtype, out, keepdims, where=where)
    axes, mask = normalize_axes(axis, len(x.shape)), _mask(where, x)
    present = gaps == 0
    count = _total(present, axes, mask)
    total = _total(x, axes, mask, None if dtype is None else np.dtype(dtype))
    return finish(_divided(total, count), type_of(x).shape, axes, keepdims, out)
