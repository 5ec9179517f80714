"""Errors of inference: densities and starts that it cannot go on with."""

from __future__ import annotations

import numpy as np

import wengert as wg
from tests.errors.case import case
from wengert.errors import ArgumentError, DTypeError, ShapeError

KEY = wg.random.key(0)
X = np.ones((2, 3))


def _density(x):
    return -0.5 * np.sum(x**2)


def _uniform(x):
    return np.sum(np.where(x > 0.5, 0.0, -np.inf))


def _root(x):
    return np.sum(np.sqrt(x))


CASES = [
    case(lambda: wg.infer.hmc(_density, X, KEY, draws=0), ArgumentError, "draws=0"),
    case(
        lambda: wg.infer.hmc(_density, X, KEY, target=1.0), ArgumentError, "target=1.0"
    ),
    case(
        lambda: wg.infer.hmc(_density, np.ones((2, 3), int), KEY),
        DTypeError,
        "x0 is of type int64",
    ),
    case(lambda: wg.infer.hmc(_density, (), KEY), ArgumentError, "x0 has no numbers"),
    case(
        lambda: wg.infer.hmc(_density, (X, np.ones(3)), KEY),
        ShapeError,
        "shapes (2, 3), (3,)",
        "chains",
    ),
    case(
        lambda: wg.infer.hmc(lambda x: -(x**2), X, KEY),
        ShapeError,
        "log_density returned float64 of shape (3,)",
    ),
    case(
        lambda: wg.infer.hmc(_uniform, X * [[1.0], [0.0]], KEY),
        ArgumentError,
        "the value of log_density is not finite at start 1",
    ),
    case(
        lambda: wg.infer.advi(_root, 0 * X, KEY),
        ArgumentError,
        "the gradient of log_density is not finite at x0",
    ),
    case(
        lambda: wg.infer.advi(_density, X, KEY, family="flow"),
        ArgumentError,
        "no family 'flow'",
        "full-rank",
    ),
    case(lambda: wg.infer.r_hat(np.ones(100)), ShapeError, "r_hat", "(100,)"),
]
