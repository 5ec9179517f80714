"""Errors of `wengert.numpy`."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import as_numpy, case
from wengert.errors import (
    ArgumentError,
    AxisError,
    DTypeError,
    MissingRuleError,
    ShapeError,
)

A = np.arange(6.0).reshape(2, 3)


def _largest(a, places, values):
    a = a.copy()
    np.maximum.at(a, places, values)
    return a


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
        lambda: wg.jit(_largest)(np.zeros(3), np.array([0, 1, 0]), np.ones(3)),
        MissingRuleError,
        "maximum.at: the indices are known only when the program runs",
        "write it as a loop",
    ),
    case(
        traced(lambda a: np.divide.reduce(a).sum()),
        MissingRuleError,
        "divide: this method of the ufunc has no derivative rule",
        "wg.custom_vjp",
    ),
]

SELECTIONS = [
    case(
        traced(lambda a: wnp.pad(a, 1, mode="mean")),
        MissingRuleError,
        "pad: mode='mean' with {} has no derivative rule",
        "use one of constant",
    ),
    case(
        traced(lambda a: wnp.quantile(a, 0.5, method="lower")),
        MissingRuleError,
        "quantile: method='lower' has no derivative rule",
        "leave both out",
    ),
]

X = np.ones((1, 2, 5))
W = np.ones((1, 2, 3))

CONTRACTIONS = [
    case(
        traced(lambda a: wnp.einsum("ij,jk->ik", a)),
        ShapeError,
        "einsum: 'ij,jk->ik' describes 2 operand(s), got 1",
    ),
    case(
        traced(lambda a: wnp.einsum("i->i", a)),
        ShapeError,
        "einsum: 'i' names 1 axes of operand 0, which has shape (2, 3)",
    ),
    case(
        traced(lambda a: wnp.cross(a[:, :2], a[:, 1:])),
        ShapeError,
        "cross: expected vectors of 3 entries, got 2 and 2",
    ),
    case(
        traced(lambda a: wnp.select([a[0]], [a[0]])),
        DTypeError,
        "select: expected conditions of dtype bool, got float64",
        "x > 0",
    ),
]

WINDOWS = [
    case(
        lambda: wnp.conv(X[0], W),
        ShapeError,
        "conv: expected (batch, channels, *space)",
    ),
    case(
        lambda: wnp.conv(X, W[:, :1]),
        ShapeError,
        "conv: (1, 2, 5) has 2 channels, but the kernel (1, 1, 3) with groups=1 takes",
        "the same number of channels",
    ),
    case(
        lambda: wnp.conv(X, W, strides=0),
        ArgumentError,
        "conv: strides=0 with 1 spatial axes",
        "a positive int",
    ),
    case(
        lambda: wnp.conv(X, W, padding=-1),
        ArgumentError,
        "conv: padding=-1 with 1 spatial axes",
        '"valid", "same"',
    ),
    case(
        lambda: wnp.conv(X, np.ones((1, 2, 6))),
        ShapeError,
        "conv: a window of (6,), dilation (1,), does not fit into (5,)",
        'padding="same"',
    ),
    case(
        lambda: wnp.conv_transpose(X, np.ones((2, 1, 3)), padding="same"),
        ArgumentError,
        "conv_transpose: padding='same', but the length of the result depends on it",
    ),
    case(
        lambda: wnp.conv_transpose(X, np.ones((2, 1, 3)), output_padding=1),
        ShapeError,
        "conv_transpose: no array of shape (8,) is convolved to (5,)",
        "output_padding",
    ),
    case(
        traced(lambda a: wnp.convolve(a[0], a[1], mode="most")),
        ArgumentError,
        "convolve: mode='most'",
        '"full", "same" or "valid"',
    ),
    case(
        lambda: wnp.max_pool(A, 2),
        ShapeError,
        "max_pool: expected (batch, channels, *space)",
    ),
]

AS_NUMPY = [
    as_numpy(
        traced(lambda a: wnp.linalg.multi_dot([a])),
        lambda: np.linalg.multi_dot([A]),
        ArgumentError,
        "multi_dot: expecting at least two arrays",
        "give two or more matrices",
    ),
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

CASES = [*NO_RULE, *SELECTIONS, *CONTRACTIONS, *WINDOWS, *AS_NUMPY]
