"""Programs: Wengert lists with types, functional and structured.

Every value is assigned once and never changes: `update` returns a new array, and a loop
carries values from step to step. An equation applies an op of the table, or one of the
control operations of `wengert._ir.control`, whose regions are programs themselves. A
program is closed: it reads its parameters and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wengert._core.source import Site
from wengert._core.types import ArrayType, Params


class Var:
    """A value of a program; two are the same only if they are one object.

    An extent of its type is an int, or the `Var` of an int64 scalar.
    """

    __slots__ = ("type",)

    def __init__(self, type_: ArrayType) -> None:
        self.type = type_

    def __repr__(self) -> str:
        return f"<var {self.type}>"


class Literal(NamedTuple):
    """A scalar constant; its value is a NumPy scalar.

    weak: it was a Python number, whose dtype adapts to that of other operands.
    """

    value: Any
    weak: bool = False

    @property
    def type(self) -> ArrayType:
        return ArrayType((), self.value.dtype)


Atom: TypeAlias = Var | Literal


class Equation(NamedTuple):
    """One line: what is applied to which values, and what it gives."""

    op: Any  # an `Op` of the table, or a control operation
    inputs: tuple[Atom, ...]
    params: Params
    outputs: tuple[Var, ...]
    site: Site | None = None

    @property
    def regions(self) -> dict[str, Program]:
        return getattr(self.op, "regions", {})


class Program(NamedTuple):
    """Parameters, equations in order, results."""

    params: tuple[Var, ...]
    equations: tuple[Equation, ...]
    results: tuple[Atom, ...]

    @property
    def result_types(self) -> tuple[ArrayType, ...]:
        return tuple(r.type for r in self.results)

    def __str__(self) -> str:
        from wengert._ir.text import show

        return show(self)


def substitute(value: Any, change: Callable[[Any], Any]) -> Any:
    """A param, type or index expression with every variable in it exchanged."""
    if isinstance(value, Var):
        return change(value)
    if isinstance(value, ArrayType):
        return ArrayType(substitute(value.shape, change), value.dtype)
    if type(value) is tuple:
        return tuple(substitute(item, change) for item in value)
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return slice(*(substitute(part, change) for part in parts))
    return value


def variables_in(value: Any) -> Iterator[Var]:
    """The variables in a param, type or index expression."""
    if isinstance(value, ArrayType):
        return iter([n for n in value.shape if isinstance(n, Var)])
    found: list[Var] = []

    def note(var: Var) -> Var:
        found.append(var)
        return var

    substitute(value, note)
    return iter(found)


def variables_read(equation: Equation) -> Iterator[Var]:
    """Every variable that an equation reads, extents in its params included."""
    for atom in equation.inputs:
        if isinstance(atom, Var):
            yield atom
    for value in equation.params.values():
        yield from variables_in(value)


def literal(value: Any, dtype: Any = None) -> Literal:
    """A constant with the dtype that NumPy gives its value alone, or this one."""
    dtype = np.result_type(type(value)) if dtype is None else np.dtype(dtype)
    return Literal(dtype.type(value))
