"""Three ways downhill: gradient descent, Adam, and SciPy's quasi-Newton methods.

Each takes a function that returns the loss and its gradient at a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import optimize

ValueAndGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
Watcher = Callable[[], None]


@dataclass
class Descent:
    """What a method did: where it ended, and the loss at every iteration."""

    name: str
    point: np.ndarray
    losses: list[float] = field(default_factory=list)
    gradient_norm: float = float("nan")
    evaluations: int = 0
    converged: bool = False

    @property
    def iterations(self) -> int:
        return len(self.losses) - 1


class Counted:
    """A function that remembers how often it was called."""

    def __init__(self, function: ValueAndGradient) -> None:
        self.function, self.calls = function, 0

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        self.calls += 1
        return self.function(x)


def gradient_descent(
    function: ValueAndGradient, x: np.ndarray, *, iterations: int, tolerance: float
) -> Descent:
    """Steps along the negative gradient, halved until the loss decreases enough.

    References:
        Nocedal & Wright, *Numerical Optimization*, 2nd ed., Springer 2006, ch. 3.
    """
    function = Counted(function)
    loss, gradient = function(x)
    run = Descent("gradient descent", x, [float(loss)])
    step = 1.0
    for _ in range(iterations):
        square = float(gradient @ gradient)
        if square <= tolerance**2:
            break
        step *= 2.0
        candidate = x - step * gradient
        trial, trial_gradient = function(candidate)
        while not trial <= loss - 0.5 * step * square and step > 1e-12:
            step *= 0.5
            candidate = x - step * gradient
            trial, trial_gradient = function(candidate)
        x, loss, gradient = candidate, trial, trial_gradient
        run.losses.append(float(loss))
    return _ended(run, x, gradient, function.calls, tolerance)


def adam(
    function: ValueAndGradient,
    x: np.ndarray,
    *,
    rate: float,
    iterations: int,
    tolerance: float = 0.0,
    watch: Watcher | None = None,
) -> Descent:
    """Adam (0.9, 0.99), its rate falling to a hundredth along a cosine.

    References:
        Kingma & Ba, *Adam: a method for stochastic optimization*, ICLR 2015.
    """
    run = Descent("Adam", x)
    mean, square = np.zeros_like(x), np.zeros_like(x)
    for n in range(iterations):
        loss, gradient = function(x)
        run.losses.append(float(loss))
        if np.linalg.norm(gradient) <= tolerance:
            return _ended(run, x, gradient, n + 1, tolerance)
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        falling = 0.01 + 0.99 * 0.5 * (1.0 + np.cos(np.pi * n / iterations))
        scale = np.sqrt(square / (1.0 - 0.99 ** (n + 1))) + 1e-8
        x = x - rate * falling * mean / (1.0 - 0.9 ** (n + 1)) / scale
        if watch is not None:
            watch()
    loss, gradient = function(x)
    run.losses.append(float(loss))
    return _ended(run, x, gradient, iterations + 1, tolerance)


def quasi_newton(
    function: ValueAndGradient,
    x: np.ndarray,
    *,
    method: str,
    iterations: int,
    tolerance: float,
    watch: Watcher | None = None,
) -> Descent:
    """SciPy's BFGS or L-BFGS-B with our gradient.

    References:
        Nocedal & Wright, *Numerical Optimization*, 2nd ed., Springer 2006, ch. 6 and 7.
    """
    run = Descent(method.removesuffix("-B"), x, [float(function(x)[0])])

    def record(intermediate_result: optimize.OptimizeResult) -> None:
        run.losses.append(float(intermediate_result.fun))
        if watch is not None:
            watch()

    options: dict[str, Any] = {"maxiter": iterations, "gtol": tolerance}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxcor": 30, "maxfun": 10 * iterations}
    result = optimize.minimize(
        function, x, jac=True, method=method, callback=record, options=options
    )
    return _ended(run, result.x, result.jac, int(result.nfev), tolerance)


def _ended(
    run: Descent, x: np.ndarray, gradient: np.ndarray, calls: int, tolerance: float
) -> Descent:
    run.point = x
    run.gradient_norm = float(np.linalg.norm(gradient))
    run.evaluations = calls
    run.converged = run.gradient_norm <= tolerance
    return run
