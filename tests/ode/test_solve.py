"""Solving: against SciPy, eagerly and compiled, and derivatives through the steps."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

import wengert as wg
from tests.ode.problems import (
    FEW,
    FIELDS,
    PREDATORS,
    RATES,
    REFERENCE,
    lotka_volterra,
    network,
    quotient,
    robertson,
    some_weights,
    spring,
    start_of,
)
from wengert.ode.solve import _compiled

ADAPTIVE = ["dopri5", "tsit5", "kvaerno5"]
FIXED = ["euler", "heun", "rk4", "leapfrog"]
TIMES = np.linspace(0.0, 3.0, 4)


def tolerances(name):
    """The method for a problem, and what is asked of it."""
    if name == "robertson":
        return {"method": "kvaerno5", "rtol": 1e-8, "atol": 1e-13}
    return {"rtol": 1e-10, "atol": 1e-12}


def reference_solve(name, p, **options):
    known = REFERENCE[name]
    return wg.ode.solve(
        FIELDS[name],
        start_of(name, known["y0"]),
        known["t"],
        (p,),
        **tolerances(name),
        **options,
    )


def rows(y):
    """The leaves of a state as the columns that SciPy has."""
    return np.concatenate([np.reshape(x.T, (-1, x.shape[0])) for x in _ordered(y)]).T


def _ordered(y):
    return [y[k] for k in "sir"] if isinstance(y, dict) else wg.tree.leaves(y)


@pytest.mark.parametrize("name", FIELDS)
def test_values_are_scipys(name):
    found = reference_solve(name, np.array(REFERENCE[name]["p"]))
    expected = np.array(REFERENCE[name]["y"])
    assert found.outcome is wg.ode.Outcome.SUCCESS
    assert found.saved == len(expected)
    scale = np.max(np.abs(expected), axis=0)
    np.testing.assert_allclose(rows(found.y) / scale, expected / scale, atol=1e-6)


@pytest.mark.parametrize("name", ["lotka_volterra", "double_pendulum", "robertson"])
def test_derivatives_are_scipys(name):
    p = np.array(REFERENCE[name]["p"])
    expected = np.array(REFERENCE[name]["sensitivities"])[-1]
    found = wg.grad(lambda p: rows(reference_solve(name, p).y)[-1, 0])(p)
    np.testing.assert_allclose(found * p, expected[0] * p, rtol=1e-5, atol=1e-7)


def test_tangents_are_scipys():
    p = np.array(REFERENCE["sir"]["p"])
    expected = np.array(REFERENCE["sir"]["sensitivities"])[-1, :, 0]
    end = lambda p: rows(reference_solve("sir", p).y)[-1]
    found = wg.jvp(end, (p,), (np.array([1.0, 0.0]),))[1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("method", ADAPTIVE + FIXED)
def test_eager_is_compiled(method):
    y0 = ({"x": np.array([1.0, 0.5])}, {"x": np.array([0.0, 0.1])})

    def chain(t, y, k):
        q, v = y[0]["x"], y[1]["x"]
        return ({"x": v}, {"x": -k * q - 0.1 * q[::-1]})

    def solved(jit):
        options = {"steps": 20} if method in FIXED else {"rtol": 1e-6}
        return wg.ode.solve(chain, y0, TIMES, (1.3,), method=method, jit=jit, **options)

    eager, compiled = solved(False), solved(True)
    assert eager.outcome is compiled.outcome is wg.ode.Outcome.SUCCESS
    assert eager.accepted == compiled.accepted
    for a, b in zip(wg.tree.leaves(eager.y), wg.tree.leaves(compiled.y), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def energy_of(k, method, **options):
    """A number from a solve, in every row of it."""
    y = wg.ode.solve(
        spring, np.array([1.0, 0.3]), TIMES, (k,), method=method, **options
    ).y
    return np.sum(y**2 * np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]))


@pytest.mark.parametrize(
    ("method", "jit"), [*((m, False) for m in ADAPTIVE + FIXED), ("tsit5", True)]
)
def test_the_derivative_is_that_of_the_same_solve(method, jit):
    """The control of the steps is differentiated too: equal to 1e-8."""
    options = {"steps": 10} if method in FIXED else {"rtol": 1e-4, "atol": 1e-6}
    loss = functools.partial(energy_of, method=method, jit=jit, **options)
    expected = quotient(loss, 1.7, 1e-4)
    np.testing.assert_allclose(wg.grad(loss)(1.7), expected, rtol=1e-8)
    if not jit:
        tangent = wg.jvp(loss, (1.7,), (1.0,))[1]
        np.testing.assert_allclose(tangent, expected, rtol=1e-8)


@pytest.mark.parametrize("method", ["tsit5", "kvaerno5", "rk4"])
def test_second_derivatives(method):
    options = {"steps": 10} if method in FIXED else {"rtol": 1e-2, "atol": 1e-3}
    jit = method == "rk4"
    loss = functools.partial(energy_of, method=method, jit=jit, **options)
    expected = quotient(wg.grad(loss), 1.7, 1e-4)
    np.testing.assert_allclose(wg.hvp(loss, 1.7, 1.0), expected, rtol=1e-7)


def test_a_state_that_is_left_behind_leaves_no_nan():
    """Steps that are rejected because they leave the domain have no part in it."""

    def drained(k):
        flow = lambda t, y: -k * np.sqrt(y)
        return wg.ode.solve(flow, 1.0, [0.0, 0.9], first_step=50.0).y[-1]

    with np.errstate(invalid="ignore"):
        assert abs(drained(1.0) - 0.55**2) < 1e-6
        assert abs(wg.grad(drained)(1.0) + 0.45 * 1.1) < 1e-5


def test_what_the_right_hand_side_reads_is_differentiated():
    """A closure, a default, a bound object and a partial application."""

    @dataclasses.dataclass
    class Spring:
        k: float

        def slope(self, t, y):
            return spring(t, y, self.k)

    def by_closure(k):
        return lambda t, y: spring(t, y, k)

    def by_default(k):
        return lambda t, y, k=k: spring(t, y, k)

    def by_partial(k):
        return functools.partial(lambda k, t, y: spring(t, y, k), k)

    class Plain:
        def __init__(self, k):
            self.k, self.own = k, self

        def __call__(self, t, y):
            return spring(t, y, self.k)

    def by_object(k):
        return Spring(k).slope

    def by_inner(k):
        force = lambda q: -k * q
        return lambda t, y: np.array([y[1], force(y[0])])

    def end(make, k, derivative):
        options = {"method": "rk4", "steps": 40, "derivative": derivative}
        options["jit"] = make in (by_closure, Plain)
        start = np.array([1.0, 0.0])
        return wg.ode.solve(make(k), start, [0.0, 2.0], **options).y[-1, 0]

    exact = -np.sin(2.0 * np.sqrt(2.0)) / np.sqrt(2.0)
    for make in (by_closure, by_default, by_partial, by_inner, by_object, Plain):
        for derivative in ("discrete", "continuous"):
            found = wg.grad(end, argnums=1)(make, 2.0, derivative)
            assert abs(found - exact) < 1e-6, (make, derivative)


def test_a_closure_that_is_made_again_is_not_compiled_again():
    def end(k):
        return wg.ode.solve(lambda t, y: -k * y, 1.0, [0.0, 1.0]).y[-1]

    def half(k):
        event = wg.ode.Event(lambda t, y: y - 0.5 * k, terminal=True)
        return wg.ode.solve(lambda t, y: -k * y, k, [0.0, 9.0], events=event).t_end

    end(1.0), half(1.0)
    before = _compiled.cache_info().misses
    assert abs(end(2.0) - np.exp(-2.0)) < 1e-6
    assert abs(half(2.0) - np.log(2.0) / 2.0) < 1e-6
    assert _compiled.cache_info().misses == before


RATE = 1.0


def test_a_global_that_has_changed_is_noticed(monkeypatch):
    end = lambda k: wg.ode.solve(lambda t, y: -k * RATE * y, 1.0, [0.0, 1.0]).y[-1]
    assert abs(end(1.0) - np.exp(-1.0)) < 1e-6
    monkeypatch.setitem(globals(), "RATE", 2.0)
    assert abs(end(1.0) - np.exp(-2.0)) < 1e-6


def test_many_at_once():
    """Each lane has its own steps."""
    end = lambda k: wg.ode.solve(spring, FEW, [0.0, 3.0], (k,)).y[-1]
    several = np.array([1.0, 4.0, 100.0])
    expected = np.array([end(k) for k in several])
    np.testing.assert_allclose(wg.vmap(end)(several), expected, rtol=1e-10)
    slopes = wg.jit(wg.vmap(wg.grad(lambda k: end(k)[0])))(several)
    expected = [wg.grad(lambda k: end(k)[0])(k) for k in several]
    np.testing.assert_allclose(slopes, expected, rtol=1e-8)


def test_backwards_in_time():
    there = wg.ode.solve(lotka_volterra, FEW, TIMES, (PREDATORS,), rtol=1e-9).y[-1]
    back = wg.ode.solve(
        lotka_volterra, there, TIMES[::-1], (PREDATORS,), rtol=1e-9, dense=True
    )
    np.testing.assert_allclose(back.y[-1], FEW, rtol=1e-6)
    np.testing.assert_allclose(back.dense(TIMES[1:]), back.y[-2::-1], rtol=1e-12)


def test_derivatives_by_the_times():
    """The state at the end moves with its slope, and with the start against it."""

    def end(t):
        options = {"rtol": 1e-9, "atol": 1e-9, "jit": False}
        return wg.ode.solve(spring, FEW, t, (2.0,), **options).y[-1, 0]

    t = np.array([0.5, 1.0, 2.0])
    found = wg.grad(end)(t)
    w, x = np.sqrt(2.0), 1.5
    slope = -w * np.sin(w * x) + np.cos(w * x)
    np.testing.assert_allclose(found, [-slope, 0.0, slope], atol=1e-6)


@pytest.mark.parametrize("checkpoints", ["none", 5, wg.binomial(5), "1KB"])
def test_checkpoints(checkpoints):
    loss = functools.partial(energy_of, method="rk4", steps=20)
    less = functools.partial(loss, checkpoints=checkpoints)
    np.testing.assert_allclose(wg.grad(less)(1.7), wg.grad(loss)(1.7), rtol=1e-10)


def test_a_neural_network_learns_an_orbit():
    weights = some_weights()
    target = wg.ode.solve(spring, FEW, TIMES, (1.0,)).y

    def loss(weights):
        options = {"method": "rk4", "steps": 4}
        y = wg.ode.solve(network, FEW, TIMES, (weights,), **options).y
        return np.mean((y - target) ** 2)

    gradient = wg.jit(wg.value_and_grad(loss))
    before = loss(weights)
    for _ in range(80):
        value, slopes = gradient(weights)
        weights = wg.tree.map(lambda w, d: w - 0.05 * d, weights, slopes)
    assert value < 0.2 * before
    vector, unravel = wg.tree.ravel(weights)
    moved = lambda s: loss(unravel(vector + s * np.eye(vector.size)[3]))
    found = wg.tree.ravel(gradient(weights)[1])[0][3]
    np.testing.assert_allclose(found, quotient(moved, 0.0, 1e-4), rtol=1e-8)


def test_the_stiff_gradient_is_that_of_the_same_solve():
    def middle(k):
        y0 = np.array([1.0, 0.0, 0.0])
        done = wg.ode.solve(
            robertson,
            y0,
            [0.0, 1.0],
            (k,),
            method="kvaerno5",
            rtol=1e-6,
            atol=np.array([1e-8, 1e-12, 1e-8]),
            jit=False,
        )
        return 1e5 * done.y[-1, 1]

    k = 2
    along = lambda s: middle(RATES * (1.0 + s * np.eye(3)[k]))
    found = wg.grad(middle)(RATES)[k] * RATES[k]
    np.testing.assert_allclose(found, quotient(along, 0.0, 1e-4), rtol=1e-7)


def test_scalars_lists_and_single_precision():
    half = wg.ode.solve(lambda t, y: -y, 1, [0, 1])
    assert abs(half.y[-1] - np.exp(-1.0)) < 1e-6 and type(half.y_end) is np.float64
    listed = wg.ode.solve(lambda t, y: [y[1], -y[0]], np.array([1, 0]), [0.0, 1.0])
    np.testing.assert_allclose(listed.y[-1], [np.cos(1), -np.sin(1)], atol=1e-5)
    single = wg.ode.solve(
        lambda t, y: -y, np.ones(2, dtype=np.float32), [0.0, 1.0], jit=False
    )
    assert single.y.dtype == np.float32
    np.testing.assert_allclose(single.y[-1], np.exp(-1.0), rtol=1e-3)
    complex_ = wg.ode.solve(lambda t, y: 2j * y, 1.0 + 0.0j, [0.0, 1.0], rtol=1e-8)
    np.testing.assert_allclose(complex_.y[-1], np.exp(2j), rtol=1e-6)
