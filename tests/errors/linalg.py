"""Errors of linear algebra."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
import wengert.scipy.linalg
from tests.errors.case import case
from wengert.errors import MissingRuleError, ShapeError

A = np.arange(6.0).reshape(2, 3)


def traced(function):
    return lambda: wg.grad(function)(A.copy())


CASES = [
    case(
        traced(lambda a: wnp.linalg.svd(a)),
        MissingRuleError,
        "svd: there is no derivative rule for hermitian=True, or for full_matrices",
        "full_matrices=False",
    ),
    case(
        traced(lambda a: wnp.linalg.eigh(a[:, :2] * 1j)[1].real.sum()),
        MissingRuleError,
        "eigh: complex vectors have no derivative",
        "phase",
        "eigvalsh",
    ),
    case(
        traced(lambda a: wengert.scipy.linalg.inv(a)),
        ShapeError,
        "inv: expected a square matrix, got shape (2, 3)",
    ),
]
