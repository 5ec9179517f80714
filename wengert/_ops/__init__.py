"""The op table: every row, by area. Importing this package fills the table."""

from wengert._ops import (
    arithmetic,
    complex,
    contraction,
    convolution,
    indexing,
    linalg,
    masks,
    operators,
    ordering,
    reduction,
    special,
    spectral,
    structure,
    surrogate,
    transcendental,
)

__all__ = [
    "arithmetic",
    "complex",
    "contraction",
    "convolution",
    "indexing",
    "linalg",
    "masks",
    "operators",
    "ordering",
    "reduction",
    "special",
    "spectral",
    "structure",
    "surrogate",
    "transcendental",
]
