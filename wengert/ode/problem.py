"""The user's functions as functions of one vector."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import Site, explain
from wengert.errors import ShapeError, TreeError
from wengert.ode.closures import Template


class Field:
    """``dy/dt`` of a state that is one vector: a function of ``(t, y)``.

    It is ``at(t, y, data)`` for the data that it depends on besides, a pytree.
    """

    def __init__(self, at: Callable[[Any, Any, Any], Any], data: Any) -> None:
        self.at = at
        self.data = data

    def __call__(self, t: Any, y: Any) -> Any:
        return self.at(t, y, self.data)


class Floats:
    """What may have a derivative in a pytree: `values`, in order."""

    def __init__(self, data: Any) -> None:
        self._leaves, self._structure = wg.tree.flatten(data)
        self._places = [i for i, x in enumerate(self._leaves) if _is_inexact(x)]
        self.values = [self._leaves[i] for i in self._places]

    def put(self, values: list[Any]) -> Any:
        """The pytree with these in their place."""
        return self._filled(self._leaves, values)

    def alone(self, values: list[Any]) -> Any:
        """The pytree with these in their place, and None for the rest."""
        return self._filled([None] * len(self._leaves), values)

    def _filled(self, leaves: list[Any], values: list[Any]) -> Any:
        filled = list(leaves)
        for i, value in zip(self._places, values, strict=True):
            filled[i] = value
        return wg.tree.unflatten(self._structure, filled)


def _is_inexact(leaf: Any) -> bool:
    if isinstance(leaf, (float, complex)):
        return True
    dtype = getattr(leaf, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in "fc"


def right_hand_side(template: Template, unravel: Any) -> Callable[..., Any]:
    """The user's function of ``(t, y, (numbers, args))``, y a vector.

    The numbers are those that it reads besides its arguments.
    """

    def at(t: Any, y: Any, data: Any) -> Any:
        numbers, args = data
        fun, state = template.filled(numbers), unravel(y)
        return _like_state(fun, fun(t, state, *args), state, y.dtype)

    return at


def _like_state(fun: Any, slope: Any, state: Any, dtype: Any) -> Any:
    """What a right-hand side has returned, as a vector."""
    if hasattr(state, "shape") and isinstance(slope, (list, tuple)):
        slope = np.array(slope)
    wanted, found = wg.tree.flatten(state)[1], wg.tree.flatten(slope)[1]
    if wanted != found:
        raise TreeError(
            explain(
                f"solve: the right-hand side returned a pytree of structure {found} "
                f"for a state of structure {wanted}",
                fix="return dy/dt in the structure of the state",
                site=_place(fun),
            )
        )
    pairs = zip(wg.tree.leaves(state), wg.tree.leaves(slope), strict=True)
    for path, (x, dx) in zip(wg.tree.paths(state, "y"), pairs, strict=True):
        if np.shape(x) != np.shape(dx):
            raise ShapeError(
                explain(
                    f"solve: the right-hand side returned a slope of shape "
                    f"{np.shape(dx)} for {path}, which has shape {np.shape(x)}",
                    fix="return dy/dt in the shapes of the state",
                    site=_place(fun),
                )
            )
    parts = [np.reshape(x, (-1,)) for x in wg.tree.leaves(slope)]
    return np.concatenate(parts).astype(dtype)


def level_of(
    template: Template, unravel: Any, numbers: Any, args: Any
) -> Callable[[Any, Any], Any]:
    """The function of an event, of a state that is one vector."""

    def level(t: Any, y: Any) -> Any:
        fun = template.filled(numbers)
        value = fun(t, unravel(y), *args)
        if np.shape(value) != ():
            raise ShapeError(
                explain(
                    f"solve: the function of an event returned shape {np.shape(value)}",
                    why="an event is where a single number crosses zero.",
                    fix="return a number; give each of several its own Event",
                    site=_place(fun),
                )
            )
        return value

    return level


def _place(fun: Any) -> Site | None:
    """Where a user's function begins."""
    fun = inspect.unwrap(fun)
    return Site(fun.__code__, 0) if isinstance(fun, FunctionType) else None
