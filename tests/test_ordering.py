"""Sorting, searching, order statistics, and positions."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.functions import (
    check_derivatives,
    check_lanes,
    check_value,
    same_bits,
    same_error,
)
from wengert._ops import ordering as ops
from wengert.errors import DependenceError, MissingRuleError

RNG = np.random.default_rng(4)
X = RNG.normal(size=(4, 5))
CUBE = RNG.normal(size=(3, 4, 2))
EDGES = np.array([-1.0, 0.0, 0.5])

CALLS = {
    "sort": lambda n, x: n.sort(x),
    "sort 0": lambda n, x: n.sort(x, axis=0, kind="stable"),
    "sort None": lambda n, x: n.sort(x, axis=None),
    "sort stable": lambda n, x: n.sort(x, stable=True),
    "median": lambda n, x: n.median(x),
    "median 0": lambda n, x: n.median(x, axis=0, keepdims=True),
    "median 1": lambda n, x: n.median(x, axis=1),
    "median 2": lambda n, x: n.median(x, axis=(0, 1)),
    "quantile": lambda n, x: n.quantile(x, 0.3),
    "quantile ends": lambda n, x: n.quantile(x, [0.0, 1.0], axis=0),
    "quantile int": lambda n, x: n.quantile(x, 1, axis=1),
    "quantile 2d": lambda n, x: n.quantile(x, [[0.1, 0.9]], axis=0, keepdims=True),
    "percentile": lambda n, x: n.percentile(x, [25, 50, 75], axis=1),
    "percentile one": lambda n, x: n.percentile(x, 40, axis=(0, 1)),
    "bincount": lambda n, x: n.bincount([0, 2, 2, 5], weights=x[:, 0], minlength=8),
    "take by argsort": lambda n, x: n.take_along_axis(x, n.argsort(x, axis=0), axis=0),
    "take by argmax": lambda n, x: n.take_along_axis(
        x, n.argmax(x, axis=1, keepdims=True), axis=1
    ),
}


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2"])
@pytest.mark.parametrize("name", CALLS)
def test_value_is_numpys(name, dtype):
    if name != "bincount":  # weights are float64
        check_value(CALLS[name], X.astype(dtype))
    else:
        check_value(CALLS[name], X)


@pytest.mark.parametrize("name", CALLS)
def test_derivatives(name):
    check_derivatives(CALLS[name], X)


def test_three_axes():
    for axis in range(3):
        check_value(lambda n, x, axis=axis: n.sort(x, axis=axis), CUBE)
        check_derivatives(lambda n, x, axis=axis: n.sort(x, axis=axis), CUBE)
    check_derivatives(lambda n, x: n.median(x, axis=(0, 2)), CUBE)
    check_value(lambda n, x: n.quantile(x, [0.2, 0.6], axis=(2, 0)), CUBE)


def test_positions_are_numpys():
    for call in (
        lambda n, x: n.argsort(x),
        lambda n, x: x.argsort(axis=0),
        lambda n, x: n.argsort(x, axis=None),
        lambda n, x: n.argmax(x, axis=0),
        lambda n, x: n.searchsorted(EDGES, x),
        lambda n, x: n.searchsorted(EDGES, x, side="right"),
        lambda n, x: n.searchsorted(EDGES[::-1], x, sorter=[2, 1, 0]),
        lambda n, x: n.searchsorted(n.sort(x[0]), x[1]),
        lambda n, x: n.sort(x[0]).searchsorted(x[1], "right"),
        lambda n, x: n.digitize(x, EDGES),
        lambda n, x: n.digitize(x, EDGES[::-1], right=True),
    ):
        check_value(call, X)
        check_lanes(lambda x, call=call: call(wnp, x), RNG.normal(size=(3, 4, 5)))


def test_positions_of_what_is_not_zero():
    for call in (
        lambda n, x: n.nonzero(x > 0),
        lambda n, x: (x > 0).nonzero(),
        lambda n, x: n.flatnonzero(x > 0),
        lambda n, x: n.argwhere(x > 0),
        lambda n, x: n.bincount(n.digitize(x[0], EDGES)),
    ):
        check_value(call, X)


def test_values_without_dependence():
    def call(x):
        order = wnp.lexsort((np.array([1, 0, 1]), np.array([2, 2, 0])))
        return x[order] * wnp.unique(wnp.array([3, 1, 1, 2]))

    same_bits(wg.vjp(call, X[0, :3])[0], X[0, [2, 1, 0]] * [1, 2, 3])
    with pytest.raises(
        MissingRuleError, match="numpy.unique: there is no derivative rule"
    ):
        wg.vjp(wnp.unique, X)


def test_ties_keep_their_order():
    x = np.array([2.0, 1.0, 2.0, 1.0])
    _, pullback = wg.vjp(wnp.sort, x)
    np.testing.assert_array_equal(pullback(np.arange(4.0))[0], [2.0, 0.0, 3.0, 1.0])
    tangent = wg.jvp(wnp.sort, (x,), (np.arange(4.0),))[1]
    np.testing.assert_array_equal(tangent, [1.0, 3.0, 0.0, 2.0])
    assert ops.sort.kinks.hit(x, axis=0)
    assert not ops.sort.kinks.hit(X[0], axis=0)


def test_sort_in_place():
    def call(n, x):
        y = n.array(x)
        y.sort(axis=0)
        y[1:].sort()
        return y * x

    check_value(call, X, by_numpy=False)
    check_derivatives(call, X)


def test_nan_is_last():
    x = np.array([[2.0, np.nan, 1.0], [3.0, 1.0, 2.0]])
    check_value(lambda n, x: n.sort(x), x)
    check_value(lambda n, x: n.median(x, axis=1), x)
    check_value(lambda n, x: n.quantile(x, [0.5, 0.7], axis=1), x)
    gradient = wg.grad(lambda x: wnp.median(x, axis=1)[1])(x)
    np.testing.assert_array_equal(gradient, [[0.0] * 3, [0.0, 0.0, 1.0]])


def test_median_of_nothing():
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        with np.errstate(all="ignore"):
            assert np.isnan(wg.vjp(wnp.median, np.zeros(0))[0])


ERRORS = {
    "sort axis": lambda n, x: n.sort(x, axis=2),
    "sort kind": lambda n, x: n.sort(x, kind="stable", stable=True),
    "sort order": lambda n, x: n.sort(x, order="a"),
    "median axis": lambda n, x: n.median(x, axis=2),
    "quantile range": lambda n, x: n.quantile(x, 1.5),
    "percentile range": lambda n, x: n.percentile(x, [101]),
    "quantile q": lambda n, x: n.quantile(x, [[[0.5]]]),
    "searchsorted side": lambda n, x: n.searchsorted(EDGES, x, side="up"),
    "digitize": lambda n, x: n.digitize(x, [0.0, 2.0, 1.0]),
    "bincount": lambda n, x: n.bincount([0, 1], weights=x[0]),
    "bincount negative": lambda n, x: n.bincount([0, -1], weights=x[0, :2]),
    "nonzero": lambda n, x: n.nonzero(n.sum(x)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_numpys(name):
    same_error(ERRORS[name], X)


def test_complex_values_have_no_order_statistics():
    same_error(lambda n, x: n.quantile(x, 0.5), X + 1j)
    same_error(lambda n, x: n.digitize(x, EDGES), X + 1j)


def test_quantiles_without_a_rule():
    with pytest.raises(MissingRuleError, match="quantile: method='hazen' has no"):
        wg.vjp(lambda x: wnp.quantile(x, 0.5, method="hazen"), X)
    with pytest.raises(DependenceError, match=r"numpy.asarray\(\): this value depends"):
        wg.vjp(lambda q: wnp.quantile(wnp.array(X), q), 0.5)
