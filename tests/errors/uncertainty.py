"""Errors of `wengert.uncertainty`."""

from __future__ import annotations

import numpy as np

from tests.errors.case import case
from wengert import uncertainty
from wengert.errors import ArgumentError, ShapeError

X = np.ones(2)

CASES = [
    case(
        lambda: uncertainty.propagate(np.sum, X, np.eye(2), order=3),
        ArgumentError,
        "propagate: order=3",
        "order=1 or order=2",
    ),
    case(
        lambda: uncertainty.propagate(np.sum, X, np.ones(2)),
        ShapeError,
        "propagate: the covariance has shape (2,), and the inputs are 2 numbers",
        "np.diag(std**2)",
    ),
    case(
        lambda: uncertainty.rank(np.sum, X, np.array([[1.0, 0.5], [0.0, 1.0]])),
        ArgumentError,
        "rank: the covariance is not symmetric",
        "(cov + cov.T) / 2",
    ),
    case(
        lambda: uncertainty.propagate(np.sum, X, np.array([[1.0, 2.0], [2.0, 1.0]])),
        ArgumentError,
        "propagate: the covariance has a negative eigenvalue",
        "between -1 and 1",
    ),
    case(
        lambda: uncertainty.sensitivities(np.sum, X, inputs=["a"]),
        ShapeError,
        "sensitivities: 1 names of inputs, which are 2 numbers",
        "wg.tree.ravel",
    ),
    case(
        lambda: uncertainty.rank(np.sum, X, np.eye(2), inputs=["a"]),
        ShapeError,
        "rank: 1 names of 2 inputs",
        "wg.tree.ravel",
    ),
]
