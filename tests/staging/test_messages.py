"""Exceptions that show values known only when the program runs."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg


class OutOfRange(Exception):
    def __init__(self, value, *, where):
        super().__init__(value)
        self.where = where


def root(x):
    if x < 0:
        raise ValueError(f"x is {x:.2f}, negative", x)
    return np.sqrt(x)


def entries(x):
    for i in range(10):
        if x[i] < 0:
            raise OutOfRange(x[i : i + 2], where=i) from KeyError("cause")
    return x.sum()


def asserted(x):
    y = x * 2.0
    assert y > 0, f"y = {y}, x = {x!s:>30}"
    return y


def test_numbers_of_the_call_are_shown():
    f = wg.jit(root)
    for x in (-2.0, -0.125):
        with pytest.raises(ValueError) as caught:
            f(x)
        assert caught.value.args == (f"x is {x:.2f}, negative", x)
    with pytest.raises(AssertionError, match=r"^y = -6.0, x = .*-3.0"):
        wg.jit(asserted)(-3.0)


def test_arrays_attributes_and_causes():
    x = np.array([1.0] * 7 + [-2.0, -3.0, 1.0])
    for _ in range(2):
        with pytest.raises(OutOfRange) as caught:
            wg.jit(entries)(x)
        np.testing.assert_array_equal(caught.value.args[0], [-2.0, -3.0])
        assert caught.value.where == 7
        assert type(caught.value.__cause__) is KeyError


TRANSFORMED = [
    lambda f: lambda x: wg.grad(f)(x),
    lambda f: lambda x: wg.jvp(f, (x,), (1.0,)),
    lambda f: lambda x: wg.vmap(f)(np.stack([-x, x, 2 * x])),
    lambda f: lambda x: wg.vmap(wg.grad(f))(np.stack([-x, x, 2 * x])),
    lambda f: lambda x: wg.grad(lambda x: wg.vmap(f)(np.stack([-x, x])).sum())(x),
]


@pytest.mark.parametrize("transformed", TRANSFORMED)
def test_transformations_show_primal_numbers(transformed):
    """Of several lanes, those of the first one that fails."""
    with pytest.raises(ValueError, match=r"x is -2.50, negative"):
        wg.jit(transformed(root))(-2.5)
    with pytest.raises(AssertionError, match=r"y = -5.0"):
        wg.jit(transformed(asserted))(-2.5)


def refuses(x):
    if x < 0:
        raise ValueError("negative")
    for _ in range(9):
        if x > 100.0:
            raise ValueError("large")
        x = x * 1.5
    return x


@pytest.mark.parametrize("transformed", TRANSFORMED)
def test_an_exception_without_numbers_is_raised_when_the_program_runs(transformed):
    compiled = wg.jit(transformed(refuses))
    compiled(0.0)
    with pytest.raises(ValueError, match="negative|large"):
        compiled(-90.0)


def fail(x):
    raise ValueError(f"{x} is negative")


def fail_in_one_of_two_ways(x):
    if np.sin(x) < -0.5:
        raise ValueError("one")
    raise KeyError("two")


def in_statement(x):
    if x < 0:
        fail(x)
    return np.sqrt(x)


def in_expression(x):
    y = x if x > 0 else fail(x)
    return np.sqrt(y)


def in_loop(x):
    for _ in range(10):
        x = x - 1.0
        if x < 0:
            y = fail(x)
            x = y
    return x


def in_while(x):
    while x > 1:
        x = x / 2
        if x > 100:
            x = fail_in_one_of_two_ways(x)
    return x


def after_a_branch(x):
    if x < 0:
        x = fail_in_one_of_two_ways(x)
    return x


def caught(x):
    if x < 0:
        try:
            fail(x)
        except ValueError:
            x = -x
    return np.sqrt(x)


@pytest.mark.parametrize(
    "f", [in_statement, in_expression, in_loop, in_while, after_a_branch, caught]
)
def test_functions_that_always_raise_are_called_in_branches(f):
    def outcome(f, x):
        try:
            return f(x)
        except (ValueError, KeyError) as error:
            return type(error), error.args

    for x in (20.0, -1.0, -0.125, 4096.0):
        assert outcome(wg.jit(f), x) == outcome(f, x)
        value = lambda x: wg.jit(wg.value_and_grad(f))(x)[0]
        assert outcome(value, x) == outcome(f, x)
