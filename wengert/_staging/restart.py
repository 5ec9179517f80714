"""A loop whose steps are run again: reverse mode that saves nothing of them but states.

A state is what steps need of the carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert._ir import control
from wengert._ir.program import Program, Var, variables_in, variables_read
from wengert._staging.prune import prune, silent
from wengert._staging.replay import replay
from wengert._staging.split import Split, split
from wengert._staging.stage import INDEX, trace

EVERY_STATE = "every state"  # a schedule: each step is run again from its own state


class Restart(NamedTuple):
    """A body whose steps are run again.

    pull: ``(i, *constants, *state, *cts, *totals) -> cotangents``.
    state: the places of the carries that steps need, among all carries.
    again: ``(length, start, *constants, *state) -> state``, steps from `start` on.
    """

    pull: Program
    state: list[int]
    again: control.For


def restart(
    op: control.For,
    fixed: Sequence[bool],
    carried: Sequence[bool],
    totals: Sequence[bool],
) -> Restart:
    """What reverse mode of a loop needs that saves nothing of its steps.

    totals: the constants to whose cotangents a step adds.
    """
    body, k = op.body, 1 + len(fixed)
    whole = split(
        body,
        [False, *fixed, *carried],
        free=[True] * len(body.params),
        totals=[False, *totals, *(False for _ in carried)],
        outputs=carried,
        save=False,
    ).backward
    n = len(body.params)
    params, extra = whole.params[:n], whole.params[n:]
    needed = {j for j, p in enumerate(params[k:]) if p in _read(whole)}
    state = _closed(body, k, needed)
    pull = whole._replace(params=(*params[:k], *(params[k + j] for j in state), *extra))
    return Restart(pull, state, _steps_again(body, k, state))


def _read(program: Program) -> set[Var]:
    """The variables that a program's equations and results read."""
    found = {r for r in program.results if isinstance(r, Var)}
    for equation in program.equations:
        found |= set(variables_read(equation))
    types = [v.type for e in program.equations for v in e.outputs]
    return found | {n for t in types for n in variables_in(t)}


def _closed(body: Program, k: int, needed: set[int]) -> list[int]:
    """The carries that steps read whose results are these carries, or become them."""
    while True:
        results = tuple(body.results[j] for j in sorted(needed))
        read = _read(prune(body._replace(results=results), effects=False))
        more = {j for j, p in enumerate(body.params[k:]) if p in read} | needed
        if more == needed:
            return sorted(needed)
        needed = more


def _steps_again(body: Program, k: int, state: list[int]) -> control.For:
    """Steps from a given one on, of the part of the carries that steps need."""
    results = tuple(body.results[j] for j in state)
    part = silent(prune(body._replace(results=results), effects=False))
    params = (*part.params[:k], *(part.params[k + j] for j in state))
    return part_of_loop(part._replace(params=params), k - 1)


def part_of_loop(body: Program, constants: int) -> control.For:
    """``(length, start, *constants, *carries)``: so many steps from a given one on."""
    index, *params = body.params

    def step(i: Any, start: Any, *values: Any) -> list[Any]:
        return replay(body, [start + i, *values])

    return control.For(trace(step, [index, INDEX, *params]), constants + 1)


def one_step_again(op: control.For, fixed: Any, carried: Any, totals: Any) -> Split:
    """The halves of a body that saves its state as a step begins, and runs it again."""
    pull, state, _ = restart(op, fixed, carried, totals)
    body, k = op.body, 1 + len(fixed)
    rows = [body.params[k + j] for j in state]
    saved = tuple(p.type for p in pull.params[k : k + len(state)])
    forward = body._replace(results=(*body.results, *rows))
    no_sizes = Program(body.params[:k], (), ())
    return Split(forward, pull, saved, (), no_sizes, (False,) * len(body.params))
