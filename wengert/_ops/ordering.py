"""Order along an axis: sorting, positions of extrema, and taking by position."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.types import ArrayType, Params
from wengert._ops.families import (
    Kink,
    Sample,
    Scatter,
    linear,
    match,
    piecewise_constant,
    structural,
)
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem, lane_numbers
from wengert._ops.reduction import reduce_sum
from wengert._ops.structure import numbered, reshape, spread, transpose

_POSITION = "positions are integers"
_INTP = np.dtype(np.intp)

# -- taking by position ---------------------------------------------------------------


def _take_evaluate(xp: Any, x: Any, positions: Any, *, axis: int) -> Any:
    positions = positions if xp is np else xp.asarray(positions)
    return xp.take(x, positions, axis=axis)


def _taken_type(x: ArrayType, positions: ArrayType, *, axis: int) -> ArrayType:
    return ArrayType((*x.shape[:axis], *positions.shape, *x.shape[axis + 1 :]), x.dtype)


def _take_transpose(ct: Any, _x: Any, positions: Any, *, axis: int) -> Scatter:
    return Scatter(ct, (positions,), (*(slice(None),) * axis, Slot(0)))


def _take_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    if not batched[1]:
        return take(*operands, axis=p["axis"] + 1)
    x, positions = spread(size, batched, operands)
    axis, rank = p["axis"], positions.ndim - 1
    lanes = lane_numbers(size, rank)
    # The lane stands first and apart, so that the block of positions comes in front.
    index = (Slot(0), *(slice(None),) * axis, Slot(1))
    out = getitem(x, lanes, positions, index=index)
    if not axis:
        return out
    block, before = range(1, rank + 1), range(rank + 1, rank + 1 + axis)
    behind = range(rank + 1 + axis, out.ndim)
    return transpose(out, axes=(0, *before, *block, *behind))


# Not `getitem`: NumPy lays the result of `take` out in C order.
take: Op = linear(
    "take",
    _take_evaluate,
    abstract=_taken_type,
    transposes=(_take_transpose,),
    batch=_take_batch,
    samples=[
        Sample(((4, 3), np.array([0, 2, 2])), {"axis": 0}),
        Sample(((2, 3), np.array([1, -1])), {"axis": 1}),
        Sample(((2, 3, 2), np.array([[1, 0], [2, 2]])), {"axis": 1}),
        Sample(((3,), np.array([], np.intp)), {"axis": 0}),
    ],
)


def take_along(x: Any, positions: Any, axis: int) -> Any:
    """``numpy.take_along_axis``: one position for each entry of the result."""
    slots: list[Any] = []
    grids = []
    for i, n in enumerate(x.shape):
        if i == axis:
            grids.append(positions)
        else:
            grids.append(numbered(n, (n,) + (1,) * (x.ndim - i - 1)))
        slots.append(Slot(i))
    return getitem(x, *grids, index=tuple(slots))


_AXIS_SAMPLES = [
    Sample(((5,),), {"axis": 0}),
    Sample(((3, 4),), {"axis": 0}),
    Sample(((2, 3, 2),), {"axis": 1}),
    Sample(((0,),), {"axis": 0}),
]

# -- sorting --------------------------------------------------------------------------


def _shift_axis(p: Params) -> Params:
    return {**p, "axis": p["axis"] + 1}


def _argsort_evaluate(xp: Any, x: Any, *, axis: int, kind: Any = None) -> Any:
    if xp is np:
        return np.argsort(x, axis=axis, kind=kind)
    return xp.argsort(x, axis=axis, stable=kind == "stable")


argsort: Op = piecewise_constant(
    "argsort",
    _argsort_evaluate,
    reason=_POSITION,
    abstract=lambda x, *, axis, kind=None: ArrayType(x.shape, _INTP),
    batch=lambda size, batched, operands, p: argsort(*operands, **_shift_axis(p)),
    domains=_AXIS_SAMPLES,
)


def _sort_evaluate(xp: Any, x: Any, *, axis: int, kind: Any = None) -> Any:
    if xp is np:
        return np.sort(x, axis=axis, kind=kind)
    return xp.sort(x, axis=axis, stable=kind == "stable")


def _sort_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (x,), (dx,) = primals, tangents
    order = argsort(x, axis=p["axis"], kind="stable")
    return match(take_along(dx, order, p["axis"]), out)


def _sort_pull(
    ct: Any, _out: Any, x: Any, *, axis: int, kind: str | None = None
) -> Any:
    order = argsort(x, axis=axis, kind="stable")
    return take_along(ct, argsort(order, axis=axis), axis)


def _has_ties(x: Any, axis: int = -1, kind: Any = None) -> Any:
    ordered = np.sort(x, axis=axis)
    return np.any(np.diff(ordered, axis=axis) == 0, axis=axis)


sort: Op = structural(
    "sort",
    _sort_evaluate,
    abstract=lambda x, *, axis, kind=None: x,
    jvp=_sort_jvp,
    vjps=(_sort_pull,),
    batch=lambda size, batched, operands, p: sort(*operands, **_shift_axis(p)),
    samples=_AXIS_SAMPLES,
    kinks=Kink(
        _has_ties,
        "sort, where entries tie",
        "their order in the array (stable)",
        "the same",
        "not stated",
    ),
)

# -- positions ------------------------------------------------------------------------


def _position_of(name: str) -> Op:
    op: Op = piecewise_constant(
        name,
        lambda xp, x, *, axis: getattr(xp, name)(x, axis=axis),
        reason=_POSITION,
        abstract=lambda x, *, axis: ArrayType(
            (*x.shape[:axis], *x.shape[axis + 1 :]), _INTP
        ),
        batch=lambda size, batched, operands, p: op(*operands, **_shift_axis(p)),
        domains=_AXIS_SAMPLES[:3],
    )
    return op


argmax = _position_of("argmax")
argmin = _position_of("argmin")


def _searchsorted_evaluate(xp: Any, ordered: Any, x: Any, *, side: str) -> Any:
    return xp.searchsorted(ordered, x, side=side)


def _searchsorted_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    ordered, x = operands
    if not batched[0]:
        return searchsorted(ordered, x, **p)
    ordered, x = spread(size, batched, (ordered, x))
    shape = tuple(x.shape)
    flat = reshape(x, shape=(shape[0], *shape[1:], 1))
    lead = (shape[0], *(1,) * (len(shape) - 1), ordered.shape[1])
    entries = reshape(ordered, shape=lead)
    before = entries < flat if p["side"] == "left" else entries <= flat
    return reduce_sum(before, axes=(len(shape),))


searchsorted: Op = piecewise_constant(
    "searchsorted",
    _searchsorted_evaluate,
    reason=_POSITION,
    arity=2,
    abstract=lambda ordered, x, *, side: ArrayType(x.shape, _INTP),
    batch=_searchsorted_batch,
    domains=[
        Sample((np.array([0.0, 0.5, 0.5, 2.0]), (5,)), {"side": side}, batch=False)
        for side in ("left", "right")
    ],
)
