"""Derivatives in 50-digit arithmetic, independent of every rule in the op table."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from wengert.explain._numbers import Numbers, run_on
from wengert.explain._optional import library

DIGITS = 50


def derivative(fun: Callable[..., Any], x: Any, i: int = 0, order: int = 1) -> Any:
    """A partial derivative of a scalar function as an mpmath number of 50 digits.

    The function runs on mpmath's numbers; the derivative is a difference quotient at a
    working precision so much higher that 50 digits of it are right.
    """
    mpmath = library("mpmath", "explain.compare", "symbolic")
    point = np.asarray(x, dtype=np.float64)

    def along(value: Any) -> Any:
        entries = point.astype(object)
        entries = np.frompyfunc(mpmath.mpf, 1, 1)(entries.reshape(-1))
        entries[i] = value
        numbers = Numbers("compare", _functions(mpmath), _lifter(mpmath))
        return run_on(numbers, fun, (x,), [entries.reshape(point.shape)])[()]

    with mpmath.workdps(DIGITS + 10):
        exact = mpmath.mpf(float(point.reshape(-1)[i]))
        return along(exact) if order == 0 else mpmath.diff(along, exact, order)


def relative_error(values: list[Any], exact: list[Any]) -> float:
    """Largest error over the largest derivative (absolute where they are all zero)."""
    mpmath = library("mpmath", "explain.compare", "symbolic")
    with mpmath.workdps(DIGITS):
        worst = max(
            abs(mpmath.mpf(float(v)) - e) for v, e in zip(values, exact, strict=True)
        )
        scale = max(map(abs, exact))
        return float(worst / scale if scale else worst)


def _functions(mpmath: Any) -> Any:
    shared = "exp log sqrt cbrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh"
    shared += " acosh atanh erf erfc gamma loggamma digamma sign floor pi re im"
    return SimpleNamespace(
        **{name: getattr(mpmath, name) for name in shared.split()},
        ceiling=mpmath.ceil,
        conjugate=mpmath.conj,
        maximum=max,
        minimum=min,
        select=lambda condition, x, y: x if condition else y,
        both=lambda x, y: bool(x and y),
        either=lambda x, y: bool(x or y),
        negation=lambda x: not x,
        same=lambda x, y: x == y,
        differ=lambda x, y: x != y,
    )


def _lifter(mpmath: Any) -> Callable[[Any], Any]:
    own = (bool, mpmath.mpf, mpmath.mpc)
    return lambda value: value if isinstance(value, own) else mpmath.mpmathify(value)
