"""`opaque` in compiled code: called as often, and in the order, that Python has."""

from __future__ import annotations

import math

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.staging.opaques import CALLS, OPAQUE, hidden, sine
from tests.staging.programs import X
from tests.staging.test_programs import MODES, total
from wengert._frontend.api import convert
from wengert._ir.canonical import canonical
from wengert.errors import (
    ArgumentError,
    CustomRuleError,
    StagedValueError,
)


def called(run, *args):
    """What a function returns, and the calls that it has made."""
    del CALLS[:]
    result = run(*args)
    return result, [*CALLS]


def agree(a, b, rtol=1e-9):
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)
        assert np.result_type(x) == np.result_type(y)


@pytest.mark.parametrize("f", OPAQUE)
@pytest.mark.parametrize("x", [X, -X, X + 1.0])
def test_calls_are_those_of_python(f, x):
    expected, calls = called(f, x)
    jitted = wg.jit(f)
    for _ in range(2):
        value, found = called(jitted, x)
        agree(value, expected, 1e-14)
        np.testing.assert_allclose(found, calls)


@pytest.mark.parametrize("f", OPAQUE)
@pytest.mark.parametrize("x", [X, -X])
def test_a_gradient_calls_once(f, x):
    """Also where a branch runs again backwards, or a loop has a schedule."""
    expected = wg.grad(total(convert(f, staging=False)))(x)
    calls = called(f, x)[1]
    for gradient in (wg.jit(wg.grad(total(f))), wg.grad(total(wg.jit(f)))):
        value, found = called(gradient, x)
        agree(value, expected)
        np.testing.assert_allclose(found, calls)


def several(x):
    sine(x)
    sine(x)
    unused = sine(x)
    if x > 0:
        sine(2.0 * x)
    for i in range(5):
        sine(x * i)
    return x * 2.0 + 0.0 * unused


@pytest.mark.parametrize("x", [0.5, -0.5])
def test_no_call_is_removed_moved_or_merged(x):
    calls = called(several, x)[1]
    assert called(wg.jit(several), x)[1] == calls
    assert called(wg.jit(wg.grad(several)), x)[1] == calls
    assert called(wg.jit(lambda x: wg.jvp(several, (x,), (1.0,))), x)[1] == calls


def first_above(x):
    while sine(x) < 0.9:
        x = x + 0.1
    return x


def first_of_two(x):
    n = 0
    while sine(x) < 0.9:
        n += 1
        if x > 0.8:
            break
        if n > 2 and x < 0.1:
            continue
        x = x + 0.1
    return x


@pytest.mark.parametrize("f", [first_above, first_of_two])
def test_the_test_of_a_loop_calls_once_for_each_step(f):
    value, calls = called(f, 0.5)
    found, made = called(wg.jit(f), 0.5)
    agree(found, value)
    assert made == calls
    agree(wg.jit(lambda x: wg.jvp(f, (x,), (1.0,)))(0.5), (value, 1.0))


def test_without_arguments():
    answers = iter([3.0, 4.0, 5.0, 6.0])
    sensor = wg.opaque(lambda: np.float64(next(answers)), out=lambda: ((), float))
    times = wg.jit(lambda x: x * sensor())
    assert [times(2.0), times(2.0)] == [6.0, 8.0]
    slope = wg.jit(wg.grad(lambda x: x * sensor()))
    assert slope(2.0) == 5.0
    lanes = wg.jit(wg.vmap(lambda x: x * sensor()))
    assert lanes(np.ones(3)).tolist() == [6.0] * 3  # it does not depend on the lane


scaled = wg.opaque(
    lambda x, k: np.array([math.sin(v) for v in x]) * k,
    out=lambda x, k: (x.shape, x.dtype),
    differences="central",
)


@pytest.mark.parametrize("mode", MODES)
def test_differences(mode):
    x = np.linspace(0.1, 1.0, 4)
    f = lambda x: wnp.sum(scaled(x, x[0]) ** 2)
    derivative = MODES[mode](f)
    agree(wg.jit(derivative)(x), derivative(x), 1e-6)
    agree(
        derivative(x), MODES[mode](lambda x: wnp.sum((wnp.sin(x) * x[0]) ** 2))(x), 0.02
    )


def test_complex_steps():
    f = wg.opaque(lambda x: np.sin(x) * x, out=lambda x: x, differences="complex")
    x = np.linspace(0.1, 1.0, 4)
    expected = np.sin(x) + x * np.cos(x)
    agree(wg.jit(wg.grad(lambda x: wnp.sum(f(x))))(x), expected, 1e-14)
    agree(wg.jit(lambda x: wg.jvp(f, (x,), (x,))[1])(x), expected * x, 1e-14)
    with pytest.raises(CustomRuleError, match="gives first derivatives only"):
        wg.jit(wg.hessian(lambda x: wnp.sum(f(x))))(x)


def test_each_lane_is_called():
    lanes = np.stack([X, -X, X + 1.0])
    f = lambda x: wnp.sum(sine(x) * x)
    for transformed in (wg.vmap(f), wg.vmap(wg.grad(f)), wg.vmap(wg.hessian(f))):
        expected, calls = called(transformed, lanes)
        value, found = called(wg.jit(transformed), lanes)
        agree(value, expected)
        np.testing.assert_allclose(sorted(found), sorted(calls))
    whole = wg.grad(lambda xs: wnp.sum(wg.vmap(f)(xs)))
    agree(wg.jit(whole)(lanes), whole(lanes))
    agree(wg.vmap(wg.jit(f))(lanes), wg.vmap(f)(lanes))


twice = wg.opaque(
    lambda x: np.concatenate([x, x]),
    out=lambda x: ((2 * x.shape[0],), x.dtype),
    differences="central",
)


def test_lengths_of_the_run():
    """Lengths of results follow from those of the arguments."""
    f = lambda x: (twice(x) ** 2).sum()
    jitted, gradient = wg.jit(f), wg.jit(wg.grad(f))
    lanes = wg.jit(wg.vmap(wg.grad(f)))
    for n in (1, 2, 3, 4, 5):
        x = np.arange(1.0, n + 1)
        agree(jitted(x), 2.0 * np.sum(x * x), 1e-14)
        agree(gradient(x), 4.0 * x, 1e-8)
        agree(lanes(np.stack([x, -x, 2 * x])), np.stack([4 * x, -4 * x, 8 * x]), 1e-8)


def test_results_of_many_kinds():
    pair = wg.opaque(
        lambda x, n, key: {"a": x[:1] * n, "b": (n, np.float32(len(key)), None)},
        out=lambda x, n, key: {
            "a": ((1,), x.dtype), "b": (n, ((), "float32"), None)
        },
    )  # fmt: skip
    result = wg.jit(lambda x, n: pair(x, n, "key"))(np.full(3, 2.0), 4)
    assert result["a"].tolist() == [8.0] and result["b"] == (4, 3.0, None)
    assert result["b"][1].dtype == np.float32
    assert wg.jit(lambda x: pair(x, 4, "key"))(np.ones(2))["a"].tolist() == [4.0]


def test_the_function_gets_arrays_of_its_own():
    kept = []

    def keeping(x):
        kept.append(x)
        x += 1.0
        return x

    f = wg.opaque(keeping, out=lambda x: x)
    x = np.zeros(3)
    first = wg.jit(lambda x: f(x) * 2.0 + x)(x)
    assert x.tolist() == [0.0] * 3 and first.tolist() == [2.0] * 3
    wg.jit(lambda x: f(x) * 2.0 + x)(np.ones(3))
    assert kept[0].tolist() == [1.0] * 3


class Mine(Exception):
    """An exception of the user's."""


def test_an_exception_arrives_as_it_is():
    error = Mine("text", 7)

    def fails(x):
        raise error

    f = wg.jit(lambda x: wg.opaque(fails, out=lambda x: x)(x) + 1.0)
    with pytest.raises(Mine) as caught:
        f(1.0)
    assert caught.value is error and caught.value.args == ("text", 7)


def test_floating_point_errors_are_the_callers():
    f = wg.opaque(lambda x: np.log(x), out=lambda x: x)
    jitted = wg.jit(lambda x: f(x))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        jitted(np.zeros(1))


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda x: np.float32(x), r"returned float32\[3\], and out= says float64"),
        (lambda x: x[:2], r"returned float64\[2\], and out= says float64\[3\]"),
        (lambda x: (x, x), "returned the structure"),
        (lambda x: None, "returned the structure"),
        (lambda x: object(), "returned a object"),
    ],
)  # fmt: skip
def test_a_result_of_another_type_is_refused(wrong, message):
    f = wg.jit(lambda x: wg.opaque(wrong, out=lambda x: x)(x))
    with pytest.raises(CustomRuleError, match=message):
        f(np.ones(3))


def test_out_is_required():
    with pytest.raises(ArgumentError, match=r"out=.*\n.*\n.*\n  Fix: .*out=lambda"):
        wg.jit(lambda x: wg.opaque(hidden)(x))(X)
    f = wg.opaque(hidden, out=lambda x: (x.shape, x.dtype))
    assert wg.jit(lambda x: f(x))(X).tolist() == hidden(X).tolist()


def test_a_function_without_rules_has_values_only():
    f = wg.opaque(hidden, out=lambda x: x)
    agree(wg.jit(lambda x: f(x).sum())(X), np.sin(X).sum(), 1e-14)
    with pytest.raises(CustomRuleError, match="a derivative is asked for"):
        wg.jit(wg.grad(lambda x: f(x).sum()))(X)


def doubling(x):
    while x < 5.0:
        x = x + 1.0 + sine(x) ** 2
    return x


def bounded(x):
    for _ in range(10):
        if x < 5.0:
            x = x + 1.0 + sine(x) ** 2
    return x


def halving(x):
    for _ in wg.range(100, checkpoints=3):
        x = 0.5 * sine(x)
        if x < 0.01:
            break
    return x


def in_a_loop(x):
    total = 0.0
    for k in range(4):
        total = total + doubling(x * k)
    return total


@pytest.mark.parametrize("f", [doubling, bounded, halving, in_a_loop])
def test_a_loop_of_any_number_of_steps_calls_once_for_each(f):
    calls = called(f, 0.5)[1]
    slope = wg.jvp(f, (0.5,), (1.0,))[1]
    for derivative in (wg.jit(wg.grad(f)), wg.grad(wg.jit(f))):
        found, made = called(derivative, 0.5)
        agree(found, slope)
        assert made == calls


def test_a_loop_that_would_run_twice_is_refused():
    branch = lambda x: doubling(x) if x > 0.0 else x
    lanes = wg.vmap(wg.grad(doubling))
    for derivative, x in ((wg.grad(branch), 0.5), (lanes, np.array([0.5, 0.7]))):
        with pytest.raises(StagedValueError, match="called again for the derivative"):
            wg.jit(derivative)(x)


def test_a_checkpoint_is_refused():
    part = wg.checkpoint(lambda x: sine(x) * x)
    agree(wg.jit(part)(0.5), part(0.5), 1e-14)
    with pytest.raises(CustomRuleError, match="runs again for the derivative"):
        wg.jit(wg.grad(part))(0.5)
    outside = lambda x: wg.checkpoint(lambda x, y: x * y)(x, sine(x))
    agree(wg.jit(wg.grad(outside))(0.5), wg.grad(outside)(0.5))


def test_a_program_with_one_is_not_kept():
    program = wg.program(lambda x: sine(x) * 2.0)(X)
    assert canonical(program) is None
    assert "%1: f64[10] = opaque(hidden)(%0)  # line" in str(program)
