"""`wg.optim.minimize`: convergence to known minima, in every way to run it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from benchmarks.optim_problems import KNOWN, extended_rosenbrock, extended_start
from wengert.optim import LBFGS, Outcome, TrustRegion, minimize
from wengert.optim.minimize import METHODS

# Powell's function is flat at its minimum: x has a third of the digits.
WITHIN = {"powell": 2e-2}
SCIPYS = {
    "bfgs": "BFGS",
    "l-bfgs": "L-BFGS-B",
    "newton-cg": "Newton-CG",
    "trust-region": "trust-ncg",
}
ROSENBROCK = KNOWN["rosenbrock"]


def by_scipy(f, x0, method):
    """SciPy's method with the same derivatives, to the same gradient."""
    options = {"gtol": 1e-6}
    if method == "l-bfgs":
        options["ftol"] = 0.0
    if method == "newton-cg":  # which stops by the step
        options = {"xtol": 1e-8, "maxiter": 1000}
    of_hessian = {}
    if method in ("newton-cg", "trust-region"):
        of_hessian["hessp"] = wg.jit(lambda x, v: wg.hvp(f, x, v))
    both = wg.jit(wg.value_and_grad(f))
    return scipy.optimize.minimize(
        both, x0, jac=True, method=SCIPYS[method], options=options, **of_hessian
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KNOWN)
def test_known_minima(name, method):
    f, x0, minimum = KNOWN[name]
    found = minimize(f, x0, method=method)
    assert found.outcome is Outcome.CONVERGED and found.success
    np.testing.assert_allclose(found.x, minimum, atol=WITHIN.get(name, 1e-5))
    np.testing.assert_allclose(found.gradient, wg.grad(f)(found.x), atol=1e-12)
    theirs = by_scipy(f, x0, method)
    assert found.iterations <= 1.5 * theirs.nit
    assert found.evaluations <= 1.5 * theirs.nfev


@pytest.mark.parametrize("method", METHODS)
def test_python_goes_the_same_way(method):
    f, x0, _ = KNOWN["wood"]
    runs = [
        minimize(f, x0, method=method, maxiter=12, jit=jit) for jit in (True, False)
    ]
    for ours, theirs in zip(*(run.history for run in runs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert runs[0].evaluations == runs[1].evaluations
    assert runs[0].products == runs[1].products


@pytest.mark.parametrize("method", ["l-bfgs", "newton-cg", "trust-region"])
def test_ten_thousand_variables(method):
    x0 = extended_start(10_000)
    found = minimize(extended_rosenbrock, x0, method=method)
    assert found.success
    np.testing.assert_allclose(found.x, 1.0, atol=1e-5)
    theirs = by_scipy(extended_rosenbrock, x0, method)
    assert found.iterations <= 1.5 * theirs.nit
    assert found.evaluations <= 1.5 * theirs.nfev


@pytest.mark.parametrize("method", METHODS)
def test_values_that_have_lost_their_digits(method):
    """The gradient still tells where the minimum is."""
    found = minimize(lambda x, c: KNOWN["beale"].f(x) + c, np.ones(2), 1e9, method)
    assert found.success
    np.testing.assert_allclose(found.x, [3.0, 0.5], atol=1e-5)


def test_history():
    f, x0, _ = ROSENBROCK
    found = minimize(f, x0)
    values, norms, steps = found.history
    assert len(values) == len(norms) == len(steps) == found.iterations + 1
    assert values[0] == f(x0) and values[-1] == found.value
    assert np.all(np.diff(values) < 0)
    assert norms[0] == abs(wg.grad(f)(x0)).max() and norms[-1] <= 1e-6
    assert steps[0] == 0 and np.all(steps[1:] > 0)
    assert np.isnan(found.padded.value[found.iterations + 1 :]).all()


# -- outcomes --------------------------------------------------------------------------


def test_too_many_iterations():
    found = minimize(*ROSENBROCK[:2], maxiter=3)
    assert found.outcome is Outcome.TOO_MANY_ITERATIONS and not found.success
    assert found.iterations == 3 and found.value < 24.2
    assert str(found.outcome) == "too many iterations"


def test_already_there():
    found = minimize(ROSENBROCK.f, np.ones(2))
    assert (found.outcome, found.iterations) == (Outcome.CONVERGED, 0)
    assert minimize(*ROSENBROCK[:2], maxiter=0).outcome is Outcome.TOO_MANY_ITERATIONS


@pytest.mark.parametrize("option", ["xtol", "ftol"])
def test_other_tolerances(option):
    found = minimize(*ROSENBROCK[:2], gtol=0.0, **{option: 1e-3})
    expected = {"xtol": Outcome.SMALL_STEP, "ftol": Outcome.SMALL_DECREASE}
    assert found.outcome is expected[option] and found.success


def test_not_finite():
    found = minimize(lambda x: np.sum(np.log(x)), -np.ones(2), jit=True)
    assert found.outcome is Outcome.NOT_FINITE and found.iterations == 0
    falling = minimize(lambda x: -np.exp(np.sum(x)), np.ones(2), method="l-bfgs")
    assert not falling.success


def test_no_lower_value():
    """A gradient that is not that of the function."""
    wrong = wg.custom_jvp(lambda x: np.sum(x**2))
    wrong.defjvp(lambda primals, tangents: (wrong(*primals), -np.sum(tangents[0])))
    found = minimize(wrong, np.ones(2))
    assert found.outcome is Outcome.LINE_SEARCH_FAILED and not found.success
    np.testing.assert_array_equal(found.x, np.ones(2))
    found = minimize(wrong, np.ones(2), method="trust-region")
    assert found.outcome is Outcome.REGION_TOO_SMALL


def test_steps_that_leave_the_domain():
    """NaN in a trial is a value that is too high."""
    for method in METHODS:
        found = minimize(
            lambda x: np.sum(x - np.log(x)), np.full(3, 9.0), method=method
        )
        np.testing.assert_allclose(found.x, 1.0, atol=1e-5)


@pytest.mark.parametrize("jit", [True, False])
def test_callback(jit):
    seen = []

    def tell(x, value):
        seen.append((x, value))
        return len(seen) == 3

    found = minimize(
        lambda p: ROSENBROCK.f(p["x"]), {"x": ROSENBROCK.x0}, callback=tell, jit=jit
    )
    assert found.outcome is Outcome.STOPPED and not found.success
    assert len(seen) == found.iterations == 3
    np.testing.assert_array_equal(seen[-1][0]["x"], found.x["x"])
    assert [value for _, value in seen] == [*found.history.value[1:]]


# -- what x may be ---------------------------------------------------------------------


def test_pytrees_and_arguments():
    def f(p, data, power):
        return np.sum((p["w"] - data) ** power) + (p["b"] - 1.0) ** 2

    start = {"w": np.zeros((2, 2)), "b": 5.0}
    found = minimize(f, start, (np.arange(4.0).reshape(2, 2), 2))
    np.testing.assert_allclose(found.x["w"], [[0.0, 1.0], [2.0, 3.0]], atol=1e-6)
    assert found.x["b"] == pytest.approx(1.0)
    assert found.gradient["w"].shape == (2, 2)
    assert minimize(lambda x: (x - 2.0) ** 2, 0.0).x == pytest.approx(2.0)


def test_float32_is_returned_and_not_computed_in():
    found = minimize(ROSENBROCK.f, np.array([-1.2, 1.0], np.float32), gtol=1e-3)
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, 1.0, atol=1e-2)


def test_the_start_is_left_alone():
    def f(x):
        x[0] = x[0] - 1.0
        return np.sum(x**2)

    x0 = np.array([3.0, 4.0])
    for jit in (True, False):
        np.testing.assert_allclose(minimize(f, x0, jit=jit).x, [1.0, 0.0], atol=1e-6)
    np.testing.assert_array_equal(x0, [3.0, 4.0])


def test_objects_that_are_called():
    class Bowl:
        __hash__ = None  # as of a dataclass whose fields are compared

        def __init__(self, centre):
            self.centre = centre

        def __call__(self, x):
            return np.sum((x - self.centre) ** 2)

        def value(self, x):
            return self(x)

    bowl = Bowl(2.0)
    for f in (bowl, bowl.value):
        np.testing.assert_allclose(minimize(f, np.zeros(2)).x, 2.0)
    bowl.centre = 3.0
    np.testing.assert_allclose(minimize(bowl.value, np.zeros(2)).x, 3.0)


def test_parameters_of_methods():
    few = minimize(*KNOWN["wood"][:2], method=LBFGS(memory=2))
    assert few.success and few.iterations != minimize(*KNOWN["wood"][:2]).iterations
    narrow = minimize(*ROSENBROCK[:2], method=TrustRegion(radius=0.01, largest=0.01))
    assert narrow.success and np.all(narrow.history.step <= 0.0100001)


# -- inside transformations ------------------------------------------------------------


def _bowl(x, a):
    return np.sum((x - a) ** 2) * (1.0 + x[0] ** 2) + a**3


STARTS = np.array([[-1.2, 1.0], [0.5, 2.0], [3.0, -3.0]])


@pytest.mark.parametrize("method", METHODS)
def test_from_many_starts(method):
    lanes = wg.vmap(lambda x0: minimize(ROSENBROCK.f, x0, method=method))(STARTS)
    alone = [minimize(ROSENBROCK.f, x0, method=method) for x0 in STARTS]
    assert lanes.outcome == [Outcome.CONVERGED] * 3 and np.all(lanes.success)
    np.testing.assert_array_equal(lanes.iterations, [r.iterations for r in alone])
    np.testing.assert_allclose(lanes.x, [r.x for r in alone], rtol=1e-9)
    assert lanes.history.value.shape == (3, 1001)


@pytest.mark.parametrize("method", ["l-bfgs", "trust-region"])
def test_inside_jit(method):
    @wg.jit
    def lowest(x0, scale):
        found = minimize(lambda x: scale * ROSENBROCK.f(x) + scale, x0, method=method)
        return found.value, found.success

    value, success = lowest(STARTS[0], 3.0)
    assert success and value == pytest.approx(3.0)


@pytest.mark.parametrize("method", ["l-bfgs", "newton-cg"])
def test_derivative_of_the_lowest_value(method):
    """By the iterations that took place; at a minimum, that of f in its parameter."""

    def lowest(a):
        return minimize(_bowl, np.array([2.0, -1.0]), (a,), method, gtol=1e-10).value

    slope = wg.grad(lowest)(1.5)
    assert slope == pytest.approx(3 * 1.5**2, rel=1e-9)


def test_derivative_of_the_minimiser():
    def minimiser(a):  # a closure over what is differentiated
        return minimize(lambda x: _bowl(x, a), np.array([2.0, -1.0]), gtol=1e-10).x

    np.testing.assert_allclose(wg.jacobian(minimiser)(1.5), [1.0, 1.0], rtol=1e-6)


def test_second_derivative_of_the_lowest_value():
    f = lambda x, a: (x - a) ** 2 + a**3
    lowest = lambda a: minimize(f, 2.0, a, "trust-region").value
    compiled = wg.jit(lambda a: wg.jvp(wg.grad(lowest), (a,), (1.0,))[1])
    assert compiled(1.5) == pytest.approx(9.0)


@pytest.mark.parametrize("method", ["bfgs", "newton-cg"])
def test_a_third_length_compiles_nothing(method, monkeypatch):
    def bowl(x):
        return np.sum((x - 1.0) ** 2)

    for n in (2, 3):
        minimize(bowl, np.zeros(n), method=method)
    monkeypatch.setattr("wengert._staging.jit.staged_for", None)
    np.testing.assert_allclose(minimize(bowl, np.zeros(20), method=method).x, 1.0)
