"""Questions about dtypes, which values without numbers answer as well."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar

__all__ = ["iscomplexobj", "isrealobj", "result_type"]


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """``numpy.result_type``; Python numbers are weak, as there.

    Example:
        >>> import numpy as np
        >>> import wengert as wg
        >>> f = lambda x: np.zeros(2, np.result_type(x, np.float32)) + x
        >>> wg.jit(f)(np.float32(1.5)).dtype
        dtype('float32')
    """
    return np.result_type(*map(_dtype_if_traced, arrays_and_dtypes))


def iscomplexobj(x: Any) -> bool:
    """``numpy.iscomplexobj``."""
    return np.iscomplexobj(_example(x))


def isrealobj(x: Any) -> bool:
    """``numpy.isrealobj``."""
    return not iscomplexobj(x)


def _dtype_if_traced(x: Any) -> Any:
    return x.dtype if isinstance(x, (TracedArray, TracedScalar)) else x


def _example(x: Any) -> Any:
    return np.empty(0, x.dtype) if isinstance(x, (TracedArray, TracedScalar)) else x
