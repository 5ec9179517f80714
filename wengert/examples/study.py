"""What an application finds, what is known of it, and its picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY = "#2f6db5", "#d9782d", "#3a9166", "#888888"


@dataclass(frozen=True)
class Row:
    """A number that was found by differentiating, and what it has to be.

    Example:
        >>> Row("pi", 3.1416, 3.14159, 1e-4, "Archimedes").agrees
        True
    """

    quantity: str
    found: float
    known: float
    within: float  # how far from the known value it may be; in its unit
    known_by: str

    @property
    def agrees(self) -> bool:
        """Whether it is near enough; NaN never is."""
        return bool(abs(self.found - self.known) <= self.within)


@dataclass(frozen=True)
class Study:
    """The results of an application; `draw` fills a figure of a size in inches."""

    rows: tuple[Row, ...]
    draw: Callable[[Figure], None]
    size: tuple[float, float] = (11.0, 4.2)

    @property
    def agrees(self) -> bool:
        return all(row.agrees for row in self.rows)

    def figure(self) -> Figure:
        """The picture; needs matplotlib."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=self.size, layout="constrained")
        self.draw(figure)
        return figure


def axes_of(figure: Figure, rows: int, columns: int, **options: Any) -> Any:
    """Axes without a box, in an array of that shape."""
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="#e4e4e4", linewidth=0.7)
        ax.set_axisbelow(True)
    return axes


def label(ax: Axes, x: str, y: str) -> None:
    """Name the axes, and the curves that have names."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize=9)
