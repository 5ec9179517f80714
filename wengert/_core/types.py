"""Types of values: a shape and a dtype."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

Extent: TypeAlias = Any  # a Python int, or an integer scalar of a staged program
Shape: TypeAlias = tuple[Extent, ...]
Params: TypeAlias = dict[str, Any]

PYTHON_SCALARS = (bool, int, float, complex)


class ArrayType(NamedTuple):
    """Shape and dtype of a value; what a rule sees of an operand that is not kept."""

    shape: Shape
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


def broadcast_shapes(*shapes: Shape) -> Shape:
    """As NumPy's, of shapes that may have run-time extents; these never stretch."""
    if all(type(n) is int for shape in shapes for n in shape):
        return np.broadcast_shapes(*shapes)
    out: list[Extent] = [1] * max(map(len, shapes))
    for shape in shapes:
        for i in range(1, len(shape) + 1):
            out[-i] = _broadcast_extents(out[-i], shape[-i])
    return tuple(out)


def _broadcast_extents(a: Extent, b: Extent) -> Extent:
    if type(a) is int and type(b) is int:
        return np.broadcast_shapes((a,), (b,))[0]
    if type(b) is int:
        return a if b == 1 else b if a == b else a.must_equal(b)
    return b if type(a) is int and a == 1 or a == b else b.must_equal(a)


def type_of(x: Any) -> ArrayType:
    """Type of any operand; a Python scalar has the dtype that NumPy gives it alone."""
    if type(x) is not np.ndarray and isinstance(x, PYTHON_SCALARS):
        return ArrayType((), np.result_type(type(x)))
    return ArrayType(x.shape, x.dtype)


def shape_of(x: Any) -> Shape:
    return () if isinstance(x, PYTHON_SCALARS) else x.shape


def ndim_of(x: Any) -> int:
    return 0 if isinstance(x, PYTHON_SCALARS) else len(x.shape)


def dtype_of(x: Any) -> Any:
    """dtype, or a Python number itself, which is weak, as `np.result_type` takes it."""
    return x if isinstance(x, PYTHON_SCALARS) else x.dtype


def is_complex(x: Any) -> bool:
    kind = type(x)
    if kind is np.ndarray:
        return x.dtype.kind == "c"
    if kind is np.float64:
        return False
    if isinstance(x, PYTHON_SCALARS):
        return isinstance(x, complex)
    return is_complex_dtype(x.dtype)


def is_complex_dtype(dtype: Any) -> bool:
    kind = getattr(dtype, "kind", None)
    return kind == "c" if kind is not None else "complex" in str(dtype)


def is_bool(dtype: Any) -> bool:
    kind = getattr(dtype, "kind", None)
    return kind == "b" if kind is not None else str(dtype).endswith("bool")


def can_assign(source: Any, target: Any) -> bool:
    """Whether NumPy's in-place operators store this dtype in an array of that one."""
    if isinstance(source, np.dtype) and isinstance(target, np.dtype):
        return np.can_cast(source, target, "same_kind")
    return _kind_rank(source) <= _kind_rank(target)


def _kind_rank(dtype: Any) -> int:
    return 0 if is_bool(dtype) else 1 + is_inexact(dtype) + is_complex_dtype(dtype)


_INEXACT_NAMES = ("float", "bfloat", "complex")


def is_inexact(dtype: Any) -> bool:
    """Whether values of this dtype can carry a derivative (ml_dtypes included)."""
    kind = getattr(dtype, "kind", "?")
    if kind in "fc":
        return True
    return kind not in "biuOSUMm" and any(name in str(dtype) for name in _INEXACT_NAMES)
