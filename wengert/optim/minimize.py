"""`minimize`: the front door to the methods for scalar functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert.optim.bfgs import BFGS
from wengert.optim.iterate import Method, Stopping, iterate
from wengert.optim.problem import (
    as_tuple,
    check_start,
    check_stopping,
    choose,
    scalar_problem,
)
from wengert.optim.result import Result

METHODS: dict[str, Method] = {"bfgs": BFGS()}


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
    chosen = choose("minimize", method, METHODS)
    check_start("minimize", x0)
    check_stopping("minimize", stopping)
    solver = _compiled if jit else functools.partial
    return solver(_solve, f, chosen)(x0, as_tuple(args), stopping)


@functools.lru_cache(maxsize=64)
def _compiled(solve: Any, f: Any, method: Method) -> Any:
    return wg.jit(functools.partial(solve, f, method))


def _solve(f: Any, method: Method, x0: Any, args: Any, stopping: Stopping) -> Result:
    vector, unravel = wg.tree.ravel(x0)
    problem = scalar_problem("minimize", f, unravel, args)
    found = iterate(method, problem, vector.astype(np.float64), stopping)
    return found._replace(x=unravel(found.x), gradient=unravel(found.gradient))
