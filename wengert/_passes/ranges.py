"""Ranges of int64 scalars: comparisons, clipping and signs that they decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._ir.control import Control, For
from wengert._ir.program import Atom, Equation, Literal, Program, Var, variables_in
from wengert._passes.linear import INDEX
from wengert._passes.rewriting import (
    Substitution,
    changed,
    constants_of,
    has_regions,
    is_loop,
    is_recursive,
    lead_of,
    region_lead_of,
    regions_of,
    with_regions,
)


class Range(NamedTuple):
    """The integers from `low` to `high`."""

    low: int
    high: int


ANY = Range(-(1 << 63), (1 << 63) - 1)
EXTENT = Range(0, (1 << 62) - 1)  # a length, whose sums with others do not overflow


def decide_by_ranges(program: Program) -> Program:
    """A program without what the ranges of its indices decide.

    A loop index is not negative and below the number of steps, an extent is not
    negative: so slices whose bounds are made of these need no clipping.
    """
    return _Region(program, [ANY] * len(program.params), {}).decided()


class _Region:
    """One region, whose parameters have known ranges.

    `done` has the operations that are decided, by the ranges of their operands.
    """

    def __init__(
        self, program: Program, given: Sequence[Range], done: dict[Any, Control]
    ) -> None:
        self.program = program
        self.done = done
        self.substitution = Substitution()
        self.ranges: dict[Var, Range] = {}
        for param, found in zip(program.params, given, strict=True):
            if param.type == INDEX:
                self.ranges[param] = found
        self._note_extents(program.params)

    def decided(self) -> Program:
        equations = []
        for given in self.program.equations:
            equation = self.substitution.equation(given)
            if has_regions(equation.op):
                equation = self._with_decided_regions(equation)
            found = self._visit(equation)
            if found is None:
                equations.append(equation)
                self._note_extents(equation.outputs)
            else:
                self.substitution.atoms[given.outputs[0]] = found
        results = [self.substitution.atom(r) for r in self.program.results]
        return changed(self.program, equations, results)

    def _visit(self, equation: Equation) -> Atom | None:
        """The result of an equation where ranges decide it; else its range is noted."""
        rule, judge = _RULES.get(equation.op.name), _DECIDED.get(equation.op.name)
        if rule is None and judge is None:
            return None
        if any(a.type != INDEX for a in equation.inputs[-2:]):
            return None
        ranges = list(map(self.range, equation.inputs[-2:]))
        if judge is not None and len(ranges) == 2:
            found = judge(equation.inputs, *ranges)
            if found is not None:
                return found
        if rule is not None and equation.outputs[0].type == INDEX:
            self.ranges[equation.outputs[0]] = _fitting(rule(*ranges))
        return None

    def range(self, atom: Atom) -> Range:
        if isinstance(atom, Literal):
            return Range(int(atom.value), int(atom.value))
        return self.ranges.get(atom, ANY)

    def _note_extents(self, variables: Iterable[Var]) -> None:
        for var in variables:
            for n in variables_in(var.type):
                self.ranges[n] = _both(self.ranges.get(n, ANY), EXTENT)

    def _with_decided_regions(self, equation: Equation) -> Equation:
        op, lead = equation.op, lead_of(equation.op)
        operands = equation.inputs[lead:]
        known = [self.range(a) if a.type == INDEX else ANY for a in operands]
        if is_recursive(op):
            known = [ANY] * len(operands)
        if is_loop(op):
            first = constants_of(op)
            known[first:] = [ANY] * (len(known) - first)
        if isinstance(op, For):
            most = self.range(equation.inputs[0]).high
            known.insert(0, Range(0, max(most - 1, 0)))
        assert len(regions_of(op)[0].params) == len(operands) + region_lead_of(op)
        key = (op, *known)
        if key not in self.done:
            regions = [_Region(r, known, self.done).decided() for r in regions_of(op)]
            self.done[key] = with_regions(op, regions)
        new = self.done[key]
        return equation if new is op else equation._replace(op=new)


def _both(a: Range, b: Range) -> Range:
    return Range(max(a.low, b.low), min(a.high, b.high))


def _fitting(found: Range) -> Range:
    """A range whose ends did not overflow."""
    return found if ANY.low <= found.low and found.high <= ANY.high else ANY


def _product(x: Range, y: Range) -> Range:
    corners = [a * b for a in x for b in y]
    return Range(min(corners), max(corners))


def _remainder(x: Range, y: Range) -> Range:
    return Range(0, y.high - 1) if y.low > 0 else ANY


def _quotient(x: Range, y: Range) -> Range:
    corners = [a // b for a in x for b in y] if y.low > 0 else list(ANY)
    return Range(min(corners), max(corners))


_RULES: dict[str, Callable[..., Range]] = {
    "add": lambda x, y: Range(x.low + y.low, x.high + y.high),
    "subtract": lambda x, y: Range(x.low - y.high, x.high - y.low),
    "negative": lambda x: Range(-x.high, -x.low),
    "multiply": _product,
    "remainder": _remainder,
    "floor_divide": _quotient,
    "maximum": lambda x, y: Range(max(x.low, y.low), max(x.high, y.high)),
    "minimum": lambda x, y: Range(min(x.low, y.low), min(x.high, y.high)),
    "where": lambda x, y: Range(min(x.low, y.low), max(x.high, y.high)),
}


def _truth(holds: bool, fails: bool) -> Atom | None:
    return Literal(np.bool_(holds)) if holds or fails else None


def _larger(inputs: Any, x: Range, y: Range) -> Atom | None:
    return inputs[0] if x.low >= y.high else inputs[1] if y.low >= x.high else None


def _smaller(inputs: Any, x: Range, y: Range) -> Atom | None:
    return inputs[0] if x.high <= y.low else inputs[1] if y.high <= x.low else None


def _apart(x: Range, y: Range) -> bool:
    return x.high < y.low or y.high < x.low


_DECIDED: dict[str, Callable[[Any, Range, Range], Atom | None]] = {
    "equal": lambda _, x, y: _truth(False, _apart(x, y)),
    "not_equal": lambda _, x, y: _truth(_apart(x, y), False),
    "less": lambda _, x, y: _truth(x.high < y.low, x.low >= y.high),
    "less_equal": lambda _, x, y: _truth(x.high <= y.low, x.low > y.high),
    "greater": lambda _, x, y: _truth(x.low > y.high, x.high <= y.low),
    "greater_equal": lambda _, x, y: _truth(x.low >= y.high, x.high < y.low),
    "maximum": _larger,
    "minimum": _smaller,
}
