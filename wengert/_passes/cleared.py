"""Cleared parts: where a cotangent is set to zero only to be added to again."""

from __future__ import annotations

from collections import Counter
from typing import Any

from wengert._ir.control import Control
from wengert._ir.program import Equation, Literal, Program, Var, variables_read
from wengert._passes.rewriting import (
    Substitution,
    changed,
    has_regions,
    key_of,
    regions_of,
    same,
    with_regions,
)


def restore_cleared(program: Program) -> Program:
    """A program that clears no part of an array where it adds to that part soon.

    The pullback of ``a[i] += v`` takes the cotangent of ``a[i]``, clears it, and adds
    it back: it comes to a read. Where another value is added, and nothing in between,
    that value is written. What is added in between may be added in another order.
    """
    return _Restoring().program(program)


class _Restoring:
    """Control operations whose regions are done, each made once."""

    def __init__(self) -> None:
        self.done: dict[Any, Control] = {}

    def program(self, program: Program) -> Program:
        dropped, written = _pairs(program)
        substitution = Substitution()
        equations = []
        for given in program.equations:
            (out, *_) = given.outputs or (None,)
            if out in dropped:
                array = substitution.atom(given.inputs[0])
                substitution.atoms[given.outputs[0]] = array
                continue
            equation = substitution.equation(given)
            if out in written:
                equation = equation._replace(op=written[out])
            if has_regions(equation.op):
                equation = self._with_new_regions(equation)
            equations.append(equation)
        results = [substitution.atom(r) for r in program.results]
        return changed(program, equations, results)

    def _with_new_regions(self, equation: Equation) -> Equation:
        op = equation.op
        if op not in self.done:
            self.done[op] = with_regions(op, [self.program(r) for r in regions_of(op)])
        new = self.done[op]
        return equation if new is op else equation._replace(op=new)


def _pairs(program: Program) -> tuple[set[Any], dict[Any, Any]]:
    """Results of equations to leave out, and of additions to make updates.

    An array between the two may have one reader only: else it would be copied.
    """
    readers = Counter(v for e in program.equations for v in variables_read(e))
    readers.update(r for r in program.results if isinstance(r, Var))
    sources = {v: e for e in program.equations for v in e.outputs}
    dropped: set[Any] = set()
    written: dict[Any, Any] = {}
    for equation in program.equations:
        if equation.op.name != "add_at":
            continue
        clearing = _clearing(equation, sources, readers)
        if clearing is None or clearing.outputs[0] in dropped:
            continue
        array, value = clearing.inputs[0], equation.inputs[1]
        read = sources.get(value) if isinstance(value, Var) else None
        if read is not None and _reads(read, array, equation):
            dropped.update((clearing.outputs[0], equation.outputs[0]))
        elif equation.inputs[0] is clearing.outputs[0]:
            dropped.add(clearing.outputs[0])
            written[equation.outputs[0]] = clearing.op
    return dropped, written


def _clearing(
    equation: Equation, sources: dict[Var, Equation], readers: Counter[Var]
) -> Equation | None:
    """The update that sets to zero what an equation adds to, through other additions.

    Where it is one of them that adds to the part first, nothing is found.
    """
    array = equation.inputs[0]
    while isinstance(array, Var) and readers[array] == 1 and array in sources:
        source = sources[array]
        if source.op.name not in ("add_at", "update"):
            return None
        if _at_one_place(source.inputs[2:], source, equation.inputs[2:], equation):
            clears = source.op.name == "update" and _is_zero(source.inputs[1])
            return source if clears else None
        if source.op.name == "update":
            return None
        array = source.inputs[0]
    return None


def _is_zero(atom: Any) -> bool:
    return isinstance(atom, Literal) and atom.value == 0


def _reads(read: Equation, array: Any, equation: Equation) -> bool:
    """Whether an equation reads from an array what another adds."""
    return (
        read.op.name == "getitem"
        and read.inputs[0] is array
        and _at_one_place(read.inputs[1:], read, equation.inputs[2:], equation)
    )


def _at_one_place(indices: Any, a: Equation, others: Any, b: Equation) -> bool:
    """Whether two equations index alike, each entry once."""
    return (
        key_of(a.params["index"]) == key_of(b.params["index"])
        and len(indices) == len(others)
        and all(map(same, indices, others))
        and not any(i.type.shape or i.type.dtype == bool for i in indices)
    )
