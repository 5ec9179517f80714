"""Errors of rows that are checked, and of rules that do not cover an operand."""

from __future__ import annotations

import array_api_strict
import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import case
from wengert._core.op import OPS, Op
from wengert._core.types import ArrayType
from wengert._ops.index import Slot
from wengert._ops.special import polygamma
from wengert.errors import (
    DTypeError,
    GradientCheckError,
    LanesDisagreeError,
    MissingRuleError,
    OpDefinitionError,
)
from wengert.testing import check_op

_SIN = OPS["sin"]
STRICT = array_api_strict.ones((2,))
POSITIONS = array_api_strict.asarray([0, 0])
HERMITIAN = np.array([[2.0, 1.0j], [-1.0j, 3.0]])
Z = np.array([1.0 + 1.0j])


def _row(**columns):
    """A row like that of sin, but for some columns; it does not enter the table."""
    row = object.__new__(Op)
    for column in Op.__slots__:
        setattr(row, column, columns.get(column, getattr(_SIN, column)))
    return row


CHECKS = [
    case(
        lambda: check_op(_row(jvp=lambda primals, tangents, out, p: tangents[0])),
        GradientCheckError,
        "sin: forward",
        "got ",
        "expected ",
        "operands ",
        "correct the rule",
    ),
    case(
        lambda: check_op(_row(samples=())),
        OpDefinitionError,
        "sin: the row has no samples",
        "a Domain per operand",
    ),
]

OPERANDS = [
    case(
        lambda: OPS["add_at"].evaluate_with(
            array_api_strict, STRICT, STRICT, POSITIONS, index=(Slot(0),)
        ),
        MissingRuleError,
        "indexing: the Array API standard cannot add at integer arrays",
        "numpy.asarray",
    ),
    case(
        lambda: wg.jvp(wnp.linalg.eigh, (HERMITIAN,), (HERMITIAN,)),
        MissingRuleError,
        "eigh: complex vectors have no derivative",
        "numpy.linalg.eigvalsh",
    ),
    case(
        lambda: OPS["getitem"].abstract(
            ArrayType((3,), np.dtype(float)),
            ArrayType((3,), np.dtype(bool)),
            index=(0,),
        ),
        MissingRuleError,
        "indexing: the number of entries that a boolean mask selects is not known",
        "np.where(mask, x, value)",
    ),
    case(
        lambda: OPS["sign"](Z),
        DTypeError,
        "sign: this op is the sign of real numbers",
        "apply the op unit",
    ),
    case(
        lambda: wg.grad(lambda z: abs(polygamma(1, z)[0]))(Z),
        DTypeError,
        "polygamma: expected real numbers, got complex128",
        "wg.custom_jvp",
    ),
    case(
        lambda: wg.vmap(lambda m: OPS["flat_nonzero"](m._read(), size=1))(
            np.array([[True, False], [False, True]])
        ),
        LanesDisagreeError,
        "flat_nonzero: a batched mask is true at another number of places",
        "wg.vmap(wg.jit(f))",
    ),
]

CASES = [*CHECKS, *OPERANDS]
