"""Induction: a carry that grows by a constant in each step follows from the index."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import OPS
from wengert._ir.control import Control, For
from wengert._ir.program import Atom, Equation, Literal, Program, Var, variables_in
from wengert._passes.linear import INDEX
from wengert._passes.rewriting import changed, has_regions, regions_of, with_regions


def replace_inductions(program: Program) -> Program:
    """A program whose loops carry no int64 scalar that they only count up or down.

    Such a carry is its start plus the index times its step, and behind the loop plus
    the number of steps times its step; int64 arithmetic wraps around alike.
    """
    return _Induction().program(program)


class _Induction:
    """Control operations without such carries inside, each made once."""

    def __init__(self) -> None:
        self.done: dict[Any, Control] = {}

    def program(self, program: Program) -> Program:
        equations: list[Equation] = []
        for equation in program.equations:
            op = equation.op
            if has_regions(op):
                if op not in self.done:
                    regions = [self.program(r) for r in regions_of(op)]
                    self.done[op] = with_regions(op, regions)
                if self.done[op] is not op:
                    equation = equation._replace(op=self.done[op])
            equations += _replaced(equation) if op.name == "for" else [equation]
        return changed(program, equations, program.results)


class _Counter(NamedTuple):
    """A carry that an op changes by a constant: its place, and the step inside."""

    number: int
    op: Any  # `add` or `subtract`
    step: Atom


def _replaced(equation: Equation) -> list[Equation]:
    """A loop without the carries that count, and what they are behind it."""
    op = equation.op
    counters = _counters(equation)
    if not counters:
        return [equation]
    body, first = op.body, 1 + op.constants
    fixed = equation.inputs[first:]
    given: list[Atom] = []
    names: list[Var] = []
    inside: list[Equation] = []
    behind: list[Equation] = []
    steps = _not_negative(equation, behind)
    for number, change, step in counters:
        start = Var(INDEX)
        given.append(fixed[number])
        names.append(start)
        carry, out = body.params[first + number], equation.outputs[number]
        inside += _sum(equation, change, start, body.params[0], step, carry)
        outer = _outside(step, equation)
        behind += _sum(equation, change, fixed[number], steps, outer, out)
    left = [k for k in range(len(fixed)) if k not in {c.number for c in counters}]
    region = Program(
        (*body.params[:first], *names, *(body.params[first + k] for k in left)),
        (*inside, *body.equations),
        tuple(body.results[k] for k in left),
    )
    loop = equation._replace(
        op=For(region, op.constants + len(names), op.checkpoints),
        inputs=(*equation.inputs[:first], *given, *(fixed[k] for k in left)),
        outputs=tuple(equation.outputs[k] for k in left),
    )
    return [loop, *behind]


def _counters(equation: Equation) -> list[_Counter]:
    """The carries that count, but for those that are extents."""
    body, first = equation.op.body, 1 + equation.op.constants
    sources = {v: e for e in body.equations for v in e.outputs}
    extents = {
        n for v in (*body.params, *equation.outputs) for n in variables_in(v.type)
    }
    found = []
    for number, result in enumerate(body.results):
        carry, out = body.params[first + number], equation.outputs[number]
        source = sources.get(result) if isinstance(result, Var) else None
        if source is None or carry.type != INDEX or extents & {carry, out}:
            continue
        step = _step(source, carry)
        if step is None:
            continue
        if isinstance(step, Literal) or step in body.params[1:first]:
            found.append(_Counter(number, source.op, step))
    return found


def _step(source: Equation, carry: Var) -> Atom | None:
    """What an equation adds to a carry, or subtracts from it."""
    if source.op.name not in ("add", "subtract"):
        return None
    x, y = source.inputs
    if x is carry and y is not carry:
        return y
    return x if y is carry and x is not carry and source.op.name == "add" else None


def _not_negative(equation: Equation, behind: list[Equation]) -> Atom:
    """The number of steps that a loop makes."""
    steps, zero = equation.inputs[0], Literal(np.int64(0))
    if isinstance(steps, Literal):
        return steps if steps.value >= 0 else zero
    out = Var(INDEX)
    behind.append(Equation(OPS["maximum"], (steps, zero), {}, (out,), equation.site))
    return out


def _sum(
    equation: Equation, change: Any, start: Atom, count: Atom, step: Atom, out: Var
) -> list[Equation]:
    """``out = start + count * step``, or minus."""
    product = Var(INDEX)
    site = equation.site
    return [
        Equation(OPS["multiply"], (count, step), {}, (product,), site),
        Equation(change, (start, product), {}, (out,), site),
    ]


def _outside(step: Atom, equation: Equation) -> Atom:
    """The operand that a constant of the body stands for."""
    if isinstance(step, Literal):
        return step
    return equation.inputs[equation.op.body.params.index(step)]
