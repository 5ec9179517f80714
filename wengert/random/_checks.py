"""What is refused before anything is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def check_key(name: str, key: Any) -> None:
    """Refuse what is not one key."""
    if np.shape(key) == (2,) and getattr(key, "dtype", None) == np.uint32:
        return
    several = np.ndim(key) > 1 and np.shape(key)[-1] == 2
    raise ArgumentError(
        explain(
            f"{name}: expected a key, got {described(key)}",
            why="a key is an array of uint32 of shape (2,).",
            fix="pass one of the keys, keys[i], or use wg.vmap for all of them"
            if several
            else "make one from a number, key = wg.random.key(0)",
        )
    )


def as_array(parameter: Any) -> Any:
    """A list of numbers as an array; anything else as it is."""
    return wnp.asarray(parameter) if isinstance(parameter, (list, tuple)) else parameter


def checked_shape(name: str, shape: Any) -> tuple[Any, ...]:
    """A shape as a tuple; one number is a length."""
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    for length in lengths:
        if kind_of(length) not in "iu" or np.shape(length) != ():
            raise ShapeError(
                explain(
                    f"{name}: {described(length)} in shape",
                    fix="give the shape as a tuple of integers, such as (3, 4)",
                )
            )
        if length < 0:
            raise ShapeError(
                explain(f"{name}: a negative length in shape", fix="give lengths >= 0")
            )
    return lengths


def size_of(shape: tuple[Any, ...]) -> Any:
    """How many entries; lengths may be traced."""
    size = 1
    for length in shape:
        size = size * length
    return size


def checked_float(name: str, dtype: Any) -> np.dtype:
    """The dtype of what is drawn."""
    found = np.dtype(dtype)
    if found not in FLOATS:
        raise DTypeError(
            explain(
                f"{name}: dtype={found}",
                why="random numbers are drawn as float64 or float32.",
                fix="draw float32, and convert with astype",
            )
        )
    return found


def shape_for(name: str, shape: Any, **parameters: Any) -> tuple[Any, ...]:
    """The shape of a draw: that of the parameters, broadcast, if none is given.

    Parameters that are larger than the shape would share random numbers.
    """
    own = np.broadcast_shapes(*(np.shape(p) for p in parameters.values()))
    if shape is None:
        return own
    given = checked_shape(name, shape)
    if own and not _fits(own, given):
        raise ShapeError(
            explain(
                f"{name}: shape={given}, and {' and '.join(parameters)} "
                f"broadcast to {own}",
                why="every entry of the parameters needs a random number of its own.",
                fix=f"ask for shape={own}, or with more axes in front of these",
            )
        )
    return given


def _fits(own: tuple[Any, ...], given: tuple[Any, ...]) -> bool:
    tail = given[len(given) - len(own) :]
    return len(own) <= len(given) and all(
        n in (1, m) for n, m in zip(own, tail, strict=True)
    )


def check_range(name: str, what: str, holds: Any, fix: str) -> None:
    """Refuse parameters of which a condition does not hold everywhere."""
    if not np.all(holds):
        raise ArgumentError(explain(f"{name}: {what}", fix=fix))


def kind_of(value: Any) -> str:
    """The kind of its dtype, "O" for what is no number or array of numbers."""
    if hasattr(value, "dtype"):
        return value.dtype.kind
    return np.dtype(type(value)).kind if isinstance(value, (int, float)) else "O"


def described(value: Any) -> str:
    if not hasattr(value, "dtype"):
        return f"a {type(value).__name__}"
    if np.shape(value) == ():
        return f"a number of dtype {value.dtype}"
    return f"an array of {value.dtype} of shape {np.shape(value)}"
