"""What an optimiser returns."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

import numpy as np


class Outcome(enum.IntEnum):
    """Why an optimiser has stopped; its ``str`` says so in words.

    Example:
        >>> from wengert.optim import Outcome
        >>> print(Outcome.TOO_MANY_ITERATIONS)
        too many iterations
    """

    RUNNING = 0
    CONVERGED = 1
    SMALL_STEP = 2
    SMALL_DECREASE = 3
    TOO_MANY_ITERATIONS = 4
    LINE_SEARCH_FAILED = 5
    REGION_TOO_SMALL = 6
    NOT_FINITE = 7
    STOPPED = 8

    def __str__(self) -> str:
        return _WORDS[self]


_WORDS = {
    Outcome.RUNNING: "still running",
    Outcome.CONVERGED: "converged: the gradient is within its tolerance",
    Outcome.SMALL_STEP: "converged: the step is within its tolerance",
    Outcome.SMALL_DECREASE: "converged: the decrease is within its tolerance",
    Outcome.TOO_MANY_ITERATIONS: "too many iterations",
    Outcome.LINE_SEARCH_FAILED: "the line search found no lower value",
    Outcome.REGION_TOO_SMALL: "no lower value in the smallest trust region",
    Outcome.NOT_FINITE: "the function or its gradient is not finite",
    Outcome.STOPPED: "the callback asked to stop",
}

# Plain numbers: values that decide may be compared with these in compiled code.
RUNNING = int(Outcome.RUNNING)
CONVERGED = int(Outcome.CONVERGED)
SMALL_STEP = int(Outcome.SMALL_STEP)
SMALL_DECREASE = int(Outcome.SMALL_DECREASE)
TOO_MANY_ITERATIONS = int(Outcome.TOO_MANY_ITERATIONS)
LINE_SEARCH_FAILED = int(Outcome.LINE_SEARCH_FAILED)
REGION_TOO_SMALL = int(Outcome.REGION_TOO_SMALL)
NOT_FINITE = int(Outcome.NOT_FINITE)
STOPPED = int(Outcome.STOPPED)


class History(NamedTuple):
    """What happened, iteration by iteration; entry 0 is of the start.

    value: of the function. gradient_norm: the gradient's largest entry by size. step:
    the length of the step that led there; 0 if it was refused.
    """

    value: Any
    gradient_norm: Any
    step: Any


class Result(NamedTuple):
    """Where an optimiser has stopped, why, and how it came there: a pytree.

    Attributes:
        x: The last iterate, with the structure, shapes and dtypes of ``x0``.
        value: The function there (of `least_squares`: half the sum of squares).
        gradient: Its gradient, of the structure of `x`.
        status: A number: that of the `outcome`.
        iterations: How many there were.
        evaluations: How often the function was computed, most times with its gradient.
        products: How many Hessian- or Jacobian-vector products were computed.
        padded: The history, with NaN for iterations that did not take place.
    """

    x: Any
    value: Any
    gradient: Any
    status: Any
    iterations: Any
    evaluations: Any
    products: Any
    padded: History

    @property
    def outcome(self) -> Any:
        """The `Outcome`; a list of them where many problems were solved by `vmap`."""
        if np.ndim(self.status):
            return [Outcome(int(status)) for status in np.ravel(self.status)]
        return Outcome(int(self.status))

    @property
    def success(self) -> Any:
        """Whether it has converged."""
        return (self.status >= CONVERGED) & (self.status <= SMALL_DECREASE)

    @property
    def history(self) -> History:
        """Value, gradient norm and step of the iterations that took place."""
        if np.ndim(self.iterations):
            return self.padded
        end = self.iterations + 1
        return History(*(entries[:end] for entries in self.padded))
