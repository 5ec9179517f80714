"""Errors of `wengert.numpy`."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import as_numpy, case
from wengert.errors import AxisError, MissingRuleError, ShapeError

A = np.arange(6.0).reshape(2, 3)


def traced(function):
    return lambda: wg.grad(function)(A.copy())


NO_RULE = [
    case(
        traced(lambda a: np.unwrap(a).sum()),
        MissingRuleError,
        "numpy.unwrap: there is no derivative rule for it",
        "wg.opaque",
    ),
    case(
        traced(lambda a: wnp.sin(a, order="F").sum()),
        MissingRuleError,
        "sin: the argument(s) order are not supported for traced values",
        "in a step of its own",
    ),
    case(
        traced(lambda a: np.divide.reduce(a).sum()),
        MissingRuleError,
        "divide: this method of the ufunc has no derivative rule",
        "wg.custom_vjp",
    ),
]

AS_NUMPY = [
    as_numpy(
        traced(lambda a: wnp.sum(a, axis=2)),
        lambda: np.sum(A, axis=2),
        AxisError,
        "axis 2 is out of bounds for array of dimension 2",
        "from -2 to 1",
    ),
    as_numpy(
        traced(lambda a: wnp.sum(a, axis=(0, 0))),
        lambda: np.sum(A, axis=(0, 0)),
        ShapeError,
        "duplicate value in 'axis'",
    ),
    as_numpy(
        traced(lambda a: a.reshape(4)),
        lambda: A.reshape(4),
        ShapeError,
        "cannot reshape array of size 6 into shape (4,)",
    ),
    as_numpy(
        traced(lambda a: a.transpose(0)),
        lambda: A.transpose(0),
        ShapeError,
        "axes don't match array",
    ),
]

CASES = [*NO_RULE, *AS_NUMPY]
