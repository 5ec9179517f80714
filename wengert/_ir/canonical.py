"""The canonical text of a program, by which equal programs are found again.

Two programs with one text compile to the same code. It has nothing of this process
(addresses, the order of sets) and no places in files: where an equation comes from, and
how a check makes its exception, are numbers, for which each program has a list.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import Op
from wengert._core.source import Site
from wengert._ir.control import Call, Check, Custom, For, If, Label, Recur, While
from wengert._ir.program import Equation, Program, Var

_CONTROL = (For, While, If, Call, Recur, Custom, Check)
_ASIDE = ("derived", "function", "known")  # what transformations need of an operation
_PYTHON = (bool, int, str, bytes, type(None), type(Ellipsis))


class References:
    """What a text refers to by number: places in files, and makers of exceptions."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def add(self, value: Any) -> int:
        known = self._numbers.setdefault(_identity(value), len(self.objects))
        if known == len(self.objects):
            self.objects.append(value)
        return known

    def number(self, value: Any) -> int | None:
        return self._numbers.get(_identity(value))


def _identity(value: Any) -> Any:
    """A place is a line: offsets move when the interpreter specialises its code.

    Code objects of two files may be equal, which is why they are told apart by `id`.
    """
    return (id(value.code), value.line) if isinstance(value, Site) else id(value)


class Canonical(NamedTuple):
    """A text, and what its numbers stand for."""

    text: str
    references: References


def canonical(program: Program) -> Canonical | None:
    """The canonical text; None if an operation has none: a function of the user's."""
    writer = _Writer()
    text = writer.program(program)
    return Canonical(text, writer.references) if writer.complete else None


class _Writer:
    """Numbers whatever has an identity in the order of first appearance."""

    def __init__(self) -> None:
        self.complete = True
        self.references = References()
        self._vars: dict[Var, int] = {}
        self._parts: dict[int, int] = {}  # programs and control operations

    def program(self, program: Program) -> str:
        return self._once(program, self._program)

    def _once(self, part: Any, write: Any) -> str:
        """The text of a part, and at further places its number."""
        if id(part) in self._parts:
            return f"#{self._parts[id(part)]}"
        self._parts[id(part)] = len(self._parts)
        return str(write(part))

    def _program(self, program: Program) -> str:
        params = " ".join(map(self._declared, program.params))
        lines = "\n".join(map(self._equation, program.equations))
        results = " ".join(map(self._value, program.results))
        return f"{{({params})\n{lines}\n({results})}}"

    def _declared(self, var: Var) -> str:
        return f"{self._value(var)}:{self._value(var.type)}"

    def _equation(self, equation: Equation) -> str:
        inputs = " ".join(map(self._value, equation.inputs))
        outputs = " ".join(map(self._declared, equation.outputs))
        params = self._value(tuple(sorted(equation.params.items())))
        site = "" if equation.site is None else self.references.add(equation.site)
        return f"{self._operation(equation.op)} ({inputs}) {params} ({outputs}) @{site}"

    def _operation(self, op: Any) -> str:
        if isinstance(op, Op):
            return str(op.name)
        if type(op) in _CONTROL:
            return self._once(op, self._control)
        self.complete = False
        return "?"

    def _control(self, op: Any) -> str:
        parts = [f"{k}={self._attribute(k, v)}" for k, v in vars(op).items()]
        return f"{op.name}[{' '.join(parts)}]"

    def _attribute(self, name: str, value: Any) -> str:
        if name in _ASIDE:
            return ""
        if name == "error":
            return f"@{self.references.add(value)}"
        if isinstance(value, Program):
            return self.program(value)
        if isinstance(value, Label):
            return f"label{self._parts.setdefault(id(value), len(self._parts))}"
        return self._value(value)

    def _value(self, value: Any) -> str:
        """An operand, a type, or what stands in params."""
        if isinstance(value, Var):
            return f"%{self._vars.setdefault(value, len(self._vars))}"
        if isinstance(value, tuple):
            return f"{type(value).__name__}({' '.join(map(self._value, value))})"
        if isinstance(value, slice):
            return f"slice{self._value((value.start, value.stop, value.step))}"
        if isinstance(value, (np.ndarray, np.generic)):
            content = hashlib.sha256(value.tobytes()).hexdigest()
            return f"array({self._value(value.dtype)} {value.shape} {content})"
        if isinstance(value, np.dtype):
            return f"dtype({value.name}{value.byteorder})"
        if isinstance(value, type) and issubclass(value, np.generic):
            return f"type({value.__name__})"
        if type(value) is float:
            return value.hex()
        if type(value) is complex:
            return f"complex({value.real.hex()} {value.imag.hex()})"
        self.complete &= type(value) in _PYTHON
        return repr(value)
