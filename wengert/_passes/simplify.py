"""Simplification: identities, constants, and control flow that constants decide."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._ir.control import Check, Control, For, If, While
from wengert._ir.program import Atom, Equation, Literal, Program, Var
from wengert._passes.identities import simpler
from wengert._passes.linear import LinearForms, is_linear
from wengert._passes.rewriting import (
    Substitution,
    changed,
    has_regions,
    inlined,
    regions_of,
    same,
    with_regions,
)


def simplify(program: Program) -> Program:
    """A program without what identities and constants make superfluous.

    Values stay the same to the bit, but for the signs of zeros that are zero as
    derivatives, and for transcendental functions of constants, which NumPy computes.
    Branches with a known predicate and loops of no step or one become their equations.
    """
    return _Simplifier().program(program)


class _Simplifier:
    """Simplified control operations, each made once."""

    def __init__(self) -> None:
        self.done: dict[Any, Control] = {}

    def program(self, program: Program) -> Program:
        region = _Region(self)
        for equation in program.equations:
            region.add(equation)
        results = [region.substitution.atom(r) for r in program.results]
        return changed(program, region.equations, results)

    def control(self, op: Any) -> Any:
        if not has_regions(op):
            return op
        if op not in self.done:
            regions = [self.program(region) for region in regions_of(op)]
            self.done[op] = with_regions(op, regions)
        return self.done[op]


class _Region:
    """The equations of one region, simplified one after the other."""

    def __init__(self, simplifier: _Simplifier) -> None:
        self.simplifier = simplifier
        self.substitution = Substitution()
        self.equations: list[Equation] = []
        self.sources: dict[Var, Equation] = {}
        self.linear = LinearForms()

    # -- what rules ask ----------------------------------------------------------------

    def source(self, atom: Atom, *names: str) -> Equation | None:
        found = self.sources.get(atom) if isinstance(atom, Var) else None
        return found if found is not None and found.op.name in names else None

    def number(self, atom: Atom) -> Literal | None:
        if isinstance(atom, Literal):
            return atom
        found = self.source(atom, "full", "broadcast_to")
        if found is None:
            return None
        if found.op.name == "broadcast_to":
            (x,) = found.inputs
            return x if isinstance(x, Literal) else None
        return _number_of_full(found)

    # -- equations ---------------------------------------------------------------------

    def add(self, given: Equation) -> None:
        equation = self.substitution.equation(given)
        if isinstance(equation.op, Control):
            self._add_control(equation, given.outputs)
            return
        found: Any = equation
        while isinstance(found, Equation):
            equation, found = found, self._step(found)
        if found is None:
            self._emit(equation)
        else:
            self.substitution.atoms[given.outputs[0]] = found

    def _step(self, equation: Equation) -> Atom | Equation | None:
        if equation.op.multiple:
            return None
        if equation.op.name == "full":
            found: Any = None
            if not equation.outputs[0].type.shape:
                found = _number_of_full(equation)
        else:
            found = simpler(equation, self)
        if found is None and is_linear(equation):
            found = self.linear.simplified(equation)
        if isinstance(found, (Var, Literal)):
            # Extents may be equal without being known to be.
            return found if found.type == equation.outputs[0].type else None
        return found

    def _emit(self, equation: Equation) -> None:
        self.equations.append(equation)
        for var in equation.outputs:
            self.sources[var] = equation
        if is_linear(equation):
            self.linear.note(equation)

    def _add_control(self, equation: Equation, names: tuple[Var, ...]) -> None:
        op = self.simplifier.control(equation.op)
        if op is not equation.op:
            equation = equation._replace(op=op)
        if isinstance(op, Check) and same(equation.inputs[0], _TRUE):
            return
        outcome = _outcome(equation)
        if outcome is None or not self._fits(equation, outcome):
            self._emit(equation)
            return
        for inner in outcome.equations:
            self.add(inner)
        for var, atom in zip(names, outcome.results, strict=True):
            self.substitution.atoms[var] = self.substitution.atom(atom)

    def _fits(self, equation: Equation, outcome: Program) -> bool:
        """Whether results have the types that are declared, extents included."""
        given = dict(zip(equation.outputs, outcome.results, strict=True))
        declared = Substitution(given)
        return all(
            declared.type(v.type) == self.substitution.type(a.type)
            for v, a in given.items()
        )


_TRUE = Literal(np.bool_(True))


def _number_of_full(equation: Equation) -> Literal | None:
    value, dtype = equation.params["value"], np.dtype(equation.params["dtype"])
    if isinstance(value, Var) or np.ndim(value):
        return None
    return Literal(np.asarray(value).astype(dtype)[()])


def _outcome(equation: Equation) -> Program | None:
    """What a control operation comes to, where its operands decide it."""
    op, inputs = equation.op, equation.inputs
    if isinstance(op, If) and isinstance(inputs[0], Literal):
        region = op.then if inputs[0].value else op.orelse
        return inlined(region, inputs[1:])
    if isinstance(op, For) and isinstance(inputs[0], Literal):
        if inputs[0].value <= 0:
            return Program((), (), inputs[1 + op.constants :])
        if inputs[0].value == 1:
            return inlined(op.body, (Literal(np.int64(0)), *inputs[1:]))
    if isinstance(op, While):
        (more,) = op.test.results
        if isinstance(more, Literal) and not more.value and not op.test.equations:
            return Program((), (), inputs[op.constants :])
    return None
