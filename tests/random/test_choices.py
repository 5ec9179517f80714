"""Categories, choices and normal vectors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import wengert as wg

KEY = wg.random.key(1933)
SIZE = 100_000
P = np.array([0.2, 0.0, 0.5, 0.3])
with np.errstate(divide="ignore"):
    LOGITS = np.log(P)


def assert_shares(counts, p, pairs=1):
    assert (counts[p == 0] == 0).all()
    assert stats.chisquare(counts[p > 0], SIZE * pairs * p[p > 0]).pvalue > 1e-3


DRAWS = {
    "categorical": lambda key: wg.random.categorical(key, LOGITS + 3.0, (50,)),
    "rows": lambda key: wg.random.categorical(key, np.stack([LOGITS, 0.5 * LOGITS])),
    "choice": lambda key: wg.random.choice(key, 9, (4, 5)),
    "weights": lambda key: wg.random.choice(key, 4, (50,), p=P),
    "part": lambda key: wg.random.choice(key, np.arange(9.0), (5,), replace=False),
    "part of weights": lambda key: wg.random.choice(key, 4, (3,), replace=False, p=P),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_modes_agree(draw):
    keys = wg.random.split(KEY, 3)
    each = np.stack([draw(key) for key in keys])
    assert (wg.jit(draw)(keys[0]) == each[0]).all()
    assert (wg.vmap(draw)(keys) == each).all()
    assert (wg.jit(wg.vmap(draw))(keys) == each).all()


def test_categorical():
    counts = np.bincount(wg.random.categorical(KEY, LOGITS - 700.0, (SIZE,)))
    assert_shares(counts, P)


def test_categories_of_rows():
    logits = np.stack([LOGITS, LOGITS[::-1]])
    sample = wg.random.categorical(KEY, logits, (SIZE, 2))
    assert_shares(np.bincount(sample[:, 0], minlength=4), P)
    assert_shares(np.bincount(sample[:, 1], minlength=4), P[::-1])


def test_choice_with_weights():
    assert_shares(np.bincount(wg.random.choice(KEY, 4, (SIZE,), p=P)), P)


def test_choice_without_replacement():
    keys = wg.random.split(KEY, SIZE)
    draw = lambda key: wg.random.choice(key, 4, (2,), replace=False, p=P)
    pairs = wg.jit(wg.vmap(draw))(keys)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    rest = 1.0 - P
    joint = np.outer(P, P) / rest[:, None] * (1 - np.eye(4))
    assert_shares(np.bincount(pairs @ [4, 1], minlength=16), joint.reshape(-1))


def test_choice_of_slices():
    x = np.arange(12.0).reshape(3, 4)
    columns = wg.random.choice(KEY, x, (2, 2), axis=1)
    assert columns.shape == (3, 2, 2)
    assert (columns == columns[:1] + 4 * np.arange(3)[:, None, None]).all()
    assert wg.random.choice(KEY, x).shape == (4,)


def test_choice_is_differentiated():
    x = np.array([1.0, 2.0, 3.0])
    draw = lambda x: np.sum(wg.random.choice(KEY, x, (100,)) ** 2)
    for slope in (wg.grad(draw), wg.jit(wg.grad(draw))):
        assert slope(x) @ x == 2 * draw(x)


COVARIANCE = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 1.5]])
MEAN = np.array([1.0, -2.0, 0.5])


def test_multivariate_normal():
    sample = wg.random.multivariate_normal(KEY, MEAN, COVARIANCE, (SIZE,))
    white = np.linalg.solve(np.linalg.cholesky(COVARIANCE), (sample - MEAN).T)
    for row in white:
        assert stats.kstest(row, stats.norm().cdf).pvalue > 1e-3
    assert abs(np.cov(white) - np.eye(3)).max() < 0.02


def test_stacks_of_normal_vectors():
    several = np.stack([COVARIANCE, 4.0 * COVARIANCE])
    draw = lambda key: wg.random.multivariate_normal(key, MEAN, several, (5, 2))
    assert draw(KEY).shape == (5, 2, 3)
    np.testing.assert_array_max_ulp(wg.jit(draw)(KEY), draw(KEY), 4)
    narrow = wg.random.multivariate_normal(KEY, MEAN, several, dtype=np.float32)
    assert narrow.shape == (2, 3)
    assert narrow.dtype == np.float32


def test_gradient_of_a_covariance():
    def energy(mean, root):
        x = wg.random.multivariate_normal(KEY, mean, root @ root.T)
        return np.sum(x**4)

    root = np.linalg.cholesky(COVARIANCE)
    wg.check_grads(energy, (MEAN, root))
    eager = wg.grad(energy, argnums=1)(MEAN, root)
    assert np.allclose(wg.jit(wg.grad(energy, argnums=1))(MEAN, root), eager)


LISTS = {
    "uniform": lambda x: wg.random.uniform(KEY, 2, low=x([0.0, 1.0]), high=x([1, 2])),
    "bernoulli": lambda x: wg.random.bernoulli(KEY, x([0.5, 1.0])),
    "integers": lambda x: wg.random.integers(KEY, x([0, 5]), x([9, 7])),
    "permutation": lambda x: wg.random.permutation(KEY, x([4.0, 5.0, 6.0])),
    "choice": lambda x: wg.random.choice(KEY, x([4.0, 5.0]), (3,), p=x([0.3, 0.7])),
    "categorical": lambda x: wg.random.categorical(KEY, x([0.0, 1.0]), (3,)),
    "gamma": lambda x: wg.random.gamma(KEY, x([0.5, 2.0])),
    "beta": lambda x: wg.random.beta(KEY, x([0.5, 2.0]), 1.0),
    "multivariate_normal": lambda x: wg.random.multivariate_normal(
        KEY, x([0.0, 1.0]), x([[2.0, 1.0], [1.0, 3.0]])
    ),
}


@pytest.mark.parametrize("draw", LISTS.values(), ids=LISTS)
def test_parameters_may_be_lists(draw):
    assert (draw(list) == draw(np.array)).all()
