"""Errors of the transformations' arguments and results."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
import wengert.smooth
from tests.errors.case import case
from wengert.errors import ArgumentError, DTypeError, ShapeError, TreeError

X = np.array([1.0, 2.0])
Z = np.array([1.0 + 1.0j])


def _square(x):
    return x * x


ARGUMENTS = [
    case(
        lambda: wg.grad(_square)({"a": object()}),
        DTypeError,
        "grad: args[0]['a'] is a object, which is neither",
        "a dataclass",
    ),
    case(
        lambda: wg.grad(_square)([np.array([1, 2])]),
        DTypeError,
        "grad: args[0][0] has dtype int64, and integers have no derivative",
        "astype(float)",
    ),
    case(
        lambda: wg.grad(_square, argnums=2)(1.0),
        ArgumentError,
        "grad: argnums=2 with 1 positional argument(s)",
        "from 0",
    ),
    case(
        lambda: wg.grad(_square)("text"),
        DTypeError,
        "grad: argument 0 is a str, which has no derivative",
        "argnums",
    ),
    case(
        lambda: wg.vjp(_square, 1.0, convention="left"),
        ArgumentError,
        "vjp: convention='left'",
        "steepest",
    ),
    case(
        lambda: wg.jvp(_square, 1.0, 1.0),
        ArgumentError,
        "jvp: primals and tangents must be tuples",
        "wg.jvp(f, (x,), (dx,))",
    ),
    case(
        lambda: wg.jvp(_square, (X,), (np.ones(3),)),
        ShapeError,
        "jvp: expected shape (2,), got (3,) at tangents[0]",
    ),
    case(
        lambda: wg.jvp(_square, (X,), (1j * X,)),
        DTypeError,
        "jvp: expected float64, got complex128 at tangents[0]",
    ),
    case(
        lambda: wg.jvp(_square, (X,), (X, X)),
        TreeError,
        "jvp: the structure of the tangents differs",
        "wg.tree.map",
    ),
    case(
        lambda: wg.jacobian(_square, mode="sideways"),
        ArgumentError,
        "jacobian: mode='sideways'",
        '"auto", "forward" or "reverse"',
    ),
    case(
        lambda: wg.jacobian(_square, chunk=0),
        ArgumentError,
        "jacobian: chunk=0",
        "at least 1",
    ),
]

RESULTS = [
    case(
        lambda: wg.grad(_square, has_aux=True)(1.0),
        ArgumentError,
        "grad: has_aux=True, but the function returned",
        "return a pair (value, aux)",
    ),
    case(
        lambda: wg.grad(lambda x: (x, x))(1.0),
        ShapeError,
        "grad: the function returned 2 values, not one scalar",
        "wg.jacobian",
    ),
    case(
        lambda: wg.grad(lambda x: "text")(1.0),
        DTypeError,
        "grad: the function returned str, not a number",
    ),
    case(
        lambda: wg.grad(_square)(X),
        ShapeError,
        "grad: the function returned an array of shape (2,), not a scalar",
        "sum it up",
    ),
    case(
        lambda: wg.grad(lambda z: z[0])(Z),
        DTypeError,
        "grad: the function returned a complex number",
        "holomorphic=True",
    ),
    case(
        lambda: wg.grad(lambda x: x[0], holomorphic=True)(X),
        DTypeError,
        "grad: holomorphic=True, but an input is real",
        "drop holomorphic",
    ),
    case(
        lambda: wg.jacobian(_square, holomorphic=True)(X),
        DTypeError,
        "jacobian: holomorphic=True, but an input or output is real",
    ),
    case(
        lambda: wg.jacobian(_square)(Z),
        DTypeError,
        "jacobian: an input or output is complex",
        "holomorphic=True",
    ),
]

LANES = [
    case(
        lambda: wg.vmap(_square, in_axes=(0, 0))(X),
        ArgumentError,
        "vmap: in_axes has 2 entries for 1 argument(s)",
    ),
    case(
        lambda: wg.vmap(_square, in_axes=({"a": 0},))([X, X]),
        ArgumentError,
        "vmap: in_axes=({'a': 0},) does not fit the arguments",
    ),
    case(
        lambda: wg.vmap(_square, in_axes=1)(X),
        ArgumentError,
        "vmap: in_axes is 1 for ",
        "which has shape (2,)",
    ),
    case(
        lambda: wg.vmap(_square, in_axes=None)(X),
        ArgumentError,
        "vmap: no argument is mapped over",
    ),
    case(
        lambda: wg.vmap(wnp.add)(X, np.ones(3)),
        ShapeError,
        "vmap: the mapped axes have different lengths",
    ),
    case(
        lambda: wg.vmap(_square, out_axes=None)(X),
        ArgumentError,
        "vmap: out_axes is None for a result that differs between lanes",
    ),
]

RELAXATIONS = [
    case(
        lambda: wengert.smooth.step(1.0, temperature=-1.0),
        ArgumentError,
        "smooth.step: expected a positive temperature, got -1.0",
        "temperature=0.1",
    ),
]

CASES = [*RELAXATIONS, *ARGUMENTS, *RESULTS, *LANES]
