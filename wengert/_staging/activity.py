"""Which results of a program depend on some of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

from wengert._core.op import Op
from wengert._core.types import is_inexact
from wengert._ir.program import Program, Var


def active_results(program: Program, wrt: Sequence[bool]) -> list[bool]:
    """Whether each result may have a derivative in the marked parameters.

    Never too few: an operation with regions is taken to connect all that it reads with
    all that it gives.
    """
    active = {p for p, w in zip(program.params, wrt, strict=True) if w}
    for equation in program.equations:
        if isinstance(equation.op, Op) and equation.op.cut is not None:
            continue
        if any(isinstance(a, Var) and a in active for a in equation.inputs):
            active |= {v for v in equation.outputs if is_inexact(v.type.dtype)}
    return [isinstance(r, Var) and r in active for r in program.results]
