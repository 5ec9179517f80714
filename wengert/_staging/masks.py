"""Boolean masks as indices: staged, they are the places where they are true."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from wengert._core.op import Op
from wengert._core.types import Params
from wengert._ops.arithmetic import floor_divide, remainder
from wengert._ops.index import Slot, axes_indexed
from wengert._ops.indexing import add_at, getitem, update
from wengert._ops.masks import flat_nonzero, is_mask
from wengert._ops.reduction import reduce_sum
from wengert._ops.structure import reshape, where

_FIRST = {getitem: 1, update: 2, add_at: 2}  # the operand that is the first index


def has_masks(op: Op, operands: tuple[Any, ...]) -> bool:
    first = _FIRST.get(op)
    return first is not None and any(map(is_mask, operands[first:]))


def without_masks(
    op: Op,
    operands: tuple[Any, ...],
    params: Params,
    places_of: Callable[[Any], list[Any]],
) -> Any:
    """The result of an op whose indices have masks, by an op whose indices are places.

    Raises:
        IndexError: a mask has another shape than the axes that it indexes; where
            lengths are known only at run time, the program raises it.
    """
    first = _FIRST[op]
    x, values, indices = operands[0], operands[1:first], operands[first:]
    if op is update and _chooses_whole(x, values[0], indices, params["index"]):
        return where(indices[0], values[0], x)
    places: list[Any] = []
    index: list[Any] = []
    for item, axis in axes_indexed(params["index"], indices, len(x.shape)):
        if type(item) is not Slot:
            index.append(item)
            continue
        given = indices[item.k]
        if is_mask(given):
            _check_shape(given.shape, x.shape[axis : axis + len(given.shape)], axis)
        found = places_of(given) if is_mask(given) else [given]
        index += [Slot(len(places) + i) for i in range(len(found))]
        places += found
    return op(x, *values, *places, **{**params, "index": tuple(index)})


def _chooses_whole(x: Any, value: Any, indices: Any, index: Any) -> bool:
    """Whether one number is written to the entries of an array that a mask chooses."""
    if index != (Slot(0),) or not hasattr(value, "shape") or value.shape != ():
        return False
    return tuple(indices[0].shape) == tuple(x.shape)


def places_of(mask: Any) -> list[Any]:
    """For each axis of a mask, the indices of the entries that are true, in order."""
    size: Any = 1
    for n in mask.shape:
        size = n * size
    flat = reshape(mask, shape=(size,))
    count = reduce_sum(flat, axes=(0,)).as_extent()
    places = flat_nonzero(flat, size=count)
    found = []
    for n in reversed(mask.shape[1:]):
        found.append(remainder(places, n))
        places = floor_divide(places, n)
    return [places, *reversed(found)]


def _check_shape(mask: Any, array: Any, axis: int) -> None:
    for i, (m, n) in enumerate(zip(mask, array, strict=True)):
        if m == n or (type(m) is int and m == 0):  # NumPy takes an empty mask anywhere
            continue
        if type(m) is int and type(n) is int:
            raise _lengths_differ(axis + i, m, n)
        error = partial(_lengths_differ, axis + i)
        if type(m) is int:
            n.must_equal(m, lambda n, m: error(m, n))
        else:
            m.must_equal(n, error)


def _lengths_differ(axis: int, mask: int, array: int) -> IndexError:
    return IndexError(
        f"boolean index did not match indexed array along axis {axis}; size of axis is "
        f"{array} but size of corresponding boolean axis is {mask}"
    )
