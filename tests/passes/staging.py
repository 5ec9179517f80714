"""Programs to optimise, and what they cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core import tree
from wengert._ir.program import Program, Var
from wengert._staging.function import staged_for


def staged(function: Any, *args: Any) -> tuple[Program, list[Any]]:
    """The program of a function, and its arguments."""
    leaves, structure = tree.flatten((args, {}))
    found, _ = staged_for(function, structure, leaves)
    return found.program, [*(np.asarray(x)[()] for x in leaves), *found.hidden]


def equations(program: Program) -> int:
    """How many there are, those of regions included."""
    regions = [r for e in program.equations for r in e.regions.values()]
    return len(program.equations) + sum(map(equations, regions))


def array_bytes(program: Program) -> int:
    """The bytes of all arrays that equations give; run-time extents count as 10."""
    total = 0
    for equation in program.equations:
        for var in equation.outputs:
            extents = [10 if isinstance(n, Var) else n for n in var.type.shape]
            if extents:
                total += int(np.prod(extents)) * var.type.dtype.itemsize
        total += sum(map(array_bytes, equation.regions.values()))
    return total
