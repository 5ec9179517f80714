"""What ``python -m wengert examples`` runs: programs with known derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from wengert.examples import (
    bouncing,
    cheapest_path,
    gauss_seidel,
    lu,
    runge_kutta,
    waiting_line,
)


@dataclass(frozen=True)
class Program:
    """A module, which has the name that the command line takes."""

    module: ModuleType

    @property
    def name(self) -> str:
        return self.module.__name__.rsplit(".", 1)[1]

    @property
    def title(self) -> str:
        return str(self.module.__doc__).split("\n", 1)[0]


@dataclass(frozen=True)
class Example(Program):
    """A scalar function of plain NumPy, to be differentiated in its first argument."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    known: Callable[..., Any]  # the gradient by other means, of the same arguments
    known_by: str
    tolerance: float = 1e-10  # of the gradient against the known one


# -- linear systems ------------------------------------------------------------------


def mean_by_lu(a: Any, b: Any) -> Any:
    return np.mean(lu.solve(a, b))


def mean_by_gauss_seidel(a: Any, b: Any) -> Any:
    return np.mean(gauss_seidel.solve(a, b))


def implicit(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The gradient of ``mean(solve(a, b))`` in `a`, from ``a @ dx = -da @ x``."""
    adjoint = np.linalg.solve(a.T, np.full(len(b), 1.0 / len(b)))
    return -np.outer(adjoint, np.linalg.solve(a, b))


# -- simulations ---------------------------------------------------------------------


def square(y: Any) -> Any:
    return y * y


def towards_a_pole(start: Any, end: float) -> Any:
    """``y' = y**2``, whose solution is ``start / (1 - start * t)``."""
    return runge_kutta.integrate(square, start * np.ones(1), end)[0][0]


def slope_of_bounces(start: float, restitution: float, time: float) -> float:
    """The derivative of the height in its start, between two impacts."""
    speed = np.sqrt(2.0 * bouncing.GRAVITY * start)
    impact, next_impact = 0.0, speed / bouncing.GRAVITY
    bounces = 0
    while next_impact < time:
        impact, bounces = next_impact, bounces + 1
        next_impact += 2.0 * restitution**bounces * speed / bouncing.GRAVITY
    if bounces == 0:
        return 1.0
    # Times and speeds are proportional to the square root of the start.
    flying, velocity = time - impact, restitution**bounces * speed
    later, faster = impact / (2.0 * start), velocity / (2.0 * start)
    return float(faster * flying - velocity * later + bouncing.GRAVITY * flying * later)


def perturbation(
    load: float, gaps: np.ndarray, services: np.ndarray, closing: float
) -> float:
    """The derivative of the mean wait in the load, customer by customer."""
    here = np.cumsum(gaps) <= closing
    waits = waiting_line.waits(gaps, load * services, closing)
    change, changes = 0.0, []
    for i in range(int(here.sum())):
        change = change if waits[i] > 0.0 else 0.0
        changes.append(change)
        change += services[i]
    return float(np.mean(changes))


# -- dynamic programming ---------------------------------------------------------------


def path_of(cost: np.ndarray) -> np.ndarray:
    """The cheapest path, traced back through the table of totals: 1 in its cells."""
    rows, columns = cost.shape
    total = cost.copy()
    for j in range(1, columns):
        padded = np.pad(total[:, j - 1], 1, constant_values=np.inf)
        total[:, j] += np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    path = np.zeros_like(cost)
    i = int(np.argmin(total[:, -1]))
    for j in reversed(range(columns)):
        path[i, j] = 1.0
        near = range(max(i - 1, 0), min(i + 2, rows))
        i = min(near, key=lambda k: total[k, j - 1]) if j else i
    return path


def _examples() -> dict[str, Example]:
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(12, 12)), rng.normal(size=12)
    customers = rng.exponential(size=200), rng.exponential(size=200)
    found = [
        Example(lu, mean_by_lu, (a, b), implicit, "the implicit function theorem"),
        Example(
            gauss_seidel,
            mean_by_gauss_seidel,
            (a + 20.0 * np.eye(12), b),
            implicit,
            "the implicit function theorem",
        ),
        Example(
            runge_kutta,
            towards_a_pole,
            (1.0, 0.9),
            lambda start, end: 1.0 / (1.0 - start * end) ** 2,
            "the solution in closed form",
            tolerance=1e-5,
        ),
        Example(
            bouncing,
            bouncing.height,
            (1.0, 0.8, 3.0),
            slope_of_bounces,
            "the parabola after the last impact",
        ),
        Example(
            cheapest_path,
            cheapest_path.cheapest,
            (rng.uniform(size=(12, 30)),),
            path_of,
            "the path, traced back through the table",
        ),
        Example(
            waiting_line,
            waiting_line.mean_wait,
            (0.9, *customers, 150.0),
            perturbation,
            "perturbation analysis, customer by customer",
        ),
    ]
    return {example.name: example for example in found}


EXAMPLES = _examples()
