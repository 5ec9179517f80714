"""What the pictures share; matplotlib is imported when one is drawn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from wengert.explain._optional import library

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#2563eb", "#ea580c", "#16a34a", "#dc2626", "#7c3aed", "#64748b",
)  # fmt: skip

_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.grid": True,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "wengert",
}


@contextmanager
def picture(
    path: str | os.PathLike[str] | IO[bytes],
    needed_by: str,
    columns: int,
    size: tuple[float, float],
) -> Iterator[Any]:
    """Axes side by side, written to the file at the end; no window, no global state."""
    matplotlib = library("matplotlib", needed_by, "plot")
    figure = library("matplotlib.figure", needed_by, "plot")
    with matplotlib.rc_context(_STYLE):
        drawn = figure.Figure(figsize=size, layout="constrained")
        yield drawn.subplots(1, columns)
        drawn.savefig(path, dpi=130)
