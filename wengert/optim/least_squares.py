"""`least_squares`: the front door to the methods for sums of squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.optim.gauss_newton import GaussNewton
from wengert.optim.iterate import Method, Stopping
from wengert.optim.levenberg_marquardt import LevenbergMarquardt
from wengert.optim.problem import residual_problem
from wengert.optim.result import Result
from wengert.optim.solve import Kind, solve

METHODS: dict[str, Method] = {
    "levenberg-marquardt": LevenbergMarquardt(),
    "gauss-newton": GaussNewton(),
}
KIND = Kind("least_squares", residual_problem, METHODS)


def least_squares(
    residuals: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | Method = "levenberg-marquardt",
    *,
    gtol: float = 1e-8,
    xtol: float = 1e-8,
    ftol: float = 1e-8,
    maxiter: int = 1000,
    callback: Callable[[Any, Any], Any] | None = None,
    jit: bool = True,
) -> Result:
    """Minimise half the sum of squares of residuals, with exact Jacobians.

    Everything is one native function, as in `minimize`.

    Args:
        residuals: ``residuals(x, *args)`` returns an array, or a pytree of arrays, of
            real numbers; `x` has the structure of `x0`.
        x0: Where to start: an array of floats, or a pytree of them.
        args: More arguments of `residuals`, in a tuple: pytrees.
        method: Its name, or a method with its parameters, such as
            ``LevenbergMarquardt(linear="products")``.
        gtol: It has converged where no entry of the gradient Jᵀr is larger than this,
        xtol: ... or where a step is not longer than this times the length of x,
        ftol: ... or where the value has fallen by no more than this times itself.
        maxiter: The most iterations.
        callback: Called after each iteration, ``callback(x, value)``, in Python; a true
            answer stops.
        jit: Whether to compile; otherwise everything runs in Python.

    Returns:
        A `Result`; its value is half the sum of squares.

    Raises:
        DTypeError: `x0` or a residual is of integers or complex numbers.
        ShapeError: `residuals` returned one number, or no arrays.
        ArgumentError: `x0` has a NaN, there is no such method, or a tolerance is
            negative.

    Example:
        >>> import numpy as np, wengert as wg
        >>> t = np.array([0.0, 1.0, 2.0])
        >>> y = np.array([2.0, 1.0, 0.5])
        >>> decay = lambda p: p["size"] * 2.0 ** (-t / p["half"]) - y
        >>> start = {"size": 1.0, "half": 2.0}
        >>> found = wg.optim.least_squares(decay, start)
        >>> print(round(found.x["size"], 6), round(found.x["half"], 6))
        2.0 1.0
    """
    stopping = Stopping(gtol, xtol, ftol, maxiter)
    return solve(KIND, residuals, x0, args, method, stopping, callback, jit)
