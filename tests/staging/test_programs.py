"""Staged programs against the same functions run eagerly."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.staging.programs import CASES
from wengert._core import tree
from wengert._frontend.api import convert
from wengert._ir.evaluate import evaluate
from wengert._staging.function import staged_for

PARAMS = [pytest.param(f, x, id=f"{f.__name__}-{i}") for i, (f, x) in enumerate(CASES)]


# An array with a length of its own in each lane has no type.
LANE_PARAMS = [p for p in PARAMS if "run_time_length" not in p.id]


def run(function, *args):
    """What a function returns, by the reference meaning of its program."""
    leaves, structure = tree.flatten((args, {}))
    staged, _ = staged_for(function, structure, leaves)
    given = [np.asarray(leaf)[()] for leaf in leaves]
    outs = evaluate(staged.program, [*given, *staged.hidden])
    return staged.rebuilt(outs, lambda value, _: value)


def assert_equal(got, expected, tolerance):
    pairs = zip(tree.leaves(got), tree.leaves(expected), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        assert np.shape(a) == np.shape(b)
        assert np.result_type(a) == np.result_type(b)


def total(function):
    """A sum over the floating-point results of a function."""

    def summed(x):
        s = 0.0
        for i, leaf in enumerate(tree.leaves(function(x))):
            if hasattr(leaf, "dtype") and leaf.dtype.kind == "f":
                s = s + (i + 1.0) * wnp.sum(leaf * leaf)
        return s

    return summed


@pytest.mark.parametrize("function, x", PARAMS)
def test_value(function, x):
    before = np.copy(x)
    assert_equal(run(function, x), function(np.copy(x)[()]), 1e-14)
    np.testing.assert_array_equal(x, before)


MODES = {
    "reverse": lambda f: wg.grad(f),
    "forward": lambda f: lambda x: wg.jvp(f, (x,), (x * 0.5 + 1.0,))[1],
    "linear part": lambda f: lambda x: wg.linearize(f, x)[1](x * 0.5 + 1.0),
    "forward over reverse": wg.hessian,
    "reverse over reverse": lambda f: wg.jacobian(wg.grad(f), mode="reverse"),
    "forward over forward": lambda f: wg.jacobian(
        wg.jacobian(f, mode="forward"), mode="forward"
    ),
    "reverse over forward": lambda f: wg.jacobian(
        wg.jacobian(f, mode="forward"), mode="reverse"
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function, x", PARAMS)
def test_derivatives(function, x, mode):
    derivative = MODES[mode]
    expected = derivative(total(convert(function, staging=False)))(x)
    assert_equal(run(derivative(total(function)), x), expected, 1e-9)


LANES = {
    "values": lambda f: wg.vmap(f),
    "gradients of lanes": lambda f: wg.vmap(wg.grad(total(f))),
    "lanes of a gradient": lambda f: wg.grad(lambda x: wnp.sum(wg.vmap(total(f))(x))),
}


@pytest.mark.parametrize("mode", LANES)
@pytest.mark.parametrize("function, x", LANE_PARAMS)
def test_lanes(function, x, mode):
    """Each lane takes its own branches and numbers of steps."""
    lanes = np.stack([x, 0.7 * np.asarray(x), -np.asarray(x) + 0.1])
    if mode == "values":
        rows = [tree.leaves(function(np.copy(lane)[()])) for lane in lanes]
        expected = [np.stack(column) for column in zip(*rows, strict=True)]
    else:
        eager = wg.grad(total(convert(function, staging=False)))
        expected = [np.stack([eager(lane) for lane in lanes])]
    got = run(LANES[mode](function), lanes)
    assert_equal(tree.leaves(got), expected, 1e-9)


def test_second_derivatives_of_numbers_that_are_stacked():
    """In the loop back the cotangent of a number is a constant, which is added to."""

    def f(x):
        y, h, t = np.ones(2), 0.1, 0.0
        while t < 1.0:
            k = np.stack([x * y[0] * y[1], -x * y[1]])
            z = y + h * k
            change = np.stack([x * z[0] * z[1], -x * z[1]])
            if np.abs(k - change).max() < 5.0:
                y, t = y + h * (k + change) / 2, t + h
            h = h * 0.9
            if h < 1.0 - t:
                h = h * 1.0
        return y[0] + y[1]

    expected = wg.hessian(f)(0.9)
    for second in (wg.hessian(f), wg.grad(wg.grad(f))):
        np.testing.assert_allclose(wg.jit(second)(0.9), expected, rtol=1e-12)
