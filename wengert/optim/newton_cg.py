"""Newton-CG: a line search along Newton's direction, by conjugate gradients."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
from wengert.optim.conjugate_gradients import model_step
from wengert.optim.iterate import Problem, Step
from wengert.optim.line_search import step_along, strong_wolfe


@dataclasses.dataclass(frozen=True)
class NewtonCG:
    """The line-search Newton-CG method, on Hessian-vector products.

    The Hessian is never formed: the gradient is linearised once an iteration, and each
    product costs a small multiple of the function.

    Example:
        >>> import numpy as np
        >>> from wengert.optim import NewtonCG, minimize
        >>> bowl = lambda x: np.sum(np.cosh(x - 1.0))
        >>> minimize(bowl, np.zeros(1000), method=NewtonCG()).x[:2].round(6)
        array([1., 1.])

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.1.
    """

    def start(self, x: Any, gradient: Any) -> tuple[()]:
        return ()

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Any
    ) -> Step:
        _, hessian_times = wg.linearize(wg.grad(problem.objective), x)
        direction, _, products = model_step(hessian_times, gradient)
        found = strong_wolfe(problem, x, value, gradient, direction)
        return step_along(x, direction, found, memory, products)
