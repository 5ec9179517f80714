"""Inference inside the transformations of its user."""

from __future__ import annotations

import os

import numpy as np
import pytest

import wengert as wg

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"
KEY, MEAN, WAY = wg.random.key(0), np.array([1.0, -0.5]), np.array([0.6, 0.8])


def log_density(x, mean):
    return -0.5 * np.sum((x - mean) ** 2) - 0.1 * np.sum(x**4)


def by_advi(mean):
    return wg.infer.advi(log_density, np.zeros(2), KEY, args=(mean,), steps=30).mean


def by_hmc(mean):
    starts = np.zeros((2, 2))
    found = wg.infer.hmc(log_density, starts, KEY, args=(mean,), draws=20, warmup=20)
    return np.mean(found.x, axis=(0, 1))


@pytest.mark.parametrize(
    "infer",
    [
        by_advi,
        pytest.param(
            by_hmc,
            marks=pytest.mark.skipif(
                not FULL, reason="half a minute; with WENGERT_FULL_TESTS=1"
            ),
        ),
    ],
)
def test_inference_is_compiled_mapped_and_differentiated(infer):
    found = infer(MEAN)
    np.testing.assert_allclose(wg.jit(infer)(MEAN), found, rtol=1e-12)
    lanes = wg.vmap(infer)(np.stack([MEAN, 2.0 * MEAN]))
    np.testing.assert_allclose(lanes, [found, infer(2.0 * MEAN)], rtol=1e-12)
    # The draws of a key are a function of the density, if a chaotic one.
    h = 1e-6
    slope = (infer(MEAN + h * WAY) - infer(MEAN - h * WAY)) / (2.0 * h)
    matrix = wg.jit(wg.jacobian(infer))(MEAN)
    np.testing.assert_allclose(matrix @ WAY, slope, rtol=1e-4)
