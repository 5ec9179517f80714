"""The reference meaning of a program: its equations, one by one, by NumPy.

What the back end computes is tested against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from wengert._ir.control import Label
from wengert._ir.program import Equation, Literal, Program, Var, substitute
from wengert.errors import InvalidProgramError

Labels: TypeAlias = Mapping[Label, Program]


def evaluate(
    program: Program,
    arguments: Sequence[Any],
    labels: Mapping[Label, Program] = MappingProxyType({}),
) -> list[Any]:
    """Results of a program for NumPy arguments, in the order of its parameters.

    labels: the functions that stand around the program.
    """
    values: dict[Var, Any] = dict(zip(program.params, arguments, strict=True))

    def value_of(atom: Any) -> Any:
        return atom.value if isinstance(atom, Literal) else values[atom]

    for equation in program.equations:
        operands = [value_of(a) for a in equation.inputs]
        run = CONTROL.get(equation.op.name)
        if run is not None:
            results = run(equation.op, operands, labels)
        else:
            params = {
                k: substitute(v, lambda n: int(values[n]))
                for k, v in equation.params.items()
            }
            result = equation.op.evaluate(*operands, **params)
            results = result if equation.op.multiple else [result]
        for var, result in zip(equation.outputs, results, strict=True):
            values[var] = _typed(result, var)
            _check_type(equation, var, values)
    return [value_of(r) for r in program.results]


def _typed(value: Any, var: Var) -> Any:
    """Scalars as NumPy scalars; an array as the op has made it."""
    if var.type.shape == ():
        return var.type.dtype.type(value)
    return value


def _check_type(equation: Equation, var: Var, values: dict[Var, Any]) -> None:
    """A value has its declared type: else the program is wrong."""
    shape = tuple(int(values[n]) if isinstance(n, Var) else n for n in var.type.shape)
    found = values[var]
    if found.shape != shape or found.dtype != var.type.dtype:
        raise InvalidProgramError(
            f"invalid program: {equation.op.name} gave {found.dtype}{found.shape}, "
            f"declared {var.type.dtype}{shape}"
        )


def _for(op: Any, operands: list[Any], labels: Labels) -> list[Any]:
    steps, constants = operands[0], operands[1 : 1 + op.constants]
    carries = operands[1 + op.constants :]
    for i in range(int(steps)):
        carries = evaluate(op.body, [np.int64(i), *constants, *carries], labels)
    return carries


def _while(op: Any, operands: list[Any], labels: Labels) -> list[Any]:
    constants, carries = operands[: op.constants], operands[op.constants :]
    while evaluate(op.test, [*constants, *carries], labels)[0]:
        carries = evaluate(op.body, [*constants, *carries], labels)
    return carries


def _if(op: Any, operands: list[Any], labels: Labels) -> list[Any]:
    predicate, *rest = operands
    return evaluate(op.then if predicate else op.orelse, rest, labels)


def _call(op: Any, operands: list[Any], labels: Labels) -> list[Any]:
    if op.label is not None:
        labels = {**labels, op.label: op.callee}
    return evaluate(op.callee, operands, labels)


def _recur(op: Any, operands: list[Any], labels: Labels) -> list[Any]:
    return evaluate(labels[op.label], operands, labels)


def _check(op: Any, operands: list[Any], _: Labels) -> list[Any]:
    holds, *values = operands
    if not holds:
        raise op.error(*values)
    return []


def _by_python(op: Any, operands: list[Any], _: Labels) -> list[Any]:
    return op.evaluate(*operands)


CONTROL = {
    "for": _for,
    "while": _while,
    "if": _if,
    "call": _call,
    "recur": _recur,
    "check": _check,
    "print": _by_python,
    "opaque": _by_python,
}
