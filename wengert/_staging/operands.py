"""The dtypes in which an op computes: NumPy's promotion made explicit.

A program converts operands in equations of their own, so that a scalar kernel of the
back end sees one dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.types import PYTHON_SCALARS, Params, dtype_of, is_inexact

Dtypes = list[Any]  # one an operand; None leaves it as it is


def aligned_dtypes(op: Op, operands: tuple[Any, ...], params: Params) -> Dtypes:
    """The dtype that each operand is converted to before the op."""
    if not operands:
        return []
    rule = _RULES.get(op.name)
    if rule is not None:
        return rule(operands)
    if op.family == "elementwise" or op.name in _COMPARED:
        return [_common(op, operands, params)] * len(operands)
    if op.family == "bilinear":
        return [np.result_type(*map(dtype_of, operands))] * len(operands)
    weak = (isinstance(x, PYTHON_SCALARS) for x in operands)
    return [
        np.result_type(x) if is_weak else None
        for x, is_weak in zip(operands, weak, strict=True)
    ]


def _common(op: Op, operands: tuple[Any, ...], params: Params) -> Any:
    """The dtype of the ufunc's loop."""
    promoted = np.result_type(*(dtype_of(x) for x in operands))
    if is_inexact(promoted):
        return promoted
    probes = [
        x if isinstance(x, PYTHON_SCALARS) else np.ones(1, x.dtype) for x in operands
    ]
    with np.errstate(all="ignore"):
        out = op.evaluate(*probes, **params)
    return out.dtype if is_inexact(out.dtype) else promoted


def _where(operands: tuple[Any, ...]) -> Dtypes:
    _, x, y = operands
    common = np.result_type(dtype_of(x), dtype_of(y))
    return [np.dtype(bool), common, common]


def _write(operands: tuple[Any, ...]) -> Dtypes:
    own = np.result_type(dtype_of(operands[0]))  # which a pass may have found constant
    return [own, own, *(None for _ in operands[2:])]


def _joined(operands: tuple[Any, ...]) -> Dtypes:
    return [np.result_type(*map(dtype_of, operands))] * len(operands)


_RULES: dict[str, Callable[[tuple[Any, ...]], Dtypes]] = {
    "where": _where,
    "update": _write,
    "add_at": _write,
    "concatenate": _joined,
    "vdot": _joined,
    "vecdot": _joined,
    "einsum": _joined,
    "solve": _joined,
    "solve_triangular": _joined,
    "linear_recurrence": _joined,
}
# Of two operands entry by entry, with a result that has no derivative.
_COMPARED = frozenset(
    "equal not_equal less less_equal greater greater_equal logical_and logical_or "
    "logical_xor bitwise_and bitwise_or bitwise_xor left_shift right_shift "
    "floor_divide floor ceil trunc rint sign signbit isnan isinf isfinite".split()
)
