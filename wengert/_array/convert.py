"""The boundary between user values and the engine's values."""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import numpy as np

from wengert._core.interp import Interpreter
from wengert._core.types import is_complex_dtype, is_inexact
from wengert._ops import arithmetic
from wengert._ops.structure import astype, private_copy

SCALARS = frozenset(
    [float, int, bool, complex, np.float64, np.float32, np.int64, np.int32, np.bool_]
    + [np.complex128, np.complex64]
)


def snapshot(x: np.ndarray, interpreter: Interpreter) -> np.ndarray:
    """A private copy of a user's array, shared while its bytes have not changed.

    Arrays that nobody can write to (they and their owner are read-only) are kept by
    reference: the fast path for large constants.
    """
    if not x.flags.writeable:
        base = x.base
        if base is None or (isinstance(base, np.ndarray) and not base.flags.writeable):
            return x
    known = interpreter.snapshots.get(id(x))
    if known is not None and known[0]() is x and _same_bytes(x, known[1]):
        return known[1]
    copy = private_copy(x)
    snapshots, key = interpreter.snapshots, id(x)
    reference = weakref.ref(x, lambda _: snapshots.pop(key, None))
    snapshots[key] = (reference, copy)
    return copy


_SMALL_BYTES = 1 << 16


def _same_bytes(x: np.ndarray, y: np.ndarray) -> bool:
    if x.shape != y.shape or x.dtype != y.dtype or x.strides != y.strides:
        return False
    if x.nbytes <= _SMALL_BYTES or not x.flags.c_contiguous:
        return x.tobytes() == y.tobytes()
    # As words, not as numbers: NaN equals itself, and 0.0 differs from -0.0.
    word = np.dtype(f"u{min(x.itemsize, 8)}")
    return bool((x.view(word) == y.view(word)).all())


def cast(v: Any, dtype: Any) -> Any:
    """A value converted as NumPy does on assignment to an array of this dtype."""
    if type(v) in (float, int, bool, complex) or v.dtype == dtype:
        return v
    if is_inexact(dtype):
        if is_complex_dtype(v.dtype) and not is_complex_dtype(dtype):
            text = "Casting complex values to real discards the imaginary part"
            warnings.warn(text, np.exceptions.ComplexWarning, stacklevel=4)
        return astype(v, dtype=dtype)
    return arithmetic.to_integer(v, dtype=np.dtype(dtype))
