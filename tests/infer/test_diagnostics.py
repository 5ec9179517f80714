"""Effective sample sizes and R-hat of chains whose autocorrelation is known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

import wengert as wg


def autoregressive(phi, *shape):
    """x[t] = phi x[t-1] + noise, stationary from the start; (chains, draws, ...)."""
    noise = np.random.default_rng(0).normal(size=shape)
    noise[:, 0] /= np.sqrt(1 - phi**2)
    return scipy.signal.lfilter([1.0], [1.0, -phi], noise, axis=1)


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.5, 0.9])
def test_the_size_is_the_draws_over_the_autocorrelation_time(phi):
    x = autoregressive(phi, 4, 10_000, 40)
    known = 40_000 * (1 - phi) / (1 + phi)
    found = wg.infer.effective_sample_size(x)
    assert abs(found.mean() / known - 1) < 0.04
    assert np.all(np.abs(found / known - 1) < 0.4)
    assert np.all(wg.infer.r_hat(x) < 1.01)


def test_other_axes_and_trees_are_kept():
    x = autoregressive(0.5, 4, 1001)
    both = wg.infer.effective_sample_size({"a": np.stack([x, 2 * x], axis=-1)})["a"]
    np.testing.assert_allclose(both, wg.infer.effective_sample_size(x))
    both = wg.infer.r_hat({"a": np.stack([x, np.exp(x)], axis=-1)})["a"]
    assert both.shape == (2,) and np.all(both < 1.02)


def test_chains_apart_in_place_or_in_width_are_seen():
    x = autoregressive(0.0, 4, 1000)
    factors = np.array([1.0, 1.0, 1.0, 3.0])[:, None]
    assert wg.infer.r_hat(x * factors) > 1.05
    assert wg.infer.r_hat(x + factors) > 1.05
    assert wg.infer.r_hat(x + np.linspace(0, 2, 1000)) > 1.05
    assert wg.infer.effective_sample_size(x + factors) < 20


def test_draws_that_are_all_equal_have_neither():
    assert np.isnan(wg.infer.r_hat(np.ones((2, 10))))
    assert np.isnan(wg.infer.effective_sample_size(np.ones((2, 10))))
