"""Whether a user value is known while staging, and its truth if it is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core.interp import is_known
from wengert._core.types import is_bool, shape_of
from wengert._ops.arithmetic import not_equal
from wengert._ops.structure import reshape
from wengert._staging.lists import StagedList


def is_staged(x: Any) -> bool:
    """Whether a user value is known only when the program runs."""
    if isinstance(x, StagedList):
        return x.grown
    if not isinstance(x, (TracedArray, TracedScalar)):
        return False
    return not is_known(x._peek() if isinstance(x, TracedArray) else x._value)


def truth(x: Any) -> Any:
    """The bool of a user value, as an engine value of shape ()."""
    if not is_staged(x):
        return np.bool_(bool(x))
    if isinstance(x, StagedList):
        x = x.entries()
    value = unwrap(x)
    if shape_of(value) != ():
        value = reshape(value, shape=())
    return value if is_bool(value.dtype) else not_equal(value, 0)
