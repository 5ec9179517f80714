"""Dead code: equations whose results nothing reads."""

from __future__ import annotations

from typing import Any

from wengert._ir.control import Control, Custom, Effect
from wengert._ir.program import (
    Equation,
    Program,
    Var,
    variables_in,
    variables_read,
)


def prune(program: Program, effects: bool = True) -> Program:
    """The program without equations that its results do not need.

    Effects are kept, unless another copy of the program has them.
    """
    needed = {r for r in program.results if isinstance(r, Var)}
    needed |= {n for r in program.results for n in variables_in(r.type)}
    kept = []
    for equation in reversed(program.equations):
        is_effect = effects and has_effects(equation)
        if not is_effect and not any(v in needed for v in equation.outputs):
            continue
        kept.append(equation)
        needed |= set(variables_read(equation))
        needed |= {n for v in equation.outputs for n in variables_in(v.type)}
    return program._replace(equations=tuple(reversed(kept)))


def silent(program: Program) -> Program:
    """The program without effects, for another run of it."""
    kept = []
    for equation in program.equations:
        if isinstance(equation.op, Effect):
            continue
        kept.append(equation._replace(op=silent_op(equation.op)))
    same = all(a.op is b.op for a, b in zip(kept, program.equations, strict=False))
    if same and len(kept) == len(program.equations):
        return program
    return program._replace(equations=tuple(kept))


def silent_op(op: Any) -> Any:
    """An operation without the effects of its regions; itself where there are none."""
    if not isinstance(op, Control) or not op.regions or isinstance(op, Custom):
        return op
    if "silent" not in op.derived:
        regions = {name: silent(region) for name, region in op.regions.items()}
        same = all(regions[name] is region for name, region in op.regions.items())
        op.derived["silent"] = op if same else op.with_regions(regions)
    return op.derived["silent"]


def has_effects(equation: Equation) -> bool:
    """Whether an equation, or one in its regions, does more than give results."""
    if not equation.outputs and not equation.regions:
        return True
    regions = equation.regions.values()
    return any(has_effects(inner) for region in regions for inner in region.equations)
