"""What equations read besides their arguments is differentiated too, or refused."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

import wengert as wg
from wengert import implicit


class Spring:
    def __init__(self, stiffness):
        self.stiffness = stiffness
        self.parts = {"me": self}

    def balance(self, x):
        return self.stiffness * x + x**3 - 1.0


@dataclasses.dataclass
class Bar:
    stiffness: float

    def balance(self, x):
        return self.stiffness * x + x**3 - 1.0


def by_closure(k):
    return implicit.root(lambda x: k * x + x**3 - 1.0, 0.5)


def by_closure_in_a_closure(k):
    inner = lambda x: k * x
    outer = lambda x: inner(x) + x**3 - 1.0
    return implicit.root(outer, 0.5)


def by_default(k):
    return implicit.root(lambda x, k=k: k * x + x**3 - 1.0, 0.5)


def by_attribute(k):
    return implicit.root(Spring(k).balance, 0.5)


def by_field(k):
    return implicit.root(Bar(k).balance, 0.5)


def by_object(k):
    spring = Spring(k)
    return implicit.root(lambda x: spring.balance(x), 0.5)


def by_partial(k):
    def balance(k, x):
        return k * x + x**3 - 1.0

    return implicit.root(functools.partial(balance, k), 0.5)


def by_container(k):
    table = {"k": [k, "N/m"]}
    return implicit.root(lambda x: table["k"][0] * x + x**3 - 1.0, 0.5)


def by_recursion(k):
    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1)

    return implicit.root(lambda x: k * x + power(x, 3) - 1.0, 0.5)


def in_the_solver(k):
    @implicit.custom_root(lambda x: k * x + x**3 - 1.0)
    def solve():
        x = 0.5
        for _ in range(20):
            x = x - (k * x + x**3 - 1.0) / (k + 3.0 * x * x)
        return x

    return solve()


class Table(dict):
    """What an object that is more than its attributes looks like."""

    scale = 1.0


def by_object_that_is_not_copied(k):
    """A dictionary of a class of its own; k is an argument."""
    table = Table(power=3)
    balance = lambda x, k: k * x + x ** table["power"] - table.scale
    return implicit.root(balance, 0.5, (k,))


WAYS = [
    by_object_that_is_not_copied,
    by_closure,
    by_closure_in_a_closure,
    by_default,
    by_attribute,
    by_field,
    by_object,
    by_partial,
    by_container,
    by_recursion,
    in_the_solver,
]


@pytest.mark.parametrize("f", WAYS, ids=lambda f: f.__name__)
def test_what_is_read_from_outside_is_differentiated(f):
    reference = lambda k: implicit.root(lambda x, k: k * x + x**3 - 1.0, 0.5, (k,))
    for of in (wg.grad, lambda f: wg.grad(wg.jit(f))):
        assert of(f)(2.0) == pytest.approx(wg.grad(reference)(2.0), rel=1e-12)
    assert wg.hessian(f)(2.0) == pytest.approx(wg.hessian(reference)(2.0), rel=1e-10)


def test_what_reads_no_traced_value_stays_what_it_is():
    """So that a residual may count its calls."""
    calls = []

    def balance(x, k):
        calls.append(1)
        return k * x - 1.0

    wg.grad(lambda k: implicit.root(balance, 0.5, (k,)))(2.0)
    assert len(calls) > 3


def test_arrays_from_outside_are_read_when_compiled_code_runs():
    weights = np.array([1.0, 2.0])
    total = wg.jit(lambda k: implicit.root(lambda x: k * x - weights, np.ones(2)).sum())
    slope = wg.grad(total)
    assert slope(2.0) == pytest.approx(-3.0 / 4.0)
    weights[0] = 5.0
    assert slope(2.0) == pytest.approx(-7.0 / 4.0)
