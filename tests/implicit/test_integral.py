"""`quad` against many digits, and where it has to say that it cannot."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConvergenceError
from wengert.implicit import quad

# f for wengert, f for mpmath, limits, a parameter
INTEGRALS = {
    "smooth": (lambda t, s: np.exp(-s * t), lambda t, s: mpmath.exp(-s * t), 0.0, 2.0),
    "peaked": (
        lambda t, s: s / (s * s + t * t),
        lambda t, s: s / (s * s + t * t),
        -1.0,
        3.0,
    ),
    "oscillating": (
        lambda t, s: np.cos(40.0 * s * t),
        lambda t, s: mpmath.cos(40 * s * t),
        0.0,
        2.0,
    ),
    "root at the end": (
        lambda t, s: np.sqrt(t) * s**2,
        lambda t, s: mpmath.sqrt(t) * s**2,
        0.0,
        1.0,
    ),
    "reversed": (lambda t, s: t**s, lambda t, s: t**s, 2.0, 1.0),
    "to infinity": (
        lambda t, s: np.exp(-s * t * t),
        lambda t, s: mpmath.exp(-s * t * t),
        0.5,
        np.inf,
    ),
    "from minus infinity": (
        lambda t, s: 1.0 / (s + t * t),
        lambda t, s: 1 / (s + t * t),
        -np.inf,
        1.0,
    ),
    "down from infinity": (
        lambda t, s: 1.0 / (s + t * t),
        lambda t, s: 1 / (s + t * t),
        np.inf,
        1.0,
    ),
}
S = 0.3


def _exactly(f, a, b):
    limits = [mpmath.mpf(x) if np.isfinite(x) else mpmath.mpf(x) for x in (a, b)]
    middle = [] if np.inf in (abs(a), abs(b)) else list(mpmath.linspace(a, b, 21)[1:-1])
    with mpmath.workdps(25):
        integral = lambda s: mpmath.quad(lambda t: f(t, s), [*limits[:1], *middle, b])
        return float(integral(mpmath.mpf(S))), float(mpmath.diff(integral, S))


@pytest.mark.parametrize("name", INTEGRALS)
def test_against_mpmath(name):
    f, exact, a, b = INTEGRALS[name]
    value, slope = _exactly(exact, a, b)
    integral = lambda s: quad(f, a, b, (s,))
    found = wg.value_and_grad(integral)(S)
    np.testing.assert_allclose(found, (value, slope), rtol=1e-9)


def test_limits():
    f = lambda t: np.cos(t) + 2.0
    assert wg.grad(lambda b: quad(f, 0.0, b))(1.0) == pytest.approx(np.cos(1.0) + 2.0)
    assert wg.grad(lambda a: quad(f, a, 3.0))(1.0) == pytest.approx(-np.cos(1.0) - 2.0)
    both = lambda x: quad(lambda t: np.sin(x * t), x, x * x)
    exact = lambda x: (np.cos(x * x) - np.cos(x**3)) / x
    assert wg.hessian(both)(1.3) == pytest.approx(wg.hessian(exact)(1.3), rel=1e-9)
    assert quad(f, 1, 1) == 0.0
    assert quad(np.sin, np.inf, np.inf) == 0.0


def test_trees_and_branches():
    """Each of the integrals to the accuracy that was asked for the largest."""

    def f(t, p):
        high = p["a"] if t > 0.5 else p["b"]
        return {"step": high * t, "pair": (t * np.ones(2), 1.0)}

    p = {"a": 2.0, "b": 3.0}
    value = quad(f, 0.0, 1.0, (p,))
    assert value["step"] == pytest.approx(1.125)
    assert value["pair"][0].tolist() == pytest.approx([0.5, 0.5])
    assert value["pair"][1] == pytest.approx(1.0)
    slope = wg.jit(wg.grad(lambda p: quad(f, 0.0, 1.0, (p,))["step"]))(p)
    assert slope == pytest.approx({"a": 0.375, "b": 0.125})
    pushed = wg.jvp(lambda p: quad(f, 0.0, 1.0, (p,)), (p,), (p,))[1]
    assert pushed["step"] == pytest.approx(1.125) and pushed["pair"][1] == 0.0


def test_an_integral_in_an_integral():
    area = lambda r: quad(
        lambda x: quad(lambda y: 1.0 + x * y, 0.0, x, rtol=1e-8), 0.0, r, rtol=1e-8
    )
    assert area(2.0) == pytest.approx(2.0 + 2.0)
    assert wg.grad(area)(2.0) == pytest.approx(2.0 + 4.0)


def test_infinite_limits_of_a_traced_kind_are_not_followed():
    said = pytest.raises(ConvergenceError, match="quad: the integral has an error")
    with np.errstate(invalid="ignore"), said:
        wg.grad(lambda b: quad(lambda t: np.exp(-t), 0.0, b))(np.inf)
