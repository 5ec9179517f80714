"""Every draw: the same eagerly, compiled and batched; its distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats

import wengert as wg
from wengert.random.discrete import _product

KEY = wg.random.key(20240607)
SIZE = 200_000


class Draw(NamedTuple):
    """A draw of a shape, and what it is distributed as."""

    of: Callable[[Any, Any], Any]
    distribution: Any = None


DRAWS = {
    "bits": Draw(lambda k, n: wg.random.bits(k, n)),
    "bits64": Draw(lambda k, n: wg.random.bits(k, n, np.uint64)),
    "uniform": Draw(
        lambda k, n: wg.random.uniform(k, n, low=-1.0, high=3.0),
        stats.uniform(-1.0, 4.0),
    ),
    "uniform32": Draw(
        lambda k, n: wg.random.uniform(k, n, np.float32), stats.uniform()
    ),
    "normal": Draw(lambda k, n: wg.random.normal(k, n), stats.norm()),
    "normal32": Draw(lambda k, n: wg.random.normal(k, n, np.float32), stats.norm()),
    "bernoulli": Draw(lambda k, n: wg.random.bernoulli(k, 0.3, n)),
    "integers": Draw(lambda k, n: wg.random.integers(k, -7, 10**17, n)),
}
draws = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
continuous = {name: d for name, d in DRAWS.items() if d.distribution is not None}


def assert_same(found: Any, expected: Any) -> None:
    """Integers to the bit, floats within 4 ulp."""
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if found.dtype.kind == "f":
        np.testing.assert_array_max_ulp(found, expected, 4)
    else:
        assert (found == expected).all()


@draws
def test_compiled_is_eager(draw):
    for shape in [(), (0,), (3, 5), (20_011,)]:
        run = lambda key, shape=shape: draw.of(key, shape)
        assert_same(wg.jit(run)(KEY), run(KEY))


@draws
def test_batched_is_a_key_at_a_time(draw):
    keys = wg.random.split(KEY, 4)
    run = lambda key: draw.of(key, (7, 3))
    each = np.stack([run(key) for key in keys])
    assert_same(wg.vmap(run)(keys), each)
    assert_same(wg.jit(wg.vmap(run))(keys), each)


@draws
def test_length_of_the_run(draw):
    run = wg.jit(lambda key, x: draw.of(key, len(x)))
    for n in (40, 41, 5000):
        assert_same(run(KEY, np.zeros(n)), draw.of(KEY, n))


@pytest.mark.parametrize("draw", continuous.values(), ids=continuous)
def test_distribution(draw):
    sample = draw.of(KEY, SIZE)
    assert stats.kstest(sample, draw.distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("draw", continuous.values(), ids=continuous)
def test_neighbours_are_independent(draw):
    u = draw.distribution.cdf(draw.of(KEY, SIZE)) - 0.5
    for lag in (1, 2, 3, 4):
        assert abs(np.mean(u[lag:] * u[:-lag])) * 12 < 4 / np.sqrt(SIZE)


def test_streams_of_keys_are_independent():
    keys = wg.random.split(KEY, 300)
    sample = wg.vmap(lambda k: wg.random.normal(k, (300,)))(keys)
    correlations = np.corrcoef(sample)[np.triu_indices(300, 1)] * np.sqrt(300)
    assert abs(correlations.std() - 1) < 0.02
    assert abs(correlations).max() < 5.5


def test_uniform_is_within_its_bounds():
    u = wg.random.uniform(KEY, SIZE, np.float32, low=2.0, high=2.5)
    assert u.dtype == np.float32
    assert ((u >= 2.0) & (u < 2.5)).all()


def test_tails_of_normal():
    sample = wg.random.normal(KEY, 4_000_000)
    expected = 4_000_000 * 2 * stats.norm.sf(4.0)
    assert abs(np.sum(abs(sample) > 4.0) - expected) < 4 * np.sqrt(expected)


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.5, 0.999, 1.0])
def test_bernoulli(p):
    count = wg.random.bernoulli(KEY, p, SIZE).sum()
    assert abs(count - SIZE * p) <= 4 * np.sqrt(SIZE * p * (1 - p))


def test_bernoulli_takes_probabilities():
    p = np.linspace(0.0, 1.0, 5)
    shares = wg.random.bernoulli(KEY, p, (20_000, 5)).mean(axis=0)
    assert abs(shares - p).max() < 0.02


@pytest.mark.parametrize("low, high", [(0, 6), (-3, 2), (5, 6), (0, 1000)])
def test_integers(low, high):
    counts = np.bincount(wg.random.integers(KEY, low, high, SIZE) - low)
    assert len(counts) == high - low
    assert high - low == 1 or stats.chisquare(counts).pvalue > 1e-3


def test_integers_of_64_bits():
    low, high = -(2**63), 2**63 - 1
    sample = wg.random.integers(KEY, low, high, SIZE)
    cdf = stats.uniform(float(low), 2.0**64).cdf
    assert stats.kstest(sample.astype(float), cdf).pvalue > 1e-3


def test_products_of_64_bits():
    """Against Python's integers."""
    words = wg.random.bits(KEY, (100, 2), np.uint64)
    upper, lower = _product(words[:, 0], words[:, 1])
    exact = [int(x) * int(y) for x, y in words]
    assert [int(u) << 64 | int(v) for u, v in zip(upper, lower, strict=True)] == exact


def test_permutation_takes_each_order():
    keys = wg.random.split(KEY, 12_000)
    orders = wg.jit(wg.vmap(lambda k: wg.random.permutation(k, 3)))(keys)
    counts = np.bincount(orders @ [9, 3, 1])
    assert stats.chisquare(counts[counts > 0]).pvalue > 1e-3
    assert np.sum(counts > 0) == 6


def test_permutation_of_an_array():
    x = np.arange(12.0).reshape(4, 3)
    rows = wg.random.permutation(KEY, x)
    assert sorted(rows.tolist()) == x.tolist()
    columns = wg.jit(lambda k, x: wg.random.permutation(k, x, axis=-1))(KEY, x)
    assert (np.sort(columns, axis=1) == x).all()
    assert (columns[0] != x[0]).any() or (np.diff(columns, axis=0) == 3).all()


def test_gradients_of_location_and_scale():
    def loss(mean, std, low):
        z = wg.random.normal(KEY, (5,))
        u = wg.random.uniform(KEY, (5,), low=low, high=2.0)
        return np.sum((mean + std * z) ** 2) + np.sum(u**2)

    point = (0.5, 2.0, -1.0)
    wg.check_grads(loss, point)
    eager = wg.grad(loss, argnums=(0, 1, 2))(*point)
    compiled = wg.jit(wg.grad(loss, argnums=(0, 1, 2)))(*point)
    assert np.allclose(eager, compiled, rtol=1e-13)


def test_float32_stays():
    scaled = lambda s: s * wg.random.normal(KEY, (3,), np.float32)
    assert wg.jit(scaled)(np.float32(2.0)).dtype == np.float32
    assert wg.random.uniform(KEY, (3,), np.float32, low=-0.5).dtype == np.float32
