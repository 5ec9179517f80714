"""BFGS: the inverse Hessian is approximated by a dense matrix."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from wengert.optim.iterate import Problem, Step
from wengert.optim.line_search import step_along, strong_wolfe


class Inverse(NamedTuple):
    """The approximation of the inverse Hessian, and how many steps it has seen."""

    matrix: Any
    steps: Any


@dataclasses.dataclass(frozen=True)
class BFGS:
    """The method of Broyden, Fletcher, Goldfarb and Shanno: n² numbers for n variables.

    Example:
        >>> import numpy as np
        >>> from wengert.optim import BFGS, minimize
        >>> square = lambda x: np.sum((x - 3.0) ** 2)
        >>> found = minimize(square, np.zeros(2), method=BFGS())
        >>> print(found.x, found.outcome)
        [3. 3.] converged: the gradient is within its tolerance

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 6.1; the first
        matrix is scaled as in equation 6.20.
    """

    def start(self, x: Any, gradient: Any) -> Inverse:
        return Inverse(np.eye(len(x)), 0)

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Inverse
    ) -> Step:
        direction = -memory.matrix @ gradient
        first = first_step(memory.steps, gradient)
        found = strong_wolfe(problem, x, value, gradient, direction, first)
        s, y = found.step * direction, found.gradient - gradient
        return step_along(x, direction, found, _learned(memory, s, y))


def first_step(steps: Any, gradient: Any) -> Any:
    """The first trial of a line search: 1, but for a gradient that has no scale yet."""
    if steps == 0:
        return np.minimum(1.0, 1.0 / np.sqrt(np.sum(gradient**2)))
    return 1.0


def _learned(memory: Inverse, s: Any, y: Any) -> Inverse:
    """The nearest matrix that maps `y` to `s`, if the curvature is positive."""
    curvature = np.dot(s, y)
    if not curvature > 0:
        return memory
    matrix = memory.matrix
    if memory.steps == 0:
        matrix = matrix * (curvature / np.dot(y, y))
    product = matrix @ y
    cross = np.outer(product, s) / curvature
    weight = (1.0 + np.dot(y, product) / curvature) / curvature
    return Inverse(matrix + weight * np.outer(s, s) - cross - cross.T, memory.steps + 1)
