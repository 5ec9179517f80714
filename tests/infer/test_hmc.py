"""Hamiltonian Monte Carlo and the approximations against known densities."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.infer.adaptation import windows

COVARIANCE = np.array([[1.0, 1.5, 0.0], [1.5, 4.0, -0.5], [0.0, -0.5, 0.25]])
MEAN = np.array([1.0, -2.0, 0.5])
PRECISION = np.linalg.inv(COVARIANCE)


def gaussian(x, precision):
    apart = np.concatenate([x["a"], x["b"][None]]) - MEAN
    return -0.5 * apart @ precision @ apart


def starts(chains=4):
    a = 3.0 * wg.random.normal(wg.random.key(9), (chains, 2))
    return {"a": a, "b": np.zeros(chains)}


@pytest.fixture(scope="module")
def drawn():
    return wg.infer.hmc(
        gaussian, starts(), wg.random.key(1), args=(PRECISION,), draws=2000
    )


def flat(x):
    return np.concatenate([x["a"], x["b"][..., None]], axis=-1)


def test_means_and_covariances_of_a_gaussian(drawn):
    x = flat(drawn.x) - MEAN
    size = wg.infer.effective_sample_size(x)
    assert np.all(np.abs(x.mean(axis=(0, 1))) < 4 * np.sqrt(np.diag(COVARIANCE) / size))
    products = x[..., :, None] * x[..., None, :]
    size = wg.infer.effective_sample_size(products)
    error = np.std(products, axis=(0, 1)) / np.sqrt(size)
    assert np.all(np.abs(products.mean(axis=(0, 1)) - COVARIANCE) < 4 * error)


def test_chains_report_how_they_went(drawn):
    assert drawn.x["a"].shape == (4, 2000, 2) and drawn.x["b"].shape == (4, 2000)
    assert not drawn.divergent.any()
    assert np.all(flat(drawn.r_hat | {"b": np.array(drawn.r_hat["b"])}) < 1.01)
    assert flat(drawn.effective_sample_size | {"b": np.array(1000.0)}).min() > 500
    assert abs(drawn.acceptance.mean() - 0.8) < 0.15
    assert drawn.step_sizes.shape == (4, 1000) and np.all(drawn.step_sizes > 0)
    ratios = flat(drawn.variance) / np.diag(COVARIANCE)
    assert np.all((ratios > 0.5) & (ratios < 2.0))
    x = {"a": drawn.x["a"][2, 7], "b": drawn.x["b"][2, 7]}
    np.testing.assert_allclose(drawn.log_density[2, 7], gaussian(x, PRECISION))


def test_a_key_gives_the_same_draws_and_another_gives_others(drawn):
    options = {"args": (PRECISION,), "draws": 2000}
    again = wg.infer.hmc(gaussian, starts(), wg.random.key(1), **options)
    np.testing.assert_array_equal(again.x["a"], drawn.x["a"])
    other = wg.infer.hmc(gaussian, starts(), wg.random.key(2), **options)
    assert not np.any(other.x["a"] == drawn.x["a"])


def test_a_funnel_diverges():
    def funnel(x):
        return (
            -0.5 * (x[0] / 3) ** 2
            - 4.5 * x[0]
            - 0.5 * np.sum((x[1:] * np.exp(-0.5 * x[0])) ** 2)
        )

    found = wg.infer.hmc(funnel, np.ones((2, 10)), wg.random.key(0), target=0.6)
    assert found.divergent.any()
    assert np.all(np.isfinite(found.x))


@pytest.mark.parametrize("warmup", [0, 5, 20, 100, 1000])
def test_windows_of_the_warm_up(warmup):
    plan = windows(warmup)
    assert len(plan.counts) == len(plan.closes) == warmup
    assert np.all(plan.counts[plan.closes])
    assert plan.closes.any() == (warmup >= 20)


def test_a_full_rank_approximation_is_the_gaussian():
    start = wg.tree.map(lambda leaf: leaf[0], starts())
    found = wg.infer.advi(
        gaussian,
        start,
        wg.random.key(4),
        args=(PRECISION,),
        family="full-rank",
        steps=4000,
    )
    np.testing.assert_allclose(
        flat(found.mean | {"b": np.array(found.mean["b"])}), MEAN, atol=0.1
    )
    np.testing.assert_allclose(found.covariance, COVARIANCE, atol=0.15)
    evidence = 0.5 * np.linalg.slogdet(2 * np.pi * COVARIANCE)[1]
    assert abs(found.elbo[-500:].mean() - evidence) < 0.1
    x = flat(found.draw(wg.random.key(0), 20_000))
    np.testing.assert_allclose(np.cov(x.T), found.covariance, atol=0.15)


def test_a_mean_field_approximation_has_the_conditional_variances():
    start = wg.tree.map(lambda leaf: leaf[0], starts())
    found = wg.infer.advi(gaussian, start, wg.random.key(4), args=(PRECISION,))
    variances = 1 / np.diag(PRECISION)  # Bishop 2006, section 10.1.2
    np.testing.assert_allclose(np.diag(found.covariance), variances, rtol=0.1)
