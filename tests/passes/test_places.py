"""Bounds of indices: which checks the back end leaves out, and which it must keep."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.passes.staging import staged
from wengert._passes.pipeline import optimise
from wengert._passes.places import Places, place_of


def accesses(program):
    for equation in program.equations:
        if equation.op.name in ("getitem", "update", "add_at"):
            yield equation
        for region in equation.regions.values():
            yield from accesses(region)


def proven(function, *args):
    """Of each access of single entries, whether every index is known to be inside."""
    program, _ = staged(function, *args)
    program = optimise(program)
    places = Places(program)
    return [
        all(map(places.is_inside, place, e.inputs[0].type.shape))
        for e in accesses(program)
        if (place := place_of(e))
    ]


def triangular(a):
    a = a.copy()
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    return a


def test_triangles_are_inside():
    assert all(proven(triangular, np.eye(20)))


@pytest.mark.parametrize("offset", [1, 20, -1])
def test_one_off_is_not(offset):
    def shifted(x):
        y = x.copy()
        for i in range(len(x)):
            y[i] = x[i + offset] * 2
        return y

    assert not all(proven(shifted, np.ones(20)))
    if offset > 0:
        with pytest.raises(IndexError, match="out of bounds"):
            wg.jit(shifted)(np.ones(20))
    else:
        np.testing.assert_array_equal(
            wg.jit(shifted)(np.arange(20.0)), shifted(np.arange(20.0))
        )


def test_arguments_prove_nothing():
    """A start that is large or negative, a factor that overflows."""

    def started(x, start, factor):
        total = 0.0
        for i in range(start, len(x)):
            total += x[i]
        for i in range(len(x) - factor * 3):
            total += x[i + factor * 3]
        return total

    x = np.arange(30.0)
    assert not all(proven(started, x, 3, 2))
    jitted = wg.jit(started)
    for start, factor in ((3, 2), (-2, 0), (29, 9)):
        assert jitted(x, start, factor) == started(x, start, factor)
    with pytest.raises(IndexError):
        jitted(x, -31, 0)
