"""Errors of the optimisers: starts and functions that they cannot work with."""

from __future__ import annotations

import numpy as np

import wengert as wg
from tests.errors.case import Case, case, program
from wengert.errors import (
    ArgumentError,
    DependenceError,
    DTypeError,
    ShapeError,
    TreeError,
)
from wengert.optim import (
    LBFGS,
    GaussNewton,
    LevenbergMarquardt,
    TrustRegion,
    add_decayed_weights,
    apply_updates,
    chain,
    join_schedules,
    lamb,
    least_squares,
    linear_onecycle_schedule,
    linear_schedule,
    masked,
    minimize,
    multi_steps,
    partition,
    scale,
    sgd,
)

X = np.ones(3)


def _square(x):
    return np.sum(x**2)


MINIMIZE: list[Case] = [
    case(
        lambda: minimize(_square, np.arange(3)),
        DTypeError,
        "minimize: x0 is a number or array of dtype int64",
        "start with floats",
    ),
    case(
        lambda: minimize(lambda x: x["a"] ** 2, {"a": 2}),
        DTypeError,
        "minimize: x0['a'] is a number or array of dtype int64",
    ),
    case(
        lambda: minimize(_square, X + 1j),
        DTypeError,
        "minimize: x0 is a number or array of dtype complex128",
        "real and imaginary parts",
    ),
    case(
        lambda: minimize(_square, {"name": "weights"}),
        ArgumentError,
        "minimize: x0 has no numbers to change",
    ),
    case(
        lambda: minimize(_square, np.array([1.0, np.nan])),
        ArgumentError,
        "minimize: x0 has a NaN or an infinity",
    ),
    case(
        lambda: minimize(_square, X, gtol=-1.0),
        ArgumentError,
        "minimize: the limit for the gradient is -1.0",
    ),
    case(
        lambda: minimize(_square, X, method="nelder-mead"),
        ArgumentError,
        "minimize: there is no method 'nelder-mead'",
        "choose one of 'bfgs'",
    ),
    case(
        lambda: minimize(lambda x: x**2, X),
        ShapeError,
        "minimize: the function returned an array of float64 of shape (3,)",
        "least_squares",
    ),
    case(
        lambda: minimize(lambda x: None, X, jit=False),
        ShapeError,
        "minimize: the function returned a NoneType",
    ),
    case(
        lambda: minimize(lambda x: np.sum(x * 1j), X),
        DTypeError,
        "minimize: the function returned a number of dtype complex128",
    ),
]

METHODS: list[Case] = [
    case(
        lambda: minimize(_square, X, method=LevenbergMarquardt()),
        ArgumentError,
        "minimize: this method is one for residuals",
        "least_squares",
    ),
    case(
        lambda: minimize(_square, X, method=3),
        ArgumentError,
        "minimize: there is no method 3",
    ),
    case(
        lambda: LBFGS(memory=0),
        ArgumentError,
        "LBFGS: memory=0",
        "remember a step or more",
    ),
    case(
        lambda: TrustRegion(radius=-1.0),
        ArgumentError,
        "TrustRegion: radius=-1.0",
    ),
    case(
        lambda: GaussNewton(linear="qr"),
        ArgumentError,
        "GaussNewton: linear='qr'",
        "choose one of 'dense', 'products'",
    ),
]

LEAST_SQUARES: list[Case] = [
    case(
        lambda: least_squares(_square, X),
        ShapeError,
        "least_squares: the function returned one number",
        "return the array of residuals itself",
    ),
    case(
        lambda: least_squares(lambda x: "none", X),
        ShapeError,
        "least_squares: the function returned a str",
    ),
    case(
        lambda: least_squares(lambda x: x[:0], X),
        ShapeError,
        "least_squares: the function returned no numbers",
    ),
    case(
        lambda: least_squares(lambda x: (x, 1j * x), X),
        DTypeError,
        "least_squares: the function returned an array of complex128 of shape (3,)",
        "of complex residuals, both parts",
    ),
    case(
        lambda: least_squares(lambda x: x, np.array([np.inf])),
        ArgumentError,
        "least_squares: x0 has a NaN or an infinity",
    ),
    case(
        lambda: least_squares(lambda x: x, X, method="lm"),
        ArgumentError,
        "least_squares: there is no method 'lm'",
        "choose one of 'levenberg-marquardt', 'gauss-newton'",
    ),
]

SCIPY: list[Case] = [
    case(
        lambda: wg.scipy.minimize(lambda x: x**2, X),
        ShapeError,
        "scipy.optimize.minimize: the function returned an array of float64",
    ),
    case(
        lambda: wg.scipy.minimize(lambda x: None, X, method="nelder-mead", jit=False),
        ShapeError,
        "scipy.optimize.minimize: the function returned a NoneType",
    ),
    case(
        lambda: wg.grad(lambda a: wg.scipy.root(lambda x: x - a, 1.0).x[0])(2.0),
        DependenceError,
        "scipy.optimize: the function depends on a value that is traced",
        "use wg.optim",
    ),
    program(lambda: wg.fit, AttributeError, "module 'wengert' has no attribute 'fit'"),
    program(
        lambda: wg.scipy.fit,
        AttributeError,
        "module 'wengert.scipy' has no attribute 'fit'",
    ),
]

WEIGHTS = {"w": X, "b": X}
MOMENTUM = sgd(0.1, momentum=0.9)

TRANSFORMATIONS: list[Case] = [
    case(
        lambda: MOMENTUM.update({"w": X}, MOMENTUM.init(WEIGHTS)),
        TreeError,
        "optim: parameters, gradients and state differ in structure",
        "give gradients of the parameters",
    ),
    case(
        lambda: apply_updates(WEIGHTS, {"w": X, "b": np.ones(1)}),
        ShapeError,
        "optim: an array of shape (3,) meets one of shape (1,)",
    ),
    case(
        lambda: MOMENTUM.init({"w": X, "n": np.arange(3)}),
        DTypeError,
        "optim: a parameter is of type int64, and has no gradient",
        "or mask it",
    ),
    case(
        lambda: MOMENTUM.init({"w": X, "name": "layer"}),
        DTypeError,
        "optim: a parameter is of type str",
    ),
    case(
        lambda: chain(scale(1.0), scale(2.0)).update(X, ((),)),
        ArgumentError,
        "chain: a state of another optimiser: tuple, for 2 transformations",
        "give the state from init(params)",
    ),
    case(
        lambda: add_decayed_weights(0.1).update(X, ()),
        ArgumentError,
        "add_decayed_weights: the parameters are missing",
        "opt.update(gradients, state, params)",
    ),
    case(
        lambda: lamb(0.1).update(X, lamb(0.1).init(X)),
        ArgumentError,
        "scale_by_trust_ratio: the parameters are missing",
    ),
    case(
        lambda: masked(scale(1.0), {"w": True}).init(WEIGHTS),
        TreeError,
        "masked: marks do not fit the parameters",
        "or a prefix of it",
    ),
    case(
        lambda: partition({}, "all"),
        ArgumentError,
        "partition: no transformations",
    ),
    case(
        lambda: partition({"a": scale(1.0)}, {"w": "a", "b": "z"}).init(WEIGHTS),
        ArgumentError,
        "partition: no transformation for the label 'z'",
        "use one of 'a'",
    ),
    case(
        lambda: multi_steps(scale(1.0), 0),
        ArgumentError,
        "multi_steps: every=0",
    ),
    case(
        lambda: linear_schedule(0.0, 1.0, 0),
        ArgumentError,
        "linear_schedule: transition_steps=0",
        "give a positive number of steps",
    ),
    case(
        lambda: join_schedules([linear_schedule(0.0, 1.0, 5)], [5]),
        ArgumentError,
        "join_schedules: 1 schedules and 1 boundaries",
    ),
    case(
        lambda: linear_onecycle_schedule(2, 1.0),
        ArgumentError,
        "linear_onecycle_schedule: its phases begin at steps [0, 0, 1, 2]",
        "give more steps",
    ),
]

CASES = [*MINIMIZE, *METHODS, *LEAST_SQUARES, *SCIPY, *TRANSFORMATIONS]
