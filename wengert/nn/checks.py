"""Checks of shapes and sizes, whose errors name the layer and both shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError
from wengert.nn.layer import Context, main, part


def size(context: Context, what: str, stated: int | None, x: Any, axis: int) -> int:
    """A size as it is stated, or as it is read off an axis of the sample."""
    if stated is not None:
        return stated
    if x is None:
        raise ArgumentError(
            explain(
                f"{context.path}: the number of {what} is neither stated nor to be "
                "read off a sample",
                fix="pass a sample to nn.setup(key, model, x), or state it when "
                "making the layer",
            )
        )
    return int(main(x).shape[axis])


def axes(context: Context, x: Any, least: int, layout: str) -> None:
    """That an input is an array of so many axes or more."""
    if not hasattr(x, "shape") or len(x.shape) < least:
        found = f"shape {tuple(x.shape)}" if hasattr(x, "shape") else type(x).__name__
        raise ShapeError(
            explain(
                f"{context.path}: expected an array {layout}, got {found}",
                fix="give the input the axes that the layer works on",
            )
        )


def features(context: Context, x: Any, count: int, axis: int = -1) -> None:
    """That an axis of an input has the length that the parameters are for."""
    axes(context, x, axis + 1 if axis >= 0 else -axis, "with an axis of features")
    if x.shape[axis] != count:
        wanted = ["..."] * len(x.shape)
        wanted[axis] = str(count)
        raise ShapeError(
            explain(
                f"{context.path}: expected an input of shape ({', '.join(wanted)}), "
                f"got {tuple(x.shape)}",
                why="the layer was set up for inputs of another size.",
                fix="pass inputs like the sample, or set up the model for these",
            )
        )


def parameter(context: Context, params: Any, name: str, shape: tuple[Any, ...]) -> Any:
    """A parameter of a layer, which must have this shape (None: any length)."""
    value = part(context, "parameters", params, name)
    found = tuple(np.shape(value))
    fits = len(found) == len(shape) and all(
        n is None or n == m for n, m in zip(shape, found, strict=True)
    )
    if not fits:
        wanted = ", ".join("..." if n is None else str(n) for n in shape)
        raise ShapeError(
            explain(
                f"{context.path}: expected the parameter {name!r} of shape "
                f"({wanted}), got {found}",
                fix="pass what nn.setup returned for this model",
            )
        )
    return value


def integers(context: Context, what: str, x: Any) -> None:
    """That an input holds integers."""
    dtype = np.dtype(getattr(x, "dtype", type(x)))
    if dtype.kind not in "iu":
        raise DTypeError(
            explain(
                f"{context.path}: expected integers as {what}, got {dtype}",
                fix="convert them, as in x.astype(np.int64)",
            )
        )


def divides(context: Context, what: str, parts: int, whole: int) -> None:
    """That so many parts are equally long."""
    if parts < 1 or whole % parts:
        raise ShapeError(
            explain(
                f"{context.path}: {whole} {what} in {parts} equal parts",
                fix="choose numbers of which one divides the other",
            )
        )


def positive(name: str, **sizes: Any) -> None:
    """That the sizes of a layer are positive integers, or None where not stated."""
    for what, value in sizes.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise ArgumentError(
                explain(
                    f"{name}: {what}={value!r}",
                    fix="give a positive integer",
                )
            )


def chosen(name: str, what: str, value: Any, values: tuple[Any, ...]) -> None:
    """That a setting is one of those there are."""
    if value not in values:
        raise ArgumentError(
            explain(
                f"{name}: {what}={value!r}",
                fix=f"choose one of {', '.join(map(repr, values))}",
            )
        )
