"""Derivatives by equations: the adjoint, tangents and sensitivities."""

from __future__ import annotations

import functools
import os

import numpy as np
import pytest

import wengert as wg
from tests.ode.problems import (
    FEW,
    PREDATORS,
    RATES,
    REFERENCE,
    lotka_volterra,
    network,
    robertson,
    sir,
    some_weights,
    spring,
)

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"
TIMES = np.array([0.0, 1.0, 2.0, 3.0])


def loss(p, y0, t, **options):
    return np.sum(wg.ode.solve(lotka_volterra, y0, t, (p,), **options).y[1:] ** 2)


POINT = (PREDATORS, FEW, TIMES)
by_everything = functools.partial(wg.grad, argnums=(0, 1, 2))


@pytest.fixture(scope="module")
def exact():
    precise = functools.partial(loss, rtol=1e-12, atol=1e-12)
    return by_everything(precise)(*POINT)


@pytest.mark.parametrize(
    ("derivative", "jit"),
    [("continuous", True), ("continuous", False), ("forward", True)],
)
def test_reverse_mode(derivative, jit, exact):
    options = {"derivative": derivative, "rtol": 1e-7, "atol": 1e-9, "jit": jit}
    found = by_everything(functools.partial(loss, **options))(*POINT)
    for got, expected in zip(found, exact, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.parametrize("derivative", ["continuous", "forward"])
def test_forward_mode(derivative, exact):
    options = {"derivative": derivative, "rtol": 1e-8, "atol": 1e-10}
    moved = tuple(np.cos(np.arange(x.size)) for x in POINT)
    found = wg.jvp(functools.partial(loss, **options), POINT, moved)[1]
    expected = sum(np.sum(a * b) for a, b in zip(exact, moved, strict=True))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("derivative", ["continuous", "forward"])
def test_second_order(derivative):
    def second(derivative):
        options = {"method": "rk4", "steps": 20, "derivative": derivative, "jit": False}
        return wg.hvp(lambda p: loss(p, FEW, TIMES, **options), PREDATORS, PREDATORS)

    np.testing.assert_allclose(second(derivative), second("discrete"), rtol=1e-3)


@pytest.mark.parametrize(
    ("method", "order", "steps"), [("heun", 2, 50), ("rk4", 4, 20), ("dopri5", 4, 10)]
)
def test_both_adjoints_come_together_at_the_order_of_the_solver(method, order, steps):
    """The interpolant, through which the adjoint sees the state, has order 4."""

    def gradient(steps, derivative):
        of_p = functools.partial(
            loss, method=method, steps=steps, derivative=derivative, jit=False
        )
        return wg.grad(of_p)(*POINT)

    def gap(steps):
        discrete, continuous = (
            gradient(steps, derivative) for derivative in ("discrete", "continuous")
        )
        return np.max(np.abs(discrete - continuous))

    measured = np.log2(gap(steps) / gap(2 * steps))
    assert measured > order - 0.35, measured


def test_they_come_together_with_the_tolerance():
    def gap(rtol):
        discrete, continuous = (
            wg.grad(loss)(
                *POINT, rtol=rtol, atol=rtol, derivative=derivative, jit=False
            )
            for derivative in ("discrete", "continuous")
        )
        return np.max(np.abs(discrete - continuous))

    assert gap(1e-7) < 2e-2 * gap(1e-4)


def test_a_tree_as_state_and_a_closure():
    """Everything that the right-hand side reads has its derivative."""
    known = REFERENCE["sir"]
    y0 = dict(zip("sir", known["y0"], strict=True))

    def infected(p, derivative, compiled):
        field = lambda t, y: sir(t, y, p)
        done = wg.ode.solve(
            field, y0, known["t"], rtol=1e-7, derivative=derivative, jit=compiled
        )
        return done.y["i"][-1]

    expected = np.array(known["sensitivities"])[-1, 1]
    for derivative, compiled in (("continuous", True), ("forward", False)):
        found = wg.grad(infected)(np.array(known["p"]), derivative, compiled)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_integers_and_texts_among_the_arguments():
    def field(t, y, k, power, name):
        assert name == "decay"
        return -k * y**power

    def end(k, derivative):
        options = {"derivative": derivative, "jit": derivative == "continuous"}
        return wg.ode.solve(
            field, 1.0, [0.0, 2.0], (k, 2, "decay"), method="rk4", steps=40, **options
        ).y[-1]

    for derivative in ("discrete", "continuous", "forward"):
        found = wg.grad(end)(0.5, derivative)
        np.testing.assert_allclose(found, -2.0 / (1 + 0.5 * 2.0) ** 2, rtol=1e-4)


@pytest.mark.skipif(not FULL, reason="it compiles long; with WENGERT_FULL_TESTS=1")
def test_a_stiff_adjoint():
    def last(k, derivative):
        y0 = np.array([1.0, 0.0, 0.0])
        t = REFERENCE["robertson"]["t"]
        options = {"method": "kvaerno5", "rtol": 1e-7, "atol": 1e-11}
        return wg.ode.solve(robertson, y0, t, (k,), derivative=derivative, **options).y[
            -1, 0
        ]

    expected = np.array(REFERENCE["robertson"]["sensitivities"])[-1, 0] * RATES
    found = wg.grad(last)(RATES, "continuous") * RATES
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_neural_network():
    weights = some_weights()

    def end(weights, derivative):
        options = {"derivative": derivative, "jit": False}
        done = wg.ode.solve(network, FEW, [0.0, 1.0], (weights,), **options)
        return np.sum(done.y[-1])

    discrete, continuous = (
        wg.tree.ravel(wg.grad(end)(weights, derivative))[0]
        for derivative in ("discrete", "continuous")
    )
    np.testing.assert_allclose(discrete, continuous, atol=1e-5)


def test_the_gradient_says_how_exact_it_is(exact):
    found = wg.ode.gradient(
        lambda y: np.sum(y[1:] ** 2),
        lotka_volterra,
        FEW,
        TIMES,
        (PREDATORS,),
        jit=False,
    )
    for got, estimate, expected in (
        (found.args[0], found.error[1][0], exact[0]),
        (found.y0, found.error[0], exact[1]),
    ):
        true = np.max(np.abs(got - expected))
        assert 0.3 * true < np.max(estimate) < 3.0 * true
    coarse, fine = (
        wg.ode.gradient(
            lambda y: y[-1, 0],
            spring,
            FEW,
            TIMES,
            (2.0,),
            method="rk4",
            steps=steps,
            jit=False,
        )
        for steps in (5, 80)
    )
    true = abs(coarse.args[0] - fine.args[0])
    assert 0.5 * true < coarse.error[1][0] < 2.0 * true


def test_an_adjoint_that_does_not_arrive_is_nan():
    """A state that stands still takes few steps; what it is sensitive to, many."""
    turning = lambda t, y, k: (
        np.array([k, 0.0]) * (y - 1.0) + 100.0 * np.array([y[1] - 1.0, 1.0 - y[0]])
    )

    def end(k):
        done = wg.ode.solve(
            turning,
            np.ones(2),
            [0.0, 10.0],
            (k,),
            derivative="continuous",
            max_steps=50,
            jit=False,
        )
        return done.y[-1, 0]

    value, slope = wg.vjp(end, 0.7)
    assert value == 1.0
    assert np.isnan(slope(1.0)[0])


def test_a_parameter_that_the_solution_does_not_show():
    """Where it is 0 the state and its adjoint need few steps, and the integral many."""

    def end(p, derivative, rtol):
        field = lambda t, y: p[0] * np.sin(100.0 * t) + p[1]
        options = {"derivative": derivative, "rtol": rtol, "atol": rtol, "jit": False}
        return wg.ode.solve(field, 0.0, [0.0, 1.0], **options).y[-1]

    exact = (1.0 - np.cos(100.0)) / 100.0
    for rtol in (1e-6, 1e-8):
        found = wg.grad(end)(np.array([0.0, 1.0]), "continuous", rtol)
        np.testing.assert_allclose(found, [exact, 1.0], atol=100.0 * rtol)


def test_the_adjoint_is_as_exact_for_any_unit_of_the_loss():
    def end(k, unit):
        field = lambda t, y: -k * y
        options = {"derivative": "continuous", "jit": False}
        return unit * wg.ode.solve(field, 1.0, [0.0, 1.0], **options).y[-1]

    for unit in (1e-12, 1e12):
        found = wg.grad(end)(0.5, unit)
        np.testing.assert_allclose(found, -unit * np.exp(-0.5), rtol=1e-7)


def test_a_right_hand_side_without_numbers():
    def end(y0):
        options = {"derivative": "continuous", "jit": False}
        return wg.ode.solve(lambda t, y: y * y, y0, [0.0, 0.25, 0.5], **options).y[-1]

    np.testing.assert_allclose(wg.grad(end)(1.0), 4.0, rtol=1e-5)
