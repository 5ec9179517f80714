"""L-BFGS: the inverse Hessian is known by the last few steps."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from wengert.optim.bfgs import first_step
from wengert.optim.checks import check_option
from wengert.optim.iterate import Problem, Step
from wengert.optim.line_search import step_along, strong_wolfe


class Pairs(NamedTuple):
    """The last steps, how they changed the gradient, and the curvatures: a ring.

    Pair k of all `count` pairs is in row ``k % memory``.
    """

    steps: Any
    changes: Any
    curvatures: Any
    count: Any


@dataclasses.dataclass(frozen=True)
class LBFGS:
    """BFGS with limited memory: for many variables.

    Attributes:
        memory: How many steps are remembered, 2 vectors for each.

    Example:
        >>> import numpy as np
        >>> from wengert.optim import LBFGS, minimize
        >>> weights = np.arange(1.0, 1001.0)
        >>> bowl = lambda x: np.sum(weights * (x - 1.0) ** 2)
        >>> print(minimize(bowl, np.zeros(1000), method=LBFGS(memory=5)).outcome)
        converged: the gradient is within its tolerance

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5.
    """

    memory: int = 10

    def __post_init__(self) -> None:
        fits = self.memory >= 1
        check_option("LBFGS: memory", self.memory, fits, "remember a step or more")

    def start(self, x: Any, gradient: Any) -> Pairs:
        shape = (self.memory, len(x))
        return Pairs(np.zeros(shape), np.zeros(shape), np.ones(self.memory), 0)

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Pairs
    ) -> Step:
        direction = -_inverse_times(memory, gradient)
        first = first_step(memory.count, gradient)
        found = strong_wolfe(problem, x, value, gradient, direction, first)
        s, y = found.step * direction, found.gradient - gradient
        return step_along(x, direction, found, _learned(memory, s, y))


def _inverse_times(pairs: Pairs, gradient: Any) -> Any:
    """The approximate inverse Hessian times a vector, by two loops over the pairs."""
    steps, changes, curvatures, count = pairs
    rows = len(curvatures)
    oldest = max(0, count - rows)
    weights = np.zeros(rows)
    q = gradient
    for k in range(count - 1, oldest - 1, -1):
        i = k % rows
        weights[i] = np.dot(steps[i], q) / curvatures[i]
        q = q - weights[i] * changes[i]
    if count > 0:
        i = (count - 1) % rows
        q = q * (curvatures[i] / np.dot(changes[i], changes[i]))
    for k in range(oldest, count):
        i = k % rows
        q = q + steps[i] * (weights[i] - np.dot(changes[i], q) / curvatures[i])
    return q


def _learned(pairs: Pairs, s: Any, y: Any) -> Pairs:
    """With one more pair, in the place of the oldest, if the curvature is positive."""
    steps, changes, curvatures, count = pairs
    curvature = np.dot(s, y)
    if not curvature > 0:
        return pairs
    i = count % len(curvatures)
    steps[i], changes[i], curvatures[i] = s, y, curvature
    return Pairs(steps, changes, curvatures, count + 1)
