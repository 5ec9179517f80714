"""Logistic regression by Newton-CG and by gradient descent.

Which of 569 tumours are malignant, from 30 measurements of cells (Wolberg, Street &
Mangasarian, the breast cancer data that come with scikit-learn). Newton-CG solves for
its steps by products with the Hessian, which are derivatives of derivatives and cost as
much as a few gradients. Gradient descent with the largest step that is sure to descend
is beside it: their iterations, gradient norms and times.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.study import BLUE, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PENALTY, GTOL, STEPS, REPEATS = 1e-4, 1e-10, 20_000, 5


class Tumours(NamedTuple):
    """Measurements, standardised and with a column of ones, and who was ill."""

    measured: np.ndarray  # (569, 31)
    malignant: np.ndarray  # (569,), 0.0 or 1.0


@functools.cache
def tumours() -> Tumours:
    from sklearn.datasets import load_breast_cancer

    x, benign = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return Tumours(np.column_stack([x, np.ones(len(x))]), 1.0 - benign)


def loss(w: Any, data: Tumours) -> Any:
    """The mean cross-entropy, and a small penalty so that there is one minimum."""
    entropy = nn.binary_cross_entropy(data.measured @ w, data.malignant)
    return entropy + 0.5 * PENALTY * (w @ w)


def steepest(data: Tumours) -> float:
    """A bound of the loss's curvature everywhere: that of a logistic is at most 1/4."""
    largest = np.linalg.norm(data.measured, 2) ** 2
    return float(0.25 * largest / len(data.measured) + PENALTY)


@wg.jit
def descend(w: Any, data: Tumours, rate: Any, norms: Any) -> tuple[Any, Any]:
    """Gradient descent, a step for each entry of `norms`, which it returns filled."""
    norms = np.copy(norms)
    for i in range(len(norms)):
        grads = wg.grad(loss)(w, data)
        norms[i] = np.max(np.abs(grads))
        w = w - rate * grads
    return w, norms


def newton(w: Any, data: Tumours) -> wg.optim.Result:
    """The minimum by Newton-CG."""
    return wg.optim.minimize(loss, w, (data,), method="newton-cg", gtol=GTOL)


def peer(data: Tumours) -> np.ndarray:
    """The minimum as scikit-learn finds it, by another method."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=1.0 / (PENALTY * len(data.malignant)),
        fit_intercept=False,
        solver="newton-cholesky",
        tol=1e-10,
    )
    found: np.ndarray = model.fit(data.measured, data.malignant).coef_[0]
    return found


class Run(NamedTuple):
    """Where a method has come, its gradients' largest entries, and its seconds."""

    w: np.ndarray
    norms: np.ndarray
    seconds: float


def timed(method: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a method, and the least time of some runs, compiled before."""
    found, times = method(), []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        method()
        times.append(time.perf_counter() - begun)
    return found, min(times)


def study(steps: int = STEPS) -> Study:
    """Minimise the loss in both ways, and say how near they come."""
    data = tumours()
    start, rate = np.zeros(data.measured.shape[1]), 1.0 / steepest(data)
    result, seconds = timed(lambda: newton(start, data))
    fast = Run(result.x, result.history.gradient_norm, seconds)
    (w, norms), seconds = timed(lambda: descend(start, data, rate, np.empty(steps)))
    slow = Run(w, norms, seconds)
    right = np.mean((data.measured @ fast.w > 0.0) == data.malignant)
    rows = (
        Row(
            f"Newton-CG, {result.iterations} iterations: distance of the weights",
            float(np.max(np.abs(fast.w - peer(data)))),
            0.0,
            1e-5,
            "scikit-learn",
        ),
        Row(
            f"... with {result.products} products: largest entry of the gradient",
            float(fast.norms[-1]),
            0.0,
            GTOL,
            "the minimum",
        ),
        Row(
            f"gradient descent, {steps} steps: loss above the minimum",
            float(loss(slow.w, data) - result.value),
            0.0,
            0.03,
            "Newton-CG",
        ),
        Row("share of tumours told rightly", float(right), 1.0, 0.02, "diagnoses"),
    )
    return Study(rows, functools.partial(_draw, fast, slow))


def _draw(fast: Run, slow: Run, figure: Figure) -> None:
    steps, seconds = axes_of(figure, 1, 2, sharey=True)[0]
    for name, run, color in (
        ("Newton-CG", fast, BLUE),
        ("gradient descent", slow, ORANGE),
    ):
        count = np.arange(len(run.norms))
        steps.loglog(count + 1, run.norms, color=color, label=name)
        times = 1e3 * run.seconds * (count + 1) / len(count)
        seconds.loglog(times, run.norms, color=color, label=name)
    label(steps, "iteration", "largest entry of the gradient")
    label(
        seconds,
        "milliseconds, spread evenly over the iterations",
        "largest entry of the gradient",
    )
