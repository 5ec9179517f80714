"""A program applied again: its ops, one by one, to the values of any interpreter.

That is how a staged program is differentiated, batched or staged anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert._core.interp import CURRENT, Tracer, using
from wengert._core.op import Op
from wengert._core.types import shape_of
from wengert._ir.control import Custom, Opaque
from wengert._ir.program import Equation, Literal, Program, Var, substitute
from wengert._ops.structure import promote, reshape
from wengert._staging.stage import Stage, as_extent


def replay(program: Program, arguments: Sequence[Any]) -> list[Any]:
    """Results of a program whose parameters have these values."""
    values: dict[Var, Any] = dict(zip(program.params, arguments, strict=True))
    stage = next((i for i in CURRENT.get().chain() if isinstance(i, Stage)), None)
    for equation in program.equations:
        if stage is not None:
            stage.place = equation.site  # it keeps its place in the user's file
        results = apply_equation(equation, values)
        values.update(zip(equation.outputs, results, strict=True))
    if stage is not None:
        stage.place = None
    return [_result(r, values) for r in program.results]


def _result(atom: Any, values: dict[Var, Any]) -> Any:
    """A result with the extents that the program declares.

    A rule may compute an extent otherwise than a pass has left it to be computed.
    """
    value = _value(atom, values)
    shape = substitute(atom.type.shape, lambda n: as_extent(values[n]))
    return value if shape_of(value) == shape else reshape(value, shape=shape)


def _value(atom: Any, values: dict[Var, Any]) -> Any:
    if isinstance(atom, Literal):
        return atom.value.item() if atom.weak else atom.value
    return values[atom]


def apply_equation(equation: Equation, values: dict[Var, Any]) -> tuple[Any, ...]:
    """The results of one equation, under the current interpreter."""
    operands = tuple([_value(a, values) for a in equation.inputs])
    if equation.op is promote:
        return operands  # the op that reads it asks again
    if isinstance(equation.op, Op):
        params = {
            k: substitute(v, lambda n: as_extent(values[n]))
            for k, v in equation.params.items()
        }
        result = equation.op(*operands, **params)
        return tuple(result) if equation.op.multiple else (result,)
    return apply_control(equation.op, operands)


# What `Interpreter.call` applies for a control operation, by its name.
FUNCTIONS: dict[str, Any] = {}


def apply_control(op: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
    """A control operation under the current interpreter."""
    if isinstance(op, Custom):
        return tuple(CURRENT.get().call(op.function, op.arguments(operands)))
    if isinstance(op, Opaque):
        return tuple(op.function.applied(op.arguments(operands)))
    interpreter = CURRENT.get()
    if not any(isinstance(x, Tracer) for x in operands):
        # No transformation is concerned, but it must not run now: it may be a `raise`.
        stages = (i for i in interpreter.chain() if isinstance(i, Stage))
        interpreter = next(stages, interpreter)
    with using(interpreter):
        return tuple(interpreter.call(FUNCTIONS[op.name](op), tuple(operands)))
