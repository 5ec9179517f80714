"""Which results of a program depend on some of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from wengert._core.op import Op
from wengert._core.types import is_inexact
from wengert._ir.control import Call, Custom, For, If, Label, Recur, While
from wengert._ir.program import Equation, Program, Var

Mask = Sequence[bool]


class _Assumed:
    """What is active of a function that calls itself, as far as has been found."""

    def __init__(self, params: Mask, results: Mask) -> None:
        self.params, self.results = list(params), list(results)


_Labels = Mapping[Label, _Assumed]
_NO_LABELS: _Labels = MappingProxyType({})


def active_results(
    program: Program, wrt: Mask, labels: _Labels = _NO_LABELS
) -> list[bool]:
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
            found = _active_outputs(equation, reads, labels)
            outputs = zip(equation.outputs, found, strict=True)
            active |= {v for v, is_active in outputs if is_active}
    return [isinstance(r, Var) and r in active for r in program.results]


def _active_outputs(equation: Equation, reads: Mask, labels: _Labels) -> list[bool]:
    op, marked = equation.op, partial(active_results, labels=labels)
    if isinstance(op, For):
        k = 1 + op.constants
        return fixed_point(marked, op.body, [False, *reads[1:k]], reads[k:])
    if isinstance(op, While):
        k = op.constants
        return fixed_point(marked, op.body, reads[:k], reads[k:])
    if isinstance(op, If):
        found = (marked(region, reads[1:]) for region in (op.then, op.orelse))
        return [a or b for a, b in zip(*found, strict=True)]
    if isinstance(op, Recur) and op.label in labels:
        assumed = labels[op.label]
        assumed.params = _either(assumed.params, reads)
        return assumed.results
    if isinstance(op, Call) and not isinstance(op, Custom):
        return active_of_call(op, reads, labels)
    return [is_inexact(v.type.dtype) for v in equation.outputs]


def active_of_call(op: Call, reads: Mask, labels: _Labels = _NO_LABELS) -> list[bool]:
    """The active results of a call, whose operands are marked.

    Of a function that calls itself: what is active in one of its calls is, in all.
    """
    if op.label is None:
        return active_results(op.callee, reads, labels)
    assumed = _Assumed(reads, [False] * len(op.callee.results))
    while True:
        before = assumed.params, assumed.results
        inside = {**labels, op.label: assumed}
        found = active_results(op.callee, assumed.params, inside)
        assumed.results = _either(assumed.results, found)
        if before == (assumed.params, assumed.results):
            return assumed.results


def _either(a: Mask, b: Mask) -> list[bool]:
    return [x or y for x, y in zip(a, b, strict=True)]


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
