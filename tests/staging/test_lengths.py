"""Arguments whose lengths compiled code learns when it runs, and masks."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.fuzz.ways import running as run_in_a_way
from tests.staging.programs import CASES
from tests.staging.test_programs import MODES, assert_equal, total
from wengert._core import tree
from wengert._frontend.api import convert
from wengert._staging import function, lengths

# Their code needs the length: it has the number in it, or a combinator has.
LENGTH_NEEDED = {"scanned", "mapped", "few_steps"}
ARRAYS = [
    pytest.param(f, x, id=f"{f.__name__}-{i}")
    for i, (f, x) in enumerate(CASES)
    if max(np.shape(x), default=0) > 1
]


@pytest.fixture
def run_time(monkeypatch):
    """Every length but 0 and 1 is known at run time only; the axes that were fixed."""
    fixed = []

    def note(self, shapes):
        self.free |= {(i, k) for i, s in enumerate(shapes) for k in range(len(s or ()))}

    def fix(self, axes):
        fixed.extend(axes)
        return right(self, axes)

    right = lengths.Lengths.fix
    monkeypatch.setattr(lengths.Lengths, "note", note)
    monkeypatch.setattr(lengths.Lengths, "fix", fix)
    return fixed


@pytest.fixture
def staged(monkeypatch):
    """How often a function has been staged."""
    calls = []
    right = function.stage_function

    def counted(*args):
        calls.append(args)
        return right(*args)

    monkeypatch.setattr(function, "stage_function", counted)
    return calls


@pytest.mark.parametrize("function, x", ARRAYS)
def test_values(function, x, run_time):
    assert_equal(wg.jit(function)(np.copy(x)), function(np.copy(x)), 1e-14)
    assert bool(run_time) == (function.__name__ in LENGTH_NEEDED)


@pytest.mark.parametrize("function, x", ARRAYS)
def test_second_derivatives(function, x, run_time):
    derivative = MODES["reverse over reverse"]
    expected = derivative(total(convert(function, staging=False)))(x)
    assert_equal(derivative(wg.jit(total(function)))(x), expected, 1e-9)


def running(x):
    y = np.zeros(len(x))
    s = 0.0
    for i, v in enumerate(x):
        if v > 0:
            s = s + v * v
        y[i] = s
    return y / x.size + np.linspace(0.0, 1.0, len(x))


def test_a_new_length_is_not_staged_again(staged):
    value, gradient = wg.jit(running), wg.jit(wg.grad(lambda x: running(x).sum()))
    for n in (5, 7, 9, 30, 2, 1000):
        x = np.random.default_rng(n).normal(size=n)
        np.testing.assert_allclose(value(x), running(x), rtol=1e-13)
        expected = wg.grad(lambda x: running(x).sum())(x)
        np.testing.assert_allclose(gradient(x), expected, rtol=1e-12)
    assert len(staged) == 4  # the first length, and one that is known at run time


def test_lengths_0_and_1_have_programs_of_their_own():
    f = wg.jit(lambda x, y: x + y)
    for n in (3, 5, 1, 8, 0):
        assert f(np.ones(n), np.ones(n)).shape == (n,)
        assert f(np.ones(1), np.ones(n)).shape == (n,)


def test_lengths_that_differ_are_refused():
    f = wg.jit(lambda x, y: x * y)
    for n in (3, 4, 6):
        np.testing.assert_array_equal(f(np.full(n, 2.0), np.full(n, 3.0)), 6.0)
    with pytest.raises(ValueError, match="axes of length"):
        f(np.ones(5), np.ones(6))


def test_lengths_that_code_needs_are_compiled(staged):
    f = wg.jit(lambda x: np.stack([x[i] * i for i in range(int(x.shape[0]))]))
    g = wg.jit(lambda x: [x.sum()] * len([None for _ in range(x.shape[0])]))
    for n in (2, 3, 4):
        assert f(np.ones(n)).shape == (n,)
        assert len(g(np.ones(n))) == n


def test_an_error_of_the_function_says_nothing_about_lengths(staged):
    broken = []

    @wg.jit
    def f(x):
        if broken:
            raise ValueError("out of order")
        return running(x)

    f(np.ones(5)), f(np.ones(6))
    broken.append(True)
    with pytest.raises(ValueError, match="out of order"):
        f(np.ones((2, 3))[0])
    broken.clear()
    del staged[:]
    for n in (7, 8, 9):
        np.testing.assert_allclose(f(np.ones(n)), running(np.ones(n)), rtol=1e-13)
    assert len(staged) <= 1


def joined(x):
    y = x[1:] * 3 if x[0] > 0 else x[:2]
    z = x if x[1] > 0 else np.zeros(3)
    return (y * y).sum() + (z * z).sum(), y, z


def masked(x):
    y = x * 2
    y[x > 0.3] = 1.5
    y[x < 0.1] *= x[0]
    m = np.outer(x, x)
    i, j = np.nonzero(m > 0.2)
    s = (m[i, j] * m[j, i]).sum() + (m[m > 0.2] ** 2).sum() + (y * y).sum()
    return s, i, j, x[x > 0], np.argwhere(m > 0), np.flatnonzero(x > 0)


def chosen(x):
    s = 0.0
    for i in np.nonzero(x > 0)[0]:
        s = s + x[i] ** 3
    for i in range(len(x)):
        y = x[x > x[i]]
        s = s + (np.sin(y) * x[i]).sum() + len(y)
    return s, np.extract(x > 0, x), np.compress(x > 0, x * x), np.count_nonzero(x > 0)


def rows(x):
    a = np.outer(x, x)
    s = 0.0
    for i, row in enumerate(a):
        row[0] = 2.0 * i
        for v in row:
            s = s + np.sin(v)
    for u, v in zip(x, x[1:], strict=False):
        s = s + u * v
    return s, a


def reshaped(x):
    a = x.reshape(-1, 1) * x.reshape(1, -1)
    b, c = a.reshape(-1), a.ravel().reshape(len(x), x.size)
    d = np.expand_dims(x, 0) + np.atleast_2d(x)
    b[0] = 7.0
    return (b * c.reshape(x.shape[0] * x.shape[0])).sum() + d.sum() + a[0, 0]


def test_reshapes_of_run_time_lengths(staged):
    value, gradient = wg.jit(reshaped), wg.jit(wg.grad(reshaped))
    for n in (3, 5, 8):
        x = np.random.default_rng(n).normal(size=n)
        np.testing.assert_allclose(value(x), reshaped(x))
        np.testing.assert_allclose(gradient(x), wg.grad(reshaped)(x))
    assert len(staged) == 4
    halves = wg.jit(lambda x: x.reshape(2, -1))
    assert [halves(np.ones(n)).shape for n in (4, 6)] == [(2, 2), (2, 3)]
    with pytest.raises(ValueError, match="cannot reshape"):
        halves(np.ones(7))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [3, 4])
def test_a_reshape_is_a_view_where_numpys_is(n, order):
    """A copy does not see later writes, a view does."""

    def f(x):
        a = x * np.ones((n, n))
        parts = [a.T, a[:, 1:], a[1:], a[1:].T, a[::2], a[None], a.T[1]]
        flat = [part.reshape(-1, order=order) for part in parts]
        a[1, 1] = 100.0
        flat[0][0] = flat[2][1] = -5.0
        return a, *flat

    for got, expected in zip(wg.jit(f)(2.0), f(2.0), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("k", [0, 1, -1, 9])
def test_rolls_by_a_number_that_is_traced(k):
    def f(x, k):
        return np.roll(np.roll(x, k)[k % len(x) :], -1) * x[0]

    value = wg.jit(f)
    for n in (5, 6, 2, 1):
        x = np.linspace(0.2, 0.9, n)
        np.testing.assert_array_equal(value(x, k), f(x, k))
    gradient = wg.jit(wg.grad(lambda x, k: np.prod(f(x, k))))
    expected = wg.grad(lambda x: np.prod(f(x, k)))(np.linspace(0.2, 0.9, 6))
    assert_equal(gradient(np.linspace(0.2, 0.9, 6), k), expected, 1e-14)


def first(function):
    return lambda x: tree.leaves(function(x))[0]


@pytest.mark.parametrize("f", [joined, masked, chosen, rows])
def test_lengths_that_values_decide(f):
    value, gradient = wg.jit(f), wg.jit(wg.grad(first(f)))
    hessian = wg.jit(wg.hessian(first(f)))
    for n in (5, 6, 9):
        for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            x = np.random.default_rng(n).uniform(0.05, 1, size=n)
            x[::2], x[1::2] = signs[0] * x[::2], signs[1] * x[1::2]
            assert_equal(tree.leaves(value(x)), tree.leaves(f(x)), 1e-13)
            np.testing.assert_allclose(gradient(x), wg.grad(first(f))(x), rtol=1e-12)
    np.testing.assert_allclose(hessian(x), wg.hessian(first(f))(x), atol=1e-12)


def test_lengths_that_add_up_to_one_that_is_known():
    def f(x, n):
        s = 1.0
        while s > 0.1:
            s = s * x[0]
            v = np.concatenate((x[: n % len(x)], x[n % len(x) :]))
        return s * v[n % len(x)]

    x = np.linspace(0.3, 0.9, 8)
    assert_equal(wg.jit(wg.grad(f))(x, 3), wg.grad(f)(x, 3), 1e-14)


def test_what_is_computed_again_is_not_mixed_with_what_was_saved():
    """The reference interpreter adds up the rows of a view in another order."""

    def f(x, n):
        y, s = x * 1.0, 0.0
        for i in range(1, len(x), n):
            for _ in range(len(x)):
                y[4] += 0.08 * np.sum(y)
                s = s + np.max(np.concatenate((y[:i], y[i:])))
        return y[3] + s

    lanes = np.random.default_rng(0).normal(size=(3, 8))
    gradient = wg.grad(f)
    with run_in_a_way("interpreted"):
        found = wg.jit(wg.vmap(gradient, (0, None)))(lanes, 2)
    assert_equal(found, np.stack([gradient(x, 2) for x in lanes]), 1e-12)


@pytest.mark.parametrize("f", [masked, chosen])
def test_lanes_with_their_own_masks(f):
    lanes = np.random.default_rng(0).normal(size=(3, 6))
    one = wg.jit(first(f))
    expected = [first(f)(x) for x in lanes]
    np.testing.assert_allclose(wg.vmap(one)(lanes), expected)
    expected = [wg.grad(first(f))(x) for x in lanes]
    np.testing.assert_allclose(wg.vmap(wg.grad(one))(lanes), expected)


def test_lanes_with_masks_and_a_number():
    lanes = np.random.default_rng(0).normal(size=(3, 6))
    one = wg.jit(lambda x, n: n + np.sum(x[x > 0.2]))
    found = wg.vmap(one, (0, None))(lanes, 2)
    np.testing.assert_allclose(found, [2 + np.sum(x[x > 0.2]) for x in lanes])


def test_a_tangent_whose_length_is_the_loops(run_time):
    """Two run-time lengths are compared where a pushforward is called."""

    def powers(x, v):
        _, pushforward = wg.linearize(lambda x: x * x, x)
        _, pullback = wg.vjp(lambda x: x * x, x)
        while v[0] < 100.0:
            v = pullback(pushforward(v))[0]
        return v

    x = np.array([2.0, 1.0, 0.5])
    compiled = wg.jit(powers)
    np.testing.assert_allclose(compiled(x, x), powers(x, x))
    assert not run_time
    with pytest.raises(ValueError, match="axes of length"):
        compiled(x, np.ones(4))


def parts_agree(x, n):
    first, second = x[:n], x[1 : n + 1]
    if first.shape != second.shape:
        raise ValueError("the parts have other shapes")
    return 1.0 if (n, [first.shape, 0]) == (2, [(2,), 0]) else 0.0


def test_shapes_are_compared_when_the_program_runs():
    compiled, x = wg.jit(parts_agree), np.ones(4)
    assert [compiled(x, n) for n in (1, 2, 3)] == [0.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="the parts have other shapes"):
        compiled(x, 4)


def test_sequences_of_arrays_have_no_truth_value():
    def compares(x):
        return 1.0 if [x, 1] == [np.ones(2), 1] else 0.0

    for f in (compares, wg.jit(compares)):
        with pytest.raises(ValueError):
            f(np.ones(2))
