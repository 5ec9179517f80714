"""finite_difference and check_grads."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._modes.check import check_grads, finite_difference
from wengert._modes.custom import custom_jvp, custom_vjp
from wengert.errors import ArgumentError, DTypeError, GradientCheckError

X = np.array([0.3, 0.7, -1.2])


def f(d):
    return {"o": wnp.sin(d["a"]) * d["b"], "s": (wnp.sum(d["a"]) ** 2, 3)}


@pytest.mark.parametrize(
    ("method", "rtol"), [("forward", 1e-6), ("central", 1e-9), ("complex", 1e-14)]
)
def test_differences_are_laid_out_as_jacobian(method, rtol):
    d = {"a": X, "b": 2.0, "k": 7}
    got = finite_difference(lambda d: f(d)["o"], d, method)
    want = wg.jacobian(lambda d: f(d)["o"])(d)
    assert got["k"] is None and want["k"] is None
    for name in "ab":
        assert got[name].shape == want[name].shape
        np.testing.assert_allclose(got[name], want[name], rtol=rtol, atol=rtol)
    both = finite_difference(lambda x: {"p": x * x, "q": wnp.sum(x)}, X, method)
    assert both["p"].shape == (3, 3) and both["q"].shape == (3,)


def test_step_follows_the_dtype_and_may_be_given():
    x = np.array([1.0, 1000.0], np.float32)
    for method in ("central", "forward"):
        np.testing.assert_allclose(
            np.diag(finite_difference(lambda x: x * x, x, method)), 2 * x, rtol=2e-2
        )
    steps = []
    finite_difference(lambda x: steps.append(x) or x, 1.0, "forward", step=0.5)
    assert 1.5 in steps
    assert finite_difference(lambda x: x, np.zeros((0, 2))).shape == (0, 2, 0, 2)


@pytest.mark.parametrize(
    ("run", "error", "text"),
    [
        (
            lambda: finite_difference(np.sin, 1.0, "backward"),
            ArgumentError,
            "method='backward'",
        ),
        (lambda: finite_difference(np.sin, 1.0, step=0), ArgumentError, "step=0"),
        (
            lambda: finite_difference(np.sin, np.arange(2)),
            DTypeError,
            "x has dtype int64",
        ),
        (lambda: finite_difference(np.sin, 1j), DTypeError, "x has dtype complex128"),
        (lambda: check_grads(np.sin, (1.0,), order=0), ArgumentError, "order=0"),
    ],
)
def test_errors(run, error, text):
    with pytest.raises(error, match=text) as e:
        run()
    assert "test_check.py" in str(e.value) and "Fix: " in str(e.value)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_right_functions_pass(dtype):
    x = X.astype(dtype)
    check_grads(lambda x, y: {"o": wnp.sin(x) * y}, (x, dtype(2)), order=3)
    check_grads(lambda d: f(d)["o"], ({"a": x, "b": dtype(2), "k": 3},))
    check_grads(wnp.tanh, (x[:1],), order=4)
    check_grads(lambda x: wnp.cumsum(x) @ x, x)


def test_complex_functions_pass():
    z = X + 0.5j
    check_grads(lambda z: wnp.exp(z) * wnp.conj(z), (z,))
    check_grads(lambda z: wnp.sum(wnp.abs(z) ** 2), (z,))


def product(jvp_factor=1.0, vjp_factor=None):
    """``sin(x) y`` with rules that may be wrong."""
    g = custom_jvp(lambda x, y: wnp.sin(x) * y)

    @g.defjvp
    def rule(p, t):
        along = jvp_factor * wnp.cos(p[0]) * p[1] * t[0] + wnp.sin(p[0]) * t[1]
        return g(*p), along

    if vjp_factor is not None:
        g.defvjp(
            lambda x, y: (g(x, y), (x, y)),
            lambda r, ct: (
                wnp.cos(r[0]) * r[1] * ct,
                vjp_factor * wnp.sum(wnp.sin(r[0]) * ct),
            ),
        )
    return g


def test_wrong_jvp_rules_fail_and_are_named():
    with pytest.raises(GradientCheckError) as e:
        check_grads(product(jvp_factor=1.001), (X, 2.0))
    text = str(e.value)
    assert "order 1: forward mode gives" in text and "a central difference" in text
    assert "with respect to args[0][0] of entry [0] of output 0" in text
    assert isinstance(e.value, AssertionError)


def test_wrong_vjp_rules_fail_and_are_named():
    with pytest.raises(GradientCheckError) as e:
        check_grads(product(vjp_factor=1.0001), (X, 2.0))
    text = str(e.value)
    assert "order 1: reverse mode differs from forward mode" in text
    assert "for args[1] reverse mode gives" in text and "<ct, J t>" in text
    check_grads(product(vjp_factor=1.0), (X, 2.0))


def test_taylor_slope_sees_what_entries_do_not():
    with pytest.raises(GradientCheckError, match=r"falls as h\^1\.0\d, not as h\^2"):
        check_grads(product(jvp_factor=1.1), (X, 2.0), entries=0)


def test_wrong_second_order_fails():
    g = custom_vjp(lambda x: x**3)
    # Right to first order; the residual hides the dependence of the derivative on x.
    g.defvjp(lambda x: (x**3, wg.stop_gradient(x)), lambda x, ct: (3 * x**2 * ct,))
    check_grads(g, (X,), order=1)
    with pytest.raises(GradientCheckError, match="order 2"):
        check_grads(g, (X,), order=2)


def test_non_smooth_function_fails():
    with pytest.raises(GradientCheckError):
        check_grads(lambda x: wnp.maximum(x, 2 * x), (0.0,))


def test_many_entries_are_sampled():
    calls = []
    check_grads(
        lambda x: calls.append(1) or wnp.sum(wnp.sin(x)), (np.ones(500),), 1, entries=5
    )
    assert len(calls) < 80


def test_check_grads_where_the_function_bends_on_a_small_scale():
    # A Kalman filter's likelihood near small variances: f''' is 1e7, and a central
    # difference alone is off by 4e-6.
    def likelihood(p):
        x, spread, total = wnp.zeros(2), wnp.eye(2), 0.0
        moves = np.array([[1.0, 0.1], [0.0, 1.0]])
        for step in range(30):
            x, spread = moves @ x, moves @ spread @ moves.T + p[0] * np.eye(2)
            variance = spread[0, 0] + p[1]
            gain, surprise = spread[:, 0] / variance, np.sin(0.3 * step) - x[0]
            x = x + gain * surprise
            spread = spread - wnp.outer(gain, spread[0])
            total = total - 0.5 * (wnp.log(variance) + surprise * surprise / variance)
        return total

    wg.check_grads(likelihood, (np.array([0.01, 0.1]),), order=2)
