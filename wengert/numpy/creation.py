"""Arrays from nothing, and from other arrays.

While a transformation runs they are traced arrays, so that they can be written to.
"""

from __future__ import annotations

import operator
from functools import wraps
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import (
    TracedArray,
    TracedScalar,
    has_traced,
    length,
    make_twins,
    unwrap,
    unwrap_sequence,
    wrap,
)
from wengert._array.views import concrete_array
from wengert._core.interp import CURRENT, Tracer, in_c_order
from wengert._core.types import dtype_of
from wengert._ops.arithmetic import maximum
from wengert._ops.structure import broadcast_to, iota
from wengert._ops.structure import copy as copy_op
from wengert._ops.structure import full as full_op

__all__ = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "asfortranarray",
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
    current = CURRENT.get()
    if current.plain or isinstance(x, np.generic):
        return x
    current.creates(x)
    return TracedArray(x, exclusive=True)


def lengths(shape: Any) -> tuple[Any, ...]:
    """A shape that user code gives, as the engine takes it."""
    several = isinstance(shape, (tuple, list))
    return tuple(map(length, shape)) if several else (length(shape),)


def is_static(shape: tuple[Any, ...]) -> bool:
    """Whether all extents are known while the code is traced."""
    return all(type(n) is int for n in shape)


def _creator(name: str) -> Any:
    numpy_function = getattr(np, name)

    def create(*args: Any, **kwargs: Any) -> Any:
        if has_traced(args):
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


def _filled(name: str, value: float) -> Any:
    static = _creator(name)

    @wraps(static)
    def create(shape: Any, *args: Any, **kwargs: Any) -> Any:
        if has_traced((shape,)):
            shape = lengths(shape)
            if not is_static(shape):
                return _filled_at_run_time(shape, value, *args, **kwargs)
        return static(shape, *args, **kwargs)

    return create


def _filled_at_run_time(
    shape: tuple[Any, ...], value: float, dtype: Any = float, order: Any = "C"
) -> TracedArray:
    dtype = np.dtype(float if dtype is None else dtype)
    out = full_op(shape=shape, value=value, dtype=dtype)
    return TracedArray(out if order == "C" else copy_op(out, order=order))


zeros = _filled("zeros", 0)
ones = _filled("ones", 1)
empty = _filled("empty", 0)
_creators = {"zeros": zeros, "ones": ones, "empty": empty}
_arange = _creator("arange")
_eye = _creator("eye")
tri = _creator("tri")
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
        given = value.shape if shape is None else shape
        shape = lengths(given) if CURRENT.get().xp is np else given
        out = _creators[name](tuple(map(wrap, shape)), dtype=dtype or value.dtype)
        if in_c_order(value) or not isinstance(out, TracedArray):
            return out
        # NumPy's is in the order of the other array; not in C order is all we know.
        return TracedArray(copy_op(out._read(), order="F"))

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
    if not isinstance(value, Tracer) and not has_traced((shape,)):
        return fresh(np.full(shape, value, dtype, order))
    out = empty(shape, dtype or np.result_type(dtype_of(value)), order)
    out[...] = fill_value
    return out


def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """``numpy.full_like``, with a value that may be traced."""
    out = empty_like(a, dtype, shape=shape)
    out[...] = fill_value
    return out


def arange(*bounds: Any, **kwargs: Any) -> Any:
    """``numpy.arange``, with integer bounds that may be traced."""
    traced = [x for x in bounds if isinstance(x, TracedScalar)]
    if not traced or kwargs or any(x.dtype.kind not in "iu" for x in traced):
        return _arange(*bounds, **kwargs)
    start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    span = stop if len(bounds) == 1 else stop - start
    if len(bounds) == 3:
        span = -(-span // step)
    count = length(maximum(unwrap(span), 0))
    if type(count) is int:
        return _arange(*bounds)
    steps = TracedArray(iota(size=count))
    return steps if len(bounds) == 1 else start + step * steps


def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """``numpy.eye``."""
    M = N if M is None else M
    if is_static((*lengths(N), *lengths(M))):
        return _eye(N, M, k=k, dtype=dtype)
    return (arange(M) - arange(N)[:, None] == k).astype(
        float if dtype is None else dtype
    )


def identity(n: Any, dtype: Any = None) -> Any:
    """``numpy.identity``."""
    return eye(n, dtype=dtype)


def linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True) -> Any:
    """``numpy.linspace`` with bounds that may be traced scalars."""
    if not has_traced((start, stop, num)):
        return fresh(np.linspace(start, stop, num, endpoint))
    last = num - 1 if endpoint else num
    return start + (stop - start) * (arange(num) / wrap(maximum(unwrap(last), 1)))


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
    return _in_order(asarray(a, dtype), "C")


def asfortranarray(a: Any, dtype: Any = None) -> Any:
    """``numpy.asfortranarray``: a copy where the array is not in Fortran order."""
    return _in_order(asarray(a, dtype), "F")


def _in_order(a: Any, order: str) -> Any:
    if not isinstance(a, TracedArray):
        return np.asarray(a, order=order) if isinstance(a, np.ndarray) else a  # type: ignore[call-overload]
    layout = concrete_array(a._peek())
    if layout is None:
        certain = a.ndim < 2 or (order == "C" and in_c_order(a._peek()))
    else:
        certain = layout.flags.contiguous if order == "C" else layout.flags.f_contiguous
    if certain:
        return a
    out = TracedArray(copy_op(a._peek(), order=order))
    if layout is None:  # NumPy may return the array itself
        make_twins(out, a)
    return out


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
