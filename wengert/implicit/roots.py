"""Roots and fixed points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert.implicit._function import How, implicit_function
from wengert.implicit._linear import Linear
from wengert.implicit._reports import ACTIONS, check_choice, settle
from wengert.implicit._trees import attainable, numbers, residual_at, vector
from wengert.implicit.linear import LINEAR


def root(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    tol: float = 1e-8,
    maxiter: int = 50,
    linear: str = "dense",
    accuracy: float = 1e-6,
    not_converged: str = "raise",
) -> Any:
    """The x near `x0` with ``f(x, *args) = 0``, by Newton's method.

    Derivatives follow from the equation, not from the steps: they cost one linear solve
    each, whatever the number of steps, in both modes and at every order. Values that
    `f` reads by closure, or as attributes of its object, are differentiated too.

    Args:
        f: Function of x and `args` that returns as many numbers as x has, in any
            pytree.
        x0: Where to start: a pytree of floats and arrays. Its derivative is 0.
        args: Further arguments, pytrees.
        tol: The last step is at most ``tol * (1 + max|x|)``; the error is about its
            square.
        maxiter: The largest number of steps.
        linear: "dense" forms the Jacobian; "gmres", and "cg" where it is symmetric and
            positive definite, take products with it.
        accuracy: The distance from the solution, relative to ``1 + max|x|``, at which
            a derivative is still taken.
        not_converged: What to do where there is no solution within `maxiter` steps, or
            a derivative is taken farther away: "raise"; "warn"; "unroll" warns and
            differentiates the steps instead.

    Returns:
        x, in the structure of `x0`.

    Raises:
        ConvergenceError: see `not_converged`.
        SingularJacobianError: the Jacobian is singular, at a step or at the solution.
        ShapeError: the numbers of equations and unknowns differ.
        DTypeError: an unknown is no real number.
        ArgumentError: `linear` or `not_converged` is none of the above.

    Example:
        >>> import wengert as wg
        >>> square_root = lambda a: wg.implicit.root(lambda x: x * x - a, 1.0)
        >>> square_root(4.0), wg.grad(square_root)(4.0)
        (np.float64(2.0), np.float64(0.25))

    References:
        Krantz & Parks, *The Implicit Function Theorem*, Birkhäuser 2002; Blondel et
        al., "Efficient and modular implicit differentiation", NeurIPS 2022.
    """
    check_choice("root", "not_converged", not_converged, ACTIONS)
    check_choice("root", "linear", linear, tuple(LINEAR))
    solver = LINEAR[linear]

    def solve(x0: Any, *args: Any) -> Any:
        v, unravel = wg.tree.ravel(x0)
        equations = residual_at("root", f, x0, args)
        v, steps, size, ok = _newton(equations, v, solver, tol, maxiter)
        settle(
            ok,
            not_converged,
            "root: no solution found in {} steps; the largest residual is {}",
            (steps, size),
            why="Newton's method did not converge: there may be no solution near x0.",
            fix="start at another x0, or allow more steps by maxiter=",
        )
        return unravel(v)

    def residual(x: Any, x0: Any, *args: Any) -> Any:
        return f(x, *args)

    how = How("root", accuracy, not_converged)
    return implicit_function(solve, residual, solver, how)(numbers("root", x0), *args)


def _newton(
    equations: Callable[[Any], Any], v: Any, linear: Linear, tol: float, maxiter: int
) -> tuple[Any, Any, Any, Any]:
    """``(v, steps, largest residual, converged)`` of a damped Newton iteration."""
    r = equations(v)
    size = np.max(np.abs(r))
    tol = attainable(tol, v)
    converged, stuck, k = False, False, 0
    while not (converged or stuck) and k < maxiter:
        step = linear.step("root", equations, v, r)
        converged = np.max(np.abs(step)) <= tol * (1.0 + np.max(np.abs(v)))
        t, new, least, smaller = 2.0, v, size, False
        while not smaller and t > 1e-8:
            t = t / 2
            new = v - t * step
            r = equations(new)
            least = np.max(np.abs(r))
            smaller = converged or least <= (1.0 - 1e-4 * t) * size
        v, size, stuck, k = new, least, not smaller, k + 1
    return v, k, size, converged


def fixed_point(
    g: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    tol: float = 1e-10,
    maxiter: int = 1000,
    linear: str = "dense",
    accuracy: float = 1e-6,
    not_converged: str = "raise",
) -> Any:
    """The x near `x0` with ``g(x, *args) = x``, by repeating ``x = g(x)``.

    Args:
        g: Function of x and `args` that returns a pytree like x. It has to be a
            contraction near the fixed point.
        x0, args, maxiter, linear, accuracy, not_converged: As for `root`.
        tol: The last step is at most ``tol * (1 + max|x|)``.

    Returns:
        x, in the structure of `x0`.

    Raises:
        ConvergenceError, SingularJacobianError, ShapeError, DTypeError, ArgumentError:
            as `root`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> kepler = lambda e: wg.implicit.fixed_point(lambda x: 1 + e * np.sin(x), 1.0)
        >>> print(f"{kepler(0.5):.6f} {wg.grad(kepler)(0.5):.6f}")
        1.498701 1.034667
    """
    check_choice("fixed_point", "not_converged", not_converged, ACTIONS)
    check_choice("fixed_point", "linear", linear, tuple(LINEAR))

    def solve(x0: Any, *args: Any) -> Any:
        v, unravel = wg.tree.ravel(x0)
        g_at = residual_at("fixed_point", g, x0, args)
        smallest = attainable(tol, v)
        converged, k = False, 0
        while not converged and k < maxiter:
            new = g_at(v)
            change = np.max(np.abs(new - v))
            converged = change <= smallest * (1.0 + np.max(np.abs(v)))
            v, k = new, k + 1
        settle(
            converged,
            not_converged,
            "fixed_point: no fixed point found in {} steps",
            (k,),
            why="repeating g did not converge: it may be no contraction there.",
            fix="allow more steps by maxiter=, or find the root of g(x) - x",
        )
        return unravel(v)

    def residual(x: Any, x0: Any, *args: Any) -> Any:
        return vector(x) - vector(g(x, *args))

    how = How("fixed_point", accuracy, not_converged)
    implicit = implicit_function(solve, residual, LINEAR[linear], how)
    return implicit(numbers("fixed_point", x0), *args)
