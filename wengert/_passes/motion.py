"""Loop-invariant motion: what every step computes alike is computed once, in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert._core.types import ArrayType
from wengert._ir.control import Control
from wengert._ir.program import (
    Atom,
    Equation,
    Program,
    Var,
    variables_in,
    variables_read,
)
from wengert._ops.structure import held
from wengert._passes.rewriting import (
    Substitution,
    changed,
    constants_of,
    has_regions,
    is_entrywise,
    is_loop,
    lead_of,
    rebuilt,
    region_lead_of,
    regions_of,
    with_regions,
)


def move_invariants(program: Program) -> Program:
    """A program whose loops compute what only depends on constants before they start.

    Only what is cheap and cannot fail moves, since the loop may have no step; and
    nothing that takes more memory than what it is computed from.
    """
    return _Motion().program(program)


class _Motion:
    """Control operations whose inner loops are done, each made once."""

    def __init__(self) -> None:
        self.done: dict[Any, Control] = {}

    def program(self, program: Program) -> Program:
        equations: list[Equation] = []
        for equation in program.equations:
            if has_regions(equation.op):
                op = self._with_new_regions(equation.op)
                equation = equation if op is equation.op else equation._replace(op=op)
                if is_loop(op):
                    equation = _lightened(equation, equations)
            equations.append(equation)
        return changed(program, equations, program.results)

    def _with_new_regions(self, op: Control) -> Control:
        if op not in self.done:
            self.done[op] = with_regions(op, [self.program(r) for r in regions_of(op)])
        return self.done[op]


def _lightened(equation: Equation, before: list[Equation]) -> Equation:
    """A loop without its invariant equations, which are appended to those before it."""
    op, lead = equation.op, lead_of(equation.op)
    first = lead + constants_of(op)
    found = [
        _Invariants(r, r.params[region_lead_of(op) :], equation.inputs[lead:first])
        for r in regions_of(op)
    ]
    if not any(part.moved for part in found):
        return equation
    added: list[Var] = []
    for part in found:
        before += part.moved
        added += part.read.values()
    at = region_lead_of(op) + constants_of(op)
    regions = [part.rest(added, at) for part in found]
    return equation._replace(
        op=rebuilt(op, regions, constants_of(op) + len(added)),
        inputs=(*equation.inputs[:first], *added, *equation.inputs[first:]),
    )


class _Invariants:
    """The invariant equations of one region of a loop.

    `moved` are they in terms of the operands of the loop; `read` has the outer variable
    of each result that the rest of the region reads.
    """

    def __init__(
        self, region: Program, params: Sequence[Var], constants: Sequence[Atom]
    ) -> None:
        self.region = region
        given = dict(zip(params, constants, strict=False))
        self.inside = Substitution(
            {a: p for p, a in given.items() if isinstance(a, Var)}
        )
        self.outside = Substitution(dict(given), fresh=True)
        self.moved: list[Equation] = []
        self.left: list[Equation] = []
        results: list[Var] = []
        for equation in region.equations:
            if _may_move(equation) and self._is_invariant(equation):
                self.moved.append(self.outside.equation(equation))
                results += equation.outputs
            else:
                self.left.append(equation)
        needed = self._needed()
        self.read: dict[Var, Var] = {
            v: a
            for v in results
            if v in needed and isinstance(a := self.outside.atoms[v], Var)
        }

    def _is_invariant(self, equation: Equation) -> bool:
        known = self.outside.atoms
        types = (n for v in equation.outputs for n in variables_in(v.type))
        return all(v in known for v in (*variables_read(equation), *types))

    def _needed(self) -> set[Var]:
        """What the rest of the region reads, and the extents of that."""
        needed: set[Var] = set()
        for equation in self.left:
            needed.update(variables_read(equation))
            needed.update(n for v in equation.outputs for n in variables_in(v.type))
        needed.update(r for r in self.region.results if isinstance(r, Var))
        return needed.union(*(variables_in(v.type) for v in needed))

    def rest(self, added: Sequence[Var], at: int) -> Program:
        """The region without them; its new constants stand before parameter `at`."""
        own = {outer: inner for inner, outer in self.read.items()}
        names = []
        for outer in added:
            inner = own.get(outer) or Var(self.inside.type(outer.type))
            self.inside.atoms[outer] = inner
            names.append(inner)
        params = self.region.params
        return self.region._replace(
            params=(*params[:at], *names, *params[at:]), equations=tuple(self.left)
        )


_MOVED = frozenset("astype transpose reshape flip conj real imag tril triu".split())


def _may_move(equation: Equation) -> bool:
    """Whether an op is cheap, cannot fail and takes no more memory than it reads."""
    op = equation.op
    if isinstance(op, Control) or op.multiple or not equation.inputs:
        return op is held  # an array from outside is read once
    if op.name == "to_integer":  # of NaN it fails
        return False
    is_part = op.name == "getitem" and len(equation.inputs) == 1
    if not (is_entrywise(op) or is_part or op.name in _MOVED):
        return False
    type_ = equation.outputs[0].type
    return any(_holds_as_much(a.type, type_) for a in equation.inputs)


def _holds_as_much(operand: ArrayType, result: ArrayType) -> bool:
    """Whether an operand has the entries of the result, or more."""
    if operand.shape == result.shape or result.ndim == 0:
        return True
    sizes = [_size(operand), _size(result)]
    return None not in sizes and sizes[0] >= sizes[1]


def _size(type_: ArrayType) -> Any:
    size = 1
    for n in type_.shape:
        if isinstance(n, Var):
            return None
        size *= n
    return size
