"""Dead code: equations, operands, results and carries that no result depends on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wengert._ir.control import Control, For, Recur, While
from wengert._ir.program import Equation, Program, Var, variables_in, variables_read
from wengert._passes.rewriting import (
    changed,
    constants_of,
    has_regions,
    is_loop,
    is_recursive,
    lead_of,
    rebuilt,
    region_lead_of,
    regions_of,
    with_regions,
)


def eliminate_dead(program: Program) -> Program:
    """A program that computes nothing that its results do not need.

    A carry that only feeds itself is dead, whatever loops it is carried through.
    Effects stay, with what they read and what decides whether they run.
    """
    return _Pruning().program(program)


class _Dependence:
    """What the results of control operations depend on.

    Sets of operands, or of parameters, are ints with a bit for each.
    """

    def __init__(self) -> None:
        self.done: dict[Any, tuple[list[int], int]] = {}
        self.effects: dict[Any, bool] = {}

    def of(self, op: Control) -> tuple[list[int], int]:
        """For each result the operands it depends on; those that effects do, or 0."""
        if op not in self.done:
            self.done[op] = (
                self._of_loop(op)
                if isinstance(op, (For, While))
                else self._of_choice(op)
            )
        return self.done[op]

    def _of_choice(self, op: Control) -> tuple[list[int], int]:
        """A branch or a call: the predicate decides everything."""
        if is_recursive(op):  # it keeps all its operands
            every = (1 << len(regions_of(op)[0].params)) - 1
            count = len(regions_of(op)[0].results)
            return [every] * count, every if self.has_effects(op) else 0
        lead = lead_of(op)
        found = [self._region(region) for region in regions_of(op)]
        columns = zip(*(results for results, _ in found), strict=True)
        results = [_union(column) << lead | lead for column in columns]
        if not self.has_effects(op):
            return results, 0
        return results, _union(e for _, e in found) << lead | lead

    def _of_loop(self, op: For | While) -> tuple[list[int], int]:
        """A loop: all that a carry is made of in any number of steps.

        Parameters of the body stand where the operands do, its index for their number.
        """
        first = constants_of(op) + region_lead_of(op)
        deciding = 1 if isinstance(op, For) else 0
        steps, effects = self._region(regions_of(op)[-1])
        if isinstance(op, While):
            (deciding,), more = self._region(op.test)
            effects |= more
        reach = [bits | 1 << first + k for k, bits in enumerate(steps)]
        _close(reach, first)
        deciding = _reached(deciding, reach, first)
        results = [bits | deciding for bits in reach]
        if not self.has_effects(op):
            return results, 0
        return results, _reached(effects, reach, first) | deciding

    def _region(self, program: Program) -> tuple[list[int], int]:
        known: dict[Var, int] = {}

        def bits_of(values: Iterable[Any]) -> int:
            return _union(known[v] for v in values if isinstance(v, Var))

        for k, param in enumerate(program.params):
            known[param] = 1 << k | bits_of(param.type.shape)
        effects = 0
        for equation in program.equations:
            found, more = self.of_equation(equation, bits_of)
            effects |= more
            for var, bits in zip(equation.outputs, found, strict=True):
                known[var] = bits | bits_of(var.type.shape)
        return [bits_of((r, *r.type.shape)) for r in program.results], effects

    def of_equation(self, equation: Equation, bits_of: Any) -> tuple[list[int], int]:
        if has_regions(equation.op):
            inputs = [bits_of((a,)) for a in equation.inputs]
            results, effects = self.of(equation.op)
            return [_spread(r, inputs) for r in results], _spread(effects, inputs)
        bits = bits_of(variables_read(equation))
        effects = bits if self.has_effects(equation.op) else 0
        return [bits] * len(equation.outputs), effects

    def has_effects(self, op: Any) -> bool:
        """Whether an operation does more than give results."""
        if isinstance(op, Recur):
            return op.effects
        if not has_regions(op):
            return isinstance(op, Control)
        if op not in self.effects:
            inner = [e.op for region in regions_of(op) for e in region.equations]
            self.effects[op] = any(map(self.has_effects, inner))
        return self.effects[op]


def _union(sets: Iterable[int]) -> int:
    total = 0
    for bits in sets:
        total |= bits
    return total


def _members(bits: int) -> list[int]:
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def _spread(bits: int, sets: Sequence[int]) -> int:
    return _union(sets[k] for k in _members(bits))


def _reached(bits: int, reach: Sequence[int], first: int) -> int:
    """A set with all that the carries in it depend on."""
    return bits | _union(reach[k] for k in _members(bits >> first))


def _close(reach: list[int], first: int) -> None:
    """What carries depend on, through each other too."""
    changes = True
    while changes:
        changes = False
        for k, bits in enumerate(reach):
            more = _reached(bits, reach, first)
            if more != bits:
                reach[k], changes = more, True


class _Pruning:
    """Programs without what is dead."""

    def __init__(self) -> None:
        self.dependence = _Dependence()
        self.done: dict[Any, Control] = {}  # by operation, operands and results

    def program(self, program: Program) -> Program:
        needed: set[Var] = set()
        for atom in program.results:
            if isinstance(atom, Var):
                needed.add(atom)
                needed.update(variables_in(atom.type))
        kept = []
        for equation in reversed(program.equations):
            found = self._needed_part(equation, needed)
            if found is None:
                continue
            kept.append(found)
            needed.update(variables_read(found))
            for var in found.outputs:
                needed.update(variables_in(var.type))
        return changed(program, kept[::-1], program.results)

    def _needed_part(self, equation: Equation, needed: set[Var]) -> Equation | None:
        outputs = equation.outputs
        for var in outputs:
            if var in needed:
                needed.update(variables_in(var.type))
        wanted = [var in needed for var in outputs]
        op = equation.op
        if not has_regions(op):
            return equation if any(wanted) or self.dependence.has_effects(op) else None
        results, effects = self.dependence.of(op)
        if not any(wanted) and not self.dependence.has_effects(op):
            return None
        if is_recursive(op):
            return self._with_pruned_regions(equation)
        operands = effects | (1 if lead_of(op) else 0)
        operands |= _union(r for r, w in zip(results, wanted, strict=True) if w)
        return self._narrowed(equation, wanted, operands)

    def _narrowed(
        self, equation: Equation, wanted: list[bool], operands: int
    ) -> Equation:
        """A control equation with some of its operands and results."""
        op, lead = equation.op, lead_of(equation.op)
        positions = _members(operands >> lead)
        constants = sum(p < constants_of(op) for p in positions)
        if is_loop(op):
            first = constants_of(op)
            kept = [p - first for p in positions[constants:]]
        else:
            kept = [k for k, w in enumerate(wanted) if w]
        total = len(equation.inputs) - lead
        if len(positions) == total and len(kept) == len(equation.outputs):
            return self._with_pruned_regions(equation)
        key = (op, tuple(positions), tuple(kept))
        if key not in self.done:
            regions = [
                self.program(_narrow(op, region, positions, kept))
                for region in regions_of(op)
            ]
            self.done[key] = rebuilt(op, regions, constants)
        return equation._replace(
            op=self.done[key],
            inputs=(
                *equation.inputs[:lead],
                *(equation.inputs[lead + p] for p in positions),
            ),
            outputs=tuple(equation.outputs[k] for k in kept),
        )

    def _with_pruned_regions(self, equation: Equation) -> Equation:
        op = equation.op
        if op not in self.done:
            self.done[op] = with_regions(op, [self.program(r) for r in regions_of(op)])
        new = self.done[op]
        return equation if new is op else equation._replace(op=new)


def _narrow(
    op: Control, region: Program, positions: Sequence[int], results: Sequence[int]
) -> Program:
    """A region with some of its parameters and results; a test has one result."""
    lead = region_lead_of(op)
    is_test = isinstance(op, While) and region is op.test
    kept = region.results if is_test else [region.results[k] for k in results]
    params = (*region.params[:lead], *(region.params[lead + p] for p in positions))
    return region._replace(params=params, results=tuple(kept))
