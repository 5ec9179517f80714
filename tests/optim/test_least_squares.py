"""`wg.optim.least_squares`: certified regressions, and every way to run it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from benchmarks.optim_regressions import NIST
from wengert.optim import GaussNewton, LevenbergMarquardt, Outcome, least_squares

FINE = {"xtol": 1e-12, "ftol": 1e-14, "gtol": 0.0}
T = np.linspace(0.0, 3.0, 30)
METHODS = {
    "lm": LevenbergMarquardt(),
    "lm-products": LevenbergMarquardt(linear="products"),
    "gn": GaussNewton(),
    "gn-products": GaussNewton(linear="products"),
}


def decay(p, data):
    return p[0] * np.exp(-p[1] * T) + p[2] - data


DATA = decay([2.5, 1.3, 0.5], 0.0) + 0.01 * np.cos(9.0 * T)
START = np.array([1.0, 0.5, 0.0])


@pytest.mark.parametrize("name", NIST)
def test_certified_values(name):
    """Eight digits or more of the parameters that NIST certifies, from both starts."""
    problem = NIST[name]
    for start in problem.starts:
        found = least_squares(problem.residuals, np.array(start), **FINE)
        assert found.success
        np.testing.assert_allclose(found.x, problem.parameters, rtol=5e-7)
        np.testing.assert_allclose(2 * found.value, problem.squares, rtol=1e-9)


def test_fewer_evaluations_than_scipys():
    for name in ("misra1a", "rat42"):
        problem = NIST[name]
        for start in problem.starts:
            found = least_squares(problem.residuals, np.array(start))
            theirs = scipy.optimize.least_squares(
                problem.residuals,
                start,
                jac=wg.jit(wg.jacobian(problem.residuals)),
                method="lm",
                x_scale="jac",
            )
            assert found.evaluations <= 1.5 * theirs.nfev


@pytest.mark.parametrize("method", METHODS)
def test_methods(method):
    found = least_squares(decay, START, (DATA,), METHODS[method])
    eager = least_squares(decay, START, (DATA,), METHODS[method], jit=False)
    theirs = scipy.optimize.least_squares(decay, START, args=(DATA,))
    for ours in (found, eager):
        assert ours.success
        np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-5)
        np.testing.assert_allclose(ours.value, theirs.cost, rtol=1e-9)
    assert (found.iterations, found.products) == (eager.iterations, eager.products)


@pytest.mark.parametrize("method", ["lm", "gn-products"])
def test_as_many_residuals_as_unknowns(method):
    """Zero residuals: quadratic convergence."""

    def rosenbrock(x):
        return {"valley": 10.0 * (x[1:] - x[:-1] ** 2), "slope": 1.0 - x[0]}

    found = least_squares(rosenbrock, np.array([-1.2, 1.0]), method=METHODS[method])
    assert found.success and found.value < 1e-12
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-6)


def test_many_unknowns_by_products():
    weights = np.linspace(1.0, 2.0, 2000)

    def residuals(x):
        return np.concatenate([weights * (x - 1.0), 0.1 * (x[1:] - x[:-1]) ** 2])

    found = least_squares(residuals, np.zeros(2000), method=METHODS["lm-products"])
    assert found.success
    np.testing.assert_allclose(found.x, 1.0, atol=1e-6)


def test_a_parameter_without_influence():
    """A column of zeros in the Jacobian."""
    for method in ("lm", "gn"):
        found = least_squares(
            lambda p: p[0] * T - 2.0 * T, np.array([1.0, 7.0]), method=METHODS[method]
        )
        assert found.success
        np.testing.assert_allclose(found.x, [2.0, 7.0], rtol=1e-6)


def test_outcomes():
    short = least_squares(decay, START, (DATA,), maxiter=1)
    assert short.outcome is Outcome.TOO_MANY_ITERATIONS
    undefined = least_squares(lambda x: np.log(x), np.array([-1.0, 2.0]))
    assert undefined.outcome is Outcome.NOT_FINITE
    wrong = wg.custom_jvp(lambda x: x + 1.0)
    wrong.defjvp(lambda primals, tangents: (wrong(*primals), -tangents[0]))
    found = least_squares(wrong, np.ones(2))
    assert found.outcome is Outcome.REGION_TOO_SMALL and not found.success


def test_inside_transformations():
    def rate(data):
        return least_squares(decay, START, (data,), xtol=1e-12, ftol=0.0).x[1]

    slope = wg.grad(rate)(DATA)
    step = 1e-5 * np.cos(T)
    difference = (rate(DATA + step) - rate(DATA - step)) / 2
    assert np.dot(slope, step) == pytest.approx(difference, rel=1e-5)
    lanes = wg.vmap(rate)(np.stack([DATA, 1.1 * DATA]))
    np.testing.assert_allclose(lanes, [rate(DATA), rate(1.1 * DATA)], rtol=1e-9)
