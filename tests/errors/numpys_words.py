"""Errors that `wengert.numpy` raises in NumPy's words: NumPy refuses the same call."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import in_numpys_words

A = np.arange(6.0).reshape(2, 3)


def same(function, text, a=A):
    """The same call on a traced array and on a plain one."""
    return in_numpys_words(
        lambda: wg.vjp(lambda x: function(wnp, x), a.copy()),
        lambda: function(np, a.copy()),
        text,
    )


DIFFERENCES_AND_ORDER = [
    same(lambda np, a: np.var(a, ddof=1, correction=2), "provided simultaneously"),
    same(lambda np, a: np.average(a, weights=np.zeros((2, 3))), "Weights sum to zero"),
    same(lambda np, a: np.average(a, weights=a[0]), "Axis must be specified"),
    same(lambda np, a: np.average(a, axis=0, weights=a[0]), "Shape of weights must be"),
    same(lambda np, a: np.max(a, where=a > 1.0), "does not have an identity"),
    same(lambda np, a: np.gradient(a, edge_order=3), "greater than 2 not supported"),
    same(
        lambda np, a: np.gradient(a[:1]), "too small to calculate a numerical gradient"
    ),
    same(lambda np, a: np.gradient(a, 1.0, 1.0, 1.0), "invalid number of arguments"),
    same(lambda np, a: np.gradient(a, a, a), "either scalars or 1d"),
    same(
        lambda np, a: np.gradient(a[0], a[0, :2]),
        "match the length of the corresponding",
    ),
    same(lambda np, a: np.diff(a, n=-1), "order must be non-negative but got -1"),
    same(lambda np, a: np.diff(a.reshape(())), "at least one dimensional", np.ones(1)),
    same(lambda np, a: np.ediff1d(a, to_end=1j), "compatible with input `ary`"),
    same(
        lambda np, a: np.digitize(a, np.array([1.0, 3.0, 2.0])),
        "monotonically increasing",
    ),
    same(
        lambda np, a: np.nonzero(a.reshape(())), "0d arrays is not allowed", np.ones(1)
    ),
    same(lambda np, a: np.bincount([0, 1], weights=a[0]), "don't have the same length"),
    same(lambda np, a: np.quantile(a, 2.0), "Quantiles must be in the range [0, 1]"),
    same(lambda np, a: np.quantile(a, np.zeros((1, 1, 1))), "q must be a scalar or 1d"),
    same(lambda np, a: np.quantile(a, 0.5), "must be an array of real numbers", 1j * A),
    same(lambda np, a: np.digitize(a, [0.0]), "x may not be complex", 1j * A),
    same(lambda np, a: np.sort(a, order="f"), "Cannot specify order"),
    same(lambda np, a: np.sort(a, kind="stable", stable=True), "at the same time"),
    same(
        lambda np, a: np.searchsorted(a[0], 1.0, side="up"), "must be 'left' or 'right'"
    ),
]

JOINING = [
    same(
        lambda np, a: np.stack([a, a[0]]), "all input arrays must have the same shape"
    ),
    same(lambda np, a: np.split(a, 4), "does not result in an equal division"),
    same(
        lambda np, a: np.dsplit(a, 1),
        "dsplit only works on arrays of 3 or more dimensions",
    ),
    same(lambda np, a: np.unstack(a[0, 0] * np.ones(())), "must be at least 1-d"),
    same(
        lambda np, a: np.pad(a, np.ones((3, 3), int)), "could not be broadcast together"
    ),
    same(lambda np, a: np.pad(a, -1), "index can't contain negative values"),
    same(
        lambda np, a: np.concatenate([a, a], dtype=int), "Cannot cast array data from"
    ),
    same(lambda np, a: np.concatenate([a[0, 0], a[0, 0]]), "cannot be concatenated"),
]

SELECTING = [
    same(lambda np, a: np.compress([[True]], a), "condition must be a 1-d array"),
    same(lambda np, a: np.flipud(a[0, 0] * np.ones(())), "Input must be >= 1-d."),
    same(lambda np, a: np.rot90(a, axes=(0,)), "len(axes) must be 2."),
    same(lambda np, a: np.rot90(a, axes=(0, 2)), "Axes must be different."),
    same(lambda np, a: np.rot90(a, axes=(0, 5)), "out of range for array of ndim=2."),
    same(lambda np, a: np.roll(a, [[1]], axis=0), "should be scalars or 1D sequences"),
    same(lambda np, a: np.trace(a[0]), "an array of at least two dimensions"),
    same(
        lambda np, a: np.trace(a, axis1=0, axis2=0),
        "axis1 and axis2 cannot be the same",
    ),
    same(lambda np, a: np.diag(a[None]), "Input must be 1- or 2-d."),
    same(
        lambda np, a: np.put([0.0], 0, np.ones(())),
        "argument 1 must be numpy.ndarray, not",
    ),
    same(
        lambda np, a: np.copyto(np.zeros(3, int), a[0]), "Cannot cast array data from"
    ),
    same(
        lambda np, a: np.put(a, 6, 1.0),
        "index 6 is out of bounds for axis 0 with size 6",
    ),
    same(lambda np, a: np.place(a, a > 1.0, []), "Cannot insert from an empty array!"),
    same(
        lambda np, a: np.putmask(a, [True], 0.0), "mask and data must be the same size"
    ),
    same(lambda np, a: np.fill_diagonal(a[0], 1.0), "array must be at least 2-d"),
    same(lambda np, a: np.fill_diagonal(a[None], 1.0), "must be of equal length"),
    same(lambda np, a: np.take(a, np.array([0.5])), "Cannot cast array data from"),
    same(lambda np, a: np.take_along_axis(a, a, 0), "must be an integer array"),
    same(
        lambda np, a: np.take_along_axis(a, np.zeros((1, 1), int), None),
        "single dimension",
    ),
    same(
        lambda np, a: np.take_along_axis(a, np.zeros(1, int), 0),
        "same number of dimensions",
    ),
]


def compiled(function, text, x):
    """The same call compiled and not."""
    return in_numpys_words(lambda: wg.jit(function)(x), lambda: function(x), text)


COMPILED = [
    compiled(
        lambda x: x[np.concatenate([x, x]) > 0].sum(),
        "boolean index did not match indexed array along axis 0; size of axis is 3",
        np.ones(3),
    ),
    compiled(
        lambda x: x[x[x > 0] > 0].sum(),
        "size of axis is 3 but size of corresponding boolean axis is 1",
        np.array([1.0, -1.0, -1.0]),
    ),
    compiled(lambda n: np.zeros(n).sum(), "negative dimensions are not allowed", -1),
]

CASES = [*DIFFERENCES_AND_ORDER, *JOINING, *SELECTING, *COMPILED]
