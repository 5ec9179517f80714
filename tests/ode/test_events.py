"""Events and outcomes: what happens when, its derivative, and how a solve ends."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import wengert as wg
from tests.ode.problems import fall, quotient, spring
from wengert.ode import Event, Outcome

GROUND = Event(lambda t, y: y[0], terminal=True)


def landing(height, **options):
    """When a stone has fallen from a height."""
    start = height * np.array([1.0, 0.0])
    return wg.ode.solve(fall, start, [0.0, 0.5, 9.0], events=GROUND, **options)


METHODS = {
    "tsit5": {},
    "dopri5": {"method": "dopri5", "rtol": 1e-4},
    "kvaerno5": {"method": "kvaerno5"},
    "rk4": {"method": "rk4", "steps": 7},
}


@pytest.mark.parametrize(
    ("method", "jit"), [*((m, False) for m in METHODS), ("tsit5", True), ("rk4", True)]
)
def test_the_time_of_an_event(method, jit):
    """A parabola is integrated exactly, so that times and derivatives are closed."""
    options = {**METHODS[method], "jit": jit}
    done = landing(2.0, **options)
    assert done.outcome is Outcome.EVENT and done.success
    assert done.saved == 2 and np.isnan(done.y[2]).all()
    time = np.sqrt(4.0 / 9.81)
    np.testing.assert_allclose(done.t_end, time, rtol=1e-12)
    np.testing.assert_allclose(done.y_end, [0.0, -9.81 * time], atol=1e-12)
    assert done.events[0].count == 1 and done.events[0].t[0] == done.t_end
    slope = wg.grad(lambda height: landing(height, **options).t_end)(2.0)
    np.testing.assert_allclose(slope, 1 / np.sqrt(4.0 * 9.81), rtol=1e-10)


def test_the_second_derivative_of_a_time():
    time = lambda height: landing(height, jit=False).t_end
    expected = -0.5 / np.sqrt(2 * 9.81) * 2.0**-1.5
    np.testing.assert_allclose(wg.hvp(time, 2.0, 1.0), expected, rtol=1e-8)


def test_the_state_at_an_event():
    """The speed on the ground is sqrt(2 g h)."""
    speed = lambda height: -landing(height).y_end[1]
    np.testing.assert_allclose(wg.grad(speed)(2.0), np.sqrt(9.81 / 4.0), rtol=1e-10)


def swinging(k, events, **options):
    start = np.array([0.0, 1.0])
    options = {"rtol": 1e-10, "atol": 1e-12, **options}
    return wg.ode.solve(spring, start, [0.0, 10.0], (k,), events=events, **options)


def test_events_that_do_not_end_it():
    """A sine crosses zero at multiples of pi / w, in turn downwards and upwards."""
    w = 2.0
    both, up, down = (
        Event(lambda t, y, k: y[0], direction=direction) for direction in (0, 1, -1)
    )
    done = swinging(w**2, (both, up, down))
    assert done.outcome is Outcome.SUCCESS
    every = np.arange(1, 7) * np.pi / w
    for crossings, expected in zip(
        done.events, (every, every[1::2], every[0::2]), strict=True
    ):
        assert crossings.count == len(expected)
        np.testing.assert_allclose(crossings.t[: len(expected)], expected, rtol=1e-8)
        assert np.isnan(crossings.t[len(expected) :]).all()
    np.testing.assert_allclose(done.events[0].y[:6, 0], 0.0, atol=1e-10)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_derivatives_of_several_times(mode):
    """Of ``pi n / sqrt(k)`` by k."""
    event = Event(lambda t, y, k: y[0])

    def times(k):
        return swinging(k, event, rtol=1e-7, atol=1e-9, jit=False).events[0].t[:3]

    found = wg.jacobian(times, mode=mode)(4.0)
    np.testing.assert_allclose(found, -np.arange(1, 4) * np.pi / 16.0, rtol=1e-5)


def test_the_derivative_is_that_of_the_same_solve():
    """At loose tolerances too, by what moves the event as by what moves the state."""

    def time(a):
        level = Event(lambda t, y, k: y[0] - 0.3 * k, terminal=True)
        return swinging(a, level, rtol=1e-3, atol=1e-4, jit=False).t_end

    found, expected = wg.grad(time)(1.3), quotient(time, 1.3, 1e-4)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_first_of_several_ends_it():
    """What would happen later in the same step has not happened."""
    early, late, never = (
        Event(lambda t, y, c=c: t - c, terminal=terminal)
        for c, terminal in ((0.3, False), (0.6, True), (0.9, False))
    )
    done = wg.ode.solve(
        lambda t, y: 0.0 * y,
        1.0,
        [0.0, 1.0],
        events=(early, late, never),
        first_step=1,
        jit=False,
    )
    assert done.accepted == 1
    assert [int(e.count) for e in done.events] == [1, 1, 0]
    np.testing.assert_allclose(done.t_end, 0.6, rtol=1e-14)


def test_backwards():
    crossing = Event(lambda t, y: y[0] - 1.0, direction=1)
    done = wg.ode.solve(
        lambda t, y: -y, np.ones(1) * 0.5, [0.0, -2.0], events=crossing, jit=False
    )
    np.testing.assert_allclose(done.events[0].t[0], -np.log(2.0), rtol=1e-6)


def test_functions_as_scipy_has_them():
    def ground(t, y):
        return y[0]

    ground.terminal = True
    ground.direction = -1.0
    done = wg.ode.solve(fall, np.array([2.0, 0.0]), [0.0, 9.0], events=[ground])
    np.testing.assert_allclose(done.t_end, np.sqrt(4.0 / 9.81), rtol=1e-12)


def test_an_event_at_the_start_does_not_count():
    start = np.array([0.0, 5.0])
    done = wg.ode.solve(fall, start, [0.0, 9.0], events=GROUND, jit=False)
    np.testing.assert_allclose(done.t_end, 10.0 / 9.81, rtol=1e-12)


def test_a_ball_that_bounces():
    """Restarted at every event: the total time is a geometric series."""

    def bouncing(restitution):
        t, y = 0.0, np.array([1.0, 0.0])
        for _ in range(4):
            done = wg.ode.solve(fall, y, np.array([t, t + 9.0]), events=GROUND)
            t, y = done.t_end, np.array([0.0, -restitution * done.y_end[1]])
        return t

    first = np.sqrt(2.0 / 9.81)
    exact = lambda e: first * (1 + 2 * (e + e**2 + e**3))
    time, slope = wg.jit(lambda e: wg.jvp(bouncing, (e,), (1.0,)))(0.8)
    np.testing.assert_allclose(time, exact(0.8), rtol=1e-10)
    np.testing.assert_allclose(slope, quotient(exact, 0.8, 1e-3), rtol=1e-8)


# -- how it ends -----------------------------------------------------------------------

CASES = {
    Outcome.TOO_MANY_STEPS: ((spring, np.ones(2), [0.0, 1e5], (1.0,)), {}),
    Outcome.STEP_TOO_SMALL: ((lambda t, y: y**2, 1.0, [0.0, 2.0]), {}),
    Outcome.NOT_FINITE: ((lambda t, y: np.log(y - 2.0), 1.0, [0.0, 2.0]), {}),
    Outcome.TOO_MANY_EVENTS: (
        (spring, np.ones(2), [0.0, 20.0], (1.0,)),
        {"events": Event(lambda t, y, k: y[0], most=2)},
    ),
}


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize("outcome", CASES, ids=lambda outcome: outcome.name)
def test_what_is_not_reached_is_nan(outcome, jit):
    args, options = CASES[outcome]
    with np.errstate(all="ignore"):
        done = wg.ode.solve(*args, **options, jit=jit, max_steps=600, rtol=1e-6)
    assert done.outcome is outcome and not done.success
    assert done.saved == 1 and np.isnan(done.y[-1]).all()
    assert str(outcome) != outcome.name and len(str(outcome)) > 20
    if outcome is not Outcome.NOT_FINITE:
        assert np.isfinite(done.t_end) and np.isfinite(done.y_end).all()


@pytest.mark.parametrize("method", ["rk4", "tsit5"])
def test_nan_in_a_state(method):
    steps = 10 if method == "rk4" else None
    with np.errstate(all="ignore"):
        late = wg.ode.solve(
            lambda t, y: np.sqrt(0.5 - t) * y,
            1.0,
            [0.0, 0.25, 1.0],
            method=method,
            steps=steps,
            jit=False,
        )
        early = wg.ode.solve(lambda t, y: y, np.nan, [0.0, 1.0], method=method)
    assert late.outcome in (Outcome.NOT_FINITE, Outcome.STEP_TOO_SMALL)
    assert late.saved == 2 and np.isfinite(late.y[1])
    assert early.outcome is Outcome.NOT_FINITE


def test_an_event_that_is_nan():
    done = wg.ode.solve(
        fall, np.ones(2), [0.0, 1.0], events=Event(lambda t, y: np.nan * y[0])
    )
    assert done.outcome is Outcome.NOT_FINITE


def test_outcomes_under_jit_and_in_lanes():
    def status(rate):
        solve = functools.partial(wg.ode.solve, max_steps=600)
        return solve(lambda t, y: rate * y**2, 1.0, [0.0, 2.0]).status

    with np.errstate(all="ignore"):
        found = wg.jit(wg.vmap(status))(np.array([0.1, 1.0]))
    assert list(found) == [Outcome.SUCCESS, Outcome.STEP_TOO_SMALL]
