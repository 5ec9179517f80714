"""Control operations for operands of wider dtypes than those they were staged for.

A loop is staged for the dtypes that its carries have before it. Where a step makes one
wider, the body is applied again, and the branches and loops in it with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._core.types import PYTHON_SCALARS, ArrayType, dtype_of
from wengert._ir.control import Call, Control, For, If, While
from wengert._ir.program import Program, Var
from wengert._staging.joins import converted
from wengert._staging.replay import replay
from wengert._staging.stage import trace


def fitting(op: Control, params: Sequence[Var], operands: Sequence[Any]) -> Control:
    """The operation, or one whose regions take these operands without loss."""
    dtypes = [
        p.type.dtype
        if isinstance(x, PYTHON_SCALARS)  # its dtype adapts
        else np.result_type(p.type.dtype, dtype_of(x))
        for x, p in zip(operands, params, strict=True)
    ]
    if all(d == p.type.dtype for d, p in zip(dtypes, params, strict=True)):
        return op
    if isinstance(op, If):
        then, orelse = (_retyped(r, dtypes) for r in (op.then, op.orelse))
        pairs = zip(then.result_types, orelse.result_types, strict=True)
        ends = [np.result_type(a.dtype, b.dtype) for a, b in pairs]
        return If(_retyped(then, dtypes, ends), _retyped(orelse, dtypes, ends))
    if isinstance(op, (For, While)):
        return _loop(op, dtypes)
    assert isinstance(op, Call)
    return op.with_regions({"callee": _retyped(op.callee, dtypes)})


def _loop(op: For | While, dtypes: list[Any]) -> For | While:
    """A loop whose carries have the dtypes that its steps make of these."""
    k = op.constants
    lead = [p.type.dtype for p in op.body.params[: isinstance(op, For)]]
    while True:
        found = _retyped(op.body, [*lead, *dtypes]).result_types
        pairs = zip(dtypes[k:], found, strict=True)
        ends = [np.result_type(d, t.dtype) for d, t in pairs]
        if ends == dtypes[k:]:
            break
        dtypes = [*dtypes[:k], *ends]
    body = _retyped(op.body, [*lead, *dtypes], ends)
    if isinstance(op, For):
        return For(body, k, op.checkpoints)
    return While(_retyped(op.test, dtypes), body, k, op.checkpoints)


def _retyped(
    program: Program, dtypes: Sequence[Any], ends: Sequence[Any] | None = None
) -> Program:
    """A program of parameters of these dtypes, with results of the others."""

    def build(*values: Any) -> list[Any]:
        outs = replay(program, values)
        if ends is None:
            return outs
        return [converted(o, d) for o, d in zip(outs, ends, strict=True)]

    templates = [
        p if p.type.dtype == d else ArrayType(p.type.shape, np.dtype(d))
        for p, d in zip(program.params, dtypes, strict=True)
    ]
    return trace(build, templates)
