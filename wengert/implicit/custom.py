"""The derivatives of a solution, for a solver of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wengert as wg
from wengert.implicit._function import How, implicit_function
from wengert.implicit._reports import ACTIONS, check_choice
from wengert.implicit._trees import vector
from wengert.implicit.linear import LINEAR

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def custom_root(
    residual: Callable[..., Any],
    *,
    linear: str = "dense",
    accuracy: float = 1e-6,
    not_converged: str = "raise",
) -> Decorator:
    """A decorator for a solver of ``residual(x, *args) = 0`` that is called as
    ``solver(*args)``.

    The solver's steps are not differentiated, nor kept: derivatives follow from the
    residual at what the solver returns, in both modes and at every order.

    Args:
        residual: Function of x and all arguments of the solver that returns as many
            numbers as x has, in any pytree. It may ignore some, such as a first guess.
        linear, accuracy, not_converged: As for `root`; whether x is a solution is
            looked at where a derivative is taken only. "unroll" differentiates the
            solver's steps where it is none.

    Returns:
        The decorator.

    Raises:
        ConvergenceError, SingularJacobianError, ShapeError, DTypeError: as `root`, when
            a derivative is taken.
        ArgumentError: `linear` or `not_converged` has a value that it cannot take.

    Example:
        >>> import wengert as wg
        >>> @wg.implicit.custom_root(lambda x, a: x * x - a)
        ... def square_root(a):
        ...     x = 1.0
        ...     while abs(x * x - a) > 1e-12:
        ...         x = (x + a / x) / 2
        ...     return x
        >>> print(f"{square_root(4.0):.6f} {wg.grad(square_root)(4.0):.6f}")
        2.000000 0.250000
    """
    return _decorator("custom_root", residual, linear, accuracy, not_converged)


def custom_fixed_point(
    g: Callable[..., Any],
    *,
    linear: str = "dense",
    accuracy: float = 1e-6,
    not_converged: str = "raise",
) -> Decorator:
    """A decorator for a solver of ``g(x, *args) = x``; see `custom_root`.

    Args:
        g: Function of x and all arguments of the solver that returns a pytree like x.
        linear, accuracy, not_converged: As for `custom_root`.

    Returns:
        The decorator.

    Raises:
        ConvergenceError, SingularJacobianError, ShapeError, DTypeError, ArgumentError:
            as `custom_root`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> @wg.implicit.custom_fixed_point(lambda x, a: np.cos(a * x))
        ... def settled(a):
        ...     x = 0.0
        ...     for _ in range(200):
        ...         x = np.cos(a * x)
        ...     return x
        >>> print(f"{wg.grad(settled)(1.0):.6f}")
        -0.297474
    """

    def residual(x: Any, *args: Any) -> Any:
        return vector(x) - vector(g(x, *args))

    return _decorator("custom_fixed_point", residual, linear, accuracy, not_converged)


def custom_argmin(
    objective: Callable[..., Any],
    *,
    linear: str = "dense",
    accuracy: float = 1e-6,
    not_converged: str = "raise",
) -> Decorator:
    """A decorator for a solver that minimises ``objective(x, *args)`` without bounds.

    Args:
        objective: Function of x and all arguments of the solver that returns a number.
        linear: As for `custom_root`; "cg" suits many unknowns, for it takes products
            with the second derivative only.
        accuracy, not_converged: As for `custom_root`.

    Returns:
        The decorator; see `custom_root`.

    Raises:
        ConvergenceError, SingularJacobianError, ShapeError, DTypeError, ArgumentError:
            as `custom_root`.

    Example:
        >>> import wengert as wg
        >>> @wg.implicit.custom_argmin(lambda x, a: (x - a) ** 2 + 0.1 * x**4)
        ... def smallest(a):
        ...     x = 0.0
        ...     for _ in range(200):
        ...         x = x - 0.2 * (2 * (x - a) + 0.4 * x**3)
        ...     return x
        >>> print(f"{wg.grad(smallest)(1.0):.6f}")
        0.688269
    """

    def residual(x: Any, *args: Any) -> Any:
        return wg.grad(lambda x: objective(x, *args))(x)

    return _decorator("custom_argmin", residual, linear, accuracy, not_converged)


def _decorator(
    name: str, residual: Any, linear: str, accuracy: float, not_converged: str
) -> Decorator:
    check_choice(name, "linear", linear, tuple(LINEAR))
    check_choice(name, "not_converged", not_converged, ACTIONS)

    def decorate(solver: Callable[..., Any]) -> Callable[..., Any]:
        label = f"{name}({getattr(solver, '__name__', 'solver')})"
        how = How(label, accuracy, not_converged)
        return implicit_function(solver, residual, LINEAR[linear], how)

    return decorate
