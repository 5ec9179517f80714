"""Complex parts.

A cotangent is the steepest-ascent direction: the adjoint under Re<u, v>.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.types import ArrayType, is_complex_dtype
from wengert._ops.families import Sample, linear
from wengert._ops.structure import astype

_Z = np.array([1.0 + 2.0j, -0.5 + 0.25j, 3.0 - 1.0j])


def _real_type(x: ArrayType) -> ArrayType:
    return ArrayType(x.shape, np.zeros(0, x.dtype).real.dtype)


def _same_batch(name: str) -> Any:
    from wengert._core.op import OPS

    return lambda size, batched, operands, p: OPS[name](*operands, **p)


conj: Op = linear(
    "conj",
    lambda xp, x: x.conj() if xp is np else xp.conj(x),
    abstract=lambda x: x,
    transposes=(lambda ct, _x: conj(ct),),
    batch=_same_batch("conj"),
    samples=[Sample((_Z,)), Sample(((3,),))],
)
real: Op = linear(
    "real",
    lambda xp, x: xp.real(x),
    abstract=_real_type,
    transposes=(lambda ct, x_type: astype(ct, dtype=x_type.dtype),),
    batch=_same_batch("real"),
    samples=[Sample((_Z,))],
)
imag: Op = linear(
    "imag",
    lambda xp, x: xp.imag(x),
    abstract=_real_type,
    transposes=(
        lambda ct, x_type: ct * 1j if is_complex_dtype(x_type.dtype) else ct * 0.0,
    ),
    batch=_same_batch("imag"),
    samples=[Sample((_Z,))],
)
