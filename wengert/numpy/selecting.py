"""Taking, flipping and turning parts of arrays, and writing to parts of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import TracedArray, TracedScalar, unwrap, wrap
from wengert._array.views import IndexStep, ReshapeStep, Step, TransposeStep, follow
from wengert._core.interp import Tracer
from wengert._core.types import is_inexact
from wengert._ops import ordering as ops
from wengert._ops import structure
from wengert._ops.arithmetic import maximum, minimum, remainder
from wengert._ops.indexing import getitem, update
from wengert._ops.reduction import along, reduce_sum
from wengert._ops.structure import concatenate, full, reshape
from wengert._ops.structure import where as where_op
from wengert.numpy._dispatch import as_array, like_numpy
from wengert.numpy._ufunc import _store, raise_plain_write
from wengert.numpy.ordering import flatnonzero
from wengert.numpy.shaping import normalize_axis, swapaxes, transpose

__all__ = [
    "compress",
    "copyto",
    "diag",
    "diagflat",
    "diagonal",
    "extract",
    "fill_diagonal",
    "flip",
    "fliplr",
    "flipud",
    "place",
    "put",
    "put_along_axis",
    "putmask",
    "roll",
    "rollaxis",
    "rot90",
    "take",
    "take_along_axis",
    "trace",
    "tril",
    "triu",
]

# -- taking ---------------------------------------------------------------------------


def _flat(x: Any) -> Any:
    return reshape(x, shape=(prod(x.shape),))


def _in_range(positions: Any, count: int, mode: str) -> Any:
    if mode == "wrap":
        return remainder(positions, count)
    if mode == "clip":
        return minimum(maximum(positions, 0), count - 1)
    return positions


@like_numpy
def take(
    a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise"
) -> Any:
    """``numpy.take``."""
    x = as_array(a)
    if axis is None:
        x, axis = _flat(x), 0
    axis = normalize_axis(axis, len(x.shape))
    positions = as_array(indices)
    np.take(np.zeros(1), np.zeros(0, positions.dtype))  # NumPy's error
    positions = _in_range(positions, x.shape[axis], mode)
    result = ops.take(x, cast(positions, np.dtype(np.intp)), axis=axis)
    return wrap(result) if out is None else _store("take", result, out, True)


def _along_arguments(arr: Any, indices: Any, axis: Any) -> tuple[Any, Any, int]:
    x, positions = as_array(arr), as_array(indices)
    if positions.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        if len(positions.shape) != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        x, axis = _flat(x), 0
    axis = normalize_axis(axis, len(x.shape))
    if len(x.shape) != len(positions.shape):
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return x, positions, axis


@like_numpy
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """``numpy.take_along_axis``."""
    x, positions, axis = _along_arguments(arr, indices, axis)
    return wrap(ops.take_along(x, positions, axis))


@like_numpy
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    """``numpy.put_along_axis``: writes into the array."""
    target = _writable(arr, values)
    if axis is None:
        target, axis = target.reshape(-1), 0
    x, positions, axis = _along_arguments(target, indices, axis)
    key: list[Any] = [
        np.arange(n).reshape((n,) + (1,) * (len(x.shape) - i - 1))
        for i, n in enumerate(x.shape)
    ]
    key[axis] = wrap(positions)
    target[tuple(key)] = values


@like_numpy
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """``numpy.compress``."""
    if np.ndim(condition) != 1:
        raise ValueError("condition must be a 1-d array")
    return take(a, flatnonzero(condition), axis, out)


@like_numpy
def extract(condition: Any, arr: Any) -> Any:
    """``numpy.extract``."""
    return take(arr, flatnonzero(condition))


# -- turning --------------------------------------------------------------------------


@like_numpy
def flip(m: Any, axis: Any = None) -> Any:
    """``numpy.flip``: a view."""
    if isinstance(m, TracedScalar):
        return m
    if not isinstance(m, TracedArray):
        m = wrap(as_array(m))
    ndim = len(m.shape)
    axes = range(ndim) if axis is None else axis
    axes = axes if isinstance(axes, (range, tuple, list)) else (axes,)
    chosen = {normalize_axis(i, ndim) for i in axes}
    key = tuple(slice(None, None, -1 if i in chosen else None) for i in range(ndim))
    return m[key]


def _at_least_2d(m: Any, least: int = 2) -> None:
    if len(m.shape) < least:
        raise ValueError(f"Input must be >= {least}-d.")


@like_numpy
def flipud(m: Any) -> Any:
    """``numpy.flipud``: a view."""
    _at_least_2d(m, 1)
    return flip(m, 0)


@like_numpy
def fliplr(m: Any) -> Any:
    """``numpy.fliplr``: a view."""
    _at_least_2d(m)
    return flip(m, 1)


@like_numpy
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """``numpy.rot90``: a view."""
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    ndim = len(m.shape)
    if axes[0] == axes[1] or abs(axes[0] - axes[1]) == ndim:
        raise ValueError("Axes must be different.")
    if any(not -ndim <= i < ndim for i in axes):
        raise ValueError(f"Axes={tuple(axes)} out of range for array of ndim={ndim}.")
    turns = k % 4
    if turns == 0:
        return m[:]
    if turns == 2:
        return flip(flip(m, axes[0]), axes[1])
    if turns == 1:
        return swapaxes(flip(m, axes[1]), axes[0], axes[1])
    return flip(swapaxes(m, axes[0], axes[1]), axes[1])


@like_numpy
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """``numpy.roll``; under `jit` the shift may be a traced integer."""
    x = as_array(a)
    if axis is None:
        return wrap(reshape(_rolled(_flat(x), shift, (0,)), shape=tuple(x.shape)))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return wrap(_rolled(x, shift, [normalize_axis(i, len(x.shape)) for i in axes]))


def _rolled(x: Any, shift: Any, axes: Sequence[int]) -> Any:
    if np.ndim(shift) > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    pairs = np.broadcast(shift, axes) if np.ndim(shift) else product((shift,), axes)
    for amount, axis in pairs:
        x = _rolled_along(axis, x, amount)
    return x


def _rolled_along(axis: int, x: Any, shift: Any) -> Any:
    whole = wrap(x)
    count = whole.shape[axis]
    if isinstance(count, int) and not count:
        return x
    if not isinstance(shift, (TracedArray, TracedScalar)):
        shift = int(shift)
    cut = count - shift % count
    parts = [whole[along(axis, start, end)] for start, end in ((cut, None), (0, cut))]
    joined = concatenate(*map(as_array, parts), axis=axis)
    return reshape(joined, shape=tuple(x.shape))


@like_numpy
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """``numpy.rollaxis``: a view."""
    moved = np.rollaxis(np.empty(tuple(range(2, 2 + len(a.shape)))), axis, start)
    return transpose(a, [n - 2 for n in moved.shape])


# -- diagonals and triangles ----------------------------------------------------------


def _triangle(op: Any, m: Any, k: Any) -> Any:
    x = as_array(m)
    if len(x.shape) == 1:
        x = structure.broadcast_to(x, shape=(x.shape[0],) * 2)
    return wrap(op(x, k=int(k)))


@like_numpy
def tril(m: Any, k: int = 0) -> Any:
    """``numpy.tril``."""
    return _triangle(structure.tril, m, k)


@like_numpy
def triu(m: Any, k: int = 0) -> Any:
    """``numpy.triu``."""
    return _triangle(structure.triu, m, k)


def _diagonal(a: Any, offset: Any, axis1: int, axis2: int) -> Any:
    """The diagonal as a user value: of a traced array a view.

    It is one by its steps, whatever the layout: the reshape among them is written back.
    """
    shape = as_array(a).shape
    ndim = len(shape)
    if ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    first, second = normalize_axis(axis1, ndim), normalize_axis(axis2, ndim)
    if first == second:
        raise ValueError("axis1 and axis2 cannot be the same")
    rest = [i for i in range(ndim) if i not in (first, second)]
    rows, columns, offset = shape[first], shape[second], int(offset)
    row, column = max(-offset, 0), max(offset, 0)
    count = max(min(rows - row, columns - column), 0)
    start = row * columns + column
    stop = min(start + count * (columns + 1), rows * columns)
    steps: list[Step] = [
        TransposeStep((*rest, first, second)),
        ReshapeStep((*(shape[i] for i in rest), rows * columns), "C"),
        IndexStep((Ellipsis, slice(start, stop, columns + 1))),
    ]
    if not isinstance(a, TracedArray):
        return wrap(follow(tuple(steps), as_array(a)))
    for step in steps:
        a = a._step(step, step.get(a._read()))
    return a


@like_numpy
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """``numpy.diagonal``: a view, which may be written to here."""
    return _diagonal(a, offset, axis1, axis2)


@like_numpy
def diag(v: Any, k: int = 0) -> Any:
    """``numpy.diag``: a matrix with this diagonal, or the diagonal of a matrix."""
    x = as_array(v)
    if len(x.shape) == 2:
        return _diagonal(v, k, 0, 1)
    if len(x.shape) != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = x.shape[0] + abs(k)
    start = k if k >= 0 else -k * n
    stop = min(start + x.shape[0] * (n + 1), n * n)
    flat = full(shape=(n * n,), value=0.0, dtype=x.dtype)
    flat = update(flat, x, index=(slice(start, stop, n + 1),))
    return wrap(reshape(flat, shape=(n, n)))


@like_numpy
def diagflat(v: Any, k: int = 0) -> Any:
    """``numpy.diagflat``."""
    return diag(wrap(_flat(as_array(v))), k)


@like_numpy
def trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """``numpy.trace``."""
    entries = as_array(_diagonal(a, offset, axis1, axis2))
    if dtype is not None and not is_inexact(np.dtype(dtype)):
        entries, dtype = cast(entries, np.dtype(dtype)), None
    params = {} if dtype is None else {"dtype": np.dtype(dtype)}
    total = reduce_sum(entries, axes=(len(entries.shape) - 1,), **params)
    return wrap(total) if out is None else _store("trace", total, out, True)


# -- writing --------------------------------------------------------------------------


def _writable(a: Any, *values: Any) -> Any:
    """The array to write into; a plain one cannot take traced values."""
    if isinstance(a, TracedArray):
        return a
    if any(isinstance(unwrap(v), Tracer) for v in values):
        raise_plain_write()
    if isinstance(a, np.ndarray):
        return a
    raise TypeError(f"argument 1 must be numpy.ndarray, not {type(a)}")


def _cycled(values: Any, positions: np.ndarray) -> Any:
    """Values repeated as often as needed, as NumPy writes too few of them."""
    flat = _flat(as_array(values))
    if not positions.size:
        return wrap(getitem(flat, index=(slice(0, 0),)))
    return wrap(ops.take(flat, positions % flat.shape[0], axis=0))


@like_numpy
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """``numpy.copyto``: writes into the array."""
    target = _writable(dst, src, where)
    value = unwrap(src)
    if hasattr(value, "dtype"):  # NumPy's error
        np.copyto(np.zeros(0, target.dtype), np.zeros(0, value.dtype), casting)
    if where is not True:
        value = where_op(unwrap(where), cast(value, target.dtype), unwrap(target))
    target[...] = wrap(value)


@like_numpy
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """``numpy.put``: writes into the array."""
    target = _writable(a, v)
    size = prod(target.shape)
    positions = np.asarray(ind).ravel()
    if mode == "raise" and ((positions < -size) | (positions >= size)).any():
        bad = positions[(positions < -size) | (positions >= size)][0]
        raise IndexError(f"index {bad} is out of bounds for axis 0 with size {size}")
    if mode == "clip":
        positions = positions.clip(0, size - 1)
    where_to = np.unravel_index(positions % size, target.shape)
    target[where_to] = _cycled(v, np.arange(positions.size))


@like_numpy
def place(arr: Any, mask: Any, vals: Any) -> None:
    """``numpy.place``: writes into the array."""
    target = _writable(arr, vals)
    chosen = np.nonzero(np.asarray(mask).reshape(target.shape))
    if chosen[0].size and not prod(as_array(vals).shape):
        raise ValueError("Cannot insert from an empty array!")
    target[chosen] = _cycled(vals, np.arange(chosen[0].size))


@like_numpy
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """``numpy.putmask``: writes into the array."""
    target = _writable(a, values)
    chosen = np.asarray(mask)
    if chosen.shape != tuple(target.shape):
        raise ValueError("putmask: mask and data must be the same size")
    target[np.nonzero(chosen)] = _cycled(values, np.flatnonzero(chosen))


@like_numpy
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """``numpy.fill_diagonal``: writes into the array."""
    target = _writable(a, val)
    shape = tuple(target.shape)
    if len(shape) < 2:
        raise ValueError("array must be at least 2-d")
    if len(shape) == 2:
        step = shape[1] + 1
        end = prod(shape) if wrap else shape[1] * shape[1]
    else:
        if len(set(shape)) > 1:
            raise ValueError("All dimensions of input must be of equal length")
        step, end = 1 + int(np.sum(np.cumprod(shape[:-1]))), prod(shape)
    positions = np.arange(0, min(end, prod(shape)), step)
    target[np.unravel_index(positions, shape)] = _cycled(val, np.arange(positions.size))
