"""`minimize`: the front door to the methods for scalar functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.optim.bfgs import BFGS
from wengert.optim.iterate import Method, Stopping
from wengert.optim.lbfgs import LBFGS
from wengert.optim.newton_cg import NewtonCG
from wengert.optim.problem import scalar_problem
from wengert.optim.result import Result
from wengert.optim.solve import Kind, solve
from wengert.optim.trust_region import TrustRegion

METHODS: dict[str, Method] = {
    "bfgs": BFGS(),
    "l-bfgs": LBFGS(),
    "newton-cg": NewtonCG(),
    "trust-region": TrustRegion(),
}
KIND = Kind("minimize", scalar_problem, METHODS)


def minimize(
    f: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | Method = "bfgs",
    *,
    gtol: float = 1e-6,
    xtol: float = 0.0,
    ftol: float = 0.0,
    maxiter: int = 1000,
    callback: Callable[[Any, Any], Any] | None = None,
    jit: bool = True,
) -> Result:
    """Minimise a function of several variables, with exact derivatives.

    The whole optimisation, derivatives of `f` included, is one native function; it is
    compiled at the first call, and kept for the next ones with the same `f`. It may be
    used inside every transformation: under `vmap`, from many starts, and under `grad`,
    which differentiates the iterations that took place.

    Args:
        f: ``f(x, *args)`` returns one real number; `x` has the structure of `x0`.
        x0: Where to start: an array of floats, or a pytree of them.
        args: More arguments of `f`, in a tuple: pytrees.
        method: Its name, or a method with its parameters, such as ``LBFGS(memory=20)``.
        gtol: It has converged where no entry of the gradient is larger than this.
        xtol: ... or where a step is not longer than this times the length of x;
        ftol: ... or where f has fallen by no more than this times its size.
        maxiter: The most iterations.
        callback: Called after each iteration, ``callback(x, value)``, in Python; a true
            answer stops.
        jit: Whether to compile; otherwise everything runs in Python.

    Returns:
        A `Result`: `x`, `value`, `outcome`, the `history`, and how much was computed.
        That it has not converged is no exception: ask for its ``success``.

    Raises:
        DTypeError: `x0` has integers or complex numbers, or `f` returned one.
        ShapeError: `f` returned something else than one number.
        ArgumentError: `x0` has a NaN, there is no such method, or a tolerance is
            negative.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def rosenbrock(x):
        ...     return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
        >>> found = wg.optim.minimize(rosenbrock, np.array([-1.2, 1.0]))
        >>> print(found.x.round(6), found.outcome)
        [1. 1.] converged: the gradient is within its tolerance
    """
    stopping = Stopping(gtol, xtol, ftol, maxiter)
    return solve(KIND, f, x0, args, method, stopping, callback, jit)
