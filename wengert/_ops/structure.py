"""Shapes and dtypes: ops that move entries, all of them linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import OPS, Op, Undefined
from wengert._core.types import (
    ArrayType,
    Params,
    broadcast_shapes,
    is_complex_dtype,
    shape_of,
)
from wengert._ops.families import Sample, align_ranks, linear

# -- creation and dtype ---------------------------------------------------------------

_NO_OPERANDS = Undefined("it has no operands")


def _dtype_in(xp: Any, dtype: Any) -> Any:
    """A NumPy dtype as another array library names it."""
    return (
        getattr(xp, dtype.name)
        if xp is not np and isinstance(dtype, np.dtype)
        else dtype
    )


full: Op = Op(
    "full",
    "creation",
    evaluate=lambda xp, *, shape, value, dtype: xp.full(
        shape, value, dtype=_dtype_in(xp, dtype)
    ),
    abstract=lambda *, shape, value, dtype: ArrayType(shape, dtype),
    jvp=_NO_OPERANDS,
    vjps=(),
    batch=_NO_OPERANDS,
    samples=[
        Sample((), {"shape": (2, 0), "value": 1.5, "dtype": np.dtype(np.float32)}, ())
    ],
)


def _unwritten(dtype: np.dtype) -> Any:
    """What stands out where it is read, which it must not be."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).max
    return dtype.kind == "b" or np.nan


empty: Op = Op(
    "empty",
    "creation",
    evaluate=lambda xp, *, shape, dtype: xp.full(
        shape, _unwritten(dtype), dtype=_dtype_in(xp, dtype)
    ),
    abstract=lambda *, shape, dtype: ArrayType(shape, dtype),
    jvp=_NO_OPERANDS,
    vjps=(),
    batch=_NO_OPERANDS,
    samples=[
        Sample((), {"shape": (2, 0), "dtype": np.dtype(kind)}, ()) for kind in "fdi?"
    ],
)
"""Rows that a loop writes, every one before it is read."""

iota: Op = Op(
    "iota",
    "creation",
    evaluate=lambda xp, *, size: xp.arange(size),
    abstract=lambda *, size: ArrayType((size,), np.dtype(np.int64)),
    jvp=_NO_OPERANDS,
    vjps=(),
    batch=_NO_OPERANDS,
    samples=[Sample((), {"size": 3}, ()), Sample((), {"size": 0}, ())],
)


class Held:
    """An array by what it is, not by its numbers, which may change."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


held: Op = Op(
    "held",
    "creation",
    evaluate=lambda xp, *, source: source.array,
    abstract=lambda *, source: ArrayType(source.array.shape, source.array.dtype),
    jvp=_NO_OPERANDS,
    vjps=(),
    batch=_NO_OPERANDS,
    samples=[Sample((), {"source": Held(np.arange(6.0).reshape(2, 3))}, ())],
)


def _astype_evaluate(xp: Any, x: Any, *, dtype: Any) -> Any:
    if is_complex_dtype(x.dtype) and not is_complex_dtype(dtype):
        x = xp.real(x)
    return x.astype(dtype) if xp is np else xp.astype(x, _dtype_in(xp, dtype))


def _astype_transpose(ct: Any, x_type: ArrayType, *, dtype: Any) -> Any:
    return astype(ct, dtype=x_type.dtype)


def _conversion(name: str) -> Op:
    op: Op = linear(
        name,
        _astype_evaluate,
        abstract=lambda x, *, dtype: ArrayType(x.shape, np.dtype(dtype)),
        transposes=(_astype_transpose,),
        batch=lambda size, batched, operands, p: op(*operands, **p),
        samples=[Sample(((3, 2),), {"dtype": np.dtype(np.float64)})],
    )
    return op


astype = _conversion("astype")
# In a staged program, the conversion of an operand that NumPy's promotion asks for. A
# program that is applied again to other types asks again.
promote = _conversion("promote")


def _copy_evaluate(xp: Any, x: Any, *, order: Any = "K") -> Any:
    return x.copy(order) if isinstance(x, np.ndarray) else xp.asarray(x, copy=True)


copy: Op = linear(
    "copy",
    _copy_evaluate,
    abstract=lambda x, **_: x,
    transposes=(lambda ct, _x, **_: ct,),
    batch=lambda size, batched, operands, p: copy(*operands, **p),
    samples=[Sample(((3, 2),)), Sample(((3, 2),), {"order": "F"})],
)


def private_copy(x: Any) -> Any:
    """A copy with the original's strides, so that sums visit entries in its order."""
    if not isinstance(x, np.ndarray):
        return x
    flags = x.flags
    if flags.c_contiguous or flags.f_contiguous:
        return x.copy(order="K")
    low = sum(min(0, s * (n - 1)) for s, n in zip(x.strides, x.shape, strict=True))
    high = sum(max(0, s * (n - 1)) for s, n in zip(x.strides, x.shape, strict=True))
    buffer = np.empty(high - low + x.itemsize, np.uint8)
    out = np.ndarray(x.shape, x.dtype, buffer, -low, x.strides)
    if 0 in x.strides:
        distinct = tuple(slice(None) if s else slice(1) for s in x.strides)
        out[distinct] = x[distinct]
    else:
        out[...] = x
    return out


# -- shape ----------------------------------------------------------------------------


def unbroadcast(ct: Any, shape: tuple[Any, ...]) -> Any:
    """Sum a cotangent over the axes along which its operand was broadcast."""
    extra = ct.ndim - len(shape)
    if extra == 1 and type(ct) is np.ndarray and ct.shape[1:] == shape:
        return np.add.reduce(ct)  # over axis 0
    reduce_sum = OPS["reduce_sum"]  # of a module above
    axes = tuple(range(extra))
    if ct.shape[extra:] == shape:
        return reduce_sum(ct, axes=axes) if axes else ct
    axes += tuple(i for i, n in enumerate(shape, extra) if n == 1 and ct.shape[i] != 1)
    if axes:
        ct = reduce_sum(ct, axes=axes)
    return ct if ct.shape == shape else reshape(ct, shape=shape)


def _broadcast_evaluate(xp: Any, x: Any, *, shape: Any) -> Any:
    if type(x) is np.float64:  # seven times as fast as NumPy's function, and common
        return np.ndarray(shape, np.float64, x, 0, (0,) * len(shape))
    return xp.broadcast_to(xp.asarray(x), shape)


def _broadcast_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    (x,) = operands
    rank = len(p["shape"])
    x = x.reshape((size,) + (1,) * (rank + 1 - x.ndim) + x.shape[1:])
    return broadcast_to(x, shape=(size, *p["shape"]))


broadcast_to: Op = linear(
    "broadcast_to",
    _broadcast_evaluate,
    abstract=lambda x, *, shape: ArrayType(tuple(shape), x.dtype),
    transposes=(lambda ct, x_type, **_: unbroadcast(ct, x_type.shape),),
    batch=_broadcast_batch,
    samples=[
        Sample(((3, 1),), {"shape": (2, 3, 4)}),
        Sample(((),), {"shape": (2,)}),
        Sample(((1, 0),), {"shape": (3, 0)}),
    ],
)


def _reshape_evaluate(xp: Any, x: Any, *, shape: Any, order: Any = "C") -> Any:
    return xp.reshape(x, shape) if order == "C" else np.reshape(x, shape, order=order)


def _reshape_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    (x,) = operands
    if p.get("order", "C") == "C":
        return reshape(x, shape=(size, *p["shape"]))
    # Fortran order runs through the batch axis first: keep it last.
    last = transpose(x, axes=(*range(1, x.ndim), 0))
    out = reshape(last, shape=(*p["shape"], size), order="F")
    return transpose(out, axes=(out.ndim - 1, *range(out.ndim - 1)))


reshape: Op = linear(
    "reshape",
    _reshape_evaluate,
    abstract=lambda x, *, shape, order="C": ArrayType(tuple(shape), x.dtype),
    transposes=(
        lambda ct, x_type, *, shape, order="C": reshape(
            ct, shape=x_type.shape, order=order
        ),
    ),
    batch=_reshape_batch,
    samples=[
        Sample(((3, 4),), {"shape": (2, 6)}),
        Sample(((1,),), {"shape": ()}),
        Sample(((2, 3),), {"shape": (3, 2), "order": "F"}),
        Sample(((0, 3),), {"shape": (3, 0)}),
    ],
)  # fmt: skip


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argsort(axes))


transpose: Op = linear(
    "transpose",
    lambda xp, x, *, axes: x.transpose(axes) if xp is np else xp.permute_dims(x, axes),
    abstract=lambda x, *, axes: ArrayType(tuple(x.shape[i] for i in axes), x.dtype),
    transposes=(lambda ct, _x, *, axes: transpose(ct, axes=_inverse(axes)),),
    batch=lambda size, batched, operands, p: transpose(
        *operands, axes=(0, *(i + 1 for i in p["axes"]))
    ),
    samples=[
        Sample(((2, 3, 4),), {"axes": (2, 0, 1)}),
        Sample(((3,),), {"axes": (0,)}),
    ],
)


def swap_last(x: Any) -> Any:
    """The matrix transpose."""
    if type(x) is np.ndarray:
        return x.mT
    n = len(x.shape)
    return transpose(x, axes=(*range(n - 2), n - 1, n - 2))


def move_axis(x: Any, source: int, to: int) -> Any:
    axes = [i for i in range(len(x.shape)) if i != source]
    axes.insert(to, source)
    return x if axes == sorted(axes) else transpose(x, axes=tuple(axes))


flip: Op = linear(
    "flip",
    lambda xp, x, *, axes: xp.flip(x, axis=axes),
    abstract=lambda x, *, axes: x,
    transposes=(lambda ct, _x, *, axes: flip(ct, axes=axes),),
    batch=lambda size, batched, operands, p: flip(
        *operands, axes=tuple(i + 1 for i in p["axes"])
    ),
    samples=[Sample(((2, 3),), {"axes": (1,)}), Sample(((2, 0),), {"axes": (0, 1)})],
)

# -- joining and padding --------------------------------------------------------------


def _slice_of(x: Any, axis: int, start: Any, stop: Any) -> Any:
    from wengert._ops.indexing import getitem

    return getitem(x, index=(slice(None),) * axis + (slice(start, stop),))


def _concatenate_transpose(
    position: int, ct: Any, out_type: ArrayType, *types: ArrayType, axis: int
) -> Any:
    start = sum(t.shape[axis] for t in types[:position])
    return _slice_of(ct, axis, start, start + types[position].shape[axis])


def _concatenate_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    return concatenate(*spread(size, batched, operands), axis=p["axis"] + 1)


def spread(size: Any, batched: Any, operands: Any) -> list[Any]:
    """Every operand with a batch axis: those that have none are repeated."""
    return [
        x if is_batched else broadcast_to(x, shape=(size, *shape_of(x)))
        for x, is_batched in zip(operands, batched, strict=True)
    ]


def _concatenate_type(*types: ArrayType, axis: int) -> ArrayType:
    shape = list(types[0].shape)
    shape[axis] = sum(t.shape[axis] for t in types)
    return ArrayType(tuple(shape), np.result_type(*(t.dtype for t in types)))


concatenate: Op = linear(
    "concatenate",
    lambda xp, *xs, axis: (
        xp.concatenate(xs, axis=axis) if xp is np else xp.concat(xs, axis=axis)
    ),
    abstract=_concatenate_type,
    transposes=_concatenate_transpose,
    batch=_concatenate_batch,
    samples=[
        Sample(((2, 3), (2, 1), (2, 0)), {"axis": 1}, differentiate=(0, 1, 2)),
        Sample(((3,),), {"axis": 0}),
    ],
    variadic=True,
)  # fmt: skip


def _pad_evaluate(xp: Any, x: Any, *, widths: Any) -> Any:
    shape = tuple(
        n + low + high for n, (low, high) in zip(x.shape, widths, strict=True)
    )
    out = xp.zeros(shape, dtype=x.dtype)
    inner = tuple(
        slice(low, low + n) for n, (low, _) in zip(x.shape, widths, strict=True)
    )
    out[inner] = x
    return out


def _pad_transpose(ct: Any, x_type: ArrayType, *, widths: Any) -> Any:
    from wengert._ops.indexing import getitem

    inner = tuple(
        slice(low, low + n) for n, (low, _) in zip(x_type.shape, widths, strict=True)
    )
    return getitem(ct, index=inner)


pad_zeros: Op = linear(
    "pad_zeros",
    _pad_evaluate,
    abstract=lambda x, *, widths: ArrayType(
        tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True)), x.dtype
    ),
    transposes=(_pad_transpose,),
    batch=lambda size, batched, operands, p: pad_zeros(
        *operands, widths=((0, 0), *p["widths"])
    ),
    samples=[Sample(((2, 3),), {"widths": ((1, 2), (0, 1))})],
)


def _with_length_evaluate(xp: Any, x: Any, *, length: Any, axis: int) -> Any:
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    out = xp.zeros(shape, dtype=x.dtype)
    kept = (slice(None),) * axis + (slice(0, min(length, x.shape[axis])),)
    out[kept] = x[kept]
    return out


# The first entries of an axis, as many as fit; behind them zeros. Compiled, it costs
# nothing where the length is what it was: a buffer grows by it.
with_length: Op = linear(
    "with_length",
    _with_length_evaluate,
    abstract=lambda x, *, length, axis: ArrayType(
        (*x.shape[:axis], length, *x.shape[axis + 1 :]), x.dtype
    ),
    transposes=(
        lambda ct, x_type, *, length, axis: with_length(
            ct, length=x_type.shape[axis], axis=axis
        ),
    ),
    batch=lambda size, batched, operands, p: with_length(
        *operands, length=p["length"], axis=p["axis"] + 1
    ),
    samples=[
        Sample(((3, 2),), {"length": 5, "axis": 0}),
        Sample(((3, 2),), {"length": 1, "axis": 1}),
        Sample(((4,),), {"length": 4, "axis": 0}),
        Sample(((3,),), {"length": 0, "axis": 0}),
    ],
)


def _triangle(name: str) -> Op:
    op: Op = linear(
        name,
        lambda xp, x, *, k: getattr(xp, name)(x, k=k),
        abstract=lambda x, *, k: x,
        transposes=(lambda ct, _x, *, k: op(ct, k=k),),
        batch=lambda size, batched, operands, p: op(*operands, **p),
        samples=[Sample(((3, 4),), {"k": 0}), Sample(((2, 3, 3),), {"k": 1})],
    )
    return op


tril = _triangle("tril")
triu = _triangle("triu")


# -- selection ------------------------------------------------------------------------


def _where_abstract(mask: ArrayType, x: ArrayType, y: ArrayType) -> ArrayType:
    shape = broadcast_shapes(mask.shape, x.shape, y.shape)
    return ArrayType(shape, np.result_type(x.dtype, y.dtype))


def _where_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    from wengert._ops.families import match

    mask = primals[0]
    dx, dy = (0.0 if t is None else t for t in tangents[1:])
    return match(where(mask, dx, dy), out)


# Not `scale` by the mask: the branch that was not taken gets exactly 0.
where: Op = Op(
    "where",
    "elementwise",
    evaluate="where",
    abstract=_where_abstract,
    jvp=_where_jvp,
    vjps=(
        Undefined("its first operand is a condition"),
        lambda ct, _out, mask, _x, _y: where(mask, ct, 0.0),
        lambda ct, _out, mask, _x, _y: where(mask, 0.0, ct),
    ),
    batch=lambda size, batched, operands, p: where(*align_ranks(batched, operands)),
    samples=[
        Sample((np.array([True, False, True]), (3,), (3,)), differentiate=(1, 2)),
        Sample((np.array([[True], [False]]), (3,), ()), differentiate=(1, 2)),
    ],
)


def conform(ct: Any, like: ArrayType) -> Any:
    """A cotangent with the shape and dtype of its operand."""
    if ct.shape != like.shape:
        ct = unbroadcast(ct, like.shape)
    return ct if ct.dtype == like.dtype else astype(ct, dtype=like.dtype)


def numbered(n: Any, shape: Any) -> Any:
    """0, 1, ..., n - 1 along one axis of a shape.

    Ops compute them: a program holds no arrays.
    """
    return reshape(iota(size=n), shape=shape)
