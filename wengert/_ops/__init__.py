"""The op table: every row, by area. Importing this package fills the table."""

from wengert._ops import (
    arithmetic,
    complex,
    indexing,
    operators,
    reduction,
    structure,
    transcendental,
)

__all__ = [
    "arithmetic",
    "complex",
    "indexing",
    "operators",
    "reduction",
    "structure",
    "transcendental",
]
