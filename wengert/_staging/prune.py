"""Dead code: equations whose results nothing reads."""

from __future__ import annotations

from typing import Any, NoReturn

from wengert._core.source import explain
from wengert._ir.control import Control, Custom, Effect, Opaque, Print, Recur
from wengert._ir.program import (
    Equation,
    Program,
    Var,
    variables_in,
    variables_read,
)
from wengert.errors import StagedValueError


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
        if isinstance(equation.op, Opaque):
            refuse_again(equation)
        if isinstance(equation.op, Effect):
            continue
        kept.append(equation._replace(op=silent_op(equation.op)))
    same = all(a.op is b.op for a, b in zip(kept, program.equations, strict=False))
    if same and len(kept) == len(program.equations):
        return program
    return program._replace(equations=tuple(kept))


def refuse_again(equation: Equation) -> NoReturn:
    """Raise: a second run of an equation would call an opaque function again."""
    (name, *_) = opaque_names(equation.op)
    raise StagedValueError(
        explain(
            f"{name} would be called again for the derivative",
            why="reverse mode runs twice what it cannot save: a loop whose number of "
            "steps a branch or lane has for itself, an array with such a length, a "
            "function that calls itself. An opaque function is called once.",
            fix="write a for loop of a fixed number of steps, with an if in it; or use "
            "forward mode",
            site=equation.site,
        )
    )


def opaque_names(op: Any) -> list[str]:
    """The opaque functions that an operation calls, in its regions too."""
    if isinstance(op, Opaque):
        return [op.function.name]
    if not isinstance(op, Control):
        return []
    if "opaque" not in op.derived:
        inner = [e.op for region in op.regions.values() for e in region.equations]
        op.derived["opaque"] = [name for o in inner for name in opaque_names(o)]
    return op.derived["opaque"]


def calls_opaque(op: Any) -> bool:
    return bool(opaque_names(op))


def silent_op(op: Any) -> Any:
    """An operation without the effects of its regions; itself where there are none."""
    if isinstance(op, Recur) and op.effects:
        return Recur(op.label, effects=False)
    if not isinstance(op, Control) or not op.regions or isinstance(op, Custom):
        return op
    if "silent" not in op.derived:
        regions = {name: silent(region) for name, region in op.regions.items()}
        same = all(regions[name] is region for name, region in op.regions.items())
        op.derived["silent"] = op if same else op.with_regions(regions)
    return op.derived["silent"]


def is_heard(equation: Equation) -> bool:
    """Whether an equation, or one in its regions, does what is noticed: no check."""
    if isinstance(equation.op, (Opaque, Print)):
        return True
    regions = equation.regions.values()
    return any(is_heard(inner) for region in regions for inner in region.equations)


def has_effects(equation: Equation) -> bool:
    """Whether an equation, or one in its regions, does more than give results."""
    if isinstance(equation.op, Recur):
        return equation.op.effects
    if isinstance(equation.op, Effect):
        return True
    regions = equation.regions.values()
    return any(has_effects(inner) for region in regions for inner in region.equations)
