"""Functions that call themselves, in compiled code."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.staging.programs import X
from tests.staging.recursions import integral, power_of
from wengert._frontend.api import convert
from wengert.errors import JoinError, MutationError, StagedValueError


@wg.jit
def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


@wg.jit
def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


@wg.jit
def is_even(n):
    if n == 0:
        return True
    return is_odd(n - 1)


@wg.jit
def is_odd(n):
    if n == 0:
        return False
    return is_even(n - 1)


@wg.jit
def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def test_compiled_functions_call_themselves():
    assert power(2.0, 10) == 1024.0 and power(2.0, 0) == 1.0
    assert [fibonacci(n) for n in (0, 1, 10, 20)] == [0, 1, 55, 6765]
    assert is_even(10) and not is_odd(10) and is_odd(7)
    assert ackermann(2, 3) == 9


def test_derivatives_of_a_compiled_function_that_calls_itself():
    assert np.isclose(wg.grad(power)(1.1, 5), 5 * 1.1**4, rtol=1e-14)
    assert np.isclose(wg.jit(wg.grad(power))(1.1, 5), 5 * 1.1**4, rtol=1e-14)
    assert np.isclose(wg.grad(wg.grad(power))(1.1, 5), 20 * 1.1**3, rtol=1e-14)
    forward = wg.jvp(lambda x: power(x, 5), (1.1,), (1.0,))[1]
    assert np.isclose(forward, 5 * 1.1**4, rtol=1e-14)


def test_each_lane_has_its_own_depth():
    x, n = np.array([1.1, 2.0, 3.0]), np.array([3, 5, 0])
    for lanes in (wg.jit(wg.vmap(power_of)), wg.vmap(power)):
        np.testing.assert_allclose(lanes(x, n), x**n, rtol=1e-14)
    slopes = wg.jit(wg.vmap(wg.grad(power_of)))(x, n)
    np.testing.assert_allclose(slopes, n * x ** (n - 1.0), rtol=1e-14)


def same(a, b, tolerance):
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def test_second_derivatives_in_native_code():
    """Adaptive quadrature: two calls of itself, with a tolerance."""
    eager = convert(integral, staging=False)
    x = 2.3
    expected = wg.grad(wg.grad(eager))(x)
    assert np.isclose(wg.jit(wg.grad(wg.grad(integral)))(x), expected, rtol=1e-10)
    assert np.isclose(wg.grad(wg.grad(wg.jit(integral)))(x), expected, rtol=1e-10)
    assert np.isclose(wg.jit(wg.hessian(integral))(x), expected, rtol=1e-10)


# -- depth -----------------------------------------------------------------------------


@wg.jit
def endless(x):
    if x > 1e300:
        return x
    return endless(x * 0.5) + 1.0


def deep(x, n):
    if n == 0:
        return x
    y = np.zeros(4)
    y[0] = x
    return deep(y.sum() * 0.99, n - 1) + y[0]


def test_recursion_without_end_names_the_line():
    for call in (endless, wg.grad(endless), wg.vmap(endless)):
        given = np.ones(2) if "vmap" in call.__name__ else 1.0
        with pytest.raises(RecursionError, match="maximum recursion depth") as caught:
            call(given)
        (note,) = caught.value.__notes__
        assert "return endless(x * 0.5) + 1.0, in compiled code" in note


def test_recursion_is_as_deep_as_pythons():
    n = sys.getrecursionlimit() - 10
    expected = sum(0.99**k for k in range(n + 1))
    assert np.isclose(wg.jit(deep)(1.0, n), expected, rtol=1e-12)
    assert np.isclose(wg.jit(wg.grad(deep))(1.0, n), expected, rtol=1e-12)
    with pytest.raises(RecursionError):
        wg.jit(deep)(1.0, n + 100)


def test_recursion_without_end_in_a_thread():
    caught = []

    def run():
        try:
            endless(1.0)
        except RecursionError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(caught) == 1


# -- what Python decides ---------------------------------------------------------------


def layers(x, depth, weights):
    if depth == 0:
        return x
    if x > 0:
        return layers(x * weights[depth], depth - 1, weights)
    return layers(x - 1, depth - 1, weights)


def test_a_depth_that_python_decides_is_written_out():
    weights = [2.0, -1.0] * 7
    compiled = wg.jit(lambda x: layers(x, 12, weights))
    assert compiled(1.5) == layers(1.5, 12, weights)
    assert "recur" not in str(wg.program(lambda x: layers(x, 12, weights))(1.5))


def bounded(f, a, b, depth):
    m = (a + b) / 2
    whole, halves = (b - a) * f(m), (m - a) * f((a + m) / 2) + (b - m) * f((m + b) / 2)
    if depth == 0 or abs(whole - halves) < 1e-3:
        return halves
    return bounded(f, a, m, depth - 1) + bounded(f, m, b, depth - 1)


def test_a_number_that_counts_down_becomes_an_argument():
    """The size of the program is not that of the tree."""
    f = lambda x: bounded(lambda t: np.exp(x * t), 0.0, 2.0, 20)
    assert np.isclose(wg.jit(f)(1.5), f(1.5), rtol=1e-14)
    assert len(str(wg.program(f)(1.5))) < 100_000


def test_dtypes_are_those_of_python():
    result = power(np.float32(2.0), 3)
    assert result == 8.0 and result.dtype == np.float32
    assert fibonacci(5).dtype == np.int64


# -- effects ---------------------------------------------------------------------------


def says(x):
    print("at", x)
    if x > 3:
        return x
    return says(x + 1.0) * 2.0


def test_prints_are_pythons(capsys):
    says(1.0)
    expected = capsys.readouterr().out
    for f in (wg.jit(says), wg.jit(wg.grad(says)), wg.grad(wg.jit(says))):
        f(1.0)
        assert capsys.readouterr().out == expected


def checked(x, n):
    if x > 3:
        raise ValueError(f"{x} is large")
    if n == 0:
        return x
    return checked(x + 1.0, n - 1)


def always_raises(x):
    if x > 3:
        raise ValueError(f"{x} is large")
    return always_raises(x + 1.0)


def test_exceptions_are_pythons():
    assert wg.jit(checked)(1.0, 2) == 3.0
    with pytest.raises(ValueError, match=r"4\.0 is large"):
        wg.jit(checked)(1.0, 5)
    with pytest.raises(ValueError, match=r"4\.0 is large"):
        wg.jit(always_raises)(1.0)


def test_opaque_functions():
    sine = wg.opaque(
        lambda x: np.sin(x), out=lambda x: x, jvp=lambda p, t: wnp.cos(p[0]) * t[0]
    )

    def f(x):
        if x > 3:
            return x
        return f(x + 1.0) * sine(x)

    assert np.isclose(wg.jit(f)(1.0), f(1.0), rtol=1e-14)
    forward = lambda x: wg.jvp(f, (x,), (1.0,))
    same(wg.jit(forward)(1.0), forward(1.0), 1e-12)
    with pytest.raises(StagedValueError, match="called again for the derivative"):
        wg.jit(wg.grad(f))(1.0)


def test_vmap_inside():
    def f(x, n):
        if n == 0:
            return x * 1.0
        return wg.vmap(lambda y: f(y, n - 1))(wnp.stack([x, x + 1.0])).sum()

    assert wg.jit(f)(1.0, 3) == f(1.0, 3)
    assert wg.jit(wg.grad(f))(1.0, 3) == 8.0


# -- memory ----------------------------------------------------------------------------


def shifted(a, b, k):
    """Writes to one argument, and reads the other."""
    if k == 0:
        return a[0] + b[-1]
    a[0] += b[0]
    return shifted(a, b, k - 1)


def both_names(x, n):
    return shifted(x, x, n)


def two_parts(x, n):
    y = x.copy()
    return shifted(y[:3], y[2:], n)


def test_one_array_by_two_names():
    x = np.arange(5.0) + 1.0
    assert wg.jit(both_names)(x.copy(), 3) == both_names(x.copy(), 3)
    with pytest.raises(MutationError, match="shares memory"):
        wg.jit(two_parts)(x, 3)


def test_an_argument_of_the_compiled_function_is_written_to():
    def doubled(a, i):
        if i < len(a):
            a[i] *= 2.0
            doubled(a, i + 1)

    a = np.arange(4.0)
    wg.jit(doubled)(a, 1)
    assert a.tolist() == [0.0, 2.0, 4.0, 6.0]


def test_a_view_that_comes_back_is_not_used_after_a_write():
    compiled = wg.jit(lambda x: tail_of_fixed_length(x, 0).sum())
    assert np.isclose(compiled(X), X[2:].sum(), rtol=1e-14)
    with pytest.raises(MutationError, match="may have changed"):
        wg.jit(writes_to_the_tail)(X)


def tail_of_fixed_length(a, k):
    if k > 2:
        return a[2:]
    return tail_of_fixed_length(a, k + 1)


def writes_to_the_tail(x):
    y = x.copy()
    part = tail_of_fixed_length(y, np.rint(x[0]).astype(int))
    part[0] = 7.0
    return y.sum()


# -- what is refused -------------------------------------------------------------------


def remembered(x, n, cache):
    if n in cache:
        return cache[n]
    if x > 3:
        return x
    cache[n] = x
    return remembered(x + 1.0, n + 1, cache)


def its_own_derivative(x):
    if x > 3:
        return x
    return wg.grad(its_own_derivative)(x + 1.0) * 2.0


def on_every_path(x):
    if x > 0:
        return on_every_path(x - 1.0)
    return on_every_path(x - 2.0)


def longer(x):
    if x.sum() > 10:
        return x
    return np.concatenate([longer(x * 2.0), x])


def nested(x):
    if x > 3:
        return x
    return (nested(x + 1.0),)


@pytest.mark.parametrize(
    "f, x, error, message",
    [
        (lambda x: remembered(x, 0, {}), 1.0, StagedValueError, "other types at every"),
        (its_own_derivative, 1.0, StagedValueError, "differentiated inside itself"),
        (on_every_path, 1.0, JoinError, "on_every_path calls itself on every path"),
        (longer, np.ones(3), JoinError, "longer calls itself, and returns an array"),
        (nested, 1.0, JoinError, "on one path, and"),
    ],
)
def test_what_has_no_type_is_refused(f, x, error, message):
    with pytest.raises(error, match=message):
        wg.jit(f)(x)
