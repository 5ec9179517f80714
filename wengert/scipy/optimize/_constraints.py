"""Constraints of SciPy, with the derivatives that they leave out."""

from __future__ import annotations

import copy
from typing import Any

from scipy.optimize import BFGS, NonlinearConstraint

from wengert.scipy.optimize._functions import Function, Start


def with_derivatives(constraints: Any, start: Start, hess: bool, jit: bool) -> Any:
    """Constraints as SciPy takes them, one or several; `hess`: with Hessians."""
    if isinstance(constraints, (list, tuple)):
        return [with_derivatives(c, start, hess, jit) for c in constraints]
    if isinstance(constraints, dict):
        return _dictionary(constraints, start, jit)
    if isinstance(constraints, NonlinearConstraint):
        return _nonlinear(constraints, start, hess, jit)
    return constraints


def _dictionary(constraint: dict[str, Any], start: Start, jit: bool) -> dict[str, Any]:
    function = Function(constraint["fun"], start, constraint.get("args", ()), jit=jit)
    given = constraint.get("jac")
    jac = function.with_arguments(given) if callable(given) else function.jacobian
    return {"type": constraint["type"], "fun": function.value, "jac": jac}


def _nonlinear(constraint: Any, start: Start, hess: bool, jit: bool) -> Any:
    """A copy: what SciPy sets by itself, or computes by differences, is exact."""
    function = Function(constraint.fun, start, jit=jit)
    filled = copy.copy(constraint)
    filled.fun = function.value
    if not callable(constraint.jac):
        filled.jac = function.jacobian
    if hess and (constraint.hess is None or isinstance(constraint.hess, (str, BFGS))):
        filled.hess = function.hessian_of_sum
    return filled
