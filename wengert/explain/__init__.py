"""Derivatives explained: lists, graphs, formulas, comparisons and pictures."""

from wengert.explain._checkpoints import (
    Timetable,
    Tradeoff,
    plot_checkpoints,
    timetable,
    tradeoff,
)
from wengert.explain._compare import Comparison, Method, compare
from wengert.explain._modes import Modes, modes, plot_modes
from wengert.explain._steps import StepSizes, plot_step_sizes, step_sizes
from wengert.explain._symbolic import Operations, Symbolic, symbolic
from wengert.explain._trace import Row, Trace, trace

__all__ = [
    "Comparison",
    "Method",
    "Modes",
    "Operations",
    "Row",
    "StepSizes",
    "Symbolic",
    "Timetable",
    "Trace",
    "Tradeoff",
    "compare",
    "modes",
    "plot_checkpoints",
    "plot_modes",
    "plot_step_sizes",
    "step_sizes",
    "symbolic",
    "timetable",
    "trace",
    "tradeoff",
]
