"""Boolean masks: how many entries they choose is known only when a program runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import ArrayType, ndim_of
from wengert._ops.families import Sample, piecewise_constant
from wengert.errors import LanesDisagreeError


def _refuse_lanes(*_: Any) -> Any:
    raise LanesDisagreeError(
        explain(
            "flat_nonzero: a batched mask is true at another number of places in each "
            "lane",
            fix="use np.where(mask, value, x), or wg.vmap(wg.jit(f))",
        )
    )


# The places of a vector where a mask is true; `size` is their number.
flat_nonzero: Op = piecewise_constant(
    "flat_nonzero",
    lambda mask, *, size: np.flatnonzero(mask),
    abstract=lambda mask, *, size: ArrayType((size,), np.dtype(np.int64)),
    batch=_refuse_lanes,
    reason="places are integers",
    domains=[
        Sample((np.array([True, False, True, True]),), {"size": 3}, ()),
        Sample((np.array([False, False]),), {"size": 0}, ()),
    ],
)


def is_mask(index: Any) -> bool:
    """Whether an index operand chooses entries by truth."""
    return ndim_of(index) > 0 and bool(index.dtype == np.bool_)
