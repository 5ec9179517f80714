"""Joining, splitting, repeating and padding arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import unwrap, wrap
from wengert._array.views import concrete_array
from wengert._core.source import explain
from wengert._core.tree import Listed
from wengert._ops.indexing import getitem, update
from wengert._ops.ordering import take
from wengert._ops.structure import broadcast_to as broadcast_op
from wengert._ops.structure import concatenate as concatenate_op
from wengert._ops.structure import copy as copy_op
from wengert._ops.structure import move_axis, pad_zeros, reshape, transpose
from wengert.errors import MissingRuleError
from wengert.numpy._dispatch import as_array, like_numpy
from wengert.numpy._ufunc import _store
from wengert.numpy.creation import lengths
from wengert.numpy.shaping import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    normalize_axis,
)

__all__ = [
    "append",
    "array_split",
    "broadcast_arrays",
    "broadcast_to",
    "column_stack",
    "concat",
    "concatenate",
    "delete",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "insert",
    "pad",
    "repeat",
    "resize",
    "split",
    "stack",
    "tile",
    "unstack",
    "vsplit",
    "vstack",
]

# -- joining --------------------------------------------------------------------------


def _joined(parts: list[Any], axis: int, out: Any, dtype: Any, casting: Any) -> Any:
    if dtype is not None:
        parts = [_cast_by(part, np.dtype(dtype), casting) for part in parts]
    if len({len(part.shape) for part in parts}) > 1:
        # Let NumPy word the error, which names the two arrays.
        np.concatenate([np.zeros((0,) * len(part.shape)) for part in parts], axis)
    result = concatenate_op(*parts, axis=axis)
    return wrap(result) if out is None else _store("concatenate", result, out, True)


def _cast_by(part: Any, dtype: Any, casting: Any) -> Any:
    none = np.zeros(0, part.dtype)
    np.concatenate([none], dtype=dtype, casting=casting)  # NumPy's error
    return cast(part, dtype)


@like_numpy
def concatenate(
    arrays: Any,
    /,
    axis: Any = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    """``numpy.concatenate``."""
    if isinstance(arrays, Listed) and arrays.grown:
        parts = [_end_to_end(as_array(arrays), axis)]
    else:
        parts = [as_array(a) for a in arrays]
    if axis is None:
        parts = [reshape(part, shape=(prod(part.shape),)) for part in parts]
        axis = 0
    if not parts[0].shape:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis(axis, len(parts[0].shape))
    return _joined(parts, axis, out, dtype, casting)


def _end_to_end(rows: Any, axis: Any) -> Any:
    """The rows of an array, joined along one of their axes."""
    if len(rows.shape) < 2:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis(axis or 0, len(rows.shape) - 1)
    moved = move_axis(rows, 0, axis)
    n, m = moved.shape[axis : axis + 2]
    return reshape(moved, shape=(*moved.shape[:axis], n * m, *moved.shape[axis + 2 :]))


concat = concatenate


def _differ(one: Any, other: Any) -> bool:
    """Whether two shapes do; joining checks lengths that only the run knows."""
    pairs = zip(one, other, strict=False)
    known = any(type(n) is int and type(m) is int and n != m for n, m in pairs)
    return known or len(one) != len(other)


@like_numpy
def stack(
    arrays: Any,
    axis: int = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    """``numpy.stack``."""
    if isinstance(arrays, Listed) and arrays.grown:
        rows = as_array(arrays)
        moved = move_axis(rows, 0, normalize_axis(axis, len(rows.shape)))
        return _joined([moved], 0, out, dtype, casting)
    parts = [as_array(a) for a in arrays]
    if any(_differ(part.shape, parts[0].shape) for part in parts):
        raise ValueError("all input arrays must have the same shape")
    axis = normalize_axis(axis, len(parts[0].shape) + 1)
    index = (*(slice(None),) * axis, None, Ellipsis)
    parts = [getitem(part, index=index) for part in parts]
    return _joined(parts, axis, out, dtype, casting)


def _at_least(function: Any, arrays: Any) -> list[Any]:
    done = function(*arrays)
    return list(done) if isinstance(done, tuple) else [done]


@like_numpy
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``numpy.hstack``."""
    parts = [as_array(a) for a in _at_least(atleast_1d, tup)]
    axis = 0 if len(parts[0].shape) == 1 else 1
    return _joined(parts, axis, None, dtype, casting)


@like_numpy
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``numpy.vstack``."""
    parts = [as_array(a) for a in _at_least(atleast_2d, tup)]
    return _joined(parts, 0, None, dtype, casting)


@like_numpy
def dstack(tup: Any) -> Any:
    """``numpy.dstack``."""
    parts = [as_array(a) for a in _at_least(atleast_3d, tup)]
    return _joined(parts, 2, None, None, None)


@like_numpy
def column_stack(tup: Any) -> Any:
    """``numpy.column_stack``."""
    parts = [as_array(a) for a in tup]
    columns = [
        part if len(part.shape) >= 2 else reshape(part, shape=(prod(part.shape), 1))
        for part in parts
    ]
    return _joined(columns, 1, None, None, None)


@like_numpy
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """``numpy.append``."""
    return concatenate((arr, values), axis)


# -- splitting ------------------------------------------------------------------------


@like_numpy
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """``numpy.array_split``: views."""
    axis = normalize_axis(axis, len(ary.shape))
    count = ary.shape[axis]
    # The pieces of a list of positions are those of the array.
    pieces = np.array_split(np.arange(count), indices_or_sections)
    if np.ndim(indices_or_sections) == 0:
        ends = list(np.cumsum([len(piece) for piece in pieces]))
    else:
        ends = [*indices_or_sections, count]
    before = (slice(None),) * axis
    return [
        ary[(*before, slice(start, end))]
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


@like_numpy
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """``numpy.split``: views."""
    if np.ndim(indices_or_sections) == 0:
        count = ary.shape[normalize_axis(axis, len(ary.shape))]
        if count % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
    return array_split(ary, indices_or_sections, axis)


def _named(name: str, axis: int, least: int) -> Any:
    def function(ary: Any, indices_or_sections: Any) -> Any:
        ndim = len(ary.shape)
        if ndim < least:
            raise ValueError(
                f"{name} only works on arrays of {least} or more dimensions"
            )
        return split(ary, indices_or_sections, axis if ndim > 1 else 0)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``numpy.{name}``: views."
    return like_numpy(function)


hsplit, vsplit, dsplit = (
    _named("hsplit", 1, 1),
    _named("vsplit", 0, 2),
    _named("dsplit", 2, 3),
)


@like_numpy
def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """``numpy.unstack``: views."""
    if not x.shape:
        raise ValueError("Input array must be at least 1-d.")
    axis = normalize_axis(axis, len(x.shape))
    before = (slice(None),) * axis
    return tuple(x[(*before, i)] for i in range(x.shape[axis]))


# -- repeating ------------------------------------------------------------------------


@like_numpy
def tile(A: Any, reps: Any) -> Any:
    """``numpy.tile``."""
    x = as_array(A)
    counts = tuple(reps) if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)
    counts = tuple(int(n) for n in counts)
    rank = max(len(counts), len(x.shape))
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    if all(n == 1 for n in counts):
        return wrap(copy_op(reshape(x, shape=shape)))
    pairs = tuple(extent for n in shape for extent in (1, n))
    repeated = tuple(e for n, m in zip(counts, shape, strict=True) for e in (n, m))
    spread = broadcast_op(reshape(x, shape=pairs), shape=repeated)
    full = tuple(n * m for n, m in zip(counts, shape, strict=True))
    return wrap(reshape(spread, shape=full))


@like_numpy
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """``numpy.repeat``."""
    x = as_array(a)
    if axis is None:
        x, axis = reshape(x, shape=(prod(x.shape),)), 0
    axis = normalize_axis(axis, len(x.shape))
    shape = tuple(x.shape)
    counts = np.asarray(repeats)
    if counts.size == 1:
        times = int(counts.reshape(()))
        wide = (*shape[: axis + 1], times, *shape[axis + 1 :])
        column = reshape(x, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
        long = (*shape[:axis], shape[axis] * times, *shape[axis + 1 :])
        return wrap(reshape(broadcast_op(column, shape=wide), shape=long))
    return wrap(take(x, np.repeat(np.arange(shape[axis]), counts), axis=axis))


@like_numpy
def resize(a: Any, new_shape: Any) -> Any:
    """``numpy.resize``."""
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else new_shape
    x = as_array(a)
    flat = reshape(x, shape=(prod(x.shape),))
    positions = np.resize(np.arange(flat.shape[0]), tuple(shape))
    return wrap(take(flat, positions, axis=0))


@like_numpy
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """``numpy.broadcast_to``; a write into the result makes it an array of its own."""
    return wrap(broadcast_op(as_array(array), shape=lengths(shape)))


@like_numpy
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """``numpy.broadcast_arrays``: what has the common shape comes back."""
    shape = np.broadcast_shapes(*(tuple(np.shape(a)) for a in args))
    return tuple(a if np.shape(a) == shape else broadcast_to(a, shape) for a in args)


# -- padding --------------------------------------------------------------------------

_INDEX_MODES = ("edge", "reflect", "symmetric", "wrap")


def _as_pairs(value: Any, ndim: int) -> list[tuple[Any, Any]]:
    """NumPy's forms of a pair for each axis: a number, a pair, or all the pairs."""
    if isinstance(value, dict):
        pairs: list[Any] = [(0, 0)] * ndim
        for axis, width in value.items():
            pairs[axis] = width if isinstance(width, tuple) else (width, width)
        return pairs
    shape = _nested_shape(value)
    if shape == ():
        return [(value, value)] * ndim
    np.broadcast_to(np.zeros(shape), (ndim, 2))  # NumPy's error, if they do not fit
    if len(shape) == 1:
        value, shape = [value], (1, *shape)
    rows = value if shape[0] == ndim else [value[0]] * ndim
    return [(row[0], row[0 if shape[1] == 1 else 1]) for row in rows]


def _nested_shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, (list, tuple)):
        return (len(value), *(_nested_shape(value[0]) if value else ()))
    return tuple(value.shape) if hasattr(value, "shape") else ()


def in_layout_of(x: Any, function: Any) -> Any:
    """`function(x, order)`, in Fortran order where x is, as NumPy lays it out.

    `order` is the order of the axes that the function is given.
    """
    array = concrete_array(x)
    axes = tuple(range(len(x.shape)))
    if array is None or not array.flags.fnc or array.ndim != len(axes):
        return function(x, axes)
    back = axes[::-1]
    return transpose(function(transpose(x, axes=back), back), axes=back)


@like_numpy
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """``numpy.pad``, modes constant, edge, reflect, symmetric and wrap."""
    x = as_array(array)
    ndim = len(x.shape)
    widths = [(int(a), int(b)) for a, b in _as_pairs(pad_width, ndim)]
    if any(n < 0 for pair in widths for n in pair):
        raise ValueError("index can't contain negative values")
    if mode == "constant":
        values = _as_pairs(kwargs.get("constant_values", 0), ndim)
        return wrap(
            in_layout_of(x, lambda x, order: _constant(x, order, widths, values))
        )
    if mode not in _INDEX_MODES or kwargs.get("reflect_type", "even") != "even":
        raise MissingRuleError(
            explain(
                f"pad: mode={mode!r} with {kwargs} has no derivative rule",
                fix=f"use one of constant, {', '.join(_INDEX_MODES)}, or concatenate "
                "the padding",
            )
        )

    def by_position(x: Any, order: tuple[int, ...]) -> Any:
        for axis, source in enumerate(order):
            if any(widths[source]):
                places = np.pad(np.arange(x.shape[axis]), widths[source], mode=mode)
                x = take(x, places, axis=axis)
        return x

    padded = in_layout_of(x, by_position)
    return wrap(padded if any(map(any, widths)) else copy_op(padded))


def _constant(x: Any, order: tuple[int, ...], widths: Any, values: Any) -> Any:
    """Axis after axis, so that later values have the corners, as in NumPy."""
    extents = [widths[i] for i in order]
    out = pad_zeros(x, widths=tuple(extents))
    if all(isinstance(v, int) and v == 0 for pair in values for v in pair):
        return out
    for source in range(len(order)):
        axis = order.index(source)
        low, high = widths[source]
        end = x.shape[axis] + low
        for region, value in zip(
            (slice(0, low), slice(end, end + high)), values[source], strict=True
        ):
            value = cast(unwrap(value), x.dtype)
            if region.start != region.stop:
                out = update(out, value, index=((slice(None),) * axis + (region,)))
    return out


# -- removing and inserting -----------------------------------------------------------


def _one_axis(arr: Any, axis: Any) -> tuple[Any, int]:
    x = as_array(arr)
    if axis is None:
        return reshape(x, shape=(prod(x.shape),)), 0
    return x, normalize_axis(axis, len(x.shape))


def _positions(x: Any, axis: int) -> np.ndarray:
    """The positions along an axis, in an array of as many axes."""
    ones = (1,) * (len(x.shape) - axis - 1)
    return np.arange(x.shape[axis]).reshape((1,) * axis + (-1, *ones))


@like_numpy
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """``numpy.delete``."""
    x, axis = _one_axis(arr, axis)
    kept = np.delete(_positions(x, axis), obj, axis).ravel()
    return wrap(in_layout_of(x, lambda x, order: take(x, kept, axis=order.index(axis))))


@like_numpy
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """``numpy.insert``."""
    x, axis = _one_axis(arr, axis)
    shape = tuple(x.shape)
    v = as_array(values)
    v = cast(v, x.dtype)
    if len(v.shape) < len(shape):
        v = reshape(v, shape=(1,) * (len(shape) - len(v.shape)) + tuple(v.shape))
    places = np.arange(shape[axis])[obj] if isinstance(obj, slice) else np.asarray(obj)
    if places.dtype == bool:
        places = np.flatnonzero(places)
    if places.ndim == 0:
        # As in NumPy, the first axis of the values then runs along `axis`.
        v = move_axis(v, 0, axis)
    count = v.shape[axis] if places.size == 1 else places.size
    added = shape[axis] + np.arange(count)
    if places.ndim:
        added = added.reshape((-1,) + (1,) * (len(shape) - axis - 1))
    merged = np.insert(_positions(x, axis), places, added, axis).ravel()
    wide = (*shape[:axis], count, *shape[axis + 1 :])
    both = concatenate_op(x, broadcast_op(v, shape=wide), axis=axis)
    return wrap(
        in_layout_of(both, lambda y, order: take(y, merged, axis=order.index(axis)))
    )
