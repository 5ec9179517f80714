"""What user code sees in a transformation: mutable references to immutable values."""

from wengert._array import operators

__all__ = ["operators"]
