"""Errors of `wengert.explain`."""

from __future__ import annotations

import io
import sys
from unittest import mock

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import case
from wengert._modes.opaque import opaque
from wengert.errors import (
    ArgumentError,
    CheckpointError,
    DTypeError,
    MissingLibraryError,
    ShapeError,
    SymbolicError,
    TreeError,
)


def without(library, call):
    """The call, as if a library were not installed."""

    def run():
        with mock.patch.dict(sys.modules, {library: None}):
            call()

    return run


def square(x):
    return x * x


CASES = [
    case(lambda: wg.explain.trace(lambda n: n)("two"), DTypeError,
         "trace: no argument is a float or an array of floats", "such as 2.0"),
    case(lambda: wg.explain.trace(square)(np.arange(3)), DTypeError,
         "trace: args[0] has dtype int64"),
    case(lambda: wg.explain.trace(square, tangents=(np.ones(2),))(1.0), ShapeError,
         "trace: expected shape (), got (2,) at tangents[0]"),
    case(lambda: wg.explain.trace(square, tangents=())(1.0), TreeError,
         "trace: the structure of the tangents differs"),
    case(lambda: wg.explain.symbolic(lambda x: x if x > 0 else -x), SymbolicError,
         "symbolic: the program needs the value of x > 0 to choose its path",
         "one formula for all values", "np.where(condition, a, b)"),
    case(lambda: wg.explain.symbolic(lambda x: range(int(x))), SymbolicError,
         "symbolic: the program needs the value of x to choose"),
    case(lambda: wg.explain.symbolic(lambda x: wnp.rint(x)), SymbolicError,
         "symbolic: rint has no symbolic form here", "wg.explain.trace"),
    case(lambda: wg.explain.symbolic(lambda x: opaque(square)(x)), SymbolicError,
         "symbolic: opaque(square) has no symbolic form here"),
    case(lambda: wg.explain.symbolic(lambda x: (x, x)), SymbolicError,
         "symbolic: the function returned 2 values", "return one number or one array"),
    case(lambda: wg.explain.symbolic(lambda x: "text"), SymbolicError,
         "symbolic: the function returned str, not a number or an array"),
    case(lambda: wg.explain.symbolic(lambda *xs: xs[0]), SymbolicError,
         "symbolic: the function's parameters cannot be read off its signature",
         "wg.explain.symbolic(f, 1.0, np.ones(3))"),
    case(without("sympy", lambda: wg.explain.symbolic(square)), MissingLibraryError,
         "explain.symbolic: sympy is not installed", "optional",
         "python -m pip install 'wengert[symbolic]'"),
    case(without("mpmath", lambda: wg.explain.compare(square, 1.0)),
         MissingLibraryError, "explain.compare: mpmath is not installed",
         "'wengert[symbolic]'"),
    case(without("matplotlib", lambda: wg.explain.plot_modes(io.BytesIO())),
         MissingLibraryError, "explain.plot_modes: matplotlib is not installed",
         "'wengert[plot]'"),
    case(lambda: wg.explain.compare(square, 1), ArgumentError,
         "compare: x is 1, and not a float", "1.0 or np.ones(3)"),
    case(lambda: wg.explain.compare(wnp.sum, np.ones(0)), ArgumentError,
         "compare: x is array([], dtype=float64)", "non-empty"),
    case(lambda: wg.explain.compare(lambda x: wnp.rint(x), 1.5), SymbolicError,
         "compare: rint has no symbolic form here"),
    case(lambda: wg.explain.step_sizes(square, 1), ArgumentError,
         "step_sizes: x is 1, not a float", "such as 1.0"),
    case(lambda: wg.explain.step_sizes(square, 0.0), ArgumentError,
         "step_sizes: the derivative at 0.0 is 0", "relative errors",
         "choose another point"),
    case(lambda: wg.explain.tradeoff(0), ArgumentError,
         "tradeoff: n=0 steps", "positive int"),
    case(lambda: wg.explain.timetable(2.5, 3), ArgumentError, "timetable: n=2.5 steps"),
    case(lambda: wg.explain.timetable(5, 0), CheckpointError, "binomial: slots=0"),
]  # fmt: skip
