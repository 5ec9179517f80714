"""Compiled functions that read traced values of the transformations around the call."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.errors import LeakedValueError, MutationError

X = np.linspace(0.2, 0.9, 4)
ROWS = np.stack([X, X[::-1]])


def in_a_loop(jit):
    """A loop and branches on values from outside, one of which changes in between."""

    def f(x):
        y = x * 2

        @jit
        def sweep(k):
            s = k
            for i in range(len(y)):
                if y[i] > 1.0:
                    s = s + y[i] * k
                else:
                    s = s * x[i]
            return s

        first = sweep(1.5)
        y[0] = first
        return sweep(0.5) * first

    return f


def of_a_gradient(jit):
    return lambda x: wg.grad(lambda z: jit(lambda k: (x * z * z * k).sum())(2.0))(
        x
    ).sum()


class Model:
    def __init__(self, weights):
        self.weights = weights


def through_an_object(jit):
    @jit
    def value(model, x):
        return np.sin(model.weights * x).sum()

    return lambda w: jit(lambda model: value(model, X))(Model(w))


def returned_as_it_is(jit):
    def f(x):
        first, (second, count) = jit(lambda: (x, [x * x, 3]))()
        return first.sum() + second.sum() * count

    return f


FUNCTIONS = [in_a_loop, of_a_gradient, through_an_object, returned_as_it_is]
WAYS = {
    "value": lambda f: f(X),
    "gradient": lambda f: wg.grad(f)(X),
    "tangent": lambda f: wg.jvp(f, (X,), (ROWS[1],))[1],
    "second": lambda f: wg.hessian(f)(X),
    "lanes": lambda f: wg.vmap(f)(ROWS),
    "compiled gradient": lambda f: wg.jit(wg.grad(f))(X),
    "compiled lanes of gradients": lambda f: wg.jit(wg.vmap(wg.grad(f)))(ROWS),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_derivatives(function, way):
    plain = function(lambda f: f)
    found, expected = WAYS[way](function(wg.jit)), WAYS["value"](plain)
    if way == "lanes":
        expected = np.stack([plain(row) for row in ROWS])
    elif way == "compiled lanes of gradients":
        expected = np.stack([wg.grad(plain)(row) for row in ROWS])
    elif way == "compiled gradient":
        expected = wg.grad(plain)(X)
    elif way != "value":
        expected = WAYS[way](plain)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_lengths_that_are_known_at_run_time():
    gradient = wg.jit(wg.grad(in_a_loop(wg.jit)))
    for n in (4, 5, 6):
        x = np.linspace(0.2, 0.9, n)
        expected = wg.grad(in_a_loop(lambda f: f))(x)
        np.testing.assert_allclose(gradient(x), expected, rtol=1e-12)


def test_a_write_to_an_array_from_outside_is_refused():
    def f(x):
        y = x * 2

        @wg.jit
        def write(k):
            y[0] = k

        write(2.0)
        return y.sum()

    for g in (wg.grad(f), wg.jit(f)):
        with pytest.raises(MutationError, match="made outside the innermost"):
            g(X)


def test_a_value_of_a_transformation_that_has_ended_is_refused():
    kept = []

    def f(x):
        kept.append(x)
        return (x * x).sum()

    wg.grad(f)(X)
    with pytest.raises(LeakedValueError, match="has ended"):
        wg.grad(lambda z: wg.jit(lambda k: (kept[0] * k).sum())(z))(2.0)
