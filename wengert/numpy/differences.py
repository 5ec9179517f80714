"""Running sums and products, differences, and integrals of samples."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import unwrap, wrap
from wengert._core.op import Op
from wengert._core.types import is_inexact, ndim_of
from wengert._ops import reduction as ops
from wengert._ops.arithmetic import not_equal, subtract
from wengert._ops.indexing import getitem
from wengert._ops.reduction import along, reduce_sum
from wengert._ops.structure import broadcast_to, concatenate, reshape
from wengert.numpy._dispatch import as_array, like_numpy
from wengert.numpy._ufunc import _store
from wengert.numpy.shaping import normalize_axes, normalize_axis

__all__ = ["cumprod", "cumsum", "diff", "ediff1d", "gradient", "trapezoid"]

_MISSING: Any = np._NoValue


def _accumulated(op: Op, a: Any, axis: Any, dtype: Any, out: Any) -> Any:
    x = as_array(a)
    if axis is None:
        x, axis = reshape(x, shape=(prod(x.shape),)), 0
    axis = normalize_axis(axis, len(x.shape))
    if dtype is not None:
        x = cast(x, np.dtype(dtype))
    result = op(x, axis=axis)
    return wrap(result) if out is None else _store(op.name, result, out, True)


@like_numpy
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """``numpy.cumsum``."""
    return _accumulated(ops.cumsum, a, axis, dtype, out)


@like_numpy
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """``numpy.cumprod``; its derivatives of every order hold where entries are 0."""
    return _accumulated(ops.cumprod, a, axis, dtype, out)


def _range(x: Any, axis: int, start: Any, stop: Any) -> Any:
    return getitem(x, index=along(axis, start, stop))


@like_numpy
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = _MISSING, append: Any = _MISSING
) -> Any:
    """``numpy.diff``."""
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    x = as_array(a)
    if not x.shape:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalize_axis(axis, len(x.shape))
    parts = [_edge(prepend, x, axis), x, _edge(append, x, axis)]
    given = [part for part in parts if part is not None]
    if len(given) > 1:
        x = concatenate(*given, axis=axis)
    op = not_equal if str(x.dtype).endswith("bool") else subtract
    for _ in range(n):
        x = op(_range(x, axis, 1, None), _range(x, axis, None, -1))
    return wrap(x)


def _edge(value: Any, x: Any, axis: int) -> Any:
    if value is _MISSING:
        return None
    edge = as_array(value)
    if edge.shape:
        return edge
    shape = tuple(x.shape)
    return broadcast_to(edge, shape=(*shape[:axis], 1, *shape[axis + 1 :]))


@like_numpy
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``numpy.ediff1d``."""
    x = as_array(ary)
    x = reshape(x, shape=(prod(x.shape),))
    parts = [_range(x, 0, 1, None) - _range(x, 0, None, -1)]
    for name, given in (("to_begin", to_begin), ("to_end", to_end)):
        if given is None:
            continue
        end = as_array(given)
        if not np.can_cast(end.dtype, x.dtype, casting="same_kind"):
            raise TypeError(
                f"dtype of `{name}` must be compatible with input `ary` under the "
                "`same_kind` rule."
            )
        end = cast(reshape(end, shape=(prod(end.shape),)), x.dtype)
        parts.insert(0 if name == "to_begin" else len(parts), end)
    return wrap(parts[0] if len(parts) == 1 else concatenate(*parts, axis=0))


# -- derivatives of samples -----------------------------------------------------------


@like_numpy
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``numpy.gradient`` of samples, differentiable in the spacings too."""
    x = as_array(f)
    if not is_inexact(x.dtype):
        x = cast(x, np.dtype(np.float64))
    ndim = len(x.shape)
    if axis is None:
        axes = tuple(range(ndim))
    else:
        given = axis if isinstance(axis, (tuple, list)) else (axis,)
        normalize_axes(axis, ndim)
        axes = tuple(normalize_axis(i, ndim) for i in given)
    spacings = _spacings(x, varargs, axes)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    results = []
    for i, step in zip(axes, spacings, strict=True):
        if x.shape[i] < edge_order + 1:
            raise ValueError(
                "Shape of array too small to calculate a numerical gradient, "
                "at least (edge_order + 1) elements are required."
            )
        parts = [
            _edge_difference(x, i, step, edge_order, at_end=False),
            _inner_difference(x, i, step),
            _edge_difference(x, i, step, edge_order, at_end=True),
        ]
        joined = concatenate(*(cast(part, x.dtype) for part in parts), axis=i)
        results.append(wrap(joined))
    return results[0] if len(results) == 1 else tuple(results)


def _spacings(x: Any, varargs: tuple[Any, ...], axes: tuple[int, ...]) -> list[Any]:
    """For each axis a step, or the steps between its coordinates."""
    if not varargs:
        return [1.0] * len(axes)
    values = [unwrap(v) for v in varargs]
    if len(values) == 1 and ndim_of(as_array(values[0])) == 0:
        return values * len(axes)
    if len(values) != len(axes):
        raise TypeError("invalid number of arguments")
    return [
        v if ndim_of(as_array(v)) == 0 else _steps(as_array(v), x.shape[i])
        for v, i in zip(values, axes, strict=True)
    ]


def _steps(coordinates: Any, count: int) -> Any:
    if len(coordinates.shape) != 1:
        raise ValueError("distances must be either scalars or 1d")
    if coordinates.shape[0] != count:
        raise ValueError(
            "when 1d, distances must match the length of the corresponding dimension"
        )
    if not is_inexact(coordinates.dtype):
        coordinates = cast(coordinates, np.dtype(np.float64))
    steps = _range(coordinates, 0, 1, None) - _range(coordinates, 0, None, -1)
    # As NumPy does; traced steps that agree only for these values must stay apart.
    if isinstance(steps, np.ndarray) and (steps == steps[0]).all():
        return steps[0]
    return steps


def _on_axis(weights: Any, axis: int, ndim: int) -> Any:
    if ndim_of(weights) == 0:
        return weights
    return reshape(weights, shape=(1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


def _inner_difference(x: Any, axis: int, step: Any) -> Any:
    before, here, behind = (
        _range(x, axis, None, -2),
        _range(x, axis, 1, -1),
        _range(x, axis, 2, None),
    )
    if ndim_of(step) == 0:
        return (behind - before) / (2.0 * step)
    left, right = _range(step, 0, 0, -1), _range(step, 0, 1, None)
    a = -right / (left * (left + right))
    b = (right - left) / (left * right)
    c = left / (right * (left + right))
    a, b, c = (_on_axis(w, axis, len(x.shape)) for w in (a, b, c))
    return a * before + b * here + c * behind


def _edge_difference(x: Any, axis: int, step: Any, order: int, at_end: bool) -> Any:
    """One-sided differences of first or second order, as an axis of length 1."""
    if order == 1:
        if ndim_of(step):
            step = getitem(step, index=(-1 if at_end else 0,))
        if at_end:
            return (_range(x, axis, -1, None) - _range(x, axis, -2, -1)) / step
        return (_range(x, axis, 1, 2) - _range(x, axis, 0, 1)) / step
    if ndim_of(step) == 0:
        signed = [-1.5, 2.0, -0.5] if not at_end else [0.5, -2.0, 1.5]
        a, b, c = (w / step for w in signed)
    elif not at_end:
        dx1, dx2 = getitem(step, index=(0,)), getitem(step, index=(1,))
        a = -(2.0 * dx1 + dx2) / (dx1 * (dx1 + dx2))
        b = (dx1 + dx2) / (dx1 * dx2)
        c = -dx1 / (dx2 * (dx1 + dx2))
    else:
        dx1, dx2 = getitem(step, index=(-2,)), getitem(step, index=(-1,))
        a = dx2 / (dx1 * (dx1 + dx2))
        b = -(dx2 + dx1) / (dx1 * dx2)
        c = (2.0 * dx2 + dx1) / (dx2 * (dx1 + dx2))
    first = x.shape[axis] - 3 if at_end else 0
    u, v, w = (_range(x, axis, first + i, first + i + 1) for i in range(3))
    return a * u + b * v + c * w


@like_numpy
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``numpy.trapezoid``, differentiable in the samples and in their places."""
    values = as_array(y)
    ndim = len(values.shape)
    axis = normalize_axis(axis, ndim)
    if x is None:
        steps = unwrap(dx)
    else:
        places = as_array(x)
        if len(places.shape) == 1:
            steps = _range(places, 0, 1, None) - _range(places, 0, None, -1)
            steps = _on_axis(steps, axis, ndim)
        else:
            steps = unwrap(diff(wrap(places), axis=axis))
    pairs = _range(values, axis, 1, None) + _range(values, axis, None, -1)
    return wrap(reduce_sum(steps * pairs / 2.0, axes=(axis,)))
