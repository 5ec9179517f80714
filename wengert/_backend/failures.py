"""The exceptions of native code, made of the values that it leaves in the frame.

They are found by name when a compiled program is read from disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def out_of_bounds(axis: int, index: Any, size: Any) -> IndexError:
    return IndexError(
        f"index {index} is out of bounds for axis {axis} with size {size}"
    )


def cannot_write(n: Any, m: Any) -> ValueError:
    return ValueError(
        f"could not broadcast input array from shape ({n},) into shape ({m},)"
    )


def mismatch(found: Any, declared: Any) -> ValueError:
    return ValueError(f"an axis has {found} entries where {declared} are expected")


def no_entries(which: str) -> ValueError:
    return ValueError(
        f"zero-size array to reduction operation {which} which has no identity"
    )


def negative_exponent() -> ValueError:
    return ValueError("Integers to negative integer powers are not allowed.")


def negative_width() -> ValueError:
    return ValueError("index can't contain negative values")


def empty_operand(name: str) -> ValueError:
    return ValueError(f"{name} cannot be empty")


def too_deep() -> RecursionError:
    return RecursionError("maximum recursion depth exceeded")


def too_large(limit: int, n: Any) -> ValueError:
    return ValueError(
        f"a matrix has an axis of {n} entries, and compiled code takes at most {limit} "
        "here; call this function outside wg.jit"
    )


def not_done(message: str, info: Any) -> np.linalg.LinAlgError:
    """NumPy's exception; its text may name the diagonal that LAPACK reports."""
    return np.linalg.LinAlgError(message.format(info - 1))


def not_square() -> np.linalg.LinAlgError:
    return np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
