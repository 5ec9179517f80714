"""Programs as text, one equation a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert._core.types import ArrayType
from wengert._ir.control import Opaque
from wengert._ir.program import Atom, Equation, Program, Var
from wengert._ops.index import Slot

_SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c", "bfloat": "bf"}


def dtype_name(dtype: Any) -> str:
    """``f64``, ``i32``, ``bool``, ..."""
    name = np.dtype(dtype).name
    kind = name.rstrip("0123456789")
    return _SHORT.get(kind, kind) + name[len(kind) :]


class _Names:
    """Numbers variables in the order in which they are first shown."""

    def __init__(self) -> None:
        self.names: dict[Var, str] = {}

    def __call__(self, var: Var) -> str:
        return self.names.setdefault(var, f"%{len(self.names)}")

    def type(self, type_: ArrayType) -> str:
        name = dtype_name(type_.dtype)
        if not type_.shape:
            return name
        return f"{name}[{', '.join(self.extent(n) for n in type_.shape)}]"

    def extent(self, n: Any) -> str:
        return self(n) if isinstance(n, Var) else str(n)

    def declared(self, var: Var) -> str:
        return f"{self(var)}: {self.type(var.type)}"

    def atom(self, atom: Atom) -> str:
        if isinstance(atom, Var):
            return self(atom)
        value = atom.value
        text = repr(value.item()) if isinstance(value, np.generic) else repr(value)
        default = np.result_type(type(value.item()))
        return text if value.dtype == default else f"{dtype_name(value.dtype)}({text})"

    def param(self, value: Any) -> str:
        if isinstance(value, Var):
            return self(value)
        if type(value) is tuple:
            items = ", ".join(self.param(v) for v in value)
            return f"({items},)" if len(value) == 1 else f"({items})"
        if isinstance(value, Slot):
            return f"${value.k}"
        if isinstance(value, slice):
            parts = [value.start, value.stop, value.step]
            shown = ["" if p is None else self.param(p) for p in parts]
            return ":".join(shown[:2] if value.step is None else shown)
        if value is Ellipsis:
            return "..."
        if isinstance(value, np.dtype) or isinstance(value, type):
            return dtype_name(value)
        return repr(value)


def _head(program: Program, names: _Names) -> str:
    return f"({', '.join(names.declared(p) for p in program.params)})"


def _lines(program: Program, names: _Names, indent: str) -> Iterator[str]:
    for equation in program.equations:
        yield from _equation_lines(equation, names, indent)
    results = ", ".join(names.atom(r) for r in program.results)
    yield f"{indent}return {results}".rstrip()


def _equation_lines(equation: Equation, names: _Names, indent: str) -> Iterator[str]:
    inputs = ", ".join(names.atom(a) for a in equation.inputs)
    params = "".join(f" {k}={names.param(v)}" for k, v in equation.params.items())
    checkpoints = getattr(equation.op, "checkpoints", None)
    if checkpoints is not None:
        params += f" checkpoints={checkpoints!r}"
    outputs = ", ".join(names.declared(v) for v in equation.outputs)
    left = f"{outputs} = " if outputs else ""
    line = f"{indent}{left}{_name(equation.op)}({inputs}){params}"
    site = equation.site
    yield f"{line}  # line {site.line}" if site is not None else line
    for name, region in equation.regions.items():
        yield f"{indent}  {name} {_head(region, names)}:"
        yield from _lines(region, names, indent + "    ")


def _name(op: Any) -> str:
    """The name of an operation; of a user's function with its own."""
    if isinstance(op, Opaque):
        return str(op.function.name)
    label = getattr(op, "label", None)
    return str(op.name) if label is None else f"{op.name} {label.name}"


def show(program: Program) -> str:
    names = _Names()
    head = f"program {_head(program, names)}:"
    return "\n".join([head, *_lines(program, names, "  ")])
