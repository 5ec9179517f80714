"""Errors of functions with derivative rules of their own."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import case
from wengert._modes.custom import custom_jvp, custom_vjp, straight_through
from wengert._modes.opaque import opaque
from wengert.errors import ArgumentError, CustomRuleError, ShapeError, StagedValueError

X = np.array([1.0, 2.0])
SINE = opaque(np.sin, out=lambda x: x, differences="central")


def _in_a_branch(x):
    if x > 0.0:
        while x < 5.0:
            x = x + 2.0 + SINE(x)
    return x


def with_jvp(rule, fun=lambda x: x):
    """A function with this forward rule."""
    function = custom_jvp(fun)
    function.defjvp(rule)
    return function


def with_vjp(bwd, fwd=lambda x: (x, x), fun=lambda x: x, **options):
    """A function with this reverse rule."""
    function = custom_vjp(fun, **options)
    function.defvjp(fwd, bwd)
    return function


def at_x(function):
    return lambda: wg.jvp(function, (X,), (X,))


def pulled(function):
    return lambda: wg.vjp(function, X)[1](X)


RESULTS = [
    case(
        lambda: wg.jvp(
            with_jvp(lambda x, dx: (2.0, dx[0].sum()), fun=lambda x: 2.0), (X,), (X,)
        ),
        CustomRuleError,
        "the jvp rule returned a tangent of a result that is a Python number",
        "np.float64(2.0)",
    ),
    case(
        at_x(with_jvp(lambda primals, tangents: primals[0])),
        CustomRuleError,
        "the jvp rule returned TracedArray, not a pair",
        "return (out, tangent_out)",
    ),
    case(
        pulled(with_vjp(lambda residuals, ct: (ct, ct))),
        CustomRuleError,
        "bwd returned 2 entries, and the function has 1 argument(s) to differentiate",
        "None where it is zero",
    ),
    case(
        pulled(with_vjp(lambda residuals, ct: (ct[:1],))),
        CustomRuleError,
        "bwd returned a cotangent of type float64[1] for a value of type float64[2]",
        "the shape and the dtype of its value",
    ),
    case(
        pulled(with_vjp(lambda residuals, ct: (1j * ct,))),
        CustomRuleError,
        "bwd returned a cotangent of type complex128[2] for a real value",
        "take its real part",
    ),
    case(
        lambda: wg.vjp(with_vjp(lambda residuals, ct: ({"a": X},)), [X])[1]([X]),
        CustomRuleError,
        "bwd returned a cotangent of structure",
        "wg.tree.map",
    ),
]

CALLS = [
    case(
        pulled(with_vjp(lambda residuals, ct: (ct,), nondiff_argnums=3)),
        ArgumentError,
        "nondiff_argnums has 3, and the call 1 argument(s)",
    ),
    case(
        pulled(with_vjp(lambda residuals, ct: (ct,), nondiff_argnums=0)),
        CustomRuleError,
        "argument 0 is in nondiff_argnums, and depends on an input",
        "wg.stop_gradient(x)",
    ),
    case(
        pulled(custom_jvp(lambda x: x)),
        CustomRuleError,
        "a derivative is asked for (reverse mode), and it has no rule",
        "defjvp(rule)",
    ),
    case(
        lambda: wg.grad(
            lambda x: with_jvp(lambda p, t: (p[0], t[0] * x), fun=lambda y: y)(2.0 * x)
        )(1.0),
        CustomRuleError,
        "reads a traced value that is not one of its arguments",
        "pass the value as an argument",
    ),
    case(
        pulled(with_jvp(lambda primals, tangents: (primals[0], wnp.sin(tangents[0])))),
        CustomRuleError,
        "the vjp rule is missing, and the jvp rule is not linear: it takes sin",
        "attach the other rule too",
    ),
    case(
        pulled(straight_through(lambda x: x, lambda x: x[:1])),
        CustomRuleError,
        "straight_through: the function returned the shape (2,), the surrogate (1,)",
    ),
]

OPAQUE = [
    case(
        pulled(opaque(lambda x: object(), differences="central")),
        CustomRuleError,
        "returned a object",
        "return NumPy arrays and numbers",
    ),
    case(
        pulled(opaque(np.sin, out=lambda x: ((3,), float), differences="central")),
        CustomRuleError,
        "opaque(sin) returned float64[2], and out= says float64[3]",
        "correct out=",
    ),
    case(
        lambda: opaque(np.sin, differences="left"),
        ArgumentError,
        "opaque: differences='left'",
        '"central", "complex" or None',
    ),
    case(
        lambda: opaque(np.sin, differences="central", vjp=lambda primals, ct: (ct,)),
        ArgumentError,
        "opaque: differences is given beside a rule",
    ),
    case(
        lambda: wg.grad(wg.grad(opaque(np.sin, differences="complex")))(1.0),
        CustomRuleError,
        'opaque: differences="complex" gives first derivatives only',
        'differences="central"',
    ),
    case(
        lambda: wg.grad(lambda z: abs(opaque(np.sin, differences="complex")(z)))(1.0j),
        CustomRuleError,
        'opaque: differences="complex" of a complex argument',
        'differences="central"',
    ),
    case(
        lambda: wg.vmap(opaque(np.sin))(np.zeros(0)),
        ShapeError,
        "opaque(sin) under vmap of 0 lanes",
    ),
    case(
        pulled(opaque(np.sin, out=lambda x: (x, x), differences="central")),
        CustomRuleError,
        "opaque(sin) returned the structure PyTreeSpec(*), and out= says",
        "correct out=",
    ),
    case(
        lambda: wg.jit(lambda x: opaque(np.sin)(x))(X),
        ArgumentError,
        "opaque(sin) is called in compiled code, and has no out=",
        "out=lambda x: (x.shape, x.dtype)",
    ),
    case(
        lambda: wg.jit(lambda x: opaque(np.sin, out=lambda x: float)(x))(X),
        ArgumentError,
        "opaque(sin): out= gave a type for a type",
        "return pairs of shape and dtype",
    ),
    case(
        lambda: wg.jit(wg.grad(wg.checkpoint(lambda x: SINE(x) * x)))(1.0),
        CustomRuleError,
        "opaque(sin) is called in checkpoint(<lambda>), which compiled code runs again",
        "call it outside the checkpoint",
    ),
    case(
        lambda: wg.jit(wg.grad(_in_a_branch))(1.0),
        StagedValueError,
        "opaque(sin) would be called again for the derivative",
        "reverse mode runs twice what it cannot save",
        "a for loop of a fixed number of steps",
    ),
]

CASES = [*OPAQUE, *RESULTS, *CALLS]
