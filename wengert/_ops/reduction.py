"""Reductions and running sums, products and recurrences along axes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.types import ArrayType, Params
from wengert._ops.families import (
    Domain,
    Kink,
    Sample,
    conjugate,
    elementwise,
    linear,
    match,
    piecewise_constant,
    structural,
)
from wengert._ops.structure import (
    astype,
    broadcast_to,
    concatenate,
    flip,
    full,
    reshape,
    spread,
    transpose,
    where,
)

Axes = tuple[int, ...]


def kept_shape(shape: tuple[Any, ...], axes: Axes) -> tuple[Any, ...]:
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _reduced_shape(shape: tuple[Any, ...], axes: Axes) -> tuple[Any, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def reduced_type(x: ArrayType, *_: Any, axes: Axes, dtype: Any = None) -> ArrayType:
    dtype = np.dtype(dtype) if dtype else np.sum(np.ones(1, x.dtype)).dtype
    return ArrayType(_reduced_shape(x.shape, axes), dtype)


def expand(ct: Any, shape: tuple[Any, ...], axes: Axes) -> Any:
    """A reduced array broadcast back over the axes of a reduction."""
    if len(axes) == len(shape):
        return broadcast_to(ct, shape=shape)
    return broadcast_to(reshape(ct, shape=kept_shape(shape, axes)), shape=shape)


def shift_axes(p: Params) -> Params:
    return {**p, "axes": tuple(i + 1 for i in p["axes"])}


def _numpy_axes(axes: Axes, ndim: int) -> Axes | None:
    return None if len(axes) == ndim else axes


_AXES_SAMPLES = [
    Sample(((3, 4),), {"axes": (0, 1)}),
    Sample(((3, 4, 2),), {"axes": (1,)}),
    Sample(((2, 3, 4),), {"axes": (0, 2)}),
    Sample(((),), {"axes": ()}),
]
_EMPTY_SAMPLE = Sample(((0, 4),), {"axes": (0,)})

# -- sums -----------------------------------------------------------------------------


def _sum_evaluate(xp: Any, x: Any, *, axes: Axes, dtype: Any = None) -> Any:
    if xp is np:
        return np.add.reduce(x, axis=_numpy_axes(axes, x.ndim), dtype=dtype)
    return xp.sum(x, axis=axes, dtype=dtype)


reduce_sum: Op = linear(
    "reduce_sum",
    _sum_evaluate,
    abstract=reduced_type,
    transposes=(
        lambda ct, x_type, *, axes, dtype=None: expand(ct, x_type.shape, axes),
    ),
    batch=lambda size, batched, operands, p: reduce_sum(*operands, **shift_axes(p)),
    samples=[*_AXES_SAMPLES, _EMPTY_SAMPLE],
)


def _masked_sum_evaluate(x: Any, mask: Any, *, axes: Axes, dtype: Any = None) -> Any:
    return np.add.reduce(x, axis=_numpy_axes(axes, x.ndim), dtype=dtype, where=mask)


def _masked_sum_transpose(
    ct: Any, x_type: ArrayType, mask: Any, *, axes: Axes, dtype: Any = None
) -> Any:
    return where(mask, expand(ct, x_type.shape, axes), 0.0)


# The sum of the entries where a mask of the operand's shape is true.
masked_sum: Op = linear(
    "masked_sum",
    _masked_sum_evaluate,
    abstract=reduced_type,
    transposes=(_masked_sum_transpose,),
    batch=lambda size, batched, operands, p: masked_sum(
        *spread(size, batched, operands), **shift_axes(p)
    ),
    samples=[
        Sample(((2, 3), np.array([[True, False, True], [False] * 3])), {"axes": (1,)}),
        Sample(((3,), np.array([True, False, True])), {"axes": (0,)}),
    ],
)


def _cumsum_evaluate(xp: Any, x: Any, *, axis: int) -> Any:
    return np.cumsum(x, axis=axis) if xp is np else xp.cumulative_sum(x, axis=axis)


def accumulated_type(x: ArrayType, *, axis: int) -> ArrayType:
    return ArrayType(x.shape, np.cumsum(np.ones(1, x.dtype)).dtype)


def _shift_axis(p: Params) -> Params:
    return {**p, "axis": p["axis"] + 1}


_AXIS_SAMPLES = [
    Sample(((4,),), {"axis": 0}),
    Sample(((2, 3),), {"axis": 1}),
    Sample(((3, 2, 2),), {"axis": 0}),
    Sample(((0,),), {"axis": 0}),
]


def _cumsum_transpose(ct: Any, _x: Any, *, axis: int) -> Any:
    return flip(cumsum(flip(ct, axes=(axis,)), axis=axis), axes=(axis,))


cumsum: Op = linear(
    "cumsum",
    _cumsum_evaluate,
    abstract=accumulated_type,
    transposes=(_cumsum_transpose,),
    batch=lambda size, batched, operands, p: cumsum(*operands, **_shift_axis(p)),
    samples=_AXIS_SAMPLES,
)

# -- recurrences and products ---------------------------------------------------------


def along(axis: int, start: Any, stop: Any) -> tuple[Any, ...]:
    """The index of a range of one axis."""
    return (slice(None),) * axis + (slice(start, stop),)


def _shifted(x: Any, axis: int, first: float, backward: bool = False) -> Any:
    """Entries moved one place along an axis; `first` is what moves in."""
    from wengert._ops.indexing import getitem

    shape = tuple(x.shape)
    edge = full(
        shape=(*shape[:axis], 1, *shape[axis + 1 :]), value=first, dtype=x.dtype
    )
    if backward:
        return getitem(concatenate(x, edge, axis=axis), index=along(axis, 1, None))
    return getitem(concatenate(edge, x, axis=axis), index=along(axis, None, -1))


def _recurrence_evaluate(xp: Any, a: Any, b: Any, *, axis: int) -> Any:
    out = xp.asarray(b, dtype=xp.result_type(a, b), copy=True)
    before = (slice(None),) * axis
    for k in range(1, out.shape[axis]):
        out[(*before, k, ...)] += a[(*before, k, ...)] * out[(*before, k - 1, ...)]
    return out


def _recurrence_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (a, _), (da, db) = primals, tangents
    drive = db
    if da is not None:
        term = da * _shifted(out, p["axis"], 0.0)
        drive = term if db is None else db + term
    return match(linear_recurrence(a, drive, **p), out)


def _recurrence_pull(ct: Any, _out: Any, a: Any, _b: Any, *, axis: int) -> Any:
    """The cotangent of b: the same recurrence, from the end."""
    factors = flip(_shifted(conjugate(a), axis, 0.0, backward=True), axes=(axis,))
    return flip(
        linear_recurrence(factors, flip(ct, axes=(axis,)), axis=axis), axes=(axis,)
    )


def _recurrence_pull_factor(ct: Any, out: Any, a: Any, _b: Any, *, axis: int) -> Any:
    before = _shifted(out, axis, 0.0)
    return _recurrence_pull(ct, None, a, None, axis=axis) * conjugate(before)


# y[k] = a[k] y[k-1] + b[k], y[-1] = 0: what the derivatives of a cumulative product
# are made of, without a division, so that they hold where entries are zero.
linear_recurrence: Op = structural(
    "linear_recurrence",
    _recurrence_evaluate,
    abstract=lambda a, b, *, axis: ArrayType(b.shape, np.result_type(a.dtype, b.dtype)),
    jvp=_recurrence_jvp,
    vjps=(_recurrence_pull_factor, _recurrence_pull),
    batch=lambda size, batched, operands, p: linear_recurrence(
        *spread(size, batched, operands), **_shift_axis(p)
    ),
    samples=[
        Sample(((4,), (4,)), {"axis": 0}, differentiate=(0, 1)),
        Sample(((2, 3), (2, 3)), {"axis": 1}, differentiate=(0, 1)),
        Sample(((3, 2), (3, 2)), {"axis": 0}, differentiate=(0, 1)),
    ],
)


def _cumprod_evaluate(xp: Any, x: Any, *, axis: int) -> Any:
    return np.cumprod(x, axis=axis) if xp is np else xp.cumulative_prod(x, axis=axis)


def _cumprod_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (x,), (dx,) = primals, tangents
    drive = dx * _shifted(out, p["axis"], 1.0)
    return match(linear_recurrence(x, drive, **p), out)


def _cumprod_pull(ct: Any, out: Any, x: Any, *, axis: int) -> Any:
    later = _recurrence_pull(ct, None, x, None, axis=axis)
    return later * conjugate(_shifted(out, axis, 1.0))


_ONE_ZERO = np.array([1.5, 0.0, -0.5, 2.0])
_TWO_ZEROS = np.array([[1.5, 0.0, 2.0], [0.0, 3.0, 0.0]])

cumprod: Op = structural(
    "cumprod",
    _cumprod_evaluate,
    abstract=accumulated_type,
    jvp=_cumprod_jvp,
    vjps=(_cumprod_pull,),
    batch=lambda size, batched, operands, p: cumprod(*operands, **_shift_axis(p)),
    samples=[
        *_AXIS_SAMPLES,
        Sample((_ONE_ZERO,), {"axis": 0}),
        Sample((_TWO_ZEROS,), {"axis": 1}),
    ],
)


def _prod_evaluate(xp: Any, x: Any, *, axes: Axes, dtype: Any = None) -> Any:
    if xp is np:
        return np.multiply.reduce(x, axis=_numpy_axes(axes, x.ndim), dtype=dtype)
    return xp.prod(x, axis=axes, dtype=dtype)


def _product_of_others(x: Any, axes: Axes) -> Any:
    """For each entry, the product of all others that it is reduced with."""
    if not axes:
        return full(shape=tuple(x.shape), value=1.0, dtype=x.dtype)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    order = (*rest, *axes)
    moved = transpose(x, axes=order)
    extents = tuple(moved.shape)
    flat = reshape(moved, shape=(*extents[: len(rest)], prod(extents[len(rest) :])))
    axis = len(rest)
    before = cumprod(_shifted(flat, axis, 1.0), axis=axis)
    behind = flip(_shifted(flat, axis, 1.0, backward=True), axes=(axis,))
    behind = flip(cumprod(behind, axis=axis), axes=(axis,))
    others = reshape(before * behind, shape=extents)
    return transpose(others, axes=tuple(order.index(i) for i in range(x.ndim)))


def _prod_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (x,), (dx,) = primals, tangents
    weights = _product_of_others(_as_dtype(x, out.dtype), p["axes"])
    return match(reduce_sum(dx * weights, axes=p["axes"]), out)


def _prod_pull(ct: Any, _out: Any, x: Any, *, axes: Axes, dtype: Any = None) -> Any:
    weights = _product_of_others(_as_dtype(x, ct.dtype), axes)
    return expand(ct, tuple(x.shape), axes) * conjugate(weights)


def _as_dtype(x: Any, dtype: Any) -> Any:
    return x if x.dtype == dtype else astype(x, dtype=dtype)


reduce_prod: Op = structural(
    "reduce_prod",
    _prod_evaluate,
    abstract=reduced_type,
    jvp=_prod_jvp,
    vjps=(_prod_pull,),
    batch=lambda size, batched, operands, p: reduce_prod(*operands, **shift_axes(p)),
    samples=[
        *_AXES_SAMPLES,
        _EMPTY_SAMPLE,
        Sample((_ONE_ZERO,), {"axes": (0,)}),
        Sample((_TWO_ZEROS,), {"axes": (1,)}),
    ],
)

# -- extrema --------------------------------------------------------------------------


def _shares(out: Any, x: Any, axes: Axes) -> Any:
    """Weights of the entries in an extremum: equal where they tie; they add up to 1.

    An extremum that is NaN belongs to the entries that are.
    """
    top = expand(out, tuple(x.shape), axes)
    chosen = (x == top) | ((x != x) & (top != top))
    weight = astype(chosen, dtype=out.dtype)
    return weight / expand(reduce_sum(weight, axes=axes), tuple(x.shape), axes)


def _extremum(name: str, ufunc: np.ufunc, function: str | None) -> Op:
    def evaluate(xp: Any, x: Any, *, axes: Axes) -> Any:
        if xp is np or function is None:
            return ufunc.reduce(x, axis=_numpy_axes(axes, np.ndim(x)))
        return getattr(xp, function)(x, axis=axes)

    def jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
        (x,), (dx,) = primals, tangents
        return match(reduce_sum(dx * _shares(out, x, p["axes"]), axes=p["axes"]), out)

    def pull(ct: Any, out: Any, x: Any, *, axes: Axes) -> Any:
        return expand(ct, tuple(x.shape), axes) * _shares(out, x, axes)

    def ties(x: Any, axes: Axes | None = None) -> Any:
        best = ufunc.reduce(x, axis=axes, keepdims=True)
        return np.add.reduce(x == best, axis=axes) > 1

    op: Op = structural(
        name,
        evaluate,
        abstract=lambda x, *, axes: ArrayType(_reduced_shape(x.shape, axes), x.dtype),
        jvp=jvp,
        vjps=(pull,),
        batch=lambda size, batched, operands, p: op(*operands, **shift_axes(p)),
        samples=_AXES_SAMPLES,
        kinks=Kink(
            ties,
            f"{ufunc.__name__} over an axis, where entries tie",
            "equal shares",
            "equal shares",
            "equal shares (amax, amin)",
        ),
    )
    return op


reduce_max = _extremum("reduce_max", np.maximum, "max")
reduce_min = _extremum("reduce_min", np.minimum, "min")
# The extrema of what is not NaN.
reduce_fmax = _extremum("reduce_fmax", np.fmax, None)
reduce_fmin = _extremum("reduce_fmin", np.fmin, None)


def _truth(name: str, ufunc: np.ufunc, function: str) -> Op:
    def evaluate(xp: Any, x: Any, *, axes: Axes) -> Any:
        if xp is np:
            return ufunc.reduce(x, axis=_numpy_axes(axes, np.ndim(x)))
        return getattr(xp, function)(x, axis=axes)

    op: Op = piecewise_constant(
        name,
        evaluate,
        reason="a truth value has no derivative",
        abstract=lambda x, *, axes: ArrayType(
            _reduced_shape(x.shape, axes), np.dtype(bool)
        ),
        batch=lambda size, batched, operands, p: op(*operands, **shift_axes(p)),
        domains=[],
    )
    return op


reduce_any = _truth("reduce_any", np.logical_or, "any")
reduce_all = _truth("reduce_all", np.logical_and, "all")

# -- the root in a standard deviation --------------------------------------------------


def _root_partial(out: Any, x: Any) -> Any:
    still = x == 0
    return where(still, 0.0, 0.5 / where(still, 1.0, out))


deviation = elementwise(
    "deviation",
    "sqrt",
    (_root_partial,),
    domains=(Domain(0.3, 3.0),),
    kinks=Kink(
        lambda x: x == 0,
        "std of entries that are all equal",
        "0",
        "nan",
        "0",
        (0.0,),
        (0.0,),
    ),
)

# -- exponentials ---------------------------------------------------------------------


def _below_top(xp: Any, x: Any, axes: Axes) -> tuple[Any, Any]:
    """``(x - max x, max x)``; beside an infinite maximum the rest is at -inf.

    Where all entries are -inf they stay there.
    """
    top = xp.max(x, axis=axes, keepdims=True)
    zero, infinity = xp.zeros_like(x), xp.full_like(x, xp.inf)
    below = x - xp.where(xp.isinf(top), xp.zeros_like(top), top)
    beside = xp.where((x == top) & (top > 0), zero, -infinity)
    return xp.where(xp.isinf(top), beside, below), top


def _softmax_evaluate(xp: Any, x: Any, *, axes: Axes) -> Any:
    below, _ = _below_top(xp, x, axes)
    weights = xp.exp(below)
    total = xp.sum(weights, axis=axes, keepdims=True)
    return weights / xp.where(total == 0, xp.ones_like(total), total)


def _log_total(xp: Any, below: Any, axes: Axes) -> Any:
    """log of the sum of exp(below), accurate where one entry is nearly all; 0 for 0."""
    at_top = below == 0
    count = xp.sum(xp.astype(at_top, below.dtype), axis=axes, keepdims=True)
    rest = xp.sum(
        xp.where(at_top, xp.zeros_like(below), xp.exp(below)), axis=axes, keepdims=True
    )
    count = xp.where(count == 0, xp.ones_like(count), count)
    return xp.log1p(rest / count) + xp.log(count)


def _logsumexp_evaluate(xp: Any, x: Any, *, axes: Axes) -> Any:
    below, top = _below_top(xp, x, axes)
    shape = _reduced_shape(x.shape, axes)
    total = xp.reshape(top + _log_total(xp, below, axes), shape)
    return total[()] if xp is np else total


def _log_softmax_evaluate(xp: Any, x: Any, *, axes: Axes) -> Any:
    below, _ = _below_top(xp, x, axes)
    return below - _log_total(xp, below, axes)


def _weighted_mean(weights: Any, x: Any, axes: Axes) -> Any:
    return expand(reduce_sum(weights * x, axes=axes), tuple(x.shape), axes)


def _softmax_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (dx,) = tangents
    return match(out * (dx - _weighted_mean(out, dx, p["axes"])), out)


def _softmax_pull(ct: Any, out: Any, _x: Any, *, axes: Axes) -> Any:
    weights = conjugate(out)
    return weights * (ct - _weighted_mean(weights, ct, axes))


def _logsumexp_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (x,), (dx,) = primals, tangents
    return match(reduce_sum(softmax(x, **p) * dx, axes=p["axes"]), out)


def _logsumexp_pull(ct: Any, _out: Any, x: Any, *, axes: Axes) -> Any:
    return expand(ct, tuple(x.shape), axes) * conjugate(softmax(x, axes=axes))


def _log_softmax_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (x,), (dx,) = primals, tangents
    return match(dx - _weighted_mean(softmax(x, **p), dx, p["axes"]), out)


def _log_softmax_pull(ct: Any, _out: Any, x: Any, *, axes: Axes) -> Any:
    total = expand(reduce_sum(ct, axes=axes), tuple(x.shape), axes)
    return ct - conjugate(softmax(x, axes=axes)) * total


_MASKED = np.array([[0.5, -np.inf, 1.0], [2.0, 0.0, -np.inf]])
_NORMALIZED_SAMPLES = [*_AXES_SAMPLES[:3], Sample(((2, 3),), {"axes": (1,)})]


def _same_type(x: ArrayType, *, axes: Axes) -> ArrayType:
    return x


softmax: Op = structural(
    "softmax",
    _softmax_evaluate,
    abstract=_same_type,
    jvp=_softmax_jvp,
    vjps=(_softmax_pull,),
    batch=lambda size, batched, operands, p: softmax(*operands, **shift_axes(p)),
    samples=[*_NORMALIZED_SAMPLES, Sample((_MASKED,), {"axes": (1,)})],
)
log_softmax: Op = structural(
    "log_softmax",
    _log_softmax_evaluate,
    abstract=_same_type,
    jvp=_log_softmax_jvp,
    vjps=(_log_softmax_pull,),
    batch=lambda size, batched, operands, p: log_softmax(*operands, **shift_axes(p)),
    samples=_NORMALIZED_SAMPLES,
)
logsumexp: Op = structural(
    "logsumexp",
    _logsumexp_evaluate,
    abstract=lambda x, *, axes: ArrayType(_reduced_shape(x.shape, axes), x.dtype),
    jvp=_logsumexp_jvp,
    vjps=(_logsumexp_pull,),
    batch=lambda size, batched, operands, p: logsumexp(*operands, **shift_axes(p)),
    samples=[*_NORMALIZED_SAMPLES, Sample((_MASKED,), {"axes": (1,)})],
)
