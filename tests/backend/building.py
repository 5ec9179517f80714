"""Programs by hand: equations one after the other, types from the ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.control import Call, Check, For, If, While
from wengert._ir.program import Equation, Literal, Program, Var, literal
from wengert._ops.index import Slot

F64, I64, BOOL = (np.dtype(n) for n in ("f8", "i8", "?"))


def var(shape: Any = (), dtype: Any = F64) -> Var:
    return Var(ArrayType(tuple(shape), np.dtype(dtype)))


def atom(x: Any) -> Any:
    return x if isinstance(x, (Var, Literal)) else literal(x)


class Builder:
    """Collects the equations of one region."""

    def __init__(self, *params: Var) -> None:
        self.params = params
        self.equations: list[Equation] = []

    def emit(self, name: str, *atoms: Any, **params: Any) -> Any:
        op = OPS[name]
        inputs = tuple(map(atom, atoms))
        found = op.abstract(*(a.type for a in inputs), **params)
        types = tuple(found) if op.multiple else (found,)
        outputs = tuple(map(Var, types))
        self.equations.append(Equation(op, inputs, params, outputs))
        return outputs if op.multiple else outputs[0]

    def control(self, op: Any, inputs: Any, types: Any) -> tuple[Var, ...]:
        outputs = tuple(map(Var, types))
        given = tuple(map(atom, inputs))
        self.equations.append(Equation(op, given, {}, outputs))
        return outputs

    def loop(self, n: Any, body: Program, constants: Any, carries: Any) -> Any:
        op = For(body, len(constants))
        types = [atom(c).type for c in carries]
        return self.control(op, (n, *constants, *carries), types)

    def while_(self, test: Program, body: Program, constants: Any, carries: Any) -> Any:
        op = While(test, body, len(constants))
        types = [atom(c).type for c in carries]
        return self.control(op, (*constants, *carries), types)

    def branch(self, holds: Any, then: Program, orelse: Program, operands: Any) -> Any:
        return self.control(If(then, orelse), (holds, *operands), then.result_types)

    def call(self, callee: Program, operands: Any) -> Any:
        return self.control(Call(callee), operands, callee.result_types)

    def check(self, error: Any, holds: Any, *values: Any) -> None:
        self.control(Check(error), (holds, *values), ())

    def program(self, *results: Any) -> Program:
        return Program(self.params, tuple(self.equations), tuple(map(atom, results)))

    # -- what is emitted most ----------------------------------------------------------

    def get(self, x: Any, *index: Any) -> Var:
        items, slots = _index(index)
        return self.emit("getitem", x, *slots, index=items)

    def set(self, x: Any, v: Any, *index: Any, op: str = "update") -> Var:
        items, slots = _index(index)
        return self.emit(op, x, v, *slots, index=items)


def _index(index: Any) -> tuple[Any, list[Any]]:
    items, slots = [], []
    for item in index:
        if isinstance(item, (Var, Literal)):
            items.append(Slot(len(slots)))
            slots.append(item)
        else:
            items.append(item)
    return tuple(items), slots
