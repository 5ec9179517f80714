"""Branches that only raise: checks in front of the other branch, which is no branch."""

from __future__ import annotations

from typing import Any

from wengert._core.op import OPS
from wengert._ir.control import Check, Control, If
from wengert._ir.program import Atom, Equation, Literal, Program, Var
from wengert._passes.rewriting import (
    Substitution,
    changed,
    has_regions,
    inlined,
    regions_of,
    with_regions,
)


def raise_first(program: Program) -> Program:
    """A program whose ``if ...: raise`` checks, and goes on without a branch.

    What follows a raise is in the other branch. Reverse mode runs a branch again from
    what it reads, of a loop that writes to a matrix the matrix in every step.
    """
    return _Raising().program(program)


class _Raising:
    """Control operations whose regions are done, each made once."""

    def __init__(self) -> None:
        self.done: dict[Any, Control] = {}

    def program(self, program: Program) -> Program:
        substitution = Substitution()
        equations: list[Equation] = []
        for given in program.equations:
            equation = substitution.equation(given)
            if has_regions(equation.op):
                op = self._with_new_regions(equation.op)
                equation = equation if op is equation.op else equation._replace(op=op)
            if not isinstance(equation.op, If):
                equations.append(equation)
                continue
            found = _checked(equation)
            if found is None:
                equations.append(equation)
                continue
            equations += found.equations
            pairs = zip(given.outputs, found.results, strict=True)
            substitution.atoms.update(pairs)
        results = [substitution.atom(r) for r in program.results]
        return changed(program, equations, results)

    def _with_new_regions(self, op: Control) -> Control:
        if op not in self.done:
            self.done[op] = with_regions(op, [self.program(r) for r in regions_of(op)])
        return self.done[op]


def _checked(equation: Equation) -> Program | None:
    """A check and the other branch, if one branch only fails."""
    predicate, *operands = equation.inputs
    for failing, other in ((0, 1), (1, 0)):
        regions = regions_of(equation.op)
        check = _failure(regions[failing], operands)
        if check is None:
            continue
        before = []
        if failing == 0:
            holds = Var(predicate.type)
            before = [Equation(OPS["logical_not"], (predicate,), {}, (holds,))]
            predicate = holds
        before.append(check._replace(inputs=(predicate, *check.inputs[1:])))
        rest = inlined(regions[other], operands)
        return rest._replace(equations=(*before, *rest.equations))
    return None


def _failure(region: Program, operands: list[Atom]) -> Equation | None:
    """The check that a region always fails, in terms of the operands.

    None where something is computed before, for its message or otherwise.
    """
    if not region.equations or not isinstance(region.equations[0].op, Check):
        return None
    check = region.equations[0]
    holds = check.inputs[0]
    known = dict(zip(region.params, operands, strict=True))
    if not isinstance(holds, Literal) or holds.value:
        return None
    return Substitution(dict(known)).equation(check)
