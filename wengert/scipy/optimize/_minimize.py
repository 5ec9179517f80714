"""`scipy.optimize.minimize` with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.optimize

from wengert.scipy.optimize._constraints import with_derivatives
from wengert.scipy.optimize._functions import Function, start_of

# Methods of SciPy, by the derivatives that they use; the others take a gradient.
_WITHOUT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_HESSIAN = ("dogleg", "trust-exact")
_PRODUCT = ("newton-cg", "trust-constr", "trust-ncg", "trust-krylov")


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: dict[str, Any] | None = None,
    *,
    jit: bool = True,
) -> Any:
    """``scipy.optimize.minimize``, with the derivatives that the method uses.

    What is left out of `jac`, `hess` and `hessp` is filled in: the gradient, in one
    sweep with the value; products with the Hessian, or the Hessian for the methods that
    take no products. So are the Jacobians and Hessians of constraints: ``jac`` of those
    that are dictionaries, and of a `NonlinearConstraint` a ``jac`` by differences and a
    ``hess`` by `BFGS`, which are its defaults.

    Args:
        fun: The objective ``fun(x, *args)``, in NumPy's functions.
        x0: As in SciPy, or a pytree of floats. Then `fun` and the constraints take such
            pytrees, and so is ``x`` of the result; bounds, a callback and derivatives
            that are given are about the vector of its numbers.
        args, method, jac, hess, hessp, bounds, constraints, tol, callback, options:
            As in SciPy.
        jit: Whether to compile `fun` and its derivatives.

    Returns:
        SciPy's `OptimizeResult`.

    Raises:
        ShapeError: `fun` returned something else than one number.
        DTypeError: `fun` returned an integer or complex number.

    Example:
        >>> import numpy as np
        >>> from wengert.scipy.optimize import minimize
        >>> rosenbrock = lambda x: 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
        >>> found = minimize(rosenbrock, [-1.2, 1.0], method="trust-ncg")
        >>> print(found.x.round(4), found.success)
        [1. 1.] True
    """
    start = start_of(x0)
    objective = Function(fun, start, args, jit=jit)
    name = _name_of(method, bounds, constraints)
    found = scipy.optimize.minimize(
        _objective_for(name, objective, jac),
        start.vector,
        method=method,
        **_derivatives_for(name, objective, jac, hess, hessp),
        bounds=bounds,
        constraints=with_derivatives(constraints, start, name in _PRODUCT, jit),
        tol=tol,
        callback=callback,
        options=options,
    )
    if start.is_tree:
        found.x = start.as_given(found.x)
    return found


def _name_of(method: Any, bounds: Any, constraints: Any) -> str:
    """The method that SciPy will choose."""
    if method is None:
        return "slsqp" if constraints else "bfgs" if bounds is None else "l-bfgs-b"
    return "custom" if callable(method) else method.lower()


def _is_left_out(name: str, jac: Any) -> bool:
    return name not in _WITHOUT and (jac is None or jac is False)


def _objective_for(name: str, objective: Function, jac: Any) -> Any:
    """What SciPy calls for values: with the gradient, if it is to be ours.

    It is called here once, so that its errors do not come out of SciPy.
    """
    if jac is True:
        return objective.as_it_is
    ours = _is_left_out(name, jac)
    found = objective.value_and_gradient if ours else objective.number
    found(objective.start.vector)
    return found


def _derivatives_for(
    name: str, objective: Function, jac: Any, hess: Any, hessp: Any
) -> dict[str, Any]:
    """Those that are given, and ours for what the method uses besides."""
    given = {
        "jac": True if _is_left_out(name, jac) else objective.with_arguments(jac),
        "hess": objective.with_arguments(hess),
        "hessp": objective.with_arguments(hessp),
    }
    if hess is None and hessp is None:
        if name in _HESSIAN:
            given["hess"] = objective.hessian
        elif name in _PRODUCT:
            given["hessp"] = objective.hessian_times
    return given
