"""Versions of an array: which earlier one has the same entries at some place."""

from __future__ import annotations

from typing import Any

from wengert._ir.control import For, If, While
from wengert._ir.program import Equation
from wengert._passes.places import Place, Places, axes_of
from wengert._passes.rewriting import (
    constants_of,
    lead_of,
    region_lead_of,
    regions_of,
)


class Origins:
    """What updates and loops leave as it was, by the places that they write to."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def of(self, array: Any, sources: Any, place: Place) -> Any:
        """The variable that an array is a later version of, with the same entry there.

        None where the entry may have changed.
        """
        while array in sources:
            source = sources[array]
            if source.op.name in ("update", "add_at"):
                written = axes_of(source)
                if written is None or not self.places.differ(written, place):
                    return None
                array = source.inputs[0]
            elif isinstance(source.op, (For, While, If)):
                array = self._before(source, source.outputs.index(array), place)
            else:
                return None
        return array

    def _before(self, equation: Equation, number: int, place: Place) -> Any:
        """The operand of a control operation that its result is a later version of."""
        op, found = equation.op, []
        regions = [op.body] if isinstance(op, (For, While)) else regions_of(op)
        for region in regions:
            sources = {v: e for e in region.equations for v in e.outputs}
            start = self.of(region.results[number], sources, place)
            if start not in region.params:
                return None
            found.append(region.params.index(start) - region_lead_of(op))
        if isinstance(op, (For, While)) and found[0] != constants_of(op) + number:
            return None
        if len(set(found)) > 1:
            return None
        return equation.inputs[lead_of(op) + found[0]]
