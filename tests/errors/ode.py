"""Errors of initial value problems."""

from __future__ import annotations

import numpy as np

import wengert as wg
from tests.errors.case import case
from wengert.errors import (
    ArgumentError,
    CheckpointError,
    DTypeError,
    ShapeError,
    TreeError,
)

Y = np.ones(2)
TIMES = [0.0, 1.0]


def decay(t, y, *args):
    return -y


def solve(f=decay, y0=Y, t=TIMES, args=(), **options):
    return wg.ode.solve(f, y0, t, args, **options)


def _both(make, error, *texts):
    """The same error, compiled and not."""
    return [case(make(jit), error, *texts) for jit in (True, False)]


FIELDS = [
    *_both(
        lambda jit: lambda: solve(lambda t, y: y[:1], jit=jit),
        ShapeError,
        "the right-hand side returned a slope of shape (1,) for y, which has shape",
        "in the shapes of the state",
    ),
    *_both(
        lambda jit: lambda: solve(lambda t, y: [y["a"]], {"a": 1.0}, jit=jit),
        TreeError,
        "the right-hand side returned a pytree of structure",
        "for a state of structure",
        "in the structure of the state",
    ),
    case(
        lambda: solve(lambda t, y: {"a": y["a"], "b": y["b"][0]}, {"a": 1.0, "b": Y}),
        ShapeError,
        "a slope of shape () for y['b'], which has shape (2,)",
    ),
    case(
        lambda: wg.grad(
            lambda k: solve(
                lambda t, y, k: k * y[:1], args=(k,), derivative="continuous"
            ).y.sum()
        )(1.0),
        ShapeError,
        "a slope of shape (1,)",
    ),
    case(
        lambda: solve(events=wg.ode.Event(lambda t, y: y)),
        ShapeError,
        "the function of an event returned shape (2,)",
        "where a single number crosses zero",
    ),
]

GRIDS = [
    *_both(
        lambda jit: lambda: solve(t=[], jit=jit),
        ArgumentError,
        "the time grid has shape (0,)",
        "at least two times",
    ),
    case(lambda: solve(t=1.0), ArgumentError, "the time grid has shape ()"),
    case(lambda: solve(t=[0.0, 1.0, 0.5]), ArgumentError, "grid is not monotonic"),
    case(lambda: solve(t=[0.0, 0.0]), ArgumentError, "is not monotonic", "increase"),
    case(lambda: solve(t=[0.0, np.nan]), ArgumentError, "grid is not monotonic"),
    case(
        lambda: wg.jit(lambda t: solve(t=t).y)(np.array([1.0, 2.0, 1.5])),
        ArgumentError,
        "the time grid is not monotonic",
    ),
    case(
        lambda: wg.grad(lambda t: solve(t=t).y.sum())(np.array([1.0, 2.0, 1.5])),
        ArgumentError,
        "the time grid is not monotonic",
    ),
]

STATES = [
    case(
        lambda: solve(y0={"a": 1.0, "b": "two"}),
        DTypeError,
        "y0 has the leaf 'two', which is no number",
        "a pytree of floats",
    ),
    case(lambda: solve(y0=True), DTypeError, "y0 has the leaf True"),
    case(lambda: solve(y0=()), ArgumentError, "y0 has no numbers"),
    case(
        lambda: solve(y0=np.ones(3), method="leapfrog"),
        ArgumentError,
        "a state of positions and as many velocities",
        "y0=(q, v)",
    ),
    case(
        lambda: solve(y0=(1.0, Y), method="leapfrog"),
        ArgumentError,
        "a state of positions and as many velocities",
    ),
    case(
        lambda: solve(y0=1j, derivative="continuous"),
        ArgumentError,
        "derivative='continuous' for a complex state",
        'derivative="discrete"',
    ),
]

OPTIONS = [
    case(
        lambda: solve(method="rk45"),
        ArgumentError,
        "method='rk45' is not a method",
        "euler, heun, rk4, dopri5, tsit5, kvaerno5, leapfrog",
    ),
    case(
        lambda: solve(derivative="adjoint"),
        ArgumentError,
        "derivative='adjoint'",
        "discrete, continuous, forward",
    ),
    case(lambda: solve(steps=0), ArgumentError, "steps=0", "a positive int"),
    case(lambda: solve(max_steps=1e4), ArgumentError, "max_steps=10000.0"),
    case(lambda: solve(args=3.0), ArgumentError, "args is a float", "args=(p,)"),
    case(
        lambda: solve(first_step=-0.1),
        ArgumentError,
        "first_step=",
        "a positive number",
    ),
    case(
        lambda: solve(dense=True, derivative="forward"),
        ArgumentError,
        "derivative='forward' with events or dense output",
        'derivative="discrete"',
    ),
    case(
        lambda: solve(checkpoints="few"),
        CheckpointError,
        "checkpoints='few' is not a schedule",
    ),
]

EVENTS = [
    case(
        lambda: solve(events=[wg.ode.Event(3.0)]),
        ArgumentError,
        "an event has the function 3.0, which cannot be called",
        "wg.ode.Event(lambda t, y: y[0])",
    ),
    case(lambda: solve(events=1.0), ArgumentError, "an event has the function 1.0"),
    case(
        lambda: solve(events=wg.ode.Event(decay, direction=2)),
        ArgumentError,
        "an event has direction=2",
        "1 for crossings from below",
    ),
    case(
        lambda: solve(events=wg.ode.Event(decay, most=0)),
        ArgumentError,
        "an event has most=0",
    ),
]

CASES = [*FIELDS, *GRIDS, *STATES, *OPTIONS, *EVENTS]
