"""The examples of the gallery: eager, compiled, and against what is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import linalg

import wengert as wg
from wengert.examples import (
    bouncing,
    cheapest_path,
    gauss_seidel,
    lu,
    runge_kutta,
    waiting_line,
)
from wengert.examples.gallery import EXAMPLES

RNG = np.random.default_rng(3)


def near(found, expected, tolerance):
    """Entries within a tolerance, relative to the largest one."""
    scale = max(1.0, float(np.max(np.abs(expected))))
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=tolerance * scale)


@pytest.fixture(scope="module", params=EXAMPLES.values(), ids=lambda e: e.name)
def example(request):
    return request.param


@pytest.fixture(scope="module")
def eager(example):
    return wg.value_and_grad(example.function)(*example.arguments)


class TestExample:
    """One program of the gallery."""

    def test_the_value_is_numpys(self, example, eager):
        assert eager[0] == example.function(*example.arguments)

    def test_the_gradient_is_the_known_one(self, example, eager):
        near(eager[1], example.known(*example.arguments), example.tolerance)

    def test_the_gradient_is_the_difference(self, example, eager):
        first, *rest = example.arguments
        along = RNG.normal(size=np.shape(first))[()]
        after, before = (
            example.function(first + step * along, *rest) for step in (1e-6, -1e-6)
        )
        slope = np.vdot(along, eager[1])
        assert slope == pytest.approx((after - before) / 2e-6, rel=1e-4, abs=1e-7)

    def test_forward_mode_agrees(self, example, eager):
        first, *rest = example.arguments
        along = RNG.normal(size=np.shape(first))[()]
        value, slope = wg.jvp(lambda x: example.function(x, *rest), (first,), (along,))
        assert value == eager[0]
        assert slope == pytest.approx(np.vdot(along, eager[1]), rel=1e-10)

    def test_it_leaves_its_arguments_alone(self, example):
        kept = [np.copy(x) for x in example.arguments]
        wg.grad(example.function)(*example.arguments)
        for given, before in zip(example.arguments, kept, strict=True):
            np.testing.assert_array_equal(given, before)


class TestCompiled:
    """The same numbers from native code, in both modes."""

    def test_reverse_mode(self, example):
        value, gradient = wg.value_and_grad(example.function)(*example.arguments)
        compiled = wg.jit(wg.value_and_grad(example.function))(*example.arguments)
        near(compiled[0], value, 1e-13)
        near(compiled[1], gradient, 1e-12)
        outside = wg.grad(wg.jit(example.function))(*example.arguments)
        near(outside, gradient, 1e-12)

    def test_forward_mode(self, example):
        first, *rest = example.arguments
        along = RNG.normal(size=np.shape(first))[()]

        def pushed(first, along, *rest):
            return wg.jvp(lambda x: example.function(x, *rest), (first,), (along,))

        expected = pushed(first, along, *rest)
        found = wg.jit(pushed)(first, along, *rest)
        near(found[0], expected[0], 1e-13)
        near(found[1], expected[1], 1e-11)


# -- what the gallery does not show ----------------------------------------------------


def test_lu_is_lapacks():
    a = RNG.normal(size=(7, 7))
    factors, pivots = linalg.lu_factor(a)
    mine = a.copy()
    np.testing.assert_array_equal(lu.factor(mine), pivots)
    np.testing.assert_allclose(mine, factors, rtol=1e-12)
    b = RNG.normal(size=7)
    np.testing.assert_allclose(lu.solve(a, b), np.linalg.solve(a, b), rtol=1e-10)


def test_compiled_lu_overwrites_its_argument():
    a = RNG.normal(size=(5, 5))
    mine, its = a.copy(), a.copy()
    np.testing.assert_array_equal(wg.jit(lu.factor)(its), lu.factor(mine))
    np.testing.assert_array_equal(its, mine)


def test_the_gradient_of_the_log_determinant_is_the_transposed_inverse():
    a = RNG.normal(size=(6, 6))
    gradient = wg.jit(wg.grad(lu.log_determinant))
    np.testing.assert_allclose(gradient(a), np.linalg.inv(a).T, rtol=1e-10)
    with pytest.raises(ZeroDivisionError, match="the matrix is singular"):
        gradient(np.ones((6, 6)))
    with pytest.raises(ZeroDivisionError, match="the matrix is singular"):
        lu.log_determinant(np.ones((6, 6)))


def test_gauss_seidel_solves_and_its_pullback_solves_the_transposed_system():
    a, b, ct = RNG.normal(size=(6, 6)) + 8.0 * np.eye(6), RNG.normal(size=6), np.ones(6)
    np.testing.assert_allclose(gauss_seidel.solve(a, b), np.linalg.solve(a, b))
    gradient = wg.jit(wg.grad(lambda b: np.sum(gauss_seidel.solve(a, b))))(b)
    np.testing.assert_allclose(gradient, np.linalg.solve(a.T, ct), rtol=1e-10)


def oscillation(damping, start):
    slope = lambda y: runge_kutta.van_der_pol(y, damping)  # noqa: E731
    return runge_kutta.integrate(slope, start, 5.0, 1e-7)


def test_steps_are_rejected_and_the_sensitivity_is_that_of_the_solution():
    start = np.array([2.0, 0.0])
    _, accepted, rejected = oscillation(5.0, start)
    assert accepted > 100 and rejected >= 3
    gradient = wg.jit(wg.jacobian(lambda d: oscillation(d, start)[0], mode="reverse"))
    after, before = (oscillation(5.0 + step, start)[0] for step in (1e-3, -1e-3))
    np.testing.assert_allclose(gradient(5.0), (after - before) / 2e-3, rtol=1e-3)


@pytest.mark.parametrize("time", [0.2, 0.45, 1.3, 2.0])
def test_heights_are_those_of_the_parabolas(time):
    fall = np.sqrt(2.0 / bouncing.GRAVITY)
    flights = [fall, *(2.0 * fall * 0.5**n for n in range(1, 40))]
    ends = np.cumsum(flights)
    n = int(np.searchsorted(ends, time))
    if n == len(ends):
        assert bouncing.height(1.0, 0.5, time) == 0.0
        return
    since = time - ends[n - 1] if n else time
    up = 0.5**n * bouncing.GRAVITY * fall if n else 0.0
    expected = (0.0 if n else 1.0) + up * since - 0.5 * bouncing.GRAVITY * since**2
    assert bouncing.height(1.0, 0.5, time) == pytest.approx(expected, abs=1e-6)
    assert wg.jit(bouncing.height)(1.0, 0.5, time) == pytest.approx(expected, abs=1e-6)


def test_a_ball_at_rest_stays_so():
    value, slope = wg.value_and_grad(bouncing.height)(1.0, 0.3, 60.0)
    assert (value, slope) == (0.0, 0.0)
    value, slope = wg.jit(wg.value_and_grad(bouncing.height))(1.0, 0.3, 60.0)
    assert (value, slope) == (0.0, 0.0)


def test_steps_of_one_length_have_the_height_and_not_the_derivative():
    """The mistake that the module warns of: more steps do not mend it."""
    right = EXAMPLES["bouncing"].known(1.0, 0.8, 1.0)
    height = bouncing.height(1.0, 0.8, 1.0)
    for steps in (10_000, 100_000):
        value, slope = wg.jit(wg.value_and_grad(bouncing.height_in_steps))(
            1.0, 0.8, 1.0, steps
        )
        assert value == pytest.approx(height, abs=2e-2)
        assert abs(slope - right) > 0.3


def all_paths(rows, columns):
    for path in itertools.product(range(rows), repeat=columns):
        if all(abs(i - j) <= 1 for i, j in itertools.pairwise(path)):
            yield np.array(path)


def test_the_soft_minimum_weighs_every_path():
    cost = RNG.uniform(size=(3, 5))
    paths = list(all_paths(3, 5))
    totals = np.array([cost[path, np.arange(5)].sum() for path in paths])
    weights = np.exp(-totals / 0.3)
    visits = np.zeros_like(cost)
    for path, weight in zip(paths, weights / weights.sum(), strict=True):
        visits[path, np.arange(5)] += weight
    for value_and_grad in (wg.value_and_grad, lambda f: wg.jit(wg.value_and_grad(f))):
        value, gradient = value_and_grad(cheapest_path.soft)(cost, 0.3)
        assert value == pytest.approx(-0.3 * np.log(weights.sum()), rel=1e-12)
        np.testing.assert_allclose(gradient, visits, rtol=1e-10)
    assert cheapest_path.cheapest(cost) == pytest.approx(totals.min(), rel=1e-14)


def test_a_longer_service_delays_only_those_who_then_wait():
    gaps = np.array([1.0, 0.5, 0.5, 5.0, 0.5, 9.0])
    services = np.array([1.2, 1.0, 1.0, 2.0, 1.0, 1.0])
    waits = waiting_line.waits(gaps, services, 12.0)
    np.testing.assert_allclose(waits, [0.0, 0.7, 1.2, 0.0, 1.5])
    delays = wg.jacobian(lambda s: waiting_line.waits(gaps, s, 12.0))(services)
    expected = np.zeros((5, 6))
    expected[1, 0] = expected[2, 0] = expected[2, 1] = expected[4, 3] = 1.0
    np.testing.assert_array_equal(delays, expected)
