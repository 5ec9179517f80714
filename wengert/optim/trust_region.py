"""Trust region: a quadratic model is minimised in a ball where it is believed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import wengert as wg
from wengert.optim.checks import check_option
from wengert.optim.conjugate_gradients import model_step
from wengert.optim.iterate import Problem, Step
from wengert.optim.line_search import rounding_of
from wengert.optim.result import REGION_TOO_SMALL, RUNNING


@dataclasses.dataclass(frozen=True)
class TrustRegion:
    """The trust-region method of Steihaug, on Hessian-vector products.

    Attributes:
        radius: Of the first ball.
        largest: The largest radius.
        accepted: The least share of the model's fall for which a step is taken.

    Example:
        >>> import numpy as np
        >>> from wengert.optim import TrustRegion, minimize
        >>> saddle = lambda x: x[0] ** 4 - x[0] ** 2 + x[1] ** 2
        >>> careful = TrustRegion(radius=0.1)
        >>> minimize(saddle, np.array([0.1, 1.0]), method=careful).x.round(6)
        array([0.707107, 0.      ])

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 4.1 and 7.2.
    """

    radius: float = 1.0
    largest: float = 1000.0
    accepted: float = 0.1

    def __post_init__(self) -> None:
        fits = 0 < self.radius <= self.largest
        fix = "give a radius above 0, and not above `largest`"
        check_option("TrustRegion: radius", self.radius, fits, fix)

    def start(self, x: Any, gradient: Any) -> Any:
        return self.radius

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Any
    ) -> Step:
        radius = memory
        _, hessian_times = wg.linearize(wg.grad(problem.objective), x)
        step, fall, products = model_step(hessian_times, gradient, radius)
        found, slopes = problem.value_and_gradient(x + step)
        ratio = fall_ratio(value, found, fall)
        length = np.sqrt(np.sum(step**2))
        if not ratio >= 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.99 * radius:
            radius = np.minimum(2.0 * radius, self.largest)
        status = RUNNING
        if ratio > self.accepted:
            x, value, gradient = x + step, found, slopes
        elif radius <= 1e-15 * np.sqrt(np.sum(x**2)):
            status = REGION_TOO_SMALL
        return Step(x, value, gradient, radius, 1, products, status)


def fall_ratio(before: Any, after: Any, predicted: Any) -> Any:
    """How much of the fall that a model predicts has come; NaN where f is not finite.

    Falls that are lost in the rounding of f count as predicted.

    References:
        Conn, Gould and Toint, Trust-Region Methods, section 17.4.2.
    """
    rounding = rounding_of(before)
    return (before - after + rounding) / (predicted + rounding)
