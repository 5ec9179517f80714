"""What unknowns and arguments may be."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import implicit


def test_the_start_has_no_derivative():
    f = lambda x0: implicit.root(lambda x: x * x - 2.0, x0)
    assert wg.grad(f)(1.0) == 0.0
    assert wg.jvp(f, (1.0,), (1.0,))[1] == 0.0


def test_arguments_that_have_no_derivative():
    def residual(x, k, name, table, a, missing):
        assert name == "text" and missing is None
        return x**k - table[1] * a

    f = lambda a: implicit.root(residual, 1, (2, "text", np.array([1, 3]), a, None))
    assert f(3.0) == pytest.approx(3.0)
    for of in (wg.grad, lambda f: wg.jit(wg.grad(f)), lambda f: wg.grad(wg.jit(f))):
        assert of(f)(3.0) == pytest.approx(0.5)
    assert wg.jvp(f, (3.0,), (1.0,))[1] == pytest.approx(0.5)


def test_dtypes_are_kept():
    start = np.ones(2, np.float32)
    f = lambda a: implicit.root(lambda x: x * x - a, start)
    a = np.array([4.0, 9.0], np.float32)
    assert f(a).dtype == np.float32
    slope = wg.jacobian(f)(a)
    assert slope.dtype == np.float32
    np.testing.assert_allclose(slope, np.diag([1 / 4, 1 / 6]), rtol=1e-5)


def test_keyword_arguments_and_defaults_of_a_solver():
    @implicit.custom_root(lambda x, a, scale: scale * x * x - a)
    def solver(a, scale=1.0):
        """By hand."""
        return np.sqrt(a / scale)

    assert solver.__doc__ == "By hand." and solver.__name__ == "solver"
    assert wg.grad(lambda a: solver(a, scale=4.0))(1.0) == pytest.approx(0.25)
    assert wg.grad(lambda s: solver(scale=s, a=1.0))(4.0) == pytest.approx(-1 / 16)
    assert wg.grad(solver)(4.0) == pytest.approx(0.25)


def test_a_solver_of_python_numbers_is_differentiated():
    """Its result depends on the argument, though no value shows it."""

    @implicit.custom_root(lambda x, a: x * x - a)
    def guessed(a):
        return 3.0

    assert wg.grad(guessed)(9.0) == pytest.approx(1 / 6)
    assert wg.jit(wg.grad(guessed))(9.0) == pytest.approx(1 / 6)


def test_forward_and_reverse_mode_are_transposes():
    a = {"m": np.array([[2.0, 0.3], [0.1, 3.0]]), "b": np.array([1.0, 2.0])}
    f = lambda a: implicit.root(lambda x: a["m"] @ x + x**3 - a["b"], np.ones(2))
    ct = np.array([0.3, -1.2])
    tangent = wg.tree.map(lambda x: np.cos(x), a)
    pushed = wg.jvp(f, (a,), (tangent,))[1]
    (pulled,) = wg.vjp(f, a)[1](ct)
    both = zip(wg.tree.leaves(pulled), wg.tree.leaves(tangent), strict=True)
    total = sum(np.sum(x * y) for x, y in both)
    assert ct @ pushed == pytest.approx(total, rel=1e-12)


def test_numbers_of_equations_that_fit_in_another_tree():
    x = implicit.root(lambda x: [x[0] + x[1] - 3.0, x[0] - x[1] - 1.0], np.ones(2))
    assert x.tolist() == pytest.approx([2.0, 1.0])


def test_many_unknowns_by_products():
    """The Jacobian of 3000 unknowns is never formed: it would take 72 MB."""

    def residual(x, a):
        y = 2.5 * x + 0.1 * x**3
        y[1:] -= x[:-1]
        y[:-1] -= x[1:]
        return y - a

    def f(a):
        return implicit.root(residual, np.zeros(3000), (a,), linear="gmres")

    a = np.ones(3000)
    slope = wg.grad(lambda a: f(a).sum())(a)
    step = 1e-5 * np.sin(np.arange(3000.0))
    difference = (f(a + step).sum() - f(a - step).sum()) / 2.0
    assert slope @ step == pytest.approx(difference, rel=1e-6)


def test_bounds_of_every_kind():
    x0 = {"a": np.ones(2), "b": 1.0}
    far = lambda x: np.sum((x["a"] - 5.0) ** 2) + (x["b"] + 5.0) ** 2
    upper = {"a": np.array([2.0, 7.0]), "b": 3.0}
    x = implicit.argmin(far, x0, bounds=(-1, upper))
    assert x["a"].tolist() == pytest.approx([2.0, 5.0]) and x["b"] == -1.0
    x = implicit.argmin(far, x0, bounds=(None, upper))
    assert x["a"].tolist() == pytest.approx([2.0, 5.0]) and x["b"] == -5.0
    least = lambda upper: implicit.argmin(far, x0, bounds=(None, upper))["a"].sum()
    slope = wg.grad(least)(upper)
    assert slope["a"].tolist() == [1.0, 0.0] and slope["b"] == 0.0


def test_minima_found_from_where_the_curvature_is_negative():
    wavy = lambda x, a: np.sum(np.cos(x) + 0.05 * (x - a) ** 2)
    f = lambda a: implicit.argmin(wavy, np.array([0.3, 5.9]), (a,))
    x = f(1.0)
    np.testing.assert_allclose(np.sin(x), 0.1 * (x - 1.0), atol=1e-10)
    assert (0.1 - np.cos(x) > 0).all()
    np.testing.assert_allclose(wg.jacobian(f)(1.0), 0.1 / (0.1 - np.cos(x)))


def test_bounds_and_equations_together():
    """The nearest point with coordinates that are no negative number and sum to 1."""

    def exact(p):
        falling = np.sort(p)[::-1]
        levels = (np.cumsum(falling) - 1.0) / np.arange(1, len(p) + 1)
        return np.maximum(p - levels[np.flatnonzero(falling > levels)[-1]], 0.0)

    @wg.jit
    def nearest(p):
        return implicit.argmin(
            lambda x: np.sum((x - p) ** 2),
            np.zeros(4),
            bounds=(0.0, None),
            equality=lambda x: np.sum(x) - 1.0,
        )

    for p in 2.0 * np.random.default_rng(0).normal(size=(50, 4)):
        np.testing.assert_allclose(nearest(p), exact(p), atol=1e-12)
    inside = wg.jacobian(nearest)(np.array([0.5, 0.9, -0.3, -2.0]))
    np.testing.assert_allclose(inside[:2, :2], [[0.5, -0.5], [-0.5, 0.5]], atol=1e-12)
    assert not np.any(inside[2:]) and not np.any(inside[:, 2:])


def test_a_curved_equation_within_bounds():
    def nearest(p, most):
        return implicit.argmin(
            lambda x: np.sum((x - p) ** 2),
            np.array([0.1, 0.9]),
            bounds=(0.0, [most, 2.0]),
            equality=lambda x: x @ x - 1.0,
        )

    p = np.array([4.0, 3.0])
    np.testing.assert_allclose(nearest(p, 0.5), [0.5, 0.75**0.5], atol=1e-10)
    np.testing.assert_allclose(nearest(p, 0.9), [0.8, 0.6], atol=1e-10)
    by_most = wg.jacobian(nearest, argnums=1)(p, 0.5)
    np.testing.assert_allclose(by_most, [1.0, -0.5 / 0.75**0.5], atol=1e-10)
