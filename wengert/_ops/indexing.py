"""Indexing: reading, replacing and adding to part of an array.

``donate=True`` promises that the first operand is never read again, so
that its memory may become the result's: the op stays pure, the write costs O(its size).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import (
    ArrayType,
    Params,
    is_bool,
    ndim_of,
    type_of,
)
from wengert._ops.families import (
    Sample,
    Scatter,
    align_ranks,
    linear,
    piecewise_constant,
)
from wengert._ops.index import (
    Layout,
    Slot,
    fill_slots,
    indexed_type,
    is_run_time,
    layout,
    written_region,
)
from wengert._ops.reduction import cumsum
from wengert._ops.structure import (
    _inverse,
    broadcast_to,
    copy,
    full,
    private_copy,
    reshape,
    transpose,
    where,
)
from wengert.errors import LanesDisagreeError, MissingRuleError


def _key(xp: Any, index: tuple[Any, ...], indices: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index of an array of this namespace; the standard asks for all its axes."""
    key = fill_slots(index, indices)
    if xp is np:
        return key
    key = tuple(xp.asarray(i) if isinstance(i, np.ndarray) else i for i in key)
    if indices or any(i is Ellipsis for i in key):
        return key
    return (*key, Ellipsis)


def _getitem(xp: Any, x: Any, *indices: Any, index: Any, copy: bool = False) -> Any:
    out = x[_key(xp, index, indices)]
    return private_copy(out) if copy and not indices else out


def _getitem_type(x: ArrayType, *indices: ArrayType, index: Any, **_: Any) -> ArrayType:
    if any(is_bool(t.dtype) for t in indices):
        raise MissingRuleError(
            explain(
                "indexing: the number of entries that a boolean mask selects is not "
                "known from its type",
                fix="use np.where(mask, x, value), which has the shape of x",
            )
        )
    return indexed_type(x, *indices, index=index)


def _lane_types(batched: Any, indices: Any) -> list[ArrayType]:
    return [
        ArrayType(i.shape[1:] if is_batched else i.shape, i.dtype)
        for i, is_batched in zip(indices, batched, strict=True)
    ]


def lane_numbers(size: Any, rank: int) -> Any:
    """0, 1, ... along the first of ``1 + rank`` axes.

    Ops compute them: a program holds no arrays.
    """
    ones = full(shape=(size,), value=1, dtype=np.dtype(np.int64))
    return reshape(cumsum(ones, axis=0) - 1, shape=(size, *(1,) * rank))


def _per_lane(size: Any, batched: Any, indices: Any, rank: int) -> list[Any]:
    """The lane number, and index operands that broadcast with it to (size, *block)."""
    lanes = [lane_numbers(size, rank)]
    for i, is_batched in zip(indices, batched, strict=True):
        own = i.shape[1:] if is_batched else i.shape
        lead = size if is_batched else 1
        lanes.append(i.reshape((lead,) + (1,) * (rank - len(own)) + tuple(own)))
    return lanes


def _with_lane_slot(index: tuple[Any, ...]) -> tuple[Any, ...]:
    return (Slot(0), *(Slot(i.k + 1) if type(i) is Slot else i for i in index))


def _block_axes(layout: Layout, ndim: int, lead: int) -> tuple[int, ...] | None:
    """Axes that take (size, block, others) to (size, others, block, others).

    `lead` is where the batch axis stands, before or behind the block.
    """
    block = [i + (lead == 0) for i in range(layout.rank)]
    batch = 0 if lead == 0 else layout.rank
    others = list(range(layout.rank + 1, ndim))
    axes = (batch, *others[: layout.position], *block, *others[layout.position :])
    return None if axes == tuple(range(ndim)) else axes


def _batched_index(
    size: Any, batched: Any, indices: Any, index: Any, ndim: int
) -> tuple[list[Any], tuple[Any, ...], Any]:
    """``(indices, index, axes)`` behind a batch axis.

    `axes(ndim of the result)` takes what NumPy then returns to the per-lane layout.
    """
    if not indices:
        return [], (slice(None), *index), lambda _: None
    types = _lane_types(batched, indices)
    at = layout(index, types, ndim)
    if any(batched):
        if any(is_bool(t.dtype) for t in types):
            raise LanesDisagreeError(
                explain(
                    "indexing: a batched boolean mask selects another number of "
                    "entries in each lane",
                    fix="use np.where(mask, value, x), or wg.map",
                )
            )
        lanes = _per_lane(size, batched, indices, at.rank)
        return lanes, _with_lane_slot(index), lambda n: _block_axes(at, n, 0)
    if at.adjacent:
        return list(indices), (slice(None), *index), lambda _: None
    return list(indices), (slice(None), *index), lambda n: _block_axes(at, n, 1)


def _with_types(indices: Any) -> list[Any]:
    """Index operands; one that a pass has found constant is a Python number."""
    return [np.int64(i) if type(i) is int else i for i in indices]


def _getitem_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    (x, *indices), (x_batched, *rest) = operands, batched
    indices = _with_types(indices)
    if not x_batched:
        x = broadcast_to(x, shape=(size, *x.shape))
    lanes, index, axes_for = _batched_index(size, rest, indices, p["index"], x.ndim - 1)
    out = getitem(x, *lanes, **{**p, "index": index})
    axes = axes_for(out.ndim)
    out = out if axes is None else transpose(out, axes=axes)
    # In a staged program there is no layout yet.
    extents = (n for v in (x, *indices) for n in v.shape)
    known = all(type(n) is int for n in extents) and not any(map(is_run_time, index))
    if indices and known and _gathers_in_order(x, indices, rest, p):
        return copy(out, order="C")
    return out


def _gathers_in_order(x: Any, indices: Any, batched: Any, p: Params) -> bool:
    """Whether NumPy's result is C-contiguous for one lane: reshapes are then views."""
    probe = np.empty(x.shape[1:], np.int8)
    filled = tuple(
        i
        if isinstance(i, np.ndarray) and not is_batched
        else np.zeros(i.shape[int(is_batched) :], np.int64)
        for i, is_batched in zip(indices, batched, strict=True)
    )
    return probe[fill_slots(p["index"], filled)].flags.c_contiguous


def _getitem_transpose(
    ct: Any, _x: Any, *indices: Any, index: Any, **_: Any
) -> Scatter:
    return Scatter(ct, indices, index)


_ROWS = np.array([0, 2, 2])
_MASK = np.array([True, False, True])
_INDEX_SAMPLES = [
    (((4, 3),), (slice(1, None, 2), slice(None, None, -1))),
    (((4, 3),), (1,)),
    (((4, 3),), (2, 1)),
    (((4, 3),), (None, Ellipsis, 0)),
    (((4, 3), _ROWS), (Slot(0),)),
    (((4, 3), _ROWS, np.array([1, 1, 0])), (Slot(0), Slot(1))),
    (((4, 3), _ROWS[:, None], np.array([1, 0])), (Slot(0), Slot(1))),
    (((3, 4), _ROWS), (slice(0, 2), Slot(0))),
    (((3, 2), _MASK), (Slot(0),)),
]

getitem: Op = linear(
    "getitem",
    _getitem,
    abstract=_getitem_type,
    transposes=(_getitem_transpose,),
    batch=_getitem_batch,
    samples=[Sample(operands, {"index": index}) for operands, index in _INDEX_SAMPLES],
)


# -- writes ---------------------------------------------------------------------------


def _writable(x: Any, donate: bool) -> Any:
    """The memory to write into: the operand's own if it is given away."""
    return (
        x if donate and isinstance(x, np.ndarray) and x.flags.writeable else copied(x)
    )


def copied(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return private_copy(x) if 0 not in x.strides else x.copy(order="K")
    if isinstance(x, np.generic):
        return np.array(x)
    from array_api_compat import array_namespace

    return array_namespace(x).asarray(x, copy=True)


def _update_evaluate(
    xp: Any, x: Any, v: Any, *indices: Any, index: Any, donate: bool = False
) -> Any:
    out = _writable(x, donate)
    if indices:
        indices, v = tuple(map(_in_c_order, indices)), _in_c_order(v)
    key = _key(xp, index, indices)
    if xp is np:
        out[key] = v
    else:
        _write_strict(xp, out, key, v)
    return out


def _write_strict(xp: Any, out: Any, key: tuple[Any, ...], v: Any) -> None:
    """A write as the standard has it: its index has no new axes."""
    if any(i is None for i in key):
        shape = out[key].shape
        key = tuple(i for i in key if i is not None)
        v = xp.broadcast_to(xp.asarray(v, dtype=out.dtype), shape)
        v = xp.reshape(v, out[key].shape)
    out[key] = v


def _in_c_order(x: Any) -> Any:
    """NumPy visits indices in memory order: which write is the last depends on it."""
    return np.ascontiguousarray(x) if isinstance(x, np.ndarray) and x.ndim else x


def _add_at_evaluate(
    xp: Any, x: Any, v: Any, *indices: Any, index: Any, donate: bool = False
) -> Any:
    out = _writable(x, donate)
    where_to = _key(xp, index, indices)
    repeats = any(getattr(i, "ndim", 0) and not is_bool(i.dtype) for i in indices)
    if xp is not np and not repeats:
        _write_strict(xp, out, where_to, out[where_to] + v)
    elif xp is not np:
        raise MissingRuleError(
            explain(
                "indexing: the Array API standard cannot add at integer arrays, whose "
                "entries may repeat",
                fix="index with slices, or convert with numpy.asarray",
            )
        )
    elif repeats:
        np.add.at(out, where_to, v)
    else:
        out[where_to] += v
    return out


def _last_writer(xp: Any, *indices: Any, index: Any, shape: Any, region: Any) -> Any:
    """Which entries of a written region are the last to be written where they land."""
    indices = tuple(map(_in_c_order, indices))
    numbers = np.arange(int(np.prod(region))).reshape(region)
    owner = np.full(shape, -1)
    owner[fill_slots(index, indices)] = numbers
    return owner[fill_slots(index, indices)] == numbers


def _last_writer_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    lanes, index, axes_for = _batched_index(
        size, batched, operands, p["index"], len(p["shape"])
    )
    region = (size, *p["region"])
    axes = axes_for(len(region))
    written = (
        region if axes is None else tuple(np.array(region)[np.argsort(axes)].tolist())
    )
    out = last_writer(*lanes, index=index, shape=(size, *p["shape"]), region=written)
    return out if axes is None else transpose(out, axes=axes)


last_writer: Op = piecewise_constant(
    "last_writer",
    _last_writer,
    reason="positions are integers",
    abstract=lambda *_, region, **__: ArrayType(region, np.dtype(bool)),
    batch=_last_writer_batch,
    domains=[],
)


def _may_repeat(indices: tuple[Any, ...]) -> bool:
    return any(ndim_of(i) > 0 and not is_bool(i.dtype) for i in indices)


def _update_transpose_x(
    ct: Any, _x: Any, v_type: ArrayType, *indices: Any, index: Any, donate: bool = False
) -> Any:
    return update(ct, 0.0, *indices, index=index, donate=donate)


def _update_transpose_v(
    ct: Any, x_type: ArrayType, v_type: ArrayType, *indices: Any, index: Any, **_: Any
) -> Any:
    taken = _written_part(ct, v_type, indices, index)
    if not _may_repeat(indices):
        return taken
    last = last_writer(*indices, index=index, shape=x_type.shape, region=taken.shape)
    return where(last, taken, 0.0)


def _written_part(ct: Any, v_type: ArrayType, indices: Any, index: Any) -> Any:
    """The cotangent of what was written.

    Of one number at a mask it is not gathered: a batched mask has no number of entries.
    """
    if index == (Slot(0),) and is_bool(indices[0].dtype) and not v_type.shape:
        return where(_over_trailing(indices[0], ct.ndim), ct, 0.0)
    return getitem(ct, *indices, index=index, copy=True)


def _over_trailing(mask: Any, ndim: int) -> Any:
    """A mask of the leading axes that broadcasts over the others."""
    extra = ndim - len(mask.shape)
    return reshape(mask, shape=tuple(mask.shape) + (1,) * extra) if extra else mask


def _write_batch(size: Any, batched: Any, operands: Any, p: Params, op: Any) -> Any:
    (x, v, *indices), (x_batched, v_batched, *rest) = operands, batched
    indices = _with_types(indices)
    if not x_batched:
        x = broadcast_to(x, shape=(size, *x.shape))
        p = {**p, "donate": False}
    if _is_whole_mask(p["index"], indices, rest, v, v_batched):
        mask = _over_trailing(indices[0], x.ndim)
        v = align_ranks((v_batched, True), (v, x))[0]
        return where(mask, v, x) if op is update else x + where(mask, v, 0.0)
    lanes, index, axes_for = _batched_index(size, rest, indices, p["index"], x.ndim - 1)
    if v_batched or axes_for(x.ndim) is not None:
        region = written_region(type_of(x), lanes, index)
        axes = axes_for(len(region))
        v = align_ranks((v_batched, True), (v, broadcast_to(0.0, shape=region)))[0]
        if axes is not None:
            lane_shape = tuple(region[i] for i in axes)
            v = transpose(broadcast_to(v, shape=lane_shape), axes=_inverse(axes))
    return op(x, v, *lanes, **{**p, "index": index})


def _is_whole_mask(
    index: Any, indices: Any, rest: Any, v: Any, v_batched: bool
) -> bool:
    """One boolean mask, batched, over the leading axes, and one value for each lane."""
    return (
        index == (Slot(0),)
        and rest[0]
        and is_bool(indices[0].dtype)
        and ndim_of(v) == int(v_batched)
    )


def _write_samples() -> list[Sample]:
    samples = []
    for operands, index in _INDEX_SAMPLES:
        shapes = [np.zeros(o) if isinstance(o, tuple) else o for o in operands]
        region = shapes[0][fill_slots(index, tuple(shapes[1:]))].shape
        samples.append(
            Sample(
                (operands[0], region, *operands[1:]),
                {"index": index},
                differentiate=(0, 1),
            )
        )
    samples.append(
        Sample(((4, 3), ()), {"index": (slice(1, 3),)}, differentiate=(0, 1))
    )
    return samples


update: Op = linear(
    "update",
    _update_evaluate,
    abstract=lambda x, v, *_, **__: x,
    transposes=(_update_transpose_x, _update_transpose_v),
    batch=lambda size, batched, operands, p: _write_batch(
        size, batched, operands, p, update
    ),
    samples=_write_samples(),
    consumes=True,
)
add_at: Op = linear(
    "add_at",
    _add_at_evaluate,
    abstract=lambda x, v, *_, **__: x,
    transposes=(
        lambda ct, _x, v_type, *indices, **_p: ct,
        lambda ct, x_type, v_type, *indices, index, **_p: _written_part(
            ct, v_type, indices, index
        ),
    ),
    batch=lambda size, batched, operands, p: _write_batch(
        size, batched, operands, p, add_at
    ),
    samples=_write_samples(),
)
