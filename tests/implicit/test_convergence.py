"""What is not solved is said; what has no derivative is refused."""

from __future__ import annotations

import resource
import warnings

import numpy as np
import pytest

import wengert as wg
from wengert import implicit
from wengert.errors import (
    ConvergenceError,
    ConvergenceWarning,
    LanesDisagreeError,
    SingularJacobianError,
)


def two_steps(a):
    x = 1.0
    for _ in range(2):
        x = (x + a / x) / 2
    return x


def decorated(**options):
    return implicit.custom_root(lambda x, a: x * x - a, **options)(two_steps)


MODES = {
    "grad": wg.grad,
    "jvp": lambda f: lambda a: wg.jvp(f, (a,), (1.0,))[1],
    "compiled grad": lambda f: wg.jit(wg.grad(f)),
    "grad of compiled": lambda f: wg.grad(wg.jit(f)),
}


@pytest.mark.parametrize("mode", MODES)
def test_raise(mode):
    f = decorated()
    assert f(3.0) == 1.75
    with pytest.raises(ConvergenceError, match="about 0.01785714") as found:
        MODES[mode](f)(3.0)
    assert "test_convergence.py" in str(found.value)
    assert MODES[mode](f)(1.0) == 0.5  # which the two steps do solve


@pytest.mark.parametrize("mode", MODES)
def test_warn(mode):
    f = decorated(not_converged="warn")
    with pytest.warns(ConvergenceWarning, match="about 0.01785714"):
        assert MODES[mode](f)(3.0) == pytest.approx(1 / 3.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MODES[mode](f)(1.0) == 0.5


@pytest.mark.parametrize("mode", MODES)
def test_unroll(mode):
    """The derivative of the steps, where they do not solve the equation."""
    f = decorated(not_converged="unroll")
    assert MODES[mode](f)(3.0) == pytest.approx(wg.grad(two_steps)(3.0))
    assert MODES[mode](f)(1.0) == 0.5


def test_unrolled_twice():
    f = decorated(not_converged="unroll")
    assert wg.hessian(f)(3.0) == pytest.approx(wg.hessian(two_steps)(3.0))


def test_accuracy_is_as_asked():
    f = decorated(accuracy=0.1)
    assert wg.grad(f)(3.0) == pytest.approx(1 / 3.5)


@pytest.mark.parametrize("action", ["warn", "unroll"])
def test_values_of_solvers_that_have_not_converged(action):
    with pytest.warns(ConvergenceWarning, match="no solution found in 2 steps"):
        x = implicit.root(lambda x: x * x - 3.0, 1.0, maxiter=2, not_converged=action)
    assert x == 1.75


def test_solvers_that_fail_when_compiled():
    fails = wg.jit(lambda a: implicit.root(lambda x: x * x + a, 0.5))
    assert fails(-4.0) == pytest.approx(2.0)
    with pytest.raises(ConvergenceError, match="no solution found"):
        fails(4.0)
    with pytest.raises(ConvergenceError, match="quad: the integral has an error"):
        wg.jit(lambda a: implicit.quad(lambda t: 1.0 / t, 0.0, a))(1.0)
    with pytest.raises(ConvergenceError, match="fixed_point: no fixed point"):
        wg.jit(lambda a: implicit.fixed_point(lambda x: 2.0 * x + a, a))(1.0)


SINGULAR = {
    "a double root": lambda a: implicit.root(lambda x: (x - a) ** 2, 1.5),
    "no strict minimum": lambda a: implicit.argmin(
        lambda x: (x[0] + x[1] - a) ** 2, np.ones(2)
    ).sum(),
    "fewer equations": lambda a: implicit.root(
        lambda x: np.array([x[0] - a, 2.0 * x[0] - 2.0 * a]), np.array([2.0, 0.0])
    ).sum(),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular(name):
    f = SINGULAR[name]
    for of in (wg.grad, lambda f: wg.jit(wg.grad(f)), MODES["jvp"]):
        with pytest.raises(SingularJacobianError, match="singular"):
            of(f)(2.0)


def test_ill_conditioned():
    """Condition 1e10: a derivative to the digits that there are."""
    scale = np.array([1.0, 1e-10])
    f = lambda a: implicit.root(
        lambda x: scale * (x**3 - a), np.array([1.0, 1.5]), tol=1e-10
    )
    slope = wg.jacobian(f)(2.0)
    np.testing.assert_allclose(slope, 2.0 ** (-2 / 3) / 3 * np.ones(2), rtol=1e-5)


def test_eager_lanes_that_take_other_numbers_of_steps_are_refused():
    f = lambda a: implicit.root(lambda x: x * x - a, 1.0)
    lanes = np.array([1.0, 9.0])
    with pytest.raises(LanesDisagreeError, match="jit"):
        wg.vmap(f)(lanes)
    np.testing.assert_allclose(wg.vmap(wg.jit(f))(lanes), [1.0, 3.0])


def test_where_a_bound_holds_without_force_x_is_free():
    """As the documentation says of points where there are two derivatives."""
    f = lambda p: implicit.argmin(lambda x: (x - p) ** 2, 1.0, bounds=(0.0, 5.0))
    assert f(0.0) == 0.0 and wg.grad(f)(0.0) == 1.0
    assert wg.grad(f)(-1.0) == 0.0 and wg.grad(f)(1.0) == 1.0


def test_memory_does_not_grow_with_the_number_of_steps():
    """Reverse mode of the steps would save 1.6 GB."""

    @implicit.custom_fixed_point(lambda x, a: x + 1e-3 * (a - x))
    def settled(a):
        x = 0.0 * a
        for _ in range(200_000):
            x = x + 1e-3 * (a - x)
        return x

    gradient = wg.jit(wg.grad(lambda a: np.sum(settled(a) ** 2)))
    a = np.linspace(0.0, 1.0, 1000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    np.testing.assert_allclose(gradient(a), 2.0 * a, rtol=1e-6)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000
