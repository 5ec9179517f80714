"""Gauss-Newton: a line search along the step of the linearised residuals."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from wengert.optim.checks import check_option
from wengert.optim.iterate import Problem, Step
from wengert.optim.line_search import step_along, strong_wolfe
from wengert.optim.normal_equations import LEAST_DAMPING, NAMES, SOLVERS, damped_step


@dataclasses.dataclass(frozen=True)
class GaussNewton:
    """Gauss-Newton, for small residuals near a good start.

    Attributes:
        linear: ``"dense"`` forms the Jacobian; ``"products"`` needs products with it
            only, for many unknowns.

    Example:
        >>> import numpy as np
        >>> from wengert.optim import GaussNewton, least_squares
        >>> t = np.linspace(0.0, 1.0, 9)
        >>> rests = lambda k: np.exp(-k * t) - np.exp(-2.0 * t)
        >>> least_squares(rests, 1.0, method=GaussNewton()).x.round(6)
        np.float64(2.0)

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., section 10.3.
    """

    linear: str = "dense"

    def __post_init__(self) -> None:
        fits = self.linear in SOLVERS
        check_option("GaussNewton: linear", self.linear, fits, f"choose one of {NAMES}")

    def start(self, x: Any, gradient: Any) -> Any:
        return np.zeros(len(x))

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Any
    ) -> Step:
        direction, scale, _, products = damped_step(
            problem.residuals, x, gradient, LEAST_DAMPING, memory, self.linear
        )
        found = strong_wolfe(problem, x, value, gradient, direction)
        return step_along(x, direction, found, scale, products)
