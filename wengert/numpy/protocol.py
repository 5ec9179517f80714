"""NumPy's own functions on traced values, and the methods of `ndarray`.

``np.sin(x)`` of a traced ``x`` arrives here and runs ``wengert.numpy.sin``: one table
of functions, reached by both names.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, depends, unwrap
from wengert._array.views import PartStep
from wengert._core.source import explain
from wengert._core.types import is_complex_dtype
from wengert._ops.structure import copy
from wengert.errors import MissingRuleError
from wengert.numpy._ufunc import Ufunc, raise_plain_write
from wengert.numpy.elementwise import SPECIAL

wnp: Any = sys.modules["wengert.numpy"]  # which is importing this module


def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``__array_ufunc__``: a NumPy ufunc was called with a traced operand."""
    ours = _counterpart(ufunc)
    if ours is None:
        return _without_rule(ufunc, inputs, kwargs)
    if method == "__call__" and not kwargs:
        return ours(*inputs)
    out = kwargs.get("out")
    if isinstance(out, tuple):
        kwargs["out"] = out[0]
        if isinstance(out[0], np.ndarray) and any(_depends(x) for x in inputs):
            raise_plain_write()
    return getattr(ours, method)(*inputs, **kwargs)


@cache
def _counterpart(ufunc: Any) -> Ufunc | None:
    for ours in (getattr(wnp, ufunc.__name__, None), SPECIAL.get(ufunc.__name__)):
        if isinstance(ours, Ufunc):
            return ours
    return None


def array_function(self: Any, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """``__array_function__``: a NumPy function was called with a traced argument."""
    ours = _find(func)
    if ours is None:
        return _without_rule(func, args, kwargs)
    return ours(*args, **kwargs)


_REACHED = {"linalg", "fft"}


def _find(func: Any) -> Any:
    """Our function of the same name, in the same submodule."""
    place: Any = wnp
    for name in func.__module__.split(".")[1:]:
        if name in _REACHED:
            place = getattr(wnp, name, None)
    ours = vars(place).get(func.__name__) if place is not None else None
    return None if ours is func else ours


def _depends(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_depends(item) for item in x)
    return isinstance(x, (TracedArray, TracedScalar)) and depends(unwrap(x))


def _plain(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(_plain(item) for item in x)
    return np.asarray(x) if isinstance(x, (TracedArray, TracedScalar)) else x


def _without_rule(func: Any, args: Any, kwargs: Any) -> Any:
    """A function with no rule runs on values without dependence, else is refused."""
    if any(_depends(x) for x in (*args, *kwargs.values())):
        raise MissingRuleError(
            explain(
                f"numpy.{func.__name__}: there is no derivative rule for it",
                fix="write it with functions of wengert.numpy, or wrap it in wg.opaque",
            )
        )
    result = func(*map(_plain, args), **{k: _plain(v) for k, v in kwargs.items()})
    return wnp.creation.fresh(result)


def _method(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(wnp, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As ``numpy.ndarray.{name}``."
    return method


METHODS = (
    "all any argmax argmin argsort clip cumprod cumsum diagonal dot max mean min "
    "nonzero prod ravel repeat round squeeze std sum swapaxes take trace var conj "
    "conjugate searchsorted"
).split()


def _reshape(self: Any, *shape: Any, order: str = "C") -> Any:
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    return wnp.reshape(self, shape, order)


def _transpose(self: Any, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        axes = tuple(axes[0] or ())
    return wnp.transpose(self, axes or None)


def _astype(self: Any, dtype: Any, copy: bool = True) -> Any:
    return wnp.astype(self, dtype, copy=copy)


def _copy(self: Any, order: str = "C") -> Any:
    if isinstance(self, TracedScalar):
        return self
    return TracedArray(copy(self._peek(), order=order))


def _fill(self: TracedArray, value: Any) -> None:
    self[...] = value


def _sort(self: TracedArray, axis: int = -1) -> None:
    self[...] = wnp.sort(self, axis=axis)


def _part(name: str) -> Any:
    """The property `real` or `imag`: a view of a complex array."""

    def get(self: Any) -> Any:
        if isinstance(self, TracedScalar) or not is_complex_dtype(self.dtype):
            return getattr(wnp, name)(self)
        step = PartStep(name == "imag")
        return self._step(step, step.get(self._read()))

    def set(self: Any, value: Any) -> None:
        get(self)[...] = value

    return property(get, set)


_SPECIAL = {
    "__array_ufunc__": array_ufunc,
    "__array_function__": array_function,
    "reshape": _reshape,
    "transpose": _transpose,
    "astype": _astype,
    "copy": _copy,
    "__copy__": lambda self: _copy(self, "K"),
    "__deepcopy__": lambda self, memo: _copy(self, "K"),
    "view": lambda self: self[...],
    "flatten": _method("flatten"),
    "real": _part("real"),
    "imag": _part("imag"),
    "T": property(lambda self: wnp.transpose(self)),
    "mT": property(lambda self: wnp.matrix_transpose(self)),
    "nbytes": property(lambda self: self.size * self.dtype.itemsize),
    "itemsize": property(lambda self: self.dtype.itemsize),
    "__divmod__": lambda self, other: (self // other, self % other),
    "__rdivmod__": lambda self, other: (other // self, other % self),
    "__round__": lambda self, n=0: wnp.round(self, n or 0),
}


def install() -> None:
    """Give the traced classes NumPy's protocols, methods and properties."""
    for cls in (TracedArray, TracedScalar):
        for name in METHODS:
            setattr(cls, name, _method(name))
        for name, attribute in _SPECIAL.items():
            setattr(cls, name, attribute)
    setattr(TracedArray, "fill", _fill)
    setattr(TracedArray, "sort", _sort)
    setattr(TracedArray, "flat", property(lambda self: wnp.ravel(self)))
