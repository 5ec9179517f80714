"""Errors of op rows, interpreters and traced arrays."""

from __future__ import annotations

import math
import operator

import array_api_strict
import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import as_numpy, case
from wengert._core.op import OPS, Op, Undefined
from wengert.errors import (
    DependenceError,
    DTypeError,
    IndexingError,
    LanesDisagreeError,
    LeakedValueError,
    MissingRuleError,
    MutationError,
    OpDefinitionError,
    ShapeError,
)

X = np.array([1.0, 2.0, 3.0])


PLAIN = np.zeros(3)  # made where no transformation can see it


def traced(function):
    """A gradient at X of a function that fails."""
    return lambda: wg.grad(function)(X.copy())


def _leaked(make):
    """What a function kept of the arguments of a transformation that has ended."""
    kept = []
    wg.grad(lambda x: kept.append(make(x)) or (x * x).sum())(X.copy())
    return kept[0]


def _write_from_inside(x):
    y = x * 1.0

    def inner(s):
        y[0] = s
        return s

    return wg.grad(inner)(x[0])


def _row(**columns):
    return Op("nonsense", "structural", evaluate=np.sin, batch=_reason, **columns)


_reason = Undefined("there is nothing to it")

ROWS = [
    case(
        lambda: OPS["floor"].jvp((1.0,), (1.0,), 1.0, {}),
        MissingRuleError,
        "floor: there is no ",
        "it is constant between its jumps",
    ),
    case(
        lambda: _row(abstract=_reason, jvp=None, vjps=()),
        OpDefinitionError,
        "op nonsense: column jvp is None",
        'or Undefined("reason")',
    ),
    case(
        lambda: Op(
            "sin",
            "structural",
            evaluate=np.sin,
            abstract=_reason,
            jvp=_reason,
            vjps=(_reason,),
            batch=_reason,
        ),
        OpDefinitionError,
        "op sin is already in the table",
        "another name",
    ),
    case(
        lambda: wnp.heaviside(array_api_strict.asarray([1.0]), 0.5),
        MissingRuleError,
        "heaviside: the Array API standard has no such function",
        "numpy.asarray",
    ),
]

TRACED = [
    case(
        lambda: _leaked(lambda x: x[0]) + 1.0,
        LeakedValueError,
        "outside the transformation that made it (vjp, begun at ",
        "core.py:",
        "which has ended",
        "has_aux=True",
    ),
    case(
        lambda: _leaked(lambda x: x).shape,
        LeakedValueError,
        "outside the transformation that made it (vjp, begun at ",
        "which has ended",
        "has_aux=True",
    ),
    case(
        traced(lambda x: math.ulp(x[0])), DependenceError, "float(): ", "wengert.numpy"
    ),
    case(
        traced(lambda x: x[0].item()), DependenceError, "item(): ", "x[i] is a scalar"
    ),
    case(
        traced(lambda x: x[0].__complex__()),
        DependenceError,
        "complex(): ",
        "stop_gradient",
    ),
    case(
        traced(lambda x: PLAIN.__setitem__(slice(None), x)),
        DependenceError,
        "numpy.asarray(): ",
        "wengert.numpy",
    ),
    case(
        traced(lambda x: np.add(x, x, out=PLAIN)),
        DependenceError,
        "a traced value is written into a plain NumPy array",
        "`import wengert.numpy as np`",
    ),
    case(
        traced(lambda x: _write_from_inside(x)),
        MutationError,
        "made outside the innermost transformation",
        "has_aux=True",
    ),
    case(
        lambda: wg.vmap(lambda x: x if x > 0 else -x)(np.array([1.0, -1.0])),
        LanesDisagreeError,
        "bool(): the 2 lanes of this batched value differ",
        "np.where",
    ),
    case(
        lambda: wg.vmap(lambda x: x[x > 0].sum())(np.array([[1.0, -1.0]])),
        LanesDisagreeError,
        "a batched boolean mask",
        "np.where",
    ),
]

AS_NUMPY = [
    as_numpy(
        traced(lambda x: len(wnp.reshape(x[:1], ()))),
        lambda: len(X[:1].reshape(())),
        DTypeError,
        "len() of unsized object",
    ),
    as_numpy(
        traced(lambda x: operator.iadd(x[0:1], x)),
        lambda: operator.iadd(X[0:1].copy(), X),
        ShapeError,
        "output operand with shape (1,) doesn't match the broadcast shape (3,)",
        "x = x + y",
    ),
    as_numpy(
        traced(lambda x: operator.iadd(wnp.zeros(3, int), x)),
        lambda: operator.iadd(np.zeros(3, int), X),
        DTypeError,
        "Cannot cast output from float64 to int64",
        "astype(float)",
    ),
    as_numpy(
        traced(lambda x: x[x]), lambda: X[X], IndexingError, "only integers, slices"
    ),
]

CASES = [*ROWS, *TRACED, *AS_NUMPY]
