"""The verifier: what every program must obey, checked between stages."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from wengert._core.op import Op
from wengert._core.types import ArrayType
from wengert._ir.control import Control
from wengert._ir.program import (
    Atom,
    Equation,
    Literal,
    Program,
    Var,
    substitute,
    variables_in,
    variables_read,
)
from wengert.errors import InvalidProgramError

_INDEX = ArrayType((), np.dtype(np.int64))
_BOOL = ArrayType((), np.dtype(np.bool_))


def verify(program: Program) -> Program:
    """The program, if it is valid.

    Raises:
        InvalidProgramError: a variable is read before it is assigned, or assigned
            twice; a type is not what the op gives; regions, operands and results of a
            control operation do not agree.
    """
    known: set[Var] = set()
    for var in program.params:
        _assign(program, var, known)
    for equation in program.equations:
        for var in variables_read(equation):
            if var not in known:
                _fail(program, f"{equation.op.name} reads {var} too early")
        _check_equation(program, equation)
        for var in equation.outputs:
            _assign(program, var, known)
    for atom in program.results:
        if isinstance(atom, Var):
            _require(program, atom in known, f"the result {atom} is not assigned")
    return program


def _require(program: Program, holds: bool, what: str) -> None:
    if not holds:
        _fail(program, what)


def _fail(program: Program, what: str) -> NoReturn:
    raise InvalidProgramError(f"invalid program: {what}\n{program}")


def _assign(program: Program, var: Var, known: set[Var]) -> None:
    if var in known:
        _fail(program, f"{var} is assigned twice")
    known.add(var)
    for n in variables_in(var.type):
        if n not in known:
            _fail(program, f"an extent of {var} is not known")
        if n.type != _INDEX:
            _fail(program, f"an extent of {var} is no int64 scalar")


def _check_equation(program: Program, equation: Equation) -> None:
    _verify_regions(equation.op)
    check = _CONTROL.get(equation.op.name)
    if check is not None:
        check(program, equation)
    elif isinstance(equation.op, Op):
        _check_op(program, equation)


def _verify_regions(op: Any) -> None:
    """Verify the regions of an operation once: neither can change."""
    if isinstance(op, Control) and "verified" not in op.derived:
        for region in op.regions.values():
            verify(region)
        op.derived["verified"] = True


def _check_op(program: Program, equation: Equation) -> None:
    """Static types only: a run-time extent is checked when the program is made."""
    atoms: list[Any] = [*equation.inputs, *equation.outputs]
    static = not any(True for a in atoms for _ in variables_in(a.type))
    static = static and not any(
        True for v in equation.params.values() for _ in variables_in(v)
    )
    if not static:
        return
    given = [a.type for a in equation.inputs]
    found = equation.op.abstract(*given, **equation.params)
    types = tuple(found) if equation.op.multiple else (found,)
    declared = tuple(v.type for v in equation.outputs)
    if types != declared:
        _fail_at(program, equation, types, declared)


def _fail_at(program: Program, equation: Equation, given: Any, declared: Any) -> None:
    texts = _listed(given), _listed(declared)
    _fail(program, f"{equation.op.name} gives {texts[0]}, declared {texts[1]}")


def _listed(types: Any) -> str:
    return ", ".join(map(str, types))


def _agree(
    program: Program, what: str, params: tuple[Var, ...], atoms: tuple[Atom, ...]
) -> dict[Var, Any]:
    """Check atoms against the parameters that they are given for."""
    _require(
        program,
        len(params) == len(atoms),
        f"{what} takes {len(params)} values, and gets {len(atoms)}",
    )
    given = dict(zip(params, atoms, strict=True))
    for param, atom in given.items():
        expected = substitute(param.type, lambda n: _extent(given.get(n, n)))
        if expected != atom.type:
            _fail(program, f"{what} takes {expected}, and gets {atom.type}")
    return given


def _extent(atom: Any) -> Any:
    return int(atom.value) if isinstance(atom, Literal) else atom


def _check_for(program: Program, equation: Equation) -> None:
    steps, *operands = equation.inputs
    body = equation.op.body
    _require(program, steps.type == _INDEX, "the number of steps is no int64 scalar")
    _require(program, body.params[0].type == _INDEX, "the index is no int64 scalar")
    _agree(program, "the body of for", body.params[1:], tuple(operands))
    carried = body.params[1 + equation.op.constants :]
    _check_carries(program, equation, body, carried)


def _check_while(program: Program, equation: Equation) -> None:
    op = equation.op
    _agree(program, "the test of while", op.test.params, equation.inputs)
    _agree(program, "the body of while", op.body.params, equation.inputs)
    _require(program, op.test.result_types == (_BOOL,), "the test is no bool")
    _check_carries(program, equation, op.body, op.body.params[op.constants :])


def _check_carries(
    program: Program, equation: Equation, body: Program, carried: tuple[Var, ...]
) -> None:
    _agree(program, "the next step", carried, body.results)
    inputs = equation.inputs[len(equation.inputs) - len(carried) :]
    _same_types(program, equation, tuple(a.type for a in inputs))


def _same_types(
    program: Program, equation: Equation, types: tuple[ArrayType, ...]
) -> None:
    declared = tuple(v.type for v in equation.outputs)
    dtypes = [t.dtype for t in types] == [t.dtype for t in declared]
    ranks = [t.ndim for t in types] == [t.ndim for t in declared]
    if not (dtypes and ranks):
        _fail_at(program, equation, types, declared)


def _check_if(program: Program, equation: Equation) -> None:
    predicate, *operands = equation.inputs
    _require(program, predicate.type == _BOOL, "the predicate is no bool scalar")
    for name, region in equation.regions.items():
        _agree(program, f"the region {name}", region.params, tuple(operands))
        _same_types(program, equation, region.result_types)


def _check_call(program: Program, equation: Equation) -> None:
    callee = equation.op.callee
    _agree(program, "the callee", callee.params, equation.inputs)
    _same_types(program, equation, callee.result_types)


def _check_recur(program: Program, equation: Equation) -> None:
    interface = equation.op.label.interface
    _agree(program, "the function around it", interface.params, equation.inputs)
    _same_types(program, equation, interface.result_types)


def _check_check(program: Program, equation: Equation) -> None:
    _require(program, equation.inputs[0].type == _BOOL, "a check of what is no bool")
    _require(program, not equation.outputs, "a check with a result")


def _check_print(program: Program, equation: Equation) -> None:
    _require(program, not equation.outputs, "a print with a result")


_CONTROL = {
    "for": _check_for,
    "while": _check_while,
    "if": _check_if,
    "call": _check_call,
    "recur": _check_recur,
    "check": _check_check,
    "print": _check_print,
}
