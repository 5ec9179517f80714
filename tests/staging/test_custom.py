"""Functions with rules of their own, and checkpoints, in compiled code."""

from __future__ import annotations

import numpy as np

import wengert as wg

X = np.linspace(0.1, 1.0, 10)


@wg.custom_vjp
def hundredfold(x):
    return x * x


hundredfold.defvjp(lambda x: (x * x, x), lambda x, ct: (100.0 * ct,))


@wg.custom_jvp
def sevenfold(x):
    return np.sin(x)


sevenfold.defjvp(lambda primals, tangents: (np.sin(primals[0]), 7.0 * tangents[0]))


def looped(rule):
    def total(x):
        s = 0.0
        for i in range(10):
            if x[i] > 0.35:
                s = s + rule(x[i])
        return s

    return total


def test_a_rule_in_a_loop_is_used():
    for rule, factor in ((hundredfold, 100.0), (sevenfold, 7.0)):
        expected = np.where(X > 0.35, factor, 0.0)
        total = looped(rule)
        np.testing.assert_allclose(wg.jit(wg.grad(total))(X), expected)
        np.testing.assert_allclose(wg.grad(wg.jit(total))(X), expected)


def test_the_missing_mode_is_derived():
    forward = wg.jvp(wg.jit(looped(sevenfold)), (X,), (X,))[1]
    np.testing.assert_allclose(forward, np.sum(7.0 * X[X > 0.35]))
    forward = wg.jvp(wg.jit(looped(hundredfold)), (X,), (X,))[1]
    np.testing.assert_allclose(forward, np.sum(100.0 * X[X > 0.35]))


def test_a_checkpoint_is_compiled():
    part = wg.checkpoint(lambda x: np.sin(x) * x)
    expected = np.cos(X) * X + np.sin(X)

    def total(x):
        return part(x).sum()

    np.testing.assert_allclose(wg.jit(wg.grad(total))(X), expected)
    np.testing.assert_allclose(wg.grad(wg.jit(total))(X), expected)


def test_stop_gradient():
    def half(x):
        return (wg.stop_gradient(x) * x).sum()

    np.testing.assert_allclose(wg.jit(wg.grad(half))(X), X)
    np.testing.assert_allclose(wg.grad(wg.jit(half))(X), X)


WEIGHTS = np.arange(1.0, 11.0)


@wg.custom_jvp
def weighted(x):
    return WEIGHTS * x


weighted.defjvp(lambda primals, ts: (weighted(*primals), WEIGHTS * np.eye(10) @ ts[0]))


def test_a_rule_reads_an_array_from_outside():
    """As it is when the compiled derivative runs."""
    total = wg.jit(lambda x: weighted(x).sum())
    slope = wg.grad(total)
    np.testing.assert_allclose(slope(X), np.arange(1.0, 11.0))
    np.testing.assert_allclose(wg.jvp(total, (X,), (X,))[1], (WEIGHTS * X).sum())
    WEIGHTS[0] = 5.0
    try:
        np.testing.assert_allclose(slope(X)[0], 5.0)
    finally:
        WEIGHTS[0] = 1.0


@wg.custom_jvp
def halved(x):
    while x > 1.0:
        x = x / 2
    return x


@halved.defjvp
def _halved(primals, tangents):
    (x,), (dx,) = primals, tangents
    slope = 1.0
    while x > 1.0:
        x, slope = x / 2, slope / 2
    return halved(primals[0]), slope * dx


def test_loops_in_a_rule_are_compiled():
    for fun in (wg.jit(wg.grad(halved)), wg.grad(wg.jit(halved))):
        assert fun(7.0) == 0.125 and fun(3.0) == 0.25
    assert wg.jvp(wg.jit(halved), (7.0,), (1.0,))[1] == 0.125


def test_the_second_derivative_of_a_compiled_rule():
    hessian = wg.hessian(wg.jit(lambda x: weighted(x * x).sum()))(X)
    np.testing.assert_allclose(hessian, np.diag(2.0 * WEIGHTS))


@wg.custom_jvp
def grown(x):
    return np.exp(x)


@grown.defjvp
def _grown(primals, tangents):
    y = grown(primals[0])
    return y, y * tangents[0]


def test_a_rule_that_calls_its_function_is_no_recursion():
    for order in (wg.grad(wg.grad(grown)), wg.grad(wg.grad(wg.grad(grown)))):
        assert np.isclose(wg.jit(order)(0.5), np.exp(0.5), rtol=1e-15)


def test_arrays_that_a_rule_makes_are_made_by_compiled_code():
    @wg.custom_vjp
    def double(x):
        return 2.0 * x

    def backwards(_, ct):
        twice, hole = np.zeros(3), np.full(3, -0.0)
        for i in range(3):
            twice[i] += 2.0 * ct[i]
        return (np.where(np.signbit(hole), twice, 0.0),)

    double.defvjp(lambda x: (2.0 * x, None), backwards)
    inner = wg.jit(lambda x: np.sum(double(x) ** 2))
    by_x = wg.grad(lambda x: inner(x))
    np.testing.assert_array_equal(wg.jit(by_x)(np.ones(3)), [8.0, 8.0, 8.0])
    assert "held" not in str(wg.program(by_x)(np.ones(3)))
