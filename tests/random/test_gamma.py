"""Gamma and beta numbers: distributions, and derivatives against mpmath."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from scipy import special, stats

import wengert as wg
from wengert.random.gamma import slope

KEY = wg.random.key(20180523)
SIZE = 60_000


@pytest.mark.parametrize("a", [0.01, 0.3, 1.0, 2.5, 80.0])
def test_gamma_is_gamma(a):
    sample = wg.random.gamma(KEY, a, SIZE)
    assert stats.kstest(sample, stats.gamma(a).cdf).pvalue > 1e-3


@pytest.mark.parametrize("a, b", [(0.05, 0.7), (0.5, 2.0), (3.0, 3.0), (40.0, 2.0)])
def test_beta_is_beta(a, b):
    sample = wg.random.beta(KEY, a, b, SIZE)
    assert stats.kstest(sample, stats.beta(a, b).cdf).pvalue > 1e-3


def test_float32():
    sample = wg.random.gamma(KEY, np.float32(2.0), (SIZE,), np.float32)
    assert sample.dtype == np.float32
    assert stats.kstest(sample, stats.gamma(2.0).cdf).pvalue > 1e-3
    assert (
        wg.grad(lambda a: wg.random.gamma(KEY, a, dtype=np.float32))(
            np.float32(2.0)
        ).dtype
        == np.float32
    )


def test_a_parameter_for_each():
    a = np.array([0.1, 1.0, 10.0])
    sample = wg.random.gamma(KEY, a, (SIZE, 3))
    for j in range(3):
        assert stats.kstest(sample[:, j], stats.gamma(a[j]).cdf).pvalue > 1e-3


def test_modes_agree():
    draw = lambda key, a: wg.random.gamma(key, a, (3,))
    keys = wg.random.split(KEY, 3)
    each = np.stack([draw(key, 0.7) for key in keys])
    lanes = wg.vmap(draw, in_axes=(0, None))
    np.testing.assert_array_max_ulp(wg.jit(draw)(KEY, 0.7), draw(KEY, 0.7), 4)
    np.testing.assert_array_max_ulp(lanes(keys, 0.7), each, 4)
    np.testing.assert_array_max_ulp(wg.jit(lanes)(keys, 0.7), each, 4)


# -- derivatives -----------------------------------------------------------------------


def exact_slope(a, z):
    """-(dP/da) / (x dP/dx) at x = exp(z), from an integral without cancellation."""
    with mp.workdps(40):
        a, z = mp.mpf(float(a)), mp.mpf(float(z))
        x, distance = mp.exp(z), z - mp.digamma(a)
        side = 1 if distance > 0 else -1
        integrand = lambda v: (
            (v + abs(distance)) * mp.exp(a * side * v - x * mp.expm1(side * v))
        )
        scale = 1 / (abs(a - x) + mp.sqrt(x))
        return mp.quad(integrand, [0, *(scale * 2**k for k in range(-2, 8))])


def by_series(a, z):
    """The same where x is small, from the derivative of the series of P."""
    with mp.workdps(40):
        a, x = mp.mpf(float(a)), mp.exp(mp.mpf(float(z)))
        regularised = lambda s: mp.gammainc(s, 0, x, regularized=True)
        density = x**a * mp.exp(-x) / mp.gamma(a)
        return -mp.diff(regularised, a) / density


@pytest.mark.parametrize("a", [1e-3, 0.1, 1.0, 1.6, 3.0, 10.0, 1e3, 1e5])
@pytest.mark.parametrize("share", [1e-12, 1e-3, 0.4, 0.6, 0.999, 1 - 1e-12])
def test_slope(a, share):
    z = np.log(np.maximum(special.gammaincinv(a, share), 1e-300))
    exact = exact_slope(a, z) if z > -1 else by_series(a, z)
    assert abs(slope(a, z) / exact - 1) < 1e-12


def quantile(a, share, near):
    regularised = lambda x: mp.gammainc(a, 0, x, regularized=True) - share
    return mp.findroot(regularised, near)


@pytest.mark.parametrize("a", [0.3, 30.0])
def test_derivatives_of_a_draw(a):
    """First and second, of what the quantile function says."""
    draw = lambda a: wg.random.gamma(KEY, a)
    with mp.workdps(30):
        x = mp.mpf(float(draw(a)))
        share = mp.gammainc(a, 0, x, regularized=True)
        first, second = (
            float(mp.diff(lambda s: quantile(s, share, x), a, n)) for n in (1, 2)
        )
    slopes = (wg.grad(draw), wg.jit(wg.grad(draw)))
    for found in slopes:
        assert np.isclose(found(a), first, rtol=1e-12)
    assert np.isclose(wg.jvp(draw, (a,), (1.0,))[1], first, rtol=1e-12)
    for found in (wg.hessian(draw), wg.jit(wg.grad(wg.grad(draw)))):
        assert np.isclose(found(a), second, rtol=1e-9)


def test_gradients_of_means():
    """That of a gamma number's mean is 1; of a beta number's, b / (a + b)^2."""
    mean = lambda a: np.mean(wg.random.gamma(KEY, a, (SIZE,)))
    assert np.isclose(wg.jit(wg.grad(mean))(0.2), 1.0, atol=0.03)
    mean = lambda a, b: np.mean(wg.random.beta(KEY, a, b, (SIZE,)))
    found = wg.grad(mean, argnums=(0, 1))(0.5, 0.7)
    assert np.allclose(found, [0.7 / 1.2**2, -0.5 / 1.2**2], atol=0.01)


def test_tiny_parameters_do_not_underflow_in_beta():
    sample = wg.random.beta(KEY, 1e-4, 1e-4, 1000)
    assert np.isfinite(sample).all()
    assert abs(np.mean(sample) - 0.5) < 0.06
