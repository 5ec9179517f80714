"""Errors of loops and checkpoints."""

from __future__ import annotations

import itertools

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import case
from wengert._control import loops
from wengert._modes.checkpoint import checkpoint
from wengert._modes.schedule import binomial
from wengert.errors import (
    ArgumentError,
    CheckpointError,
    DTypeError,
    LeakedValueError,
    ShapeError,
    TreeError,
)

X = np.array([1.0, 2.0, 3.0])

BOUNDS = [
    case(
        lambda: loops.fori_loop(0, 2.5, lambda i, s: s, 1.0),
        DTypeError,
        "fori_loop: ",
        "is 2.5, not an integer",
        "as in int(",
    ),
    case(
        lambda: loops.range(),
        ArgumentError,
        "range: 0 bounds were given",
        "range(stop)",
    ),
    case(
        lambda: loops.range(3, unroll=2),
        ArgumentError,
        "range: unroll=2",
        "unroll=True or unroll=False",
    ),
    case(lambda: loops.range(0, 3, 0), ArgumentError, "range: the step is 0"),
]

STEPS = [
    case(
        lambda: loops.fori_loop(0, 2, lambda i, s: (s, s), 1.0),
        TreeError,
        "fori_loop: a step turned a carry of structure",
        "return a carry of the structure that came in",
    ),
    case(
        lambda: wg.grad(
            lambda x: loops.fori_loop(0, 2, lambda i, s: (s, s), x, checkpoints="none")
        )(1.0),
        TreeError,
        "fori_loop: step 0 turned a carry of structure",
        "return a carry of the structure that came in",
    ),
    case(
        lambda: loops.scan(lambda s, x: s, 0.0, X),
        ArgumentError,
        "scan: the step returned float, not a pair",
        "return (carry, y)",
    ),
    case(
        lambda: loops.scan(lambda s, x: (s, x), 0.0, (X, 1.0)),
        ShapeError,
        "scan: xs[1] has no leading axis to run over",
    ),
    case(
        lambda: loops.scan(lambda s, x: (s, x), 0.0, None),
        ArgumentError,
        "scan: the number of steps is not given",
        "or length=",
    ),
    case(
        lambda: loops.scan(lambda s, x: (s, x), 0.0, (X, X[:2])),
        ShapeError,
        "scan: the lengths differ (xs[0]: 3, xs[1]: 2)",
    ),
    case(
        lambda: loops.scan(lambda s, x: (s + 1, [x] * s), 0, X),
        TreeError,
        "scan: step 1 returned the structure",
        "of one structure from every step",
    ),
    case(
        lambda: loops.scan(lambda s, x: (s + 1, np.ones(s)), 0, X),
        ShapeError,
        "scan: step 1 returned the shape (1,), step 0 (0,)",
        "of one shape from every step",
    ),
]


def _changing():
    """A function that returns something else on its second run."""
    counter = itertools.count(1.0)
    return checkpoint(lambda x: np.sin(x) * next(counter))


def _written_to():
    """A gradient through a function whose constant is changed before its second run."""
    constant = X.copy()
    inner = checkpoint(lambda x: (wnp.sin(x) * constant).sum())
    value, pullback = wg.vjp(inner, X)
    constant[0] = 7.0
    return pullback(1.0)


def _stored():
    kept = []
    inner = checkpoint(lambda x: (kept.append(wnp.sin(x)), wnp.cos(x))[1])
    return wg.grad(lambda x: inner(x) + kept[0])(1.0)


SCHEDULES = [
    case(lambda: binomial(0), CheckpointError, "binomial: slots=0", "wg.binomial(10)"),
    case(
        lambda: loops.fori_loop(0, 2, lambda i, s: s, 1.0, checkpoints="some"),
        CheckpointError,
        "checkpoints='some' is not a schedule",
        'wg.binomial(slots), or a number of bytes such as "200MB"',
    ),
    case(
        lambda: wg.grad(
            lambda x: loops.fori_loop(
                0, 9, lambda i, s: s * x, x, checkpoints="1B"
            ).sum()
        )(X),
        CheckpointError,
        "checkpoints='1B': one state of the loop takes 24 bytes",
        "raise the budget",
    ),
    case(
        lambda: wg.grad(_changing())(1.0),
        CheckpointError,
        "was run again for the derivative, and returned something else",
        "random numbers",
    ),
    case(
        lambda: _written_to(),
        CheckpointError,
        "an array of shape (3,) was written to after a checkpointed function had read",
        "pass the array as an argument",
    ),
    case(
        lambda: _stored(),
        LeakedValueError,
        "a value made inside ",
        "is used outside it",
        "return the value from the function",
    ),
]

CASES = [*BOUNDS, *STEPS, *SCHEDULES]
