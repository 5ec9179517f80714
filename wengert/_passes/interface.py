"""What regions get and give: operands and results that they can do without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from wengert._ir.control import Call, Control
from wengert._ir.program import Atom, Equation, Literal, Program, Var, variables_in
from wengert._passes.rewriting import (
    Key,
    Substitution,
    changed,
    constants_of,
    has_regions,
    is_loop,
    is_recursive,
    key_of,
    lead_of,
    rebuilt,
    region_lead_of,
    regions_of,
    same,
    with_regions,
)


def tighten(program: Program) -> Program:
    """A program whose regions get each value once, and no literals.

    A literal operand moves into the regions, which read equal constants under one
    name. A carry that no step changes becomes a constant, two carries that are always
    equal become one, and a result that does not depend on the region is known outside.
    """
    return _Tightening(program).program(program, Substitution())


class _Tightening:
    """Outer regions first: what they learn of an operand, inner ones use.

    A function that is called more than once stays as it is, for all its calls.
    """

    def __init__(self, whole: Program) -> None:
        self.calls: Counter[Any] = Counter()
        self.done: dict[Any, Control] = {}
        self._count(whole)

    def _count(self, program: Program) -> None:
        for equation in program.equations:
            op = equation.op
            if has_regions(op):
                self.calls[op] += 1
                if self.calls[op] == 1:
                    for region in regions_of(op):
                        self._count(region)

    def program(self, program: Program, substitution: Substitution) -> Program:
        equations = []
        for given in program.equations:
            equation = substitution.equation(given)
            if has_regions(equation.op):
                equation = self._control(equation, given.outputs, substitution)
            equations.append(equation)
        results = [substitution.atom(r) for r in program.results]
        return changed(program, equations, results)

    def _control(
        self, equation: Equation, names: tuple[Var, ...], substitution: Substitution
    ) -> Equation:
        op = equation.op
        if isinstance(op, Call) and (self.calls[op] > 1 or is_recursive(op)):
            return self._with_tight_regions(equation)
        interface = _Interface(equation)
        interface.sort()
        known = zip(names, interface.known, strict=True)
        substitution.atoms.update((v, a) for v, a in known if a is not v)
        if interface.is_tight:
            return self._with_tight_regions(equation)
        regions = [
            self.program(region, inside)
            for region, inside in zip(
                interface.narrowed(), interface.inside, strict=True
            )
        ]
        equation = interface.assembled(regions)
        # An extent of what stays may be known now.
        outputs = tuple(map(substitution.output, equation.outputs))
        stay = zip(interface.results, equation.outputs, outputs, strict=True)
        substitution.atoms.update((names[k], b) for k, a, b in stay if a is not b)
        return equation._replace(outputs=outputs)

    def _with_tight_regions(self, equation: Equation) -> Equation:
        op = equation.op
        if op not in self.done:
            regions = [self.program(r, Substitution()) for r in regions_of(op)]
            self.done[op] = with_regions(op, regions)
        new = self.done[op]
        return equation if new is op else equation._replace(op=new)


class _Interface:
    """One control equation, with what becomes of its operands and results.

    `known` has the atom that stands for each result outside. Positions are those among
    the operands that the regions get.
    """

    def __init__(self, equation: Equation) -> None:
        self.equation = equation
        op = self.op = equation.op
        self.lead, self.region_lead = lead_of(op), region_lead_of(op)
        self.operands = equation.inputs[self.lead :]
        self.constants = constants_of(op)
        self.known: list[Atom] = list(equation.outputs)
        self.regions = regions_of(op)
        self.names = [r.params[self.region_lead :] for r in self.regions]
        self.inside = [Substitution() for _ in self.regions]
        self.kept: list[int] = []  # positions of constants
        self.carried: list[int] = []  # positions of carries
        self.results: list[int] = []

    @property
    def body(self) -> Program:
        return self.regions[-1]

    def sort(self) -> None:
        """Find out what stays."""
        self._sort_constants()
        if is_loop(self.op):
            self._sort_carries()
            self.results = [p - self.constants for p in self.carried]
        else:
            self.results = self._varying_results()

    @property
    def is_tight(self) -> bool:
        """Whether everything stays."""
        return (
            len(self.results) == len(self.equation.outputs)
            and len(self.kept) == self.constants
            and len(self.kept) + len(self.carried) == len(self.operands)
        )

    # -- operands ----------------------------------------------------------------------

    def _sort_constants(self) -> None:
        earlier: dict[Key, int] = {}
        for position in range(self.constants):
            atom = self.operands[position]
            first = earlier.setdefault(key_of(atom), position)
            if isinstance(atom, Literal):
                self._replace(position, [atom] * len(self.regions))
            elif first < position and self._of_one_type(position, first):
                self._replace(position, self._inner(first))
            else:
                self._keep(position, self.kept)

    def _keep(self, position: int, group: list[int]) -> None:
        """An operand that stays; its type may have new extents."""
        group.append(position)
        for s, names in zip(self.inside, self.names, strict=True):
            s.output(names[position])

    def _inner(self, position: int) -> list[Atom]:
        """What stands in each region for an operand."""
        pairs = zip(self.inside, self.names, strict=True)
        return [s.atom(names[position]) for s, names in pairs]

    def _replace(self, position: int, atoms: Sequence[Atom]) -> None:
        for s, names, atom in zip(self.inside, self.names, atoms, strict=True):
            s.atoms[names[position]] = atom

    def _of_one_type(self, a: int, b: int) -> bool:
        """Whether two operands have one type in each region, extents included."""
        pairs = zip(self.inside, self.names, strict=True)
        return all(s.type(n[a].type) == s.type(n[b].type) for s, n in pairs)

    # -- carries of loops --------------------------------------------------------------

    def _sort_carries(self) -> None:
        positions = range(self.constants, len(self.operands))
        first: dict[Key, int] = {}
        for position in positions:
            number = position - self.constants
            entry, following = self.operands[position], self.body.results[number]
            key = (key_of(entry), key_of(following))
            earlier = first.setdefault(key, position)
            if self._is_unchanged(position, following):
                self._becomes_constant(position, number)
            elif earlier < position and self._is_merged(position, earlier):
                self._replace(position, self._inner(earlier))
                self.known[number] = self.known[earlier - self.constants]
            else:
                self._keep(position, self.carried)

    def _is_unchanged(self, position: int, following: Atom) -> bool:
        """Whether each step hands on what it got, or the literal of the start."""
        entry, name = self.operands[position], self.names[-1][position]
        if entry.type != self.equation.outputs[position - self.constants].type:
            return False
        if not all(self._is_fixed(n) for n in variables_in(name.type)):
            return False
        if following is name or same(entry, following):
            return True
        constants = self.names[-1][: self.constants]
        return any(
            following is constant and same(entry, operand)
            for constant, operand in zip(constants, self.operands, strict=False)
        )

    def _is_fixed(self, extent: Var) -> bool:
        """Whether no step changes an extent of a carry."""
        return self.names[-1].index(extent) not in self.carried

    def _becomes_constant(self, position: int, number: int) -> None:
        entry = self.operands[position]
        self.known[number] = entry
        if isinstance(entry, Literal):
            self._replace(position, [entry] * len(self.regions))
        else:
            self._keep(position, self.kept)

    def _is_merged(self, position: int, earlier: int) -> bool:
        a, b = position - self.constants, earlier - self.constants
        outputs = self.equation.outputs
        return (
            earlier in self.carried
            and outputs[a].type == outputs[b].type
            and self._of_one_type(position, earlier)
        )

    # -- results of branches and calls -------------------------------------------------

    def _varying_results(self) -> list[int]:
        """The results that are neither operands, nor literals, nor other results."""
        kept = []
        first: dict[Key, int] = {}
        for number, out in enumerate(self.equation.outputs):
            atoms = [region.results[number] for region in self.regions]
            earlier = first.setdefault(tuple(map(key_of, atoms)), number)
            outer = self._outer(atoms) if earlier == number else self.known[earlier]
            if outer is not None and outer.type == out.type:
                self.known[number] = outer
            else:
                kept.append(number)
        return kept

    def _outer(self, atoms: Sequence[Atom]) -> Atom | None:
        """The literal or operand that every region returns."""
        if isinstance(atoms[0], Literal):
            return atoms[0] if all(same(a, atoms[0]) for a in atoms) else None
        for position, operand in enumerate(self.operands):
            names = [n[position] for n in self.names]
            if all(a is name for a, name in zip(atoms, names, strict=True)):
                return operand
        return None

    # -- the new equation --------------------------------------------------------------

    def narrowed(self) -> list[Program]:
        """The regions with the parameters and results that stay."""
        return [
            self._narrow(region, names, inside)
            for region, names, inside in zip(
                self.regions, self.names, self.inside, strict=True
            )
        ]

    def _narrow(
        self, region: Program, names: tuple[Var, ...], inside: Substitution
    ) -> Program:
        """A region with some parameters and results, of which a test has one."""
        is_test = is_loop(self.op) and region is not self.body
        kept = region.results if is_test else [region.results[n] for n in self.results]
        left = [inside.atom(names[p]) for p in (*self.kept, *self.carried)]
        lead = region.params[: self.region_lead]
        params = [*lead, *(p for p in left if isinstance(p, Var))]
        return region._replace(params=tuple(params), results=tuple(kept))

    def assembled(self, regions: Sequence[Program]) -> Equation:
        """The equation of these regions, with the operands and results that stay."""
        operands = [self.operands[p] for p in (*self.kept, *self.carried)]
        outputs = [self.equation.outputs[number] for number in self.results]
        return self.equation._replace(
            op=rebuilt(self.op, regions, len(self.kept)),
            inputs=(*self.equation.inputs[: self.lead], *operands),
            outputs=tuple(outputs),
        )
