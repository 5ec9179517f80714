"""Whether NumPy would certainly have the arrays of a staged program in C order.

An array's order in memory decides whether its reshape is a view, and staged arrays have
no memory yet. What is certain: operations on arrays in C order give such arrays, but
for a few. In C order is what no axis of an array has larger strides than one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from wengert._core.interp import in_c_order
from wengert._core.types import Params
from wengert._ir.control import Call, Control, For, If, While
from wengert._ir.program import Equation, Program, Var
from wengert._ops.convolution import conv, windows
from wengert._ops.index import Slot
from wengert._ops.indexing import add_at, getitem, update
from wengert._ops.linalg import solve_triangular
from wengert._ops.structure import copy, reshape, transpose, with_length
from wengert._staging.activity import fixed_point


class Orders:
    """What is known of the values of a stage.

    `relied_on` are those that were taken to be in C order, because they are where the
    parameters are what they stand for: in a loop, in the first step.
    """

    def __init__(self) -> None:
        self.stand_for: dict[Var, Any] = {}  # parameters: values from outside
        self.relied_on: list[Var] = []
        self._other: set[Var] = set()  # values that may be in another order
        self._params, self._equations = 0, 0  # how many of each have been looked at

    def certain(self, var: Var, equations: Sequence[Equation]) -> bool:
        """Whether a value is in C order, given all equations so far."""
        for param, value in islice(self.stand_for.items(), self._params, None):
            if not in_c_order(value):
                self._other.add(param)
        self._params = len(self.stand_for)
        _follow(equations[self._equations :], self._other)
        self._equations = len(equations)
        found = var not in self._other
        if found:
            self.relied_on.append(var)
        return found

    def forget(self, count: int) -> None:
        """Only the first equations are left."""
        self._equations = min(self._equations, count)

    def holds_in_each_step(
        self, changed: Sequence[tuple[Var, Any]], equations: Sequence[Equation]
    ) -> bool:
        """Whether what was relied on holds after a step too.

        changed: the parameters that a step changes, and what it changes them to.
        """
        other = set(self._other)
        while True:
            before = len(other)
            _follow(equations, other)
            other |= {param for param, after in changed if after in other}
            if len(other) == before:
                return other.isdisjoint(self.relied_on)


def _follow(equations: Sequence[Equation], other: set[Var]) -> None:
    """Add to the values that may be in another order those that are made of them."""
    for equation in equations:
        flags = [a in other for a in equation.inputs]
        found = _results(equation, flags)
        other.update(
            out
            for out, may in zip(equation.outputs, found, strict=True)
            if may and len(out.type.shape) > 1
        )


def _results(equation: Equation, flags: list[bool]) -> list[bool]:
    """For each result, whether it may be in another order than C."""
    op = equation.op
    if isinstance(op, If):
        both = (_of_program(p, flags[1:]) for p in (op.then, op.orelse))
        return [a or b for a, b in zip(*both, strict=True)]
    if isinstance(op, Call):
        return _of_program(op.callee, flags)
    if isinstance(op, For):
        k = op.constants + 1
        return fixed_point(_of_program, op.body, [False, *flags[1:k]], flags[k:])
    if isinstance(op, While):
        k = op.constants
        return fixed_point(_of_program, op.body, flags[:k], flags[k:])
    if isinstance(op, Control):
        return [True] * len(equation.outputs)
    rule = _RULES.get(op)
    may = any(flags) if rule is None else rule(flags, equation.params)
    return [may] * len(equation.outputs)


def _of_program(program: Program, flags: Sequence[bool]) -> list[bool]:
    other = {p for p, may in zip(program.params, flags, strict=True) if may}
    _follow(program.equations, other)
    return [r in other for r in program.results]


def _of_getitem(flags: list[bool], params: Params) -> bool:
    """Index arrays behind a slice give another order: their axes come first."""
    index = params["index"]
    last = max((k for k, i in enumerate(index) if type(i) is Slot), default=0)
    return any(flags) or any(type(i) is not Slot for i in index[:last])


def _of_copy(flags: list[bool], params: Params) -> bool:
    order = params.get("order", "K")
    return any(flags) if order == "K" else bool(order != "C")


def _of_another(flags: list[bool], params: Params) -> bool:
    return True


_RULES = {
    conv: _of_another,
    windows: _of_another,
    solve_triangular: _of_another,
    transpose: _of_another,
    copy: _of_copy,
    reshape: lambda flags, params: any(flags) or params.get("order", "C") != "C",
    getitem: _of_getitem,
    with_length: lambda flags, params: False,
    update: lambda flags, params: flags[0],
    add_at: lambda flags, params: flags[0],
}
