"""Errors that `wengert.numpy` raises in NumPy's words: NumPy refuses the same call."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import word_for_word

A = np.arange(6.0).reshape(2, 3)


def same(function, text, a=A):
    """The same call on a traced array and on a plain one."""
    return word_for_word(
        lambda: wg.vjp(lambda x: function(wnp, x), a.copy()),
        lambda: function(np, a.copy()),
        text,
    )


CASES = [
    same(lambda np, a: np.linalg.multi_dot([a]), "Expecting at least two arrays."),
    same(lambda np, a: np.var(a, ddof=1, correction=2), "provided simultaneously"),
    same(lambda np, a: np.average(a, weights=np.zeros((2, 3))), "Weights sum to zero"),
    same(lambda np, a: np.average(a, weights=a[0]), "Axis must be specified"),
    same(lambda np, a: np.average(a, axis=0, weights=a[0]), "Shape of weights must be"),
    same(lambda np, a: np.max(a, where=a > 1.0), "does not have an identity"),
    same(lambda np, a: np.gradient(a, edge_order=3), "greater than 2 not supported"),
    same(lambda np, a: np.gradient(a[:1]), "too small to calculate a numerical gradient"),
    same(lambda np, a: np.gradient(a, 1.0, 1.0, 1.0), "invalid number of arguments"),
    same(lambda np, a: np.gradient(a, a, a), "either scalars or 1d"),
    same(lambda np, a: np.gradient(a[0], a[0, :2]), "match the length of the corresponding"),
    same(lambda np, a: np.diff(a, n=-1), "order must be non-negative but got -1"),
    same(lambda np, a: np.diff(a.reshape(())), "at least one dimensional", np.ones(1)),
    same(lambda np, a: np.ediff1d(a, to_end=1j), "compatible with input `ary`"),
    same(lambda np, a: np.digitize(a, np.array([1.0, 3.0, 2.0])), "monotonically increasing"),
    same(lambda np, a: np.nonzero(a.reshape(())), "0d arrays is not allowed", np.ones(1)),
    same(lambda np, a: np.bincount([0, 1], weights=a[0]), "don't have the same length"),
    same(lambda np, a: np.quantile(a, 2.0), "Quantiles must be in the range [0, 1]"),
    same(lambda np, a: np.quantile(a, np.zeros((1, 1, 1))), "q must be a scalar or 1d"),
    same(lambda np, a: np.quantile(a, 0.5), "must be an array of real numbers", 1j * A),
    same(lambda np, a: np.digitize(a, [0.0]), "x may not be complex", 1j * A),
    same(lambda np, a: np.sort(a, order="f"), "Cannot specify order"),
    same(lambda np, a: np.sort(a, kind="stable", stable=True), "at the same time"),
    same(lambda np, a: np.searchsorted(a[0], 1.0, side="up"), "must be 'left' or 'right'"),
]
