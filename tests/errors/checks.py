"""Errors of the checks of derivatives."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import case
from wengert._modes.audit import debug_nans
from wengert._modes.check import check_grads, finite_difference
from wengert._modes.custom import custom_jvp, custom_vjp
from wengert.errors import ArgumentError, DTypeError, GradientCheckError, NonFiniteError

X = np.array([1.0, 2.0])


def _wrong_forward():
    function = custom_jvp(wnp.sin)
    function.defjvp(lambda primals, tangents: (wnp.sin(primals[0]), tangents[0]))
    return function


def _wrong_reverse():
    """Right forward mode, wrong reverse mode."""
    function = custom_vjp(wnp.sin)
    function.defjvp(
        lambda primals, tangents: (
            wnp.sin(primals[0]),
            wnp.cos(primals[0]) * tangents[0],
        )
    )
    function.defvjp(lambda x: (wnp.sin(x), x), lambda x, ct: (ct,))
    return function


CHECKS = [
    case(
        lambda: check_grads(wnp.sin, (X,), order=0),
        ArgumentError,
        "check_grads: order=0",
    ),
    case(
        lambda: check_grads(_wrong_forward(), (X,)),
        GradientCheckError,
        "check_grads: order 1: forward mode",
        "with respect to ",
        "correct the rule",
    ),
    case(
        lambda: check_grads(_wrong_reverse(), (X,)),
        GradientCheckError,
        "check_grads: order 1: reverse mode differs from forward mode",
        "<ct, J t> = ",
        "reverse mode gives ",
        "correct one of the two rules",
    ),
    case(
        lambda: check_grads(lambda x: abs(x - 1.0) ** 1.2, (1.0,), rtol=10.0),
        GradientCheckError,
        "check_grads: order 1: the Taylor remainder",
        "not as h^2",
    ),
]

DIFFERENCES = [
    case(
        lambda: finite_difference(wnp.sin, 1.0, method="left"),
        ArgumentError,
        "finite_difference: method='left'",
        '"central", "forward" or "complex"',
    ),
    case(
        lambda: finite_difference(wnp.sin, 1.0, step=-1.0),
        ArgumentError,
        "finite_difference: step=-1.0",
        "a positive number",
    ),
    case(
        lambda: finite_difference(wnp.sin, np.array([1, 2])),
        DTypeError,
        "finite_difference: x has dtype int64",
        "real floats",
    ),
]


def _without_nans(function):
    with debug_nans():
        return function()


def _infinite():
    """A rule that makes an infinity."""
    function = custom_jvp(lambda x: x)
    function.defjvp(lambda primals, tangents: (primals[0], tangents[0] / 0.0))
    return function


def _infinite_back():
    function = custom_vjp(lambda x: x)
    function.defvjp(lambda x: (x, x), lambda x, ct: (ct / (0.0 * x),))
    return function


NANS = [
    case(
        lambda: _without_nans(lambda: wg.grad(wg.grad(lambda x: wnp.sqrt(x)))(0.0)),
        NonFiniteError,
        "the first non-finite value (inf) is in its cotangent",
    ),
    case(
        lambda: _without_nans(lambda: wg.grad(wg.grad(_infinite_back()))(1.0)),
        NonFiniteError,
        "the first non-finite value (inf) is in its cotangent",
    ),
    case(
        lambda: _without_nans(lambda: wg.grad(lambda x: wnp.sqrt(x))(0.0)),
        NonFiniteError,
        "sqrt: the first non-finite value (inf) is in its cotangent",
    ),
    case(
        lambda: _without_nans(lambda: wg.jvp(lambda x: wnp.sqrt(x), (0.0,), (1.0,))),
        NonFiniteError,
        "sqrt: the first non-finite value (inf) is in its tangent",
    ),
    case(
        lambda: _without_nans(lambda: wg.jvp(_infinite(), (X,), (X,))),
        NonFiniteError,
        "the first non-finite value (inf) is in its tangent",
    ),
    case(
        lambda: _without_nans(lambda: wg.vjp(_infinite_back(), X)[1](X)),
        NonFiniteError,
        "the first non-finite value (inf) is in its cotangent",
    ),
]

CASES = [*CHECKS, *DIFFERENCES, *NANS]
