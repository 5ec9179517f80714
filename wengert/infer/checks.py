"""What is refused before inference starts, and of what a log density returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError


def check_count(name: str, what: str, value: Any, least: int) -> None:
    """Refuse a number of steps, draws, ... that is no integer, or too small."""
    fits = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not fits or value < least:
        raise ArgumentError(
            explain(f"{name}: {what}={value!r}", fix=f"give an integer >= {least}")
        )


def check_between(name: str, what: str, value: Any, low: float, high: float) -> None:
    """Refuse a number that is not strictly between two others."""
    if not low < value < high:
        raise ArgumentError(
            explain(
                f"{name}: {what}={value!r}", fix=f"give a number in ({low}, {high})"
            )
        )


def check_floats(name: str, x0: Any) -> None:
    """Refuse a start that is not made of floats."""
    leaves = wg.tree.leaves(x0)
    if not leaves:
        raise ArgumentError(
            explain(f"{name}: x0 has no numbers", fix="start with arrays of floats")
        )
    for path, leaf in zip(wg.tree.paths(x0, "x0"), leaves, strict=True):
        dtype = getattr(leaf, "dtype", np.dtype(type(leaf)))
        if dtype.kind != "f":
            raise DTypeError(
                explain(
                    f"{name}: {path} is of type {dtype}",
                    why="a density is one of real numbers.",
                    fix="start with floats: x0.astype(float)",
                )
            )


def check_chains(name: str, x0: Any) -> None:
    """Refuse starts whose leaves have not one leading length."""
    shapes = [np.shape(leaf) for leaf in wg.tree.leaves(x0)]
    lengths = {shape[0] if shape else 0 for shape in shapes}
    if len(lengths) != 1 or 0 in lengths:
        raise ShapeError(
            explain(
                f"{name}: x0 has leaves of shapes {', '.join(map(str, shapes))}",
                why="their first axis is that of the chains: a start for each.",
                fix="give every leaf the same first axis: x[None] for a single chain",
            )
        )


def check_density(name: str, value: Any) -> None:
    """Refuse a value of a log density that is not one real number."""
    dtype = getattr(value, "dtype", np.dtype(type(value)))
    if np.shape(value) != () or dtype.kind != "f":
        raise ShapeError(
            explain(
                f"{name}: log_density returned {dtype} of shape {np.shape(value)}",
                fix="return one float, such as the sum of the log densities of all "
                "the data",
            )
        )


def check_finite(
    name: str, where: str, log_density: Callable[[Any], Any], x: Any
) -> None:
    """Refuse a start where the log density or its gradient is not finite."""
    value, gradient = wg.value_and_grad(log_density)(x)
    for what, found in (("value", value), ("gradient", gradient)):
        if not np.all(np.isfinite(found)):
            raise ArgumentError(
                explain(
                    f"{name}: the {what} of log_density is not finite at {where}",
                    why="no step can be made from there.",
                    fix="start where the density is positive and smooth; describe a "
                    "positive number by its logarithm",
                )
            )
