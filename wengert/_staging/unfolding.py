"""Functions that call themselves, as the interpreters see them.

What is made of one (its pushforward, its pullback) is a function that calls itself too:
where its program stands, the calls inside it are calls of that. The pullback computes
what it needs of the results again, at every depth.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from wengert._ir.control import Call, Control, Label, Recur
from wengert._ir.program import Program, Var
from wengert._staging.activity import active_of_call
from wengert._staging.prune import has_effects
from wengert._staging.stage import trace

Mask = Sequence[bool]


def opened(op: Call, key: Any, derived: Derived) -> Program:
    """The callee, whose calls of itself are calls of the whole.

    Of these is known what is being derived of the function: `derived`, by its key.
    """
    whole = copy.copy(op)
    whole.known = {**op.known, key: derived}
    whole.derived = {}
    assert op.label is not None
    return _with_calls(op.callee, op.label, whole)


def _with_calls(program: Program, label: Label, whole: Call) -> Program:
    equations = [
        e._replace(op=_with_calls_in(e.op, label, whole)) for e in program.equations
    ]
    return program._replace(equations=tuple(equations))


def _with_calls_in(op: Any, label: Label, whole: Call) -> Any:
    if isinstance(op, Recur) and op.label is label:
        return whole
    if not calls(op, label):
        return op
    regions = {k: _with_calls(r, label, whole) for k, r in op.regions.items()}
    return op.with_regions(regions)


def calls(op: Any, label: Label) -> bool:
    """Whether an operation calls a function that stands around it."""
    if isinstance(op, Recur):
        return op.label is label
    if not isinstance(op, Control):
        return False
    regions = op.regions.values()
    return any(calls(e.op, label) for region in regions for e in region.equations)


class Derived(NamedTuple):
    """What has been made of a function: the operation, and its active results."""

    op: Any
    active: list[bool]


def derive(
    op: Call,
    key: tuple[Any, ...],
    interface: Callable[[Call, Mask, Mask], Program],
    build: Callable[[Program, Program, Mask, Mask], Program],
) -> Derived:
    """A function made of one that calls itself, and calls itself where that does.

    key: what it is, and which operands are differentiated; interface: its parameters
    and results, of these and the active results; build: makes it of the callee, its own
    interface and the same.
    """
    if key in op.known:
        return op.known[key]
    if key in op.derived:
        return op.derived[key]
    assert op.label is not None
    active = active_of_call(op, key[1:])
    label = Label(op.label.name)
    label.interface = interface(op, key[1:], active)
    recur = Derived(Recur(label), active)
    program = build(opened(op, key, recur), label.interface, key[1:], active)
    program = _Forgetting(recur).program(program)
    settle_effects(recur.op, program)
    op.derived[key] = Derived(Call(program, label=label), active)
    return op.derived[key]


class _Forgetting:
    """Programs whose functions know no more of what has been derived: it is done."""

    def __init__(self, recur: Derived) -> None:
        self.recur = recur
        self.done: dict[Any, Any] = {}

    def program(self, program: Program) -> Program:
        equations = [e._replace(op=self.op(e.op)) for e in program.equations]
        return program._replace(equations=tuple(equations))

    def op(self, op: Any) -> Any:
        if not isinstance(op, Control) or not op.regions:
            return op
        if op not in self.done:
            self.done[op] = self._made(op)
        return self.done[op]

    def _made(self, op: Control) -> Control:
        regions = {name: self.program(r) for name, r in op.regions.items()}
        known = getattr(op, "known", {})
        left = {k: v for k, v in known.items() if v is not self.recur}
        new = op
        if any(a.op is not b.op for a, b in _pairs(op, regions)):
            new = op.with_regions(regions)
        if len(left) < len(known):
            new = copy.copy(new)
            new.__dict__.update(known=left, derived={})
        return new


def _pairs(op: Control, regions: dict[str, Program]) -> Iterator[tuple[Any, Any]]:
    """The equations of the regions of an operation, and of others."""
    for name, region in op.regions.items():
        yield from zip(region.equations, regions[name].equations, strict=True)


def settle_effects(recur: Recur, program: Program) -> None:
    """Note whether a function does more than give results, but for its own calls."""
    recur.effects = False
    recur.effects = any(map(has_effects, program.equations))


def dual_interface(op: Call, mask: Mask, active: Mask) -> Program:
    """``(*params, *tangents) -> (*results, *tangents)``."""
    params, results = op.callee.params, op.callee.results
    tangents = [Var(p.type) for p, m in zip(params, mask, strict=True) if m]
    outs = [Var(r.type) for r in results]
    more = [Var(r.type) for r, a in zip(results, active, strict=True) if a]
    return Program((*params, *tangents), (), (*outs, *more))


def pullback_interface(op: Call, wrt: Mask, active: Mask) -> Program:
    """``(*params, *cts) -> cotangents``, of the active results."""
    params, results = op.callee.params, op.callee.results
    cts = [Var(r.type) for r, a in zip(results, active, strict=True) if a]
    found = [Var(p.type) for p, w in zip(params, wrt, strict=True) if w]
    return Program((*params, *cts), (), tuple(found))


def whole_program(op: Call, apply: Callable[..., Sequence[Any]]) -> Program:
    """The program that is one call."""
    return trace(lambda *xs: apply(op, xs), op.callee.params)
