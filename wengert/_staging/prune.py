"""Dead code: equations whose results nothing reads."""

from __future__ import annotations

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


def has_effects(equation: Equation) -> bool:
    """Whether an equation, or one in its regions, does more than give results."""
    if not equation.outputs and not equation.regions:
        return True
    regions = equation.regions.values()
    return any(has_effects(inner) for region in regions for inner in region.equations)
