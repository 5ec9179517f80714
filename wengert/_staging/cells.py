"""The user's local variables, through the closure cells of the block functions."""

from __future__ import annotations

from collections.abc import Iterable
from types import CellType
from typing import Any

from wengert._staging.joins import UNBOUND


class Cells:
    """The variables that some block functions may rebind."""

    def __init__(self, blocks: Iterable[Any], written: tuple[str, ...]) -> None:
        self.cells: dict[str, CellType] = {}
        pending = [b for b in blocks if b is not None]
        for block in pending:
            code = getattr(block, "__code__", None)
            if code is None:
                continue
            closure = block.__closure__ or ()
            for name, cell in zip(code.co_freevars, closure, strict=True):
                if name in written:
                    self.cells[name] = cell

    def read(self) -> dict[str, Any]:
        return {name: _content(cell) for name, cell in self.cells.items()}

    def write(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
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
