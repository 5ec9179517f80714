"""A value whose derivative is another one's: what `straight_through` is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op, Undefined
from wengert._core.types import ArrayType
from wengert._ops.families import ONE, Sample, elementwise, piecewise_constant
from wengert._ops.structure import spread


def _take_value(value: Any, surrogate: Any) -> Any:
    return value


detached: Op = piecewise_constant(
    "detached",
    lambda xp, x, *, dtype: x.astype(dtype) if xp is np else xp.astype(x, dtype),
    reason="straight_through: the derivative is that of the surrogate",
    abstract=lambda x, *, dtype: ArrayType(x.shape, np.dtype(dtype)),
    batch=lambda size, batched, operands, p: detached(*operands, **p),
    domains=[],
)
substitute = elementwise(
    "substitute",
    _take_value,
    (Undefined("its value is detached"), ONE),
    domains=(),
)
substitute.samples = [
    Sample(((3, 2), (3, 2)), {}, (1,)),
    Sample(((3,), ()), {}, (1,)),
]
# The result is the value: it needs a batch axis even if only the surrogate has one.
substitute.batch = lambda size, batched, operands, p: substitute(
    *spread(size, batched, operands)
)
substitute.evaluate_with = lambda _xp, value, surrogate: value
