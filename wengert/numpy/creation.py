"""Arrays from nothing, and from other arrays.

While a transformation runs they are traced arrays, so that they can be written to.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import (
    TracedArray,
    TracedScalar,
    has_traced,
    unwrap,
    unwrap_sequence,
)
from wengert._array.views import concrete_array
from wengert._core.interp import CURRENT, Tracer
from wengert._ops.structure import broadcast_to
from wengert._ops.structure import copy as copy_op

__all__ = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "copy",
    "empty",
    "empty_like",
    "eye",
    "fromiter",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "indices",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "zeros",
    "zeros_like",
]


def fresh(x: Any) -> Any:
    """A new plain array as user code sees it; nothing else refers to its memory."""
    if CURRENT.get().plain or isinstance(x, np.generic):
        return x
    return TracedArray(x, exclusive=True)


def _creator(name: str) -> Any:
    numpy_function = getattr(np, name)

    def create(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, (TracedArray, TracedScalar)) for a in args):
            args = tuple(
                operator.index(a)  # type: ignore[arg-type]
                if isinstance(a, TracedScalar) and a.dtype.kind in "iu"
                else a
                for a in args
            )
        xp = CURRENT.get().xp
        function = numpy_function if xp is np else getattr(xp, name)
        return fresh(function(*args, **kwargs))

    create.__name__ = create.__qualname__ = name
    create.__doc__ = (
        f"``numpy.{name}``; inside a transformation the array can be written to."
    )
    return create


zeros = _creator("zeros")
ones = _creator("ones")
empty = _creator("empty")
eye = _creator("eye")
identity = _creator("identity")
tri = _creator("tri")
arange = _creator("arange")
indices = _creator("indices")
fromiter = _creator("fromiter")
logspace = _creator("logspace")
geomspace = _creator("geomspace")


def _like(name: str) -> Any:
    numpy_function = getattr(np, f"{name}_like")

    def create(a: Any, dtype: Any = None, *, shape: Any = None, **_: Any) -> Any:
        value = (
            unwrap(a) if isinstance(a, (TracedArray, TracedScalar)) else np.asarray(a)
        )
        layout = concrete_array(value)
        if layout is not None:
            return fresh(numpy_function(layout, dtype=dtype, shape=shape))
        shape = value.shape if shape is None else shape
        return fresh(getattr(CURRENT.get().xp, name)(shape, dtype=dtype or value.dtype))

    create.__name__ = create.__qualname__ = f"{name}_like"
    create.__doc__ = (
        f"``numpy.{name}_like``: an array of the shape, dtype and layout of another."
    )
    return create


zeros_like = _like("zeros")
ones_like = _like("ones")
empty_like = _like("empty")


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    """``numpy.full``, with a value that may be traced."""
    value = unwrap(fill_value)
    if not isinstance(value, Tracer):
        return fresh(np.full(shape, value, dtype, order))
    out = fresh(np.empty(shape, dtype or value.dtype, order))
    out[...] = fill_value
    return out


def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """``numpy.full_like``, with a value that may be traced."""
    out = empty_like(a, dtype, shape=shape)
    out[...] = fill_value
    return out


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    """``numpy.linspace`` with bounds that may be traced scalars."""
    if not has_traced((start, stop)):
        return fresh(np.linspace(start, stop, num, endpoint))
    steps = np.arange(num) / max(num - 1 if endpoint else num, 1)
    return start + (stop - start) * fresh(steps)


def array(object: Any, dtype: Any = None, *, copy: Any = True, ndmin: int = 0) -> Any:
    """``numpy.array``: a new array of numbers, of arrays, or of traced values."""
    if isinstance(object, TracedArray):
        value = copy_op(object._peek()) if copy else object._read()
    elif has_traced(object) if isinstance(object, (list, tuple)) else False:
        value = unwrap_sequence(object)
    elif isinstance(object, TracedScalar):
        value = copy_op(object._value)
    else:
        return fresh(np.array(object, dtype=dtype, ndmin=ndmin))
    if dtype is not None:
        value = cast(value, np.dtype(dtype))
    if len(value.shape) < ndmin:
        value = value.reshape((1,) * (ndmin - len(value.shape)) + tuple(value.shape))
    return TracedArray(value)


def asarray(a: Any, dtype: Any = None) -> Any:
    """``numpy.asarray``: the array itself where it is one already."""
    if isinstance(a, TracedArray) and (dtype is None or a.dtype == np.dtype(dtype)):
        return a
    if isinstance(a, np.ndarray):
        return np.asarray(a, dtype)
    return array(a, dtype)


def copy(a: Any) -> Any:
    """``numpy.copy``."""
    return array(a, copy=True)


asanyarray = asarray


def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    """``numpy.ascontiguousarray``: a copy where the array is not contiguous."""
    a = asarray(a, dtype)
    if not isinstance(a, TracedArray):
        return np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a
    layout = concrete_array(a._peek())
    if layout is None or layout.flags.c_contiguous:
        return a
    return TracedArray(copy_op(a._peek(), order="C"))


def meshgrid(
    *xs: Any, indexing: Any = "xy", sparse: bool = False, copy: bool = True
) -> Any:
    """``numpy.meshgrid``."""
    if not has_traced(xs):
        return tuple(
            fresh(g)
            for g in np.meshgrid(*xs, indexing=indexing, sparse=sparse, copy=copy)
        )
    n = len(xs)
    shaped = []
    for i, x in enumerate(xs):
        axis = {0: 1, 1: 0}.get(i, i) if indexing == "xy" and n > 1 else i
        value = unwrap(x)
        shape = tuple(value.shape[0] if j == axis else 1 for j in range(n))
        shaped.append(value.reshape(shape))
    full_shape = np.broadcast_shapes(*(tuple(s.shape) for s in shaped))
    if not sparse:
        shaped = [copy_op(broadcast_to(s, shape=full_shape), order="C") for s in shaped]
    return tuple(TracedArray(s) for s in shaped)
