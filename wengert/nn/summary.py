"""A table of the layers of a model."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.nn.layer import Row, setup


class Line(NamedTuple):
    """A layer of the table: its place, what it makes of the sample, its numbers."""

    path: str
    output: str
    parameters: int


class Summary(NamedTuple):
    """The layers of a model, in their order; its text is a table."""

    lines: tuple[Line, ...]
    parameters: int
    size: int  # of the parameters, in bytes

    def __str__(self) -> str:
        from rich.console import Console
        from rich.table import Table

        table = Table(caption=f"{self.parameters:,} parameters, {_bytes(self.size)}")
        table.add_column("layer")
        table.add_column("output")
        table.add_column("parameters", justify="right")
        for line in self.lines:
            table.add_row(*line[:2], f"{line.parameters:,}")
        text = io.StringIO()
        Console(file=text, width=120).print(table)
        return "\n".join(row.rstrip() for row in text.getvalue().splitlines())


def summary(model: Any, x: Any = None, dtype: Any = None) -> Summary:
    """The layers of a model, the shapes of their outputs and their parameters.

    Args:
        model, x, dtype: As for `setup`; the parameters are those of key 0.

    Returns:
        An object with the `lines`, and the numbers of `parameters` and of bytes, whose
        text is a table. Parameters that layers share are counted once in the sum.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> model = nn.Chain(nn.Dense(16), nn.relu, nn.Dense(1))
        >>> print(nn.summary(model, np.ones((1, 2))))
        ┏━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━┓
        ┃ layer          ┃ output  ┃ parameters ┃
        ┡━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━┩
        │ Chain[0].Dense │ (1, 16) │         48 │
        │ Chain[1].relu  │ (1, 16) │          0 │
        │ Chain[2].Dense │ (1, 1)  │         17 │
        └────────────────┴─────────┴────────────┘
                65 parameters, 520 bytes
    """
    rows: list[Row] = []
    params, _ = setup(wg.random.key(0), model, x, dtype, report=rows.append)
    lines = tuple(
        Line(row.path, _shape(row.y), _count(row.params))
        for row in rows
        if not any(_within(other.path, row.path) for other in rows)
    )
    size = sum(np.asarray(leaf).nbytes for leaf in wg.tree.leaves(params))
    return Summary(lines, _count(params), size)


def _within(path: str, outer: str) -> bool:
    return path != outer and path.startswith((f"{outer}.", f"{outer}["))


def _count(params: Any) -> int:
    return sum(np.size(leaf) for leaf in wg.tree.leaves(params))


def _shape(y: Any) -> str:
    if isinstance(y, (tuple, list)):
        return ", ".join(map(_shape, y))
    return "" if y is None else str(tuple(np.shape(y)))


def _bytes(size: int) -> str:
    """A size in the unit that suits it."""
    if size < 1000:
        return f"{size} bytes"
    amount, units = float(size), iter(("kB", "MB", "GB", "TB"))
    unit = ""
    while amount >= 1000 and (larger := next(units, "")):
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}"
