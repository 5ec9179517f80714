"""Examples, stacked to arrays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.data._checks import described
from wengert.errors import ShapeError, TreeError


def stacked(examples: Iterable[Any], size: int, first: int = 0) -> Iterator[Any]:
    """Trees of arrays with a leading axis of `size` examples; the last may have less.

    Args:
        examples: Trees of one structure, of numbers and arrays of one shape each.
        size: How many examples are stacked.
        first: The number of the first one, for messages.
    """
    running, number = iter(examples), first
    pattern: Any = None
    while part := list(itertools.islice(running, size)):
        pattern = part[0] if pattern is None else pattern
        for example in part:
            _check_alike(pattern, example, first, number)
            number += 1
        yield wg.tree.map(lambda *leaves: np.stack(leaves), *part)


def _check_alike(pattern: Any, example: Any, first: int, number: int) -> None:
    paths, others = (wg.tree.paths(e, "example") for e in (pattern, example))
    if paths != others:
        raise TreeError(
            explain(
                f"batches: example {number} has the entries {', '.join(others)}, and "
                f"example {first} {', '.join(paths)}",
                fix="give all examples one structure",
            )
        )
    leaves = (wg.tree.leaves(pattern), wg.tree.leaves(example))
    for path, own, other in zip(paths, *map(_arrays, leaves), strict=True):
        if own.shape != other.shape or own.dtype != other.dtype:
            raise ShapeError(
                explain(
                    f"batches: {path} is {described(other)} in example {number}, and "
                    f"{described(own)} in example {first}",
                    fix="give all examples one shape and dtype: pad, cut or convert",
                )
            )


def _arrays(leaves: list[Any]) -> list[Any]:
    return [np.asarray(leaf) for leaf in leaves]
