"""The user's local variables, through the closure cells of the block functions."""

from __future__ import annotations

from collections.abc import Iterable
from types import CellType
from typing import Any

from wengert._staging.joins import UNBOUND
from wengert._staging.watch import Place


class Cells:
    """The variables that some block functions may rebind.

    `places` are values of Python objects that a region changes, as attributes.
    """

    def __init__(self, blocks: Iterable[Any], written: tuple[str, ...]) -> None:
        self.cells: dict[str, CellType] = {}
        self.places: dict[str, Place] = {}
        pending = [b for b in blocks if b is not None]
        for block in pending:
            code = getattr(block, "__code__", None)
            if code is None:
                continue
            closure = block.__closure__ or ()
            for name, cell in zip(code.co_freevars, closure, strict=True):
                if name in written:
                    self.cells[name] = cell

    def add(self, places: Iterable[Place]) -> None:
        """Take values of objects for variables, too."""
        for place in places:
            name = place.name
            while name in self.cells or name in self.places:
                name += "'"
            self.places[name] = place

    def read(self) -> dict[str, Any]:
        found = {name: _content(cell) for name, cell in self.cells.items()}
        return found | {name: place.read() for name, place in self.places.items()}

    def write(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name in self.places:
                self.places[name].write(value)
                continue
            cell = self.cells[name]
            if value is not UNBOUND:
                cell.cell_contents = value
            elif _content(cell) is not UNBOUND:
                del cell.cell_contents


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return UNBOUND
