"""Errors of the optimisers: starts and functions that they cannot work with."""

from __future__ import annotations

import numpy as np

from tests.errors.case import Case, case
from wengert.errors import ArgumentError, DTypeError, ShapeError
from wengert.optim import minimize

X = np.ones(3)


def _square(x):
    return np.sum(x**2)


CASES: list[Case] = [
    case(
        lambda: minimize(_square, np.arange(3)),
        DTypeError,
        "minimize: x0 is a number or array of dtype int64",
        "start with floats",
    ),
    case(
        lambda: minimize(lambda x: x["a"] ** 2, {"a": 2}),
        DTypeError,
        "minimize: x0['a'] is a number or array of dtype int64",
    ),
    case(
        lambda: minimize(_square, X + 1j),
        DTypeError,
        "minimize: x0 is a number or array of dtype complex128",
        "real and imaginary parts",
    ),
    case(
        lambda: minimize(_square, {"name": "weights"}),
        ArgumentError,
        "minimize: x0 has no numbers to change",
    ),
    case(
        lambda: minimize(_square, np.array([1.0, np.nan])),
        ArgumentError,
        "minimize: x0 has a NaN or an infinity",
    ),
    case(
        lambda: minimize(_square, X, gtol=-1.0),
        ArgumentError,
        "minimize: the limit for the gradient is -1.0",
    ),
    case(
        lambda: minimize(_square, X, method="nelder-mead"),
        ArgumentError,
        "minimize: there is no method 'nelder-mead'",
        "choose one of 'bfgs'",
    ),
    case(
        lambda: minimize(lambda x: x**2, X),
        ShapeError,
        "minimize: the function returned an array of float64 of shape (3,)",
        "least_squares",
    ),
    case(
        lambda: minimize(lambda x: None, X, jit=False),
        ShapeError,
        "minimize: the function returned a NoneType",
    ),
    case(
        lambda: minimize(lambda x: np.sum(x * 1j), X),
        DTypeError,
        "minimize: the function returned a number of dtype complex128",
    ),
]
