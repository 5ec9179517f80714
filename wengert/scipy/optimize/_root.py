"""`scipy.optimize.root` with an exact Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.optimize

from wengert.scipy.optimize._functions import Function, start_of


def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Any = None,
    options: dict[str, Any] | None = None,
    *,
    jit: bool = True,
) -> Any:
    """``scipy.optimize.root``, with the Jacobian where the method uses one.

    These are "hybr" and "lm"; the others take none.

    Args:
        fun: ``fun(x, *args)`` returns as many numbers as there are in `x`.
        x0: As in SciPy, or a pytree of floats, which `fun` then takes.
        args, method, jac, tol, callback, options: As in SciPy.
        jit: Whether to compile `fun` and its Jacobian.

    Returns:
        SciPy's `OptimizeResult`; its ``x`` has the structure of `x0`.

    Example:
        >>> import numpy as np
        >>> from wengert.scipy.optimize import root
        >>> circle_and_line = lambda x: [x[0] ** 2 + x[1] ** 2 - 2.0, x[0] - x[1]]
        >>> root(circle_and_line, [2.0, 0.5]).x.round(6)
        array([1., 1.])
    """
    start = start_of(x0)
    function = Function(fun, start, args, jit=jit)
    given = function.with_arguments(jac)
    if method.lower() in ("hybr", "lm") and not jac:
        given = function.jacobian
    found = scipy.optimize.root(
        function.as_it_is if jac is True else function.value,
        start.vector,
        method=method,
        jac=given,
        tol=tol,
        callback=callback,
        options=options,
    )
    if start.is_tree:
        found.x = start.as_given(found.x)
    return found
