"""Sums over axes; the other reductions are in the functions of `wengert.numpy`."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.types import ArrayType, Params
from wengert._ops.families import Sample, linear
from wengert._ops.structure import broadcast_to, reshape


def kept_shape(shape: tuple[Any, ...], axes: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def reduced_type(x: ArrayType, *, axes: tuple[int, ...], **_: Any) -> ArrayType:
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    return ArrayType(shape, np.sum(np.ones(1, x.dtype)).dtype)


def expand(ct: Any, shape: tuple[Any, ...], axes: tuple[int, ...]) -> Any:
    """A reduced array broadcast back over the axes of a reduction."""
    return broadcast_to(reshape(ct, shape=kept_shape(shape, axes)), shape=shape)


def shift_axes(p: Params) -> Params:
    return {**p, "axes": tuple(i + 1 for i in p["axes"])}


def _sum_evaluate(xp: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    if xp is np:  # axis=None where it can be: NumPy then sums in another order
        return np.add.reduce(x, axis=None if len(axes) == x.ndim else axes)
    return xp.sum(x, axis=axes)


reduce_sum = linear(
    "reduce_sum",
    _sum_evaluate,
    abstract=reduced_type,
    transposes=(lambda ct, x_type, *, axes: expand(ct, x_type.shape, axes),),
    batch=lambda size, batched, operands, p: reduce_sum(*operands, **shift_axes(p)),
    samples=[
        Sample(((3, 4),), {"axes": (0, 1)}),
        Sample(((3, 4, 2),), {"axes": (1,)}),
        Sample(((0, 4),), {"axes": (0,)}),
        Sample(((),), {"axes": ()}),
    ],
)
