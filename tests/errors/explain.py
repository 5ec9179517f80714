"""Errors of `wengert.explain`."""

from __future__ import annotations

import numpy as np

import wengert.numpy as wnp
from tests.errors.case import case
from wengert import explain
from wengert.errors import (
    ArgumentError,
    DTypeError,
    MissingLibraryError,
    SymbolicError,
)
from wengert.explain._optional import library

CASES = [
    case(
        lambda: explain.trace(lambda n: n)(3),
        DTypeError,
        "trace: no argument is a float",
        "such as 2.0",
    ),
    case(
        lambda: explain.tradeoff(0),
        ArgumentError,
        "n=0 steps",
        "a positive int",
    ),
    case(
        lambda: explain.compare(wnp.sin, 1),
        ArgumentError,
        "compare: x is 1, and not a float",
        "such as 1.0",
    ),
    case(
        lambda: explain.step_sizes(wnp.sin, np.ones(2)),
        ArgumentError,
        "step_sizes: x is array([1., 1.]), not a float",
    ),
    case(
        lambda: explain.step_sizes(wnp.cos, 0.0),
        ArgumentError,
        "step_sizes: the derivative at 0.0 is 0",
        "choose another point",
    ),
    case(
        lambda: explain.symbolic(lambda x: wnp.sort(x)[0], np.ones(2)),
        SymbolicError,
        "symbolic: the op ",
        "has no symbolic form here",
        "wg.explain.trace",
    ),
    case(
        lambda: explain.symbolic(lambda x: (x, x)),
        SymbolicError,
        "symbolic: the function returned 2 values",
    ),
    case(
        lambda: explain.symbolic(lambda *xs: xs[0]),
        SymbolicError,
        "symbolic: the function's parameters cannot be read off its signature",
        "give example arguments",
    ),
    case(
        lambda: explain.symbolic(lambda x: x if x > 0 else -x),
        SymbolicError,
        "symbolic: the program needs the value of ",
        "np.where",
    ),
    case(
        lambda: library("nothing_of_this_name", "symbolic", "symbolic"),
        MissingLibraryError,
        "symbolic: nothing_of_this_name is not installed",
        "pip install 'wengert[symbolic]'",
    ),
]
