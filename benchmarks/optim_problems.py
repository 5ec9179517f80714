"""Functions with known minima, as the literature starts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Known(NamedTuple):
    """A function, the start that is usual for it, and its minimiser."""

    f: Callable
    x0: np.ndarray
    minimum: np.ndarray


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def powell(x):
    """Singular: the Hessian at the minimum has two zero eigenvalues."""
    return (
        (x[0] + 10.0 * x[1]) ** 2
        + 5.0 * (x[2] - x[3]) ** 2
        + (x[1] - 2.0 * x[2]) ** 4
        + 10.0 * (x[0] - x[3]) ** 4
    )


def beale(x):
    powers = np.array([1.5, 2.25, 2.625])
    rests = [powers[k] - x[0] * (1.0 - x[1] ** (k + 1)) for k in range(3)]
    return rests[0] ** 2 + rests[1] ** 2 + rests[2] ** 2


def wood(x):
    return (
        100.0 * (x[1] - x[0] ** 2) ** 2
        + (1.0 - x[0]) ** 2
        + 90.0 * (x[3] - x[2] ** 2) ** 2
        + (1.0 - x[2]) ** 2
        + 10.1 * ((x[1] - 1.0) ** 2 + (x[3] - 1.0) ** 2)
        + 19.8 * (x[1] - 1.0) * (x[3] - 1.0)
    )


def extended_rosenbrock(x):
    odd, even = x[0::2], x[1::2]
    return np.sum(100.0 * (even - odd**2) ** 2 + (1.0 - odd) ** 2)


def extended_start(n):
    return np.tile([-1.2, 1.0], n // 2)


KNOWN = {
    "rosenbrock": Known(rosenbrock, np.array([-1.2, 1.0]), np.ones(2)),
    "powell": Known(powell, np.array([3.0, -1.0, 0.0, 1.0]), np.zeros(4)),
    "beale": Known(beale, np.array([1.0, 1.0]), np.array([3.0, 0.5])),
    "wood": Known(wood, np.array([-3.0, -1.0, -3.0, -1.0]), np.ones(4)),
}
