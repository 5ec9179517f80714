"""What the gradient transformations do leaf by leaf, shapes and dtypes kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import DTypeError, ShapeError, TreeError


def mapped(fun: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """`wg.tree.map` whose results have the dtypes of the leaves of `tree`.

    A 0-d array stays one, though NumPy's arithmetic makes a scalar of it. The leaves of
    all trees must have the same shapes: one that broadcasts is a mistake.
    """
    leaves, structure = wg.tree.flatten(tree)
    others = [_up_to(structure, other) for other in rest]
    results = []
    for values in zip(leaves, *others, strict=True):
        for other in values[1:]:
            _check_shapes(values[0], other)
        results.append(_like(fun(*values), values[0]))
    return wg.tree.unflatten(structure, results)


def _up_to(structure: Any, tree: Any) -> list[Any]:
    try:
        found: list[Any] = structure.flatten_up_to(tree)
    except ValueError as error:
        raise TreeError(
            explain(
                f"optim: parameters, gradients and state differ in structure: {error}",
                fix="give gradients of the parameters, and the state that came from "
                "init(params) or the last update",
            )
        ) from None
    return found


def _check_shapes(leaf: Any, other: Any) -> None:
    if np.shape(leaf) != np.shape(other):
        raise ShapeError(
            explain(
                f"optim: an array of shape {np.shape(leaf)} meets one of shape "
                f"{np.shape(other)} at one place of parameters, gradients or state",
                fix="give gradients of the parameters, and the state that came from "
                "init(params) or the last update",
            )
        )


def _like(value: Any, leaf: Any) -> Any:
    """A result with the dtype of a leaf, and an array where the leaf is one."""
    dtype = getattr(leaf, "dtype", None)
    if dtype is not None and value.dtype != dtype:
        value = value.astype(dtype)
    if is_array(leaf) and not is_array(value):
        return np.asarray(value)
    return value


def is_array(leaf: Any) -> bool:
    """Whether a leaf is an array, 0-d ones included, and no scalar."""
    return hasattr(leaf, "__setitem__")


def filled(params: Any, value: float = 0.0) -> Any:
    """A tree like the parameters, of one number; refuses what has no gradient."""

    def fill(leaf: Any) -> Any:
        if isinstance(leaf, float):
            return np.float64(value)
        if getattr(getattr(leaf, "dtype", None), "kind", None) not in ("f", "c", "V"):
            what = getattr(leaf, "dtype", None) or type(leaf).__name__
            raise DTypeError(
                explain(
                    f"optim: a parameter is of type {what}, and has no gradient",
                    fix="keep what is no float out of the parameters, or mask it: "
                    "masked(opt, mask)",
                )
            )
        made = np.full(np.shape(leaf), value, leaf.dtype)
        return made if is_array(leaf) else made[()]

    return wg.tree.map(fill, params)


def fitted(number: Any, leaf: Any) -> Any:
    """A number as it may multiply a leaf without changing its dtype."""
    dtype = getattr(leaf, "dtype", None)
    if dtype is None or not hasattr(number, "dtype"):
        return number
    return number.astype(dtype)


def squared(x: Any) -> Any:
    """The square; of complex numbers that of their absolute value."""
    if getattr(getattr(x, "dtype", None), "kind", "f") == "c":
        return x.real * x.real + x.imag * x.imag
    return x * x


def moving_average(decay: Any, values: Any, averages: Any) -> Any:
    """``decay * average + (1 - decay) * value``."""

    def move(average: Any, value: Any) -> Any:
        kept = fitted(decay, average)
        return (1 - kept) * value + kept * average

    return mapped(move, averages, values)


def debiased(decay: Any, averages: Any, count: Any) -> Any:
    """Moving averages of `count` values that began at 0, divided by their weights.

    The weight is computed in float64: in half precision ``decay ** count`` rounds to 1.
    """
    weight = 1 - decay**count
    return mapped(lambda average: average / fitted(weight, average), averages)


def global_norm(tree: Any) -> Any:
    """The Euclidean norm of all numbers of a pytree together.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.optim.global_norm({"w": np.array([3.0, 0.0]), "b": np.float64(4.0)})
        np.float64(5.0)
    """
    total = 0.0
    for leaf in wg.tree.leaves(tree):
        total = total + np.sum(squared(leaf))
    return np.sqrt(total)
