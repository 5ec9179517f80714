"""Python's functions and operators of values that are known when the program runs."""

from __future__ import annotations

import re

import numpy as np
import pytest

import wengert as wg
from tests.staging.programs import X


def least(x):
    return min(x), max(x), min(x[i] * i for i in range(4)), max([x[0], x[1], 0.5])


def decided(x):
    return (
        any(v > 2 for v in x),
        all(v > -5 for v in x),
        any(x > 100),
        all(x < 100),
        any([False, x[0] > 0]),
        all([]),
        any(v is x for v in [x]),
    )


def contained(x):
    y = x[0] + 3.0
    return 2.7 in y + x * 0, 9.0 in x, y in (2.7, 1.0), y not in [1.0], 2 in [1, 2]


@pytest.mark.parametrize("f", [least, decided, contained])
def test_values(f):
    for x in (X, -X, X[::-1] * 3):
        expected, found = f(x), wg.jit(f)(x)
        assert len(found) == len(expected)
        assert all(bool(a == b) for a, b in zip(expected, found, strict=True))


def test_derivatives():
    def f(x):
        return max(x) * min(x) + (x[0] if any(v > 2 for v in x) else 0.0)

    np.testing.assert_allclose(wg.jit(wg.grad(f))(X), wg.grad(f)(X))


def weighted(xs, ys, n):
    total = np.zeros(3)
    for x, y in zip(xs[:n], ys, strict=True):
        total = total + np.sin(x) * y
    return total


def test_strict_zip_is_one_loop_and_its_errors_are_pythons():
    xs, ys = np.arange(60.0).reshape(20, 3), np.linspace(0.0, 1.0, 15)
    compiled = wg.jit(weighted)
    np.testing.assert_allclose(compiled(xs, ys, 15), weighted(xs, ys, 15), rtol=1e-14)
    assert len(str(wg.program(weighted)(xs, ys, 15)).splitlines()) < 40
    for n in (14, 16):
        with pytest.raises(ValueError) as expected:
            weighted(xs, ys, n)
        with pytest.raises(ValueError, match=re.escape(str(expected.value))):
            compiled(xs, ys, n)


def indexed_as_numpys_scalars(x, a):
    entry = x[1]
    return np.sum(entry[None] * a[..., None]) + entry[()] + a[...].ndim


@pytest.mark.parametrize("transform", [lambda f: f, wg.jit])
def test_numbers_have_the_indices_of_numpys_scalars(transform):
    x, a = np.array([2.0, 3.0]), np.float64(0.5)
    f = transform(indexed_as_numpys_scalars)
    assert f(x, a) == indexed_as_numpys_scalars(x, a) == 4.5
    by_x, by_a = transform(wg.grad(indexed_as_numpys_scalars, argnums=(0, 1)))(x, a)
    assert np.array_equal(by_x, [0.0, 1.5]) and by_a == 3.0
