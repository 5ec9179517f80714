"""The exceptions of native code, made of the values that it leaves in the frame.

They are found by name when a compiled program is read from disk.
"""

from __future__ import annotations

from typing import Any


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
