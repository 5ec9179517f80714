"""Steps from a base array to a view of it, each a pure get and put."""

from __future__ import annotations

import operator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from wengert._core.interp import Tracer, in_c_order
from wengert._core.types import type_of
from wengert._ops.complex import imag, real
from wengert._ops.index import written_region
from wengert._ops.indexing import getitem, update
from wengert._ops.structure import _inverse, reshape, transpose


class IndexStep(NamedTuple):
    key: tuple[Any, ...]
    operands: tuple[Any, ...] = ()  # integers that are traced

    def get(self, x: Any) -> Any:
        return getitem(x, *self.operands, index=self.key)

    def put(self, x: Any, part: Any, donate: bool) -> Any:
        return update(x, part, *self.operands, index=self.key, donate=donate)


class TransposeStep(NamedTuple):
    axes: tuple[int, ...]

    def get(self, x: Any) -> Any:
        return transpose(x, axes=self.axes)

    def put(self, x: Any, part: Any, donate: bool) -> Any:
        back = transpose(part, axes=_inverse(self.axes))
        return update(x, back, index=(Ellipsis,), donate=donate)


class ReshapeStep(NamedTuple):
    new_shape: tuple[int, ...]
    order: str

    def get(self, x: Any) -> Any:
        return reshape(x, shape=self.new_shape, order=self.order)

    def put(self, x: Any, part: Any, donate: bool) -> Any:
        back = reshape(part, shape=x.shape, order=self.order)
        return update(x, back, index=(Ellipsis,), donate=donate)


class PartStep(NamedTuple):
    """The real or the imaginary part of a complex array."""

    imaginary: bool

    def get(self, x: Any) -> Any:
        return imag(x) if self.imaginary else real(x)

    def put(self, x: Any, part: Any, donate: bool) -> Any:
        whole = real(x) + 1j * part if self.imaginary else part + 1j * imag(x)
        return update(x, whole, index=(Ellipsis,), donate=donate)


Step = IndexStep | TransposeStep | ReshapeStep | PartStep


def follow(path: tuple[Step, ...], x: Any) -> Any:
    for step in path:
        x = step.get(x)
    return x


def put(
    x: Any, path: tuple[Step, ...], index: Any, operands: Any, v: Any, donate: bool
) -> Any:
    """`x` with `v` written at `index` of the view that `path` leads to."""
    if not path:
        return update(x, v, *operands, index=index, donate=donate)
    part = put(path[0].get(x), path[1:], index, operands, v, False)
    return path[0].put(x, part, donate)


def without_leading_ones(v: Any, x: Any, index: Any, operands: Any) -> Any:
    """A value to write at `index` of x: NumPy drops the axes that it has in excess."""
    rank = len(written_region(type_of(x), operands, index))
    excess = max(0, len(v.shape) - rank)
    if not excess or any(n != 1 for n in v.shape[:excess]):
        return v
    return reshape(v, shape=tuple(v.shape[excess:]))


def concrete_array(x: Any) -> np.ndarray | None:
    """The array at the bottom of a tower of tracers: it has NumPy's memory layout.

    Of a batched value it is the first lane, whose layout is that of all lanes.
    """
    ndim = len(x.shape)
    while isinstance(x, Tracer):
        if not x.known:
            return None
        x = x.below
    if not isinstance(x, np.ndarray) or 0 in x.shape[: x.ndim - ndim]:
        return None
    return x[(0,) * (x.ndim - ndim) + (Ellipsis,)]


def reshape_is_view(
    x: Any, base: Any, path: tuple[Step, ...], shape: Any, order: str
) -> bool | None:
    """Whether NumPy's reshape of an array would be a view; None if that is not known.

    base: the array that x is a view of, by this path. A staged one has no memory yet.
    """
    array = concrete_array(x)
    if array is not None:
        if array.size == 0:
            return True
        reshaped = np.reshape(array, shape, order=order)  # type: ignore[call-overload]
        return np.may_share_memory(reshaped, array)
    if len(x.shape) < 2:
        return True  # its entries have one stride
    if not in_c_order(base):
        return True if _without_ones(x.shape) == _without_ones(shape) else None
    if order == "C" and all(isinstance(step, ReshapeStep) for step in path):
        return True
    try:
        _set_shape(_strided(base.shape, path), shape, order)
    except AttributeError:  # NumPy's, where a copy is needed
        return False
    return True


def _without_ones(shape: Any) -> list[Any]:
    return [n for n in shape if type(n) is not int or n != 1]


def _strided(whole: tuple[Any, ...], path: tuple[Step, ...]) -> np.ndarray:
    """What a path leads to, as strides over memory that is never read."""
    shape = tuple(map(operator.index, whole))
    strides = tuple(prod(shape[i + 1 :]) for i in range(len(shape)))
    array = as_strided(np.zeros(1, np.int8), shape, strides)
    for step in path:
        if isinstance(step, IndexStep):
            array = array[
                tuple(map(_anywhere, step.key))
                + (Ellipsis,) * (Ellipsis not in step.key)
            ]
        elif isinstance(step, TransposeStep):
            array = array.transpose(step.axes)
        elif isinstance(step, ReshapeStep):
            _set_shape(array := array.view(), step.new_shape, step.order)
    return array


def _anywhere(item: Any) -> Any:
    """An item of an index; which entry an integer takes does not change strides."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    return 0


def _set_shape(array: np.ndarray, shape: Any, order: str) -> None:
    """Give an array another shape, without a copy."""
    shape = tuple(map(operator.index, shape))
    if order == "F":
        array, shape = array.T, shape[::-1]
    array.shape = shape
