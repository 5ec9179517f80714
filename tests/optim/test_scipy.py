"""`wg.scipy.optimize`: SciPy's results, by exact derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import NonlinearConstraint

import wengert as wg
from benchmarks.optim_problems import KNOWN
from benchmarks.optim_regressions import NIST
from wengert.errors import DependenceError

ROSENBROCK = KNOWN["rosenbrock"]
METHODS = (
    "CG BFGS Newton-CG L-BFGS-B TNC SLSQP trust-constr dogleg trust-ncg trust-exact "
    "trust-krylov Nelder-Mead Powell"
).split()
WITHOUT = ("Nelder-Mead", "Powell")


class Counted:
    """A function that counts its calls, compiled or not."""

    def __init__(self, fun):
        self.fun, self.calls = fun, 0

    def __call__(self, *args):
        self.calls += 1
        return self.fun(*args)


@pytest.mark.parametrize("method", METHODS)
def test_minimize(method):
    found = wg.scipy.minimize(ROSENBROCK.f, ROSENBROCK.x0, method=method)
    assert found.success
    np.testing.assert_allclose(found.x, 1.0, atol=1e-3)
    if method not in WITHOUT:
        assert found.nfev <= 200  # none for differences


def test_as_many_iterations_as_with_derivatives_by_hand():
    def gradient(x):
        return np.array(
            [
                -400.0 * x[0] * (x[1] - x[0] ** 2) - 2.0 * (1.0 - x[0]),
                200.0 * (x[1] - x[0] ** 2),
            ]
        )

    theirs = scipy.optimize.minimize(ROSENBROCK.f, ROSENBROCK.x0, jac=gradient)
    for jit in (True, False):
        found = wg.scipy.minimize(ROSENBROCK.f, ROSENBROCK.x0, jit=jit)
        assert (found.nit, found.nfev, found.njev) == (
            theirs.nit,
            theirs.nfev,
            theirs.njev,
        )
        assert sorted(found) == sorted(theirs)


def test_value_and_gradient_are_one_sweep():
    f = Counted(ROSENBROCK.f)
    found = wg.scipy.minimize(f, ROSENBROCK.x0, jit=False)
    assert f.calls == found.nfev


def test_derivatives_that_are_given():
    gradient = Counted(wg.grad(ROSENBROCK.f))
    found = wg.scipy.minimize(ROSENBROCK.f, ROSENBROCK.x0, jac=gradient)
    assert gradient.calls == found.njev
    both = lambda x, a: (np.sum((x - a) ** 2), 2.0 * (x - a))
    found = wg.scipy.minimize(both, np.zeros(2), 3.0, jac=True)
    np.testing.assert_allclose(found.x, 3.0)
    differences = wg.scipy.minimize(ROSENBROCK.f, ROSENBROCK.x0, jac="2-point")
    assert differences.nfev > 2 * differences.nit


def test_pytrees():
    def f(p, a):
        return np.sum((p["w"] - a) ** 2) + (p["b"] - 1.0) ** 2

    start = {"w": np.zeros((2, 2)), "b": 5.0}
    found = wg.scipy.minimize(
        f, start, 3.0, constraints={"type": "ineq", "fun": lambda p: 0.5 - p["b"]}
    )
    np.testing.assert_allclose(found.x["w"], 3.0, rtol=1e-3)
    assert found.x["b"] == pytest.approx(0.5)


def _ring(x):
    return [x[0] ** 2 + x[1] ** 2, x[0] * x[1]]


@pytest.mark.parametrize("method", ["trust-constr", "SLSQP"])
def test_constraints(method):
    """Where SciPy ends with derivatives by hand."""
    ring = NonlinearConstraint(_ring, -np.inf, [1.0, 0.2])
    by_hand = NonlinearConstraint(
        _ring,
        -np.inf,
        [1.0, 0.2],
        jac=lambda x: [[2 * x[0], 2 * x[1]], [x[1], x[0]]],
        hess=lambda x, v: np.array([[2 * v[0], v[1]], [v[1], 2 * v[0]]]),
    )
    given = {"method": method, "tol": 1e-9}
    if method == "SLSQP":
        by_hand.hess = ring.hess
    found = wg.scipy.minimize(ROSENBROCK.f, [0.1, 0.2], constraints=ring, **given)
    theirs = wg.scipy.minimize(ROSENBROCK.f, [0.1, 0.2], constraints=[by_hand], **given)
    assert found.nit == theirs.nit
    np.testing.assert_allclose(found.x, theirs.x, rtol=1e-9)
    assert ring.jac == "2-point"  # the user's is left alone


def test_constraints_as_dictionaries():
    disc = {
        "type": "ineq",
        "fun": lambda x, r: r - x[0] ** 2 - x[1] ** 2,
        "args": (1.0,),
    }
    found = wg.scipy.minimize(ROSENBROCK.f, [0.1, 0.2], constraints=disc)
    disc["jac"] = lambda x, r: -2.0 * x
    theirs = wg.scipy.minimize(ROSENBROCK.f, [0.1, 0.2], constraints=(disc,))
    assert found.nit == theirs.nit
    np.testing.assert_allclose(found.x, theirs.x, rtol=1e-9)


def test_least_squares():
    problem = NIST["misra1a"]
    given = {"x_scale": "jac", "xtol": 1e-12, "ftol": 1e-12}
    for jit in (True, False):
        found = wg.scipy.least_squares(
            problem.residuals, problem.starts[1], jit=jit, **given
        )
        np.testing.assert_allclose(found.x, problem.parameters, rtol=1e-7)
    shifted = wg.scipy.least_squares(
        lambda x, a, b: x - a * b, {"x": 0.0}["x"], args=(2.0,), kwargs={"b": 3.0}
    )
    np.testing.assert_allclose(shifted.x, 6.0)
    tree = wg.scipy.least_squares(lambda p: p["x"] - np.arange(3.0), {"x": np.ones(3)})
    np.testing.assert_allclose(tree.x["x"], np.arange(3.0), atol=1e-9)
    bounded = wg.scipy.least_squares(lambda x: x - 6.0, 0.0, None, (-1.0, 2.0))
    np.testing.assert_allclose(bounded.x, 2.0)


@pytest.mark.parametrize("name", NIST)
@pytest.mark.parametrize("jit", [True, False])
def test_curve_fit(name, jit):
    problem = NIST[name]
    parameters, covariance = wg.scipy.curve_fit(
        problem.model,
        problem.x,
        problem.y,
        problem.starts[1],
        jit=jit,
        ftol=1e-12,
        xtol=1e-12,
    )
    np.testing.assert_allclose(parameters, problem.parameters, rtol=1e-6)
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance)), problem.deviations, rtol=1e-5
    )


def test_curve_fit_finds_the_number_of_parameters():
    x = np.linspace(0.0, 1.0, 9)
    line = lambda x, a, b: a * x + b
    found = wg.scipy.curve_fit(line, x, 2.0 * x + 1.0, full_output=True)
    np.testing.assert_allclose(found[0], [2.0, 1.0])
    weighted, _ = wg.scipy.curve_fit(
        line, x, 2.0 * x + 1.0, sigma=1.0 + x, bounds=(0.0, 1.5)
    )
    theirs, _ = scipy.optimize.curve_fit(
        line, x, 2.0 * x + 1.0, sigma=1.0 + x, bounds=(0.0, 1.5)
    )
    np.testing.assert_allclose(weighted, theirs, rtol=1e-6)


def _circle_and_line(x):
    return [x[0] ** 2 + x[1] ** 2 - 2.0, x[0] - x[1]]


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov"])
def test_root(method):
    found = wg.scipy.root(_circle_and_line, [2.0, 0.5], method=method)
    assert found.success
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-5)
    if method == "hybr":
        assert found.njev == 1


def test_root_of_trees_and_by_derivatives_that_are_given():
    pair = lambda p, a: np.array([p["u"] ** 2 - a, p["u"] - p["v"]])
    found = wg.scipy.root(pair, {"u": 1.0, "v": 0.0}, 4.0)
    assert (found.x["u"], found.x["v"]) == pytest.approx((2.0, 2.0))
    jacobian = Counted(lambda x, a: np.array([[2.0 * x[0]]]))
    found = wg.scipy.root(lambda x, a: x**2 - a, 1.0, 4.0, jac=jacobian)
    assert found.x == pytest.approx([2.0]) and jacobian.calls > 0


def test_names():
    assert wg.scipy.minimize is wg.scipy.optimize.minimize
    assert "optimize" in dir(wg.scipy)


def test_it_is_not_differentiated():
    """It runs in Python: `wg.optim` and `wg.implicit` are what has derivatives."""
    lowest = lambda a: wg.scipy.minimize(lambda x: np.sum((x - a) ** 2), np.ones(2)).fun
    fitted = lambda a: wg.scipy.curve_fit(
        lambda t, k: a * t + k, [0.0, 1.0], [1.0, 2.0]
    )
    for function in (lowest, fitted):
        for transformed in (wg.grad, wg.jit):
            with pytest.raises(DependenceError):
                transformed(function)(2.0)
