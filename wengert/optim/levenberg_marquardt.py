"""Levenberg-Marquardt: Gauss-Newton steps, damped until the sum of squares falls."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from wengert.optim.checks import check_option
from wengert.optim.iterate import Problem, Step
from wengert.optim.normal_equations import LEAST_DAMPING, NAMES, SOLVERS, damped_step
from wengert.optim.result import REGION_TOO_SMALL, RUNNING
from wengert.optim.trust_region import fall_ratio

MOST_DAMPING = 1e20


class Damping(NamedTuple):
    """λ, what it grows by when a step is refused, and the squares that scale it."""

    damping: Any
    growth: Any
    scale: Any


@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt:
    """Levenberg-Marquardt, scaled by the columns of the Jacobian.

    Attributes:
        damping: Of the first step, relative to the columns; large for a bad start.
        linear: ``"dense"`` forms the Jacobian; ``"products"`` needs products with it
            only, for many unknowns of one scale.

    Example:
        >>> import numpy as np
        >>> from wengert.optim import LevenbergMarquardt, least_squares
        >>> t = np.linspace(0.0, 1.0, 9)
        >>> rests = lambda k: np.exp(-k * t) - np.exp(-2.0 * t)
        >>> careful = LevenbergMarquardt(damping=1.0)
        >>> least_squares(rests, 9.0, method=careful).x.round(6)
        np.float64(2.0)

    References:
        Moré, The Levenberg-Marquardt algorithm: implementation and theory, 1978, on
        the scale; Nielsen, Damping parameter in Marquardt's method, 1999.
    """

    damping: float = 1e-3
    linear: str = "dense"

    def __post_init__(self) -> None:
        fits = self.linear in SOLVERS
        check_option(
            "LevenbergMarquardt: linear", self.linear, fits, f"choose one of {NAMES}"
        )

    def start(self, x: Any, gradient: Any) -> Damping:
        return Damping(self.damping, 2.0, np.zeros(len(x)))

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Damping
    ) -> Step:
        damping, growth, scale = memory
        step, scale, square, products = damped_step(
            problem.residuals, x, gradient, damping, scale, self.linear
        )
        fall = 0.5 * (damping * square - np.dot(step, gradient))
        found, slopes = problem.value_and_gradient(x + step)
        status = RUNNING
        if found < value:
            ratio = fall_ratio(value, found, fall)
            x, value, gradient = x + step, found, slopes
            shrink = np.maximum(1.0 / 3.0, 1.0 - (2.0 * ratio - 1.0) ** 3)
            damping, growth = np.maximum(shrink * damping, LEAST_DAMPING), 2.0
        else:
            damping, growth = growth * damping, 2.0 * growth
            if damping > MOST_DAMPING:
                status = REGION_TOO_SMALL
        memory = Damping(damping, growth, scale)
        return Step(x, value, gradient, memory, 1, products, status)
