"""Pytrees as vectors, and derivatives in those of their leaves that have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import DTypeError, ShapeError


def numbers(name: str, x: Any) -> Any:
    """A pytree of unknowns, whose leaves have to be numbers, as NumPy has them."""

    def number(leaf: Any) -> Any:
        if isinstance(leaf, (int, float)) and not isinstance(leaf, bool):
            return np.float64(leaf)
        dtype = getattr(leaf, "dtype", None)
        if not isinstance(dtype, np.dtype) or dtype.kind not in "fiu":
            what = type(leaf).__name__ if dtype is None else dtype
            raise DTypeError(
                explain(
                    f"{name}: expected unknowns that are real numbers, got {what}",
                    fix="give a pytree of floats and arrays of floats; of a complex "
                    "unknown its real and imaginary parts",
                )
            )
        return leaf if dtype.kind == "f" else leaf.astype(float)

    return wg.tree.map(number, x)


def vector(tree: Any) -> Any:
    return wg.tree.ravel(tree)[0]


def attainable(tolerance: float, v: Any) -> float:
    """A relative tolerance, or what the rounding of such numbers leaves of it."""
    return max(tolerance, 64.0 * float(np.finfo(v.dtype).eps))


def residual_at(name: str, residual: Any, like: Any, args: Any) -> Callable[..., Any]:
    """A residual as a function of the vector of unknowns, with values like theirs."""
    count, unravel = len(vector(like)), wg.tree.ravel(like)[1]

    def at(v: Any) -> Any:
        found = vector(residual(unravel(v), *args))
        if len(found) != count:
            raise ShapeError(
                explain(
                    f"{name}: {len(found)} equations for {count} unknowns",
                    fix="return one number for each unknown",
                )
            )
        return found

    return at


def is_float(leaf: Any) -> bool:
    """Whether a leaf has a derivative."""
    kind = getattr(getattr(leaf, "dtype", None), "kind", None)
    return kind in ("f", "c") or isinstance(leaf, (float, complex))


def _filled(tree: Any, places: list[int], values: Any) -> Any:
    leaves, structure = wg.tree.flatten(tree)
    for i, value in zip(places, values, strict=True):
        leaves[i] = value
    return wg.tree.unflatten(structure, leaves)


def along(fun: Callable[[Any], Any], at: Any, tangents: Any) -> Any:
    """The derivative of a function of a pytree in a direction; None in it is zero."""
    leaves, structure = wg.tree.flatten(at)
    given = structure.flatten_up_to(tangents)
    places = [i for i, t in enumerate(given) if t is not None and is_float(leaves[i])]
    return wg.jvp(
        lambda *values: fun(_filled(at, places, values)),
        tuple([leaves[i] for i in places]),
        tuple([given[i] for i in places]),
    )[1]


def pulled(fun: Callable[[Any], Any], at: Any, ct: Any) -> Any:
    """The cotangent of the argument of a function of a pytree; None in it is zero."""
    leaves = wg.tree.leaves(at)
    places = [i for i, leaf in enumerate(leaves) if is_float(leaf)]
    _, pullback = wg.vjp(
        lambda *values: fun(_filled(at, places, values)),
        *[leaves[i] for i in places],
    )
    found = dict(zip(places, pullback(ct), strict=True))
    cts = [found.get(i) for i in range(len(leaves))]
    return wg.tree.unflatten(wg.tree.flatten(at)[1], cts)
