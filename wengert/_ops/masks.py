"""Boolean masks: how many entries they choose is known only when a program runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op, Undefined
from wengert._core.types import ArrayType
from wengert._ops.families import Sample, piecewise_constant

# The places of a vector where a mask is true; `size` is their number.
flat_nonzero: Op = piecewise_constant(
    "flat_nonzero",
    lambda mask, *, size: np.flatnonzero(mask),
    abstract=lambda mask, *, size: ArrayType((size,), np.dtype(np.int64)),
    batch=Undefined("each lane has a number of places of its own"),
    reason="places are integers",
    domains=[
        Sample((np.array([True, False, True, True]),), {"size": 3}, ()),
        Sample((np.array([False, False]),), {"size": 0}, ()),
    ],
)


def is_mask(index: Any) -> bool:
    """Whether an index operand chooses entries by truth."""
    return bool(index.dtype == np.bool_) and len(index.shape) > 0
