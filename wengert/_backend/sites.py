"""What generated code refers to by number: errors, and ops that run on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from llvmlite import ir

from wengert._backend import types as t
from wengert._core.source import Site
from wengert._ir.control import Call, Label
from wengert._ir.program import Equation, Program, Var

Functions: TypeAlias = dict[Label, ir.Function]


class ErrorSite(NamedTuple):
    """How the exception of a failure is made, of values of these dtypes and ranks."""

    make: Callable[..., BaseException]
    dtypes: tuple[Any, ...]
    ranks: tuple[int, ...]
    place: Site | str | None  # in the user's file

    @property
    def words(self) -> int:
        """Places of 16 bytes that the values take."""
        return sum(1 if rank == 0 else 1 + rank for rank in self.ranks)


class HostSite(NamedTuple):
    """An equation that Python evaluates; `variables` are those in its params."""

    equation: Equation
    variables: tuple[Var, ...]


class Sites:
    """The numbers of one compiled program, and the functions that it calls."""

    def __init__(self) -> None:
        self.place: Site | None = None  # of the equation that is being lowered
        self.errors: list[ErrorSite] = []
        self.hosts: list[HostSite] = []
        self.entries: list[str] = []  # further entries of the run-time table, by name
        self.functions: dict[Any, Any] = {}  # of callees, by identity
        self.pending: list[tuple[Program, Any, Functions]] = []

    def error(self, make: Callable[..., BaseException], *dtypes: Any) -> int:
        return self.check(make, dtypes, (0,) * len(dtypes))

    def check(self, make: Callable[..., BaseException], dtypes: Any, ranks: Any) -> int:
        self.errors.append(ErrorSite(make, tuple(dtypes), tuple(ranks), self.place))
        return len(self.errors) - 1

    def host(self, equation: Equation, variables: tuple[Var, ...]) -> int:
        self.hosts.append(HostSite(equation, variables))
        return len(self.hosts) - 1

    def entry(self, name: str) -> int:
        if name not in self.entries:
            self.entries.append(name)
        return self.entries.index(name)

    def function(self, module: ir.Module, op: Call, around: Functions) -> ir.Function:
        """The function of a callee; emitted later, once.

        around: the functions that stand around the call, by their labels.
        """
        key = (id(op.callee), *(f.name for f in around.values()))
        known = self.functions.get(key)
        if known is None:
            known = declare(module, op.callee, f"callee_{len(self.functions)}")
            self.functions[key] = known
            if op.label is not None:
                around = {**around, op.label: known}
            self.pending.append((op.callee, known, around))
        return known


def declare(
    module: ir.Module, program: Program, name: str, destinations: int = 0
) -> ir.Function:
    """``(frame, *parameters, result block, *destinations) -> code``.

    A scalar parameter is a register, an array the address of its entries in C order.
    """
    kinds = [
        t.register_type(p.type.dtype) if p.type.shape == () else t.PTR
        for p in program.params
    ]
    signature = ir.FunctionType(t.I32, [t.PTR, *kinds, t.PTR, *[t.PTR] * destinations])
    function = ir.Function(module, signature, name)
    function.linkage = "internal"
    for argument in function.args:
        if argument.type == t.PTR:
            argument.add_attribute("noalias")
    return function
