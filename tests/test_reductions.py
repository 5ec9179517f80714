"""Reductions, running sums and products, differences and exponentials."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.special

import wengert as wg
import wengert.numpy as wnp
from tests.functions import (
    check_derivatives,
    check_lanes,
    check_value,
    same_bits,
    same_error,
)
from wengert._ops import reduction as ops

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 7))
CUBE = RNG.normal(size=(3, 4, 5))
MASK = RNG.normal(size=(5, 7)) > -0.5
W = np.arange(1.0, 8.0)

REDUCTIONS = ["sum", "prod", "mean", "var", "std", "max", "min"]
CALLS = {
    "sum dtype": lambda n, x: n.sum(x, axis=0, dtype=np.float64),
    "sum initial": lambda n, x: n.sum(x, initial=2.0),
    "sum where": lambda n, x: n.sum(x, axis=1, where=MASK),
    "prod where": lambda n, x: n.prod(x, axis=1, where=MASK, initial=0.5),
    "mean where": lambda n, x: n.mean(x, axis=1, where=MASK),
    "mean where all": lambda n, x: n.mean(x, where=MASK, keepdims=True),
    "var ddof": lambda n, x: n.var(x, axis=0, ddof=1),
    "var correction": lambda n, x: n.var(x, axis=0, correction=1),
    "var where": lambda n, x: n.var(x, axis=1, where=MASK),
    "var mean": lambda n, x: n.var(x, axis=1, mean=n.mean(x, axis=1, keepdims=True)),
    "std ddof": lambda n, x: n.std(x, ddof=2),
    "max initial": lambda n, x: n.max(x, axis=0, initial=0.25),
    "min where": lambda n, x: n.min(x, axis=0, initial=0.25, where=MASK),
    "amax": lambda n, x: n.amax(x, axis=1),
    "ptp": lambda n, x: n.ptp(x, axis=1),
    "ptp all": lambda n, x: n.ptp(x, keepdims=True),
    "average": lambda n, x: n.average(x, axis=1, weights=W),
    "average all": lambda n, x: n.average(x),
    "average weights": lambda n, x: n.average(X, axis=1, weights=x * x),
    "average returned": lambda n, x: n.average(x, axis=0, weights=W[:5], returned=True),
    "nansum": lambda n, x: n.nansum(x, axis=0),
    "nanprod": lambda n, x: n.nanprod(x, axis=0),
    "nanmean": lambda n, x: n.nanmean(x, axis=0),
    "nanmax": lambda n, x: n.nanmax(x, axis=0),
    "nanmin": lambda n, x: n.nanmin(x, axis=0),
    "cumsum": lambda n, x: n.cumsum(x, axis=0),
    "cumsum flat": lambda n, x: x.cumsum(),
    "cumprod": lambda n, x: n.cumprod(x, axis=1),
    "cumprod flat": lambda n, x: x.cumprod(),
    "diff": lambda n, x: n.diff(x),
    "diff 2": lambda n, x: n.diff(x, 2, axis=0, prepend=x[:1] * 2, append=1.0),
    "ediff1d": lambda n, x: n.ediff1d(x),
    "ediff1d ends": lambda n, x: n.ediff1d(x, to_end=[1.0, 2.0], to_begin=x[0, 0]),
    "gradient": lambda n, x: n.gradient(x),
    "gradient step": lambda n, x: n.gradient(x, 0.3, axis=1),
    "gradient 2": lambda n, x: n.gradient(x, 0.3, 2.0, edge_order=2),
    "gradient places": lambda n, x: n.gradient(x, W * W, axis=1, edge_order=2),
    "gradient places 1": lambda n, x: n.gradient(x, np.sqrt(W), axis=1),
    "trapezoid": lambda n, x: n.trapezoid(x, dx=0.2),
    "trapezoid places": lambda n, x: n.trapezoid(x, W * W, axis=1),
    "trapezoid of places": lambda n, x: n.trapezoid(X * X, x, axis=0),
    "sum out": lambda n, x: n.sum(x, axis=0, out=n.zeros(7, x.dtype)),
} | {
    f"{name} {axis} {keepdims}": (
        lambda n, x, name=name, axis=axis, keepdims=keepdims: getattr(n, name)(
            x, axis=axis, keepdims=keepdims
        )
    )
    for name in REDUCTIONS
    for axis, keepdims in [(None, False), (0, False), (-1, True), ((0, 1), True)]
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2"])
@pytest.mark.parametrize("name", CALLS)
def test_value_is_numpys(name, dtype):
    if (name, dtype) == ("sum initial", "f2"):
        pytest.skip("NumPy adds the initial value before it rounds to float16")
    by_numpy = name != "sum out"  # a plain buffer cannot take traced values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # float16 overflows
        check_value(CALLS[name], X.astype(dtype), by_numpy=by_numpy)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "cumsum", "max"])
def test_complex_value_is_numpys(name):
    z = X + 1j * RNG.normal(size=X.shape)
    check_value(lambda n, x: getattr(n, name)(x, axis=0), z)
    check_value(lambda n, x: getattr(n, name)(x), z)


@pytest.mark.parametrize("axis", [None, 1, (0, 2), (2, 0), (1, 2)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_large_arrays_are_reduced_in_numpys_order(name, axis):
    large = np.random.default_rng(5).normal(size=(9, 40, 50))
    check_value(lambda n, x: getattr(n, name)(x, axis=axis), large)


@pytest.mark.parametrize("name", CALLS)
def test_derivatives(name):
    check_derivatives(CALLS[name], X)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_methods(name):
    check_value(lambda n, x: getattr(x, name)(axis=(0, 2)), CUBE)
    check_derivatives(lambda n, x: getattr(x, name)(1), CUBE)


def test_positions_and_truth_are_numpys():
    for call in (
        lambda n, x: n.argmax(x),
        lambda n, x: x.argmin(axis=1),
        lambda n, x: n.argmax(x, axis=0, keepdims=True),
        lambda n, x: n.any(x > 0, axis=1),
        lambda n, x: (x < 9).all(),
        lambda n, x: n.all(x > 0, axis=0, where=MASK),
        lambda n, x: n.any(x > 1, where=MASK, keepdims=True),
        lambda n, x: n.count_nonzero(x > 0, axis=0),
    ):
        check_value(call, X)
        check_lanes(lambda x, call=call: call(wnp, x), RNG.normal(size=(3, 5, 7)))


# -- zeros and ties -------------------------------------------------------------------

ZEROS = [np.array([2.0, 0.0, 3.0]), np.array([0.0, 5.0, 0.0]), np.zeros(3)]


@pytest.mark.parametrize("x", ZEROS)
def test_prod_with_zeros(x):
    a, b, c = x
    np.testing.assert_array_equal(wg.grad(wnp.prod)(x), [b * c, a * c, a * b])
    hessian = [[0, c, b], [c, 0, a], [b, a, 0]]
    rows = [wg.jvp(wg.grad(wnp.prod), (x,), (e,))[1] for e in np.eye(3)]
    np.testing.assert_array_equal(rows, hessian)
    third = wg.grad(lambda x: wg.grad(lambda x: wg.grad(wnp.prod)(x)[0])(x)[1])(x)
    np.testing.assert_array_equal(third, [0.0, 0.0, 1.0])


@pytest.mark.parametrize("x", ZEROS)
def test_cumprod_with_zeros(x):
    a, b, c = x
    jacobian = np.array([[1, 0, 0], [b, a, 0], [b * c, a * c, a * b]])
    _, pullback = wg.vjp(wnp.cumprod, x)
    for i, row in enumerate(jacobian):
        np.testing.assert_array_equal(pullback(np.eye(3)[i])[0], row)
        tangent = wg.jvp(wnp.cumprod, (x,), (np.eye(3)[i],))[1]
        np.testing.assert_array_equal(tangent, jacobian[:, i])
    last = wg.grad(lambda x: wg.grad(lambda x: wnp.cumprod(x)[2])(x)[0])(x)
    np.testing.assert_array_equal(last, [0.0, c, b])


def test_prod_over_two_axes_with_zeros():
    x = np.array([[1.0, 0.0], [2.0, 3.0]])
    np.testing.assert_array_equal(wg.grad(wnp.prod)(x), [[0.0, 6.0], [0.0, 0.0]])


@pytest.mark.parametrize("fun", [wnp.max, wnp.nanmax, lambda x: -wnp.min(-x)])
def test_ties_share_equally(fun):
    x = np.array([1.0, 3.0, 3.0])
    np.testing.assert_array_equal(wg.grad(fun)(x), [0.0, 0.5, 0.5])
    assert wg.jvp(fun, (x,), (np.array([9.0, 1.0, 2.0]),))[1] == 1.5
    lanes = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    shares = wg.vmap(wg.grad(fun))(lanes)
    np.testing.assert_allclose(shares, [[0, 0.5, 0.5], [1 / 3] * 3])


def test_ties_are_kinks():
    x = np.array([[1.0, 3.0, 3.0], [1.0, 2.0, 3.0]])
    for op in (ops.reduce_max, ops.reduce_fmax):
        np.testing.assert_array_equal(op.kinks.hit(x, axes=(1,)), [True, False])


def test_max_of_nan_belongs_to_the_nan():
    x = np.array([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(wg.grad(wnp.max)(x), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(wg.grad(wnp.nanmax)(x), [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(wg.grad(wnp.nansum)(x), [1.0, 0.0, 1.0])
    np.testing.assert_array_equal(wg.grad(wnp.nanmean)(x), [0.5, 0.0, 0.5])


def test_std_of_equal_entries_has_derivative_zero():
    np.testing.assert_array_equal(wg.grad(wnp.std)(np.ones(4)), np.zeros(4))


# -- the empty and the wrong ----------------------------------------------------------

EMPTY = np.zeros((0, 3))


def test_empty_arrays():
    for call in (
        lambda n, x: n.sum(x),
        lambda n, x: n.prod(x, axis=0),
        lambda n, x: n.max(x, axis=1),
        lambda n, x: n.max(x, axis=0, initial=1.0),
        lambda n, x: n.cumsum(x, axis=0),
    ):
        same_bits(wg.vjp(lambda x, call=call: call(wnp, x), EMPTY)[0], call(np, EMPTY))
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"):
        with np.errstate(all="ignore"):
            assert np.isnan(wg.jvp(wnp.mean, (EMPTY,), (EMPTY,))[0])
    with pytest.warns(RuntimeWarning, match="Degrees of freedom <= 0 for slice"):
        with np.errstate(all="ignore"):
            wg.jvp(lambda x: wnp.var(x, ddof=1), (np.ones(1),), (np.ones(1),))


ERRORS = {
    "max empty": lambda n, x: n.max(x[:0]),
    "min empty": lambda n, x: n.min(x[:0], axis=0),
    "argmax empty": lambda n, x: n.argmax(x[:0]),
    "max where": lambda n, x: n.max(x, where=MASK),
    "var both": lambda n, x: n.var(x, ddof=1, correction=1),
    "average zero": lambda n, x: n.average(x, axis=0, weights=np.zeros(5)),
    "average axis": lambda n, x: n.average(x, weights=W),
    "average shape": lambda n, x: n.average(x, axis=0, weights=W),
    "diff order": lambda n, x: n.diff(x, -1),
    "diff scalar": lambda n, x: n.diff(n.sum(x)),
    "ediff1d begin": lambda n, x: n.ediff1d(x, to_begin=1j),
    "ediff1d end": lambda n, x: n.ediff1d(x, to_end=1j),
    "gradient short": lambda n, x: n.gradient(x[:1]),
    "gradient order": lambda n, x: n.gradient(x, edge_order=3),
    "gradient arguments": lambda n, x: n.gradient(x, 1.0, 2.0, 3.0),
    "gradient ranks": lambda n, x: n.gradient(x, X, axis=1),
    "gradient length": lambda n, x: n.gradient(x, W, axis=0),
    "duplicate": lambda n, x: n.sum(x, axis=(0, 0)),
} | {
    f"{name} axis": lambda n, x, name=name: getattr(n, name)(x, axis=2)
    for name in [*REDUCTIONS, "argmax", "cumsum", "cumprod", "diff", "any", "ptp"]
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_numpys(name):
    same_error(ERRORS[name], X)


# -- exponentials ---------------------------------------------------------------------

INF = np.inf


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 1, (0, 1)])
def test_exponentials(name, axis):
    fun, reference = getattr(wnp, name), getattr(scipy.special, name)
    for x in (X, 300.0 * X):
        np.testing.assert_allclose(fun(x, axis), reference(x, axis), 1e-14, 1e-15)

    def call(n, x):
        return (fun if n is wnp else reference)(x, axis)

    check_derivatives(call, X)


def test_logsumexp_weights():
    b = np.where(MASK, X * X, 0.0)
    expected = scipy.special.logsumexp(X, axis=1, b=b, keepdims=True)
    np.testing.assert_allclose(wnp.logsumexp(X, 1, b, True), expected, rtol=1e-14)
    weights = wg.grad(lambda b: wnp.logsumexp(X, b=b))(b)
    np.testing.assert_allclose(weights, np.exp(X) / np.sum(b * np.exp(X)), rtol=1e-13)
    with np.errstate(divide="ignore"):
        assert wnp.logsumexp(np.array([-INF, -INF]), b=np.ones(2)) == -INF


def test_exponentials_at_infinity():
    masked, top = np.array([1.0, -INF, 2.0]), np.array([INF, 0.0, INF])
    nothing = np.full(3, -INF)
    share = wnp.softmax(masked)
    assert share[1] == 0 and share.sum() == 1
    np.testing.assert_allclose(wg.grad(wnp.logsumexp)(masked), share, rtol=1e-15)
    np.testing.assert_array_equal(wnp.softmax(top), [0.5, 0.0, 0.5])
    np.testing.assert_array_equal(wg.grad(wnp.logsumexp)(top), [0.5, 0.0, 0.5])
    assert wnp.logsumexp(top) == INF
    assert wnp.logsumexp(nothing) == -INF
    np.testing.assert_array_equal(wg.grad(wnp.logsumexp)(nothing), np.zeros(3))
    np.testing.assert_array_equal(wnp.softmax(nothing), np.zeros(3))
    np.testing.assert_array_equal(wnp.log_softmax(nothing), nothing)
    np.testing.assert_array_equal(
        wg.grad(lambda x: wnp.log_softmax(x)[0])(masked), np.array([1, 0, 0]) - share
    )
    assert np.isnan(wnp.logsumexp(np.array([np.nan, 0.0])))


def test_log_softmax_keeps_small_probabilities():
    assert wnp.log_softmax(np.array([0.0, -40.0]))[0] == -np.exp(-40.0)
    assert wnp.log_softmax(np.array([0.0, -2000.0]))[1] == -2000.0
    assert wnp.logsumexp(np.array([0, 0])) == np.log(2.0)
