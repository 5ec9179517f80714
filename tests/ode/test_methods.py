"""The methods themselves: order conditions, and orders as measured."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import wengert as wg
from tests.ode.problems import FEW, PREDATORS, REFERENCE, lotka_volterra
from wengert.ode.tableaux import TABLEAUX

# A rooted tree is the tuple of the trees that hang from its root.
LEAF = ()


def trees(order):
    """The rooted trees of so many nodes."""
    if order == 1:
        return {LEAF}
    return {tuple(sorted(forest)) for forest in _forests(order - 1, order - 1)}


def _forests(nodes, largest):
    if nodes == 0:
        return {()}
    found = set()
    for first in range(1, min(nodes, largest) + 1):
        pairs = itertools.product(trees(first), _forests(nodes - first, first))
        found |= {(tree, *rest) for tree, rest in pairs}
    return found


def size(tree):
    return 1 + sum(map(size, tree))


def density(tree):
    return size(tree) * np.prod([density(t) for t in tree], dtype=float)


def inner(tree, a):
    """What a tree's elementary differential weighs, for each stage."""
    parts = [a @ inner(t, a) for t in tree]
    return np.prod([np.ones(len(a)), *parts], axis=0)


def matrix(tableau):
    n = len(tableau.weights)
    a = np.zeros((n, n))
    for i, row in enumerate(tableau.rows, 1):
        a[i, : len(row)] = row
        a[i, i] = tableau.diagonal
    return a


def defect(weights, a, order):
    """The largest violation of an order condition up to some order."""
    several = itertools.chain.from_iterable(map(trees, range(1, order + 1)))
    return max(abs(weights @ inner(t, a) - 1 / density(t)) for t in several)


def test_there_are_as_many_trees_as_counted():
    assert [len(trees(n)) for n in range(1, 6)] == [1, 1, 2, 4, 9]


@pytest.mark.parametrize("name", TABLEAUX)
def test_order_conditions(name):
    tableau = TABLEAUX[name]
    a, weights = matrix(tableau), np.array(tableau.weights)
    assert np.allclose(a.sum(axis=1)[1:], tableau.nodes, atol=1e-14)
    assert defect(weights, a, tableau.order) < 2e-14
    assert defect(weights, a, tableau.order + 1) > 1e-5
    if tableau.adaptive:
        embedded = weights - np.array(tableau.error)
        assert defect(embedded, a, tableau.error_order) < 2e-14
        assert defect(embedded, a, tableau.error_order + 1) > 1e-5
        assert np.allclose(a[-1], weights)  # the last stage is at the end of the step


def swing(t, y):
    return y * np.cos(t)


def exact(t):
    return np.exp(np.sin(t))


TIMES = np.array([0.0, 1.0, 2.0, 3.5, 5.0])


def slope(error, steps):
    """The order by which an error falls with the steps."""
    return np.log2(error(steps) / error(2 * steps))


@pytest.mark.parametrize(
    ("method", "order", "steps"),
    [
        ("euler", 1, 400),
        ("heun", 2, 100),
        ("rk4", 4, 20),
        ("dopri5", 5, 20),
        ("tsit5", 5, 20),
        ("kvaerno5", 5, 20),
    ],
)
def test_orders_as_measured(method, order, steps):
    def error(steps):
        done = wg.ode.solve(swing, 1.0, TIMES, method=method, steps=steps, jit=False)
        return np.max(np.abs(done.y - exact(TIMES)))

    measured = slope(error, steps)
    assert abs(measured - order) < 0.25, measured


@pytest.mark.parametrize(
    ("method", "order"), [("rk4", 4), ("dopri5", 5), ("tsit5", 5), ("kvaerno5", 4)]
)
def test_the_order_of_dense_output(method, order):
    times = np.linspace(0.0, 5.0, 203)

    def error(steps):
        done = wg.ode.solve(
            swing, 1.0, [0.0, 5.0], method=method, steps=steps, dense=True, jit=False
        )
        return np.max(np.abs(done.dense(times) - exact(times)))

    measured = slope(error, 20)
    assert abs(measured - order) < 0.25, measured


def pendulum(t, y):
    q, v = y
    return v, -np.sin(q)


def energy(y):
    q, v = y
    return 0.5 * v**2 - np.cos(q)


def test_the_order_of_leapfrog():
    def end(steps):
        done = wg.ode.solve(
            pendulum, (1.0, 0.5), [0.0, 4.0], method="leapfrog", steps=steps
        )
        return done.y[0][1]

    coarse, middle, fine = end(100), end(200), end(400)
    assert abs(np.log2((coarse - middle) / (middle - fine)) - 2) < 0.05


def test_leapfrog_keeps_the_energy():
    times = np.linspace(0.0, 2000.0, 101)
    leapfrog = wg.ode.solve(pendulum, (1.0, 0.5), times, method="leapfrog", steps=200)
    heun = wg.ode.solve(pendulum, (1.0, 0.5), times, method="heun", steps=200)
    drift = [np.max(np.abs(energy(s.y) - energy((1.0, 0.5)))) for s in (leapfrog, heun)]
    assert drift[0] < 2e-3 and drift[1] > 10 * drift[0], drift


@pytest.mark.parametrize("method", ["dopri5", "tsit5", "kvaerno5"])
def test_the_error_follows_the_tolerance(method):
    expected = np.array(REFERENCE["lotka_volterra"]["y"])
    times = REFERENCE["lotka_volterra"]["t"]

    def error(rtol):
        done = wg.ode.solve(
            lotka_volterra,
            FEW,
            times,
            (PREDATORS,),
            method=method,
            rtol=rtol,
            atol=rtol,
        )
        return np.max(np.abs(done.y - expected)), int(done.accepted)

    (coarse, few), (fine, many) = error(1e-6), error(1e-9)
    assert 200 < coarse / fine < 20000  # proportional to the tolerance, nearly
    assert 2.5 < many / few < 6  # 1000 ** (1 / 5) is 4


def test_steps_that_are_tried_again():
    """A first step that is too long is shortened, and counted."""
    stiff = lambda t, y: -500 * (y - np.cos(t))
    done = wg.ode.solve(stiff, 0.0, [0.0, 1.0], first_step=1.0)
    assert done.outcome is wg.ode.Outcome.SUCCESS
    assert done.rejected > 0
    expected = 500 / (500**2 + 1) * (500 * np.cos(1.0) + np.sin(1.0))
    assert abs(done.y[-1] - expected) < 1e-6
