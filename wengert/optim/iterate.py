"""The loop that all methods share: step, keep the history, decide whether to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from wengert.optim.result import (
    CONVERGED,
    NOT_FINITE,
    RUNNING,
    SMALL_DECREASE,
    SMALL_STEP,
    STOPPED,
    TOO_MANY_ITERATIONS,
    History,
    Result,
)


class Problem(NamedTuple):
    """What is minimised, as functions of one vector."""

    objective: Callable[[Any], Any]
    value_and_gradient: Callable[[Any], tuple[Any, Any]]
    residuals: Callable[[Any], Any]  # half whose squares is the objective


class Step(NamedTuple):
    """Where a method has gone from an iterate, and what it remembers.

    status: RUNNING, or why the method cannot go on.
    """

    x: Any
    value: Any
    gradient: Any
    memory: Any
    evaluations: Any
    products: Any
    status: Any = RUNNING


class Method(Protocol):
    """One way to step; what a step remembers for the next is a pytree of arrays."""

    def start(self, x: Any, gradient: Any) -> Any:
        """What is remembered before the first step."""

    def step(
        self, problem: Problem, x: Any, value: Any, gradient: Any, memory: Any
    ) -> Step:
        """One iteration."""


class Stopping(NamedTuple):
    """When to stop: tolerances, and the most iterations."""

    gradient: Any
    step: Any
    decrease: Any
    iterations: Any


def iterate(
    method: Method,
    problem: Problem,
    x: Any,
    stopping: Stopping,
    callback: Callable[[Any, Any], Any] | None = None,
) -> Result:
    """Step from `x` until one of the conditions of `stopping` holds.

    callback: is told x and the value after each iteration, and returns whether to stop.
    """
    value, gradient = problem.value_and_gradient(x)
    memory = method.start(x, gradient)
    history = _empty(stopping.iterations)
    _record(history, 0, value, gradient, 0.0)
    k, evaluations, products = 0, 1, 0
    status = _at_start(stopping, value, gradient)
    while status == RUNNING:
        step = method.step(problem, x, value, gradient, memory)
        k += 1
        length = np.sqrt(np.sum((step.x - x) ** 2))
        status = _after(stopping, k, step, value, length)
        x, value, gradient, memory = step.x, step.value, step.gradient, step.memory
        evaluations += step.evaluations
        products += step.products
        _record(history, k, value, gradient, length)
        if callback is not None and callback(x, value) and status == RUNNING:
            status = STOPPED
    return Result(x, value, gradient, status, k, evaluations, products, history)


def _empty(iterations: Any) -> History:
    return History(
        np.full(iterations + 1, np.nan),
        np.full(iterations + 1, np.nan),
        np.full(iterations + 1, np.nan),
    )


def _record(history: History, k: Any, value: Any, gradient: Any, length: Any) -> None:
    history.value[k] = value
    history.gradient_norm[k] = largest(gradient)
    history.step[k] = length


def largest(vector: Any) -> Any:
    """The largest entry by size."""
    return np.max(np.abs(vector))


def _is_finite(value: Any, gradient: Any) -> Any:
    return np.isfinite(value) & np.all(np.isfinite(gradient))


def _at_start(stopping: Stopping, value: Any, gradient: Any) -> Any:
    if not _is_finite(value, gradient):
        return NOT_FINITE
    if largest(gradient) <= stopping.gradient:
        return CONVERGED
    if stopping.iterations == 0:
        return TOO_MANY_ITERATIONS
    return RUNNING


def _after(stopping: Stopping, k: Any, step: Step, before: Any, length: Any) -> Any:
    """The status after a step; one that was refused is no sign of convergence."""
    if not _is_finite(step.value, step.gradient):
        return NOT_FINITE
    if largest(step.gradient) <= stopping.gradient:
        return CONVERGED
    if step.status != RUNNING:
        return step.status
    if length > 0:
        if length < stopping.step * np.sqrt(np.sum(step.x**2)):
            return SMALL_STEP
        if abs(before - step.value) < stopping.decrease * abs(step.value):
            return SMALL_DECREASE
    if k == stopping.iterations:
        return TOO_MANY_ITERATIONS
    return RUNNING
