"""Shapes: reshape, transpose and their kin, which are views where NumPy's are."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from wengert._array.traced import (
    TracedArray,
    TracedScalar,
    length,
    make_twins,
    unwrap,
    wrap,
)
from wengert._array.views import (
    ReshapeStep,
    Step,
    TransposeStep,
    concrete_array,
    reshape_is_view,
)
from wengert._core.interp import in_c_order
from wengert._core.source import explain
from wengert._ops.structure import copy as copy_op
from wengert.errors import AxisError, ShapeError, StagedValueError

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "expand_dims",
    "flatten",
    "matrix_transpose",
    "moveaxis",
    "ndim",
    "permute_dims",
    "ravel",
    "reshape",
    "shape",
    "size",
    "squeeze",
    "swapaxes",
    "transpose",
]


def _is_plain(a: Any) -> bool:
    return not isinstance(a, (TracedArray, TracedScalar))


def _view(a: Any, step: Step) -> Any:
    """A view of a traced array, one step further."""
    if isinstance(a, TracedScalar):
        return TracedArray(step.get(a._value))
    return a._step(step, step.get(a._read()))


def normalize_axis(axis: Any, ndim: int) -> int:
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise AxisError(
            explain(
                f"axis {axis} is out of bounds for array of dimension {ndim}",
                fix=f"give an axis from {-ndim} to {ndim - 1}",
            )
        )
    return axis % ndim


def normalize_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """A reduction's `axis` argument as a sorted tuple."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    normalized = tuple(sorted(normalize_axis(a, ndim) for a in axes))
    if len(set(normalized)) != len(normalized):
        raise ShapeError(
            explain("duplicate value in 'axis'", fix="name each axis once")
        )
    return normalized


def reshape(a: Any, shape: Any, order: Any = "C") -> Any:
    """``numpy.reshape``: a view where NumPy's would be one."""
    if _is_plain(a):
        return np.reshape(a, shape, order=order)
    several = isinstance(shape, (tuple, list))
    given = tuple(_extent(n) for n in (shape if several else (shape,)))
    value = a._peek() if isinstance(a, TracedArray) else a._value
    shape = _complete(given, value.shape)
    if order in ("A", "K"):
        order = _memory_order(value)
    step = ReshapeStep(shape, order)
    is_view = _is_view(a, value, shape, order)
    if is_view:
        return _view(a, step)
    out = TracedArray(step.get(a._read()))
    if is_view is None:
        make_twins(out, a)
    return out


def _is_view(a: Any, value: Any, shape: tuple[Any, ...], order: str) -> bool | None:
    if isinstance(a, TracedScalar) or a._base is None:
        return reshape_is_view(value, value, (), shape, order)
    return reshape_is_view(value, a._base._value, a._path, shape, order)


def _extent(n: Any) -> Any:
    """An extent as the engine takes it; -1 is to be found out."""
    return length(n) if isinstance(n, TracedScalar) else operator.index(n)


def _complete(shape: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[Any, ...]:
    """Resolve -1, and check the size as NumPy does."""
    size, known = prod(old), prod(n for n in shape if type(n) is not int or n != -1)
    if type(size) is not int or type(known) is not int:
        return _complete_at_run_time(shape, size, known)
    if shape.count(-1) == 1 and known and size % known == 0:
        shape = tuple(size // known if n == -1 else n for n in shape)
    if -1 in shape or prod(shape) != size:
        raise ShapeError(
            explain(
                f"cannot reshape array of size {size} into shape {shape}",
                fix="give a shape of as many entries; one extent may be -1",
            )
        )
    return shape


def _complete_at_run_time(
    shape: tuple[Any, ...], size: Any, known: Any
) -> tuple[Any, ...]:
    """The same, where lengths are values of a staged program, which checks them."""
    if -1 in shape:
        whole = type(known) is int and known == 1
        missing: Any = size if whole else size // known
        shape = tuple(n if n != -1 else missing.as_extent() for n in shape)
        known = size if whole else missing * known
    both: list[Any] = [n if type(n) is int else n.as_extent() for n in (size, known)]
    staged, other = both if type(size) is not int else both[::-1]
    staged.must_equal(other, _sizes_differ)
    return shape


def _sizes_differ(a: Any, b: Any) -> ValueError:
    return ValueError(f"cannot reshape an array: {a} entries, and {b} in the new shape")


def _memory_order(value: Any) -> str:
    """The order "A" of a value: as it lies in memory."""
    array = concrete_array(value)
    if array is not None:
        return "F" if array.flags.fnc else "C"
    if not in_c_order(value):
        raise StagedValueError(
            explain(
                "the order of an array in memory is not known while compiling",
                fix='say which order is meant: order="C" or order="F"',
            )
        )
    return "C"


def ravel(a: Any, order: Any = "C") -> Any:
    """``numpy.ravel``: a view where NumPy's would be one."""
    return np.ravel(a, order=order) if _is_plain(a) else reshape(a, (a.size,), order)


def transpose(a: Any, axes: Any = None) -> Any:
    """``numpy.transpose``: a view."""
    if _is_plain(a):
        return np.transpose(a, axes)
    if axes is None:
        axes = tuple(reversed(range(a.ndim)))
    axes = tuple(normalize_axis(i, a.ndim) for i in axes)
    if sorted(axes) != list(range(a.ndim)):
        raise ShapeError(
            explain("axes don't match array", fix="name each axis of the array once")
        )
    return _view(a, TransposeStep(axes))


permute_dims = transpose


def matrix_transpose(a: Any) -> Any:
    """``numpy.matrix_transpose``: a view."""
    return swapaxes(a, -1, -2)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """``numpy.swapaxes``: a view."""
    if _is_plain(a):
        return np.swapaxes(a, axis1, axis2)
    axes = list(range(a.ndim))
    i, j = normalize_axis(axis1, a.ndim), normalize_axis(axis2, a.ndim)
    axes[i], axes[j] = axes[j], axes[i]
    return transpose(a, axes)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """``numpy.moveaxis``: a view."""
    if _is_plain(a):
        return np.moveaxis(a, source, destination)
    probe = np.empty(tuple(range(2, 2 + a.ndim)))
    moved = np.moveaxis(probe, source, destination)
    return transpose(a, [n - 2 for n in moved.shape])


def expand_dims(a: Any, axis: Any) -> Any:
    """``numpy.expand_dims``: a view."""
    if _is_plain(a):
        return np.expand_dims(a, axis)
    return _as_of_probe(a, lambda probe: np.expand_dims(probe, axis))


def squeeze(a: Any, axis: Any = None) -> Any:
    """``numpy.squeeze``: a view."""
    if _is_plain(a):
        return np.squeeze(a, axis)
    return _as_of_probe(a, lambda probe: np.squeeze(probe, axis))


def _as_of_probe(a: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Reshape as a function does that adds or drops axes of length 1."""
    marks = (1 if type(n) is int and n == 1 else i + 2 for i, n in enumerate(a.shape))
    shape = change(np.broadcast_to(0, tuple(marks))).shape
    old = (a._peek() if isinstance(a, TracedArray) else a._value).shape
    new = tuple(1 if n == 1 else old[n - 2] for n in shape)
    return _view(a, ReshapeStep(new, "C"))


def _at_least(n: int) -> Any:
    numpy_function = getattr(np, f"atleast_{n}d")

    def at_least(*arrays: Any) -> Any:
        """As NumPy's: arrays with at least so many axes."""
        done = tuple(
            numpy_function(a) if _is_plain(a) else _as_of_probe(a, numpy_function)
            for a in arrays
        )
        return done[0] if len(done) == 1 else done

    at_least.__name__ = at_least.__qualname__ = f"atleast_{n}d"
    return at_least


atleast_1d, atleast_2d, atleast_3d = _at_least(1), _at_least(2), _at_least(3)


def shape(a: Any) -> Any:
    """``numpy.shape``."""
    return np.shape(a) if _is_plain(a) else a.shape


def ndim(a: Any) -> int:
    """``numpy.ndim``."""
    return np.ndim(a) if _is_plain(a) else a.ndim


def size(a: Any, axis: Any = None) -> Any:
    """``numpy.size``."""
    if _is_plain(a):
        return np.size(a, axis)
    return a.size if axis is None else a.shape[axis]


def flatten(a: Any, order: str = "C") -> Any:
    """``numpy.ndarray.flatten``: a copy."""
    return wrap(copy_op(unwrap(ravel(a, order))))
