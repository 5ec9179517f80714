"""Which results of a program depend on some of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wengert._core.op import Op
from wengert._core.types import is_inexact
from wengert._ir.control import Call, Custom, For, If, While
from wengert._ir.program import Equation, Program, Var

Mask = Sequence[bool]


def active_results(program: Program, wrt: Mask) -> list[bool]:
    """Whether each result may have a derivative in the marked parameters.

    Regions are followed result by result: a pushforward applies an operation to
    tangents, and takes what is active for a tangent.
    """
    active = {p for p, w in zip(program.params, wrt, strict=True) if w}
    for equation in program.equations:
        if isinstance(equation.op, Op) and equation.op.cut is not None:
            continue
        reads = [isinstance(a, Var) and a in active for a in equation.inputs]
        if any(reads):
            found = _active_outputs(equation, reads)
            outputs = zip(equation.outputs, found, strict=True)
            active |= {v for v, is_active in outputs if is_active}
    return [isinstance(r, Var) and r in active for r in program.results]


def _active_outputs(equation: Equation, reads: Mask) -> list[bool]:
    op = equation.op
    if isinstance(op, For):
        k = 1 + op.constants
        return fixed_point(active_results, op.body, [False, *reads[1:k]], reads[k:])
    if isinstance(op, While):
        k = op.constants
        return fixed_point(active_results, op.body, reads[:k], reads[k:])
    if isinstance(op, If):
        found = (active_results(region, reads[1:]) for region in (op.then, op.orelse))
        return [a or b for a, b in zip(*found, strict=True)]
    if isinstance(op, Call) and not isinstance(op, Custom):
        return active_results(op.callee, reads)
    return [is_inexact(v.type.dtype) for v in equation.outputs]


def fixed_point(
    marked: Callable[[Program, Mask], list[bool]],
    body: Program,
    head: Mask,
    carried: Mask,
) -> list[bool]:
    """The carries that are marked in the first step or a later one.

    marked: which results of a program are, where these parameters are.
    """
    known = list(carried)
    while True:
        found = marked(body, [*head, *known])
        new = [a or b for a, b in zip(known, found, strict=True)]
        if new == known:
            return known
        known = new
