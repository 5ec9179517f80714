"""Implicit functions against closed forms: every mode, eagerly and compiled."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import wengert as wg
from tests.implicit.functions import CASES, tangent
from wengert import implicit

ROD = scipy.sparse.diags_array(
    [-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(5, 5)
).tocsr()

# What is compiled more than once; compiling takes a second or two each time.
FROM_OUTSIDE = ("kepler by repetition", "tree", "boxed", "repeated")
TWICE = ("square root", "babylonian")
LANES = ("kepler", "boxed", "babylonian", "solved")
SLOW = ("gaussian", "leader")  # thousands of values, in Python's own time
DIFFERENCES = ("kepler", "babylonian", "solved")


def _slope(f):
    return lambda x: wg.jvp(f, (x,), (tangent(x),))[1]


def _agree(found, expected, rtol=1e-8):
    pairs = zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


EAGER = {
    "value": lambda f: f,
    "grad": wg.grad,
    "jvp": _slope,
    "forward over reverse": lambda f: _slope(wg.grad(f)),
    "reverse over forward": lambda f: wg.grad(_slope(f)),
    "reverse over reverse": lambda f: lambda x: wg.vjp(wg.grad(f), x)[1](tangent(x)),
    "forward over forward": lambda f: _slope(_slope(f)),
}


@pytest.mark.parametrize("name", CASES)
def test_eagerly(name):
    f, explicit, x = CASES[name]
    for mode, of in EAGER.items():
        if name in SLOW and mode not in ("value", "grad", "forward over reverse"):
            continue
        _agree(of(f)(x), of(explicit)(x), 1e-8 if mode in ("value", "grad") else 1e-7)


@pytest.mark.parametrize("name", CASES)
def test_compiled(name):
    f, explicit, x = CASES[name]
    expected = wg.value_and_grad(explicit)(x)
    _agree(wg.jit(wg.value_and_grad(f))(x), expected)


@pytest.mark.parametrize("name", FROM_OUTSIDE)
def test_derivatives_of_compiled_functions(name):
    f, explicit, x = CASES[name]
    compiled = wg.jit(f)
    _agree(wg.grad(compiled)(x), wg.grad(explicit)(x))
    _agree(_slope(compiled)(x), _slope(explicit)(x))


@pytest.mark.parametrize("name", TWICE)
def test_compiled_twice(name):
    f, explicit, x = CASES[name]
    _agree(wg.jit(wg.hessian(f))(x), wg.hessian(explicit)(x), 1e-7)
    _agree(wg.hessian(wg.jit(f))(x), wg.hessian(explicit)(x), 1e-7)


@pytest.mark.parametrize("name", LANES)
def test_lanes_take_steps_of_their_own(name):
    f, explicit, x = CASES[name]
    lanes = wg.tree.map(lambda leaf: np.stack([leaf, leaf * 1.1]), x)
    found = wg.jit(wg.vmap(wg.grad(f)))(lanes)
    each = [wg.grad(explicit)(wg.tree.map(lambda v: v[i], lanes)) for i in (0, 1)]  # noqa: B023
    _agree(found, wg.tree.map(lambda *leaves: np.stack(leaves), *each))


@pytest.mark.parametrize("name", DIFFERENCES)
def test_against_differences(name):
    f, _, x = CASES[name]
    wg.check_grads(f, (x,), order=2)


def test_the_third_derivative():
    f, _, x = CASES["square root"]
    third = wg.grad(wg.grad(wg.grad(f)))
    assert third(x) == pytest.approx(0.375 * x**-2.5, rel=1e-9)
    assert wg.grad(wg.hessian(wg.jit(f)))(x) == pytest.approx(0.375 * x**-2.5, rel=1e-9)


def steps(k):
    """Implicit Euler steps: the start and the equation change from step to step."""
    x = np.array([1.0, 0.5])
    for _ in range(8):
        old = x
        x = implicit.root(lambda y: y - old + 0.1 * k * y**3, old)
    return x.sum()


def steps_until(k):
    x, count = 1.0, 0
    while x > 0.6:
        x = implicit.root(lambda y, x: y - x + 0.1 * k * y**3, x, (x,), linear="gmres")
        count += 1
    return x * count


def sparse_steps(k):
    x = np.ones(5)
    for _ in range(6):
        x = implicit.linear_solve(ROD, x, data=ROD.data * k)
    return x.sum()


def in_a_branch(k):
    if k > 1.0:
        return implicit.root(lambda y: y * y - k, 1.0)
    return k * k


@pytest.mark.parametrize("f", [steps, steps_until, sparse_steps, in_a_branch])
def test_in_loops_and_branches(f):
    expected = wg.grad(f)(1.3)
    assert expected == pytest.approx((f(1.3 + 1e-6) - f(1.3 - 1e-6)) / 2e-6, rel=1e-6)
    assert wg.jit(wg.grad(f))(1.3) == pytest.approx(expected, rel=1e-9)
    assert wg.grad(wg.jit(f))(1.3) == pytest.approx(expected, rel=1e-9)
