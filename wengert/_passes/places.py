"""Where an index can point: linear forms of all int64 scalars, and their bounds.

An index of a loop is at most the number of steps less one, which is a form itself: so
``k + 1 + j`` is below n where j has ``n - k - 1`` steps. A form of which some value
could overflow bounds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert._ir.control import Call, For
from wengert._ir.program import Atom, Equation, Literal, Program, Var
from wengert._ops.index import Slot
from wengert._passes.linear import INDEX, Form, LinearForms, is_linear, summed
from wengert._passes.ranges import ANY, EXTENT, Range
from wengert._passes.rewriting import (
    constants_of,
    has_regions,
    lead_of,
    region_lead_of,
    regions_of,
)

Place: TypeAlias = Sequence[Atom | None]  # None: any index of the axis


class Places:
    """What is known of the int64 scalars of a program, those of its regions included.

    Of the parameters of a region that stands in a program twice nothing is known; a
    function that is called is a program of its own.
    """

    def __init__(self, program: Program) -> None:
        self._linear = LinearForms()
        self._ranges: dict[Var, Range] = {}
        self._last: dict[Var, Form] = {}  # of indices of loops, outer ones first
        self._seen: set[Any] = set()
        self._note_extents(program.params)
        self._note(program)

    def _note_extents(self, variables: Sequence[Var]) -> None:
        for var in variables:
            for n in var.type.shape:
                if isinstance(n, Var):
                    self._ranges.setdefault(n, EXTENT)

    def _note(self, program: Program) -> None:
        for equation in program.equations:
            if is_linear(equation):
                form = self._linear.form(equation)
                if form is not None:
                    self._linear.forms[equation.outputs[0]] = form
            elif has_regions(equation.op) and not isinstance(equation.op, Call):
                self._note_regions(equation)
            self._note_extents(equation.outputs)

    def _note_regions(self, equation: Equation) -> None:
        op, first = equation.op, lead_of(equation.op)
        again = op in self._seen
        self._seen.add(op)
        fixed = equation.inputs[first : first + constants_of(op)]
        for region in regions_of(op):
            params = region.params[region_lead_of(op) :]
            self._note_extents(params)
            for param in region.params:
                self._linear.forms.pop(param, None)
                self._last.pop(param, None)
            for param, atom in zip(params, fixed, strict=False):
                if param.type == INDEX and not again:
                    self._linear.forms[param] = self._linear.of(atom)
            if isinstance(op, For):
                self._note_index(region.params[0], equation.inputs[0], again)
            self._note(region)

    def _note_index(self, index: Var, steps: Atom, again: bool) -> None:
        form = self._linear.of(steps)
        if again or not self._fits(form):
            self._ranges[index] = Range(0, ANY.high - 1)
            return
        self._ranges[index] = Range(0, max(self._range(form).high - 1, 0))
        self._last[index] = summed(form, Form({}, 1), -1)

    # -- bounds ------------------------------------------------------------------------

    def _range(self, form: Form) -> Range:
        low = high = form.constant
        for var, factor in form.terms.items():
            ends = [factor * n for n in self._ranges.get(var, ANY)]
            low, high = low + min(ends), high + max(ends)
        return Range(low, high)

    def _fits(self, form: Form) -> bool:
        low, high = self._range(form)
        return ANY.low <= low and high <= ANY.high

    def _highest(self, form: Form) -> int:
        """A bound of a form, with the indices of inner loops at their ends first."""
        found = self._range(form).high
        for index in reversed(self._last):
            factor = form.terms.get(index, 0)
            if factor:
                end = self._last[index] if factor > 0 else Form({}, 0)
                form = summed(form, summed(Form({index: 1}, 0), end, -1), -factor)
                found = min(found, self._range(form).high)
        return found

    def _lowest(self, form: Form) -> int:
        return -self._highest(summed(Form({}, 0), form, -1))

    def is_inside(self, atom: Atom, n: Any) -> bool:
        """Whether an index is one of an axis of n entries, counted from its start."""
        form = self._linear.of(atom)
        if not self._fits(form) or self._lowest(form) < 0:
            return False
        return self._highest(summed(form, self._extent(n), -1)) < 0

    def is_within(self, start: Atom, steps: Atom, n: Any) -> bool:
        """Whether so many entries from a place on are some of an axis of n entries."""
        first, count = self._linear.of(start), self._linear.of(steps)
        end = summed(first, count, 1)
        if not all(map(self._fits, (first, end))) or self._lowest(first) < 0:
            return False
        return self._lowest(summed(self._extent(n), end, -1)) >= 0

    def _extent(self, n: Any) -> Form:
        return self._linear.of(n) if isinstance(n, Var) else Form({}, n)

    def form(self, atom: Atom) -> Form:
        return self._linear.of(atom)

    def differ(self, a: Place, b: Place) -> bool:
        """Whether two places of an array are never the same."""
        pairs = zip(a, b, strict=True)
        return any(self._apart(x, y) for x, y in pairs if x and y)

    def _apart(self, a: Atom, b: Atom) -> bool:
        """Whether two indices of an axis never agree; none may count from its end."""
        x, y = self._linear.of(a), self._linear.of(b)
        if not all(self._fits(f) and self._lowest(f) >= 0 for f in (x, y)):
            return False
        difference = summed(x, y, -1)
        return self._lowest(difference) > 0 or self._highest(difference) < 0


def place_of(equation: Equation) -> list[Atom] | None:
    """The index of every axis, where an equation reads or writes one entry."""
    found = axes_of(equation)
    if found is None or len(equation.params["index"]) != len(found):
        return None
    return [a for a in found if a is not None] if all(found) else None


def axes_of(equation: Equation) -> Place | None:
    """The index of every axis, where an equation reads or writes part of an array.

    None for what it reads or writes more than one entry of.
    """
    ndim, first = equation.inputs[0].type.ndim, 1 + (equation.op.name != "getitem")
    found: list[Atom | None] = []
    for item in equation.params["index"]:
        atom = None
        if isinstance(item, Slot):
            atom = equation.inputs[first + item.k]
        elif isinstance(item, int):
            atom = Literal(np.int64(item))
        elif not isinstance(item, slice):
            return None
        if atom is not None and atom.type.dtype.kind == "b":
            return None
        found.append(atom if atom is not None and atom.type == INDEX else None)
    return [*found, *[None] * (ndim - len(found))]
