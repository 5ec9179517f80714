"""Reverse mode of control flow: one line on the tape, pulled back as a whole."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._core.interp import CURRENT, using
from wengert._core.source import user_site
from wengert._core.types import ArrayType, type_of
from wengert._ir import control
from wengert._ir.program import Program, Var, substitute
from wengert._modes.block import _NO_PLAN
from wengert._modes.tape import Tape, TapeTracer, sweep_back
from wengert._ops.families import zeros_of
from wengert._ops.indexing import Slot, getitem, update
from wengert._ops.structure import full
from wengert._staging.activity import active_results
from wengert._staging.prune import silent_op
from wengert._staging.replay import apply_control, replay
from wengert._staging.restart import EVERY_STATE, one_step_again
from wengert._staging.split import Split, split, window
from wengert._staging.stage import (
    INDEX,
    OfResult,
    as_extent,
    result_shapes,
    trace,
)

_SCALAR = ((), np.dtype(np.float64))
_AT = (Slot(0),)
Values = Sequence[Any]


class ControlBlock:
    """The op of a tape entry that pulls back all operands of a control operation.

    A cotangent that an operand has already is passed in, and comes back with the
    contribution added: a loop over a part of a large array costs the size of the part.
    """

    family = "block"
    multiple = True
    cut = None

    def __init__(self, tape: Tape, inputs: list[int | None]) -> None:
        self.tape = tape
        self.inputs = inputs
        self.results: list[int | None] = []
        self.values: list[Any] = []  # what the pullback reads, of the tape's parent
        self.constants: list[Any] = []  # the operands that are not differentiated
        self.types: list[ArrayType] = []

    @property
    def outputs(self) -> list[int]:
        return [n for n in self.results if n is not None]

    def begin(self, op: Any, primals: list[Any]) -> None:
        self.op = op
        self.constants = [
            p if n is None else None for p, n in zip(primals, self.inputs, strict=True)
        ]

    def append(self, outs: Values, active: Sequence[bool]) -> tuple[Any, ...]:
        """Put the block on the tape; the results as values of the tape."""
        results = tuple(
            self.tape.variable(o) if a else o for o, a in zip(outs, active, strict=True)
        )
        self.results = [
            r.index if a else None for r, a in zip(results, active, strict=True)
        ]
        self.types = [type_of(o) for o in outs]
        site = user_site(2)
        if any(active):
            self.tape.entries.append(
                (self, _NO_PLAN, (), (), {}, self.outputs, site.code, site.offset)
            )
        return results

    def imported(self, importer: Any, tape: Tape) -> ControlBlock:
        """This block with the values that another program reads."""
        block = copy.copy(self)
        block.tape = tape
        block.values = [importer(v) for v in self.values]
        block.types = [importer(t) for t in self.types]
        return block

    def pull(self, cotangents: dict[int, Any]) -> None:
        cts = [None if n is None else cotangents.pop(n, None) for n in self.results]
        if all(ct is None for ct in cts):
            return
        filled = [
            zeros_of(t) if ct is None else ct
            for ct, t, n in zip(cts, self.types, self.results, strict=True)
            if n is not None
        ]
        present = [None if n is None else cotangents.pop(n, None) for n in self.inputs]
        found = self.pulled(filled, present)
        for index, ct in zip(self.inputs, found, strict=True):
            if index is not None and ct is not None:
                earlier = cotangents.get(index)
                cotangents[index] = ct if earlier is None else earlier + ct

    backward: Any  # ``(*values, *cts) -> cotangents`` of what is differentiated

    def pulled(self, cts: list[Any], present: list[Any]) -> list[Any]:
        """For each operand its cotangent, what was present included."""
        found = iter(apply_control(self.backward, [*self.values, *cts]))
        return [
            None if n is None else _add(p, next(found))
            for n, p in zip(self.inputs, present, strict=True)
        ]

    def push(self, tangents: dict[int, Any]) -> None:
        """The operation again, on tangents: it is linear in what stands on the tape."""
        if not any(n in tangents for n in self.inputs):
            return
        operands = [
            c
            if n is None
            else tangents[n]
            if n in tangents
            else zeros_of(ArrayType(*(self.tape.types[n] or _SCALAR)))
            for n, c in zip(self.inputs, self.constants, strict=True)
        ]
        outs = apply_control(silent_op(self.op), operands)
        for index, out in zip(self.results, outs, strict=True):
            if index is not None:
                tangents[index] = out


def _add(present: Any, ct: Any) -> Any:
    return ct if present is None else present + ct


class ForBlock(ControlBlock):
    """A loop: forwards it saves residuals in arrays, backwards a loop reads them."""

    def __init__(
        self, tape: Tape, inputs: Any, fixed: list[bool], carried: list[bool]
    ) -> None:
        super().__init__(tape, inputs)
        self.fixed = fixed
        self.carried = carried

    def record(self, op: control.For, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(op, primals)
        k = len(self.fixed)
        steps, constants, carries = primals[0], primals[1 : k + 1], primals[k + 1 :]
        key = ("reverse", *self.fixed, *self.carried)
        if key not in op.derived:
            op.derived[key] = _loops(op, self.fixed, self.carried)
        forward, self.backward, self.split = op.derived[key]
        given = dict(zip(self.split.backward.params[1:], constants, strict=False))
        rows = [
            substitute(t.shape, lambda n: as_extent(given[n])) for t in self.split.saved
        ]
        buffers = [
            full(shape=(as_extent(steps), *row), value=0, dtype=t.dtype)
            for row, t in zip(rows, self.split.saved, strict=True)
        ]
        outs = apply_control(forward, [steps, steps, *constants, *carries, *buffers])
        n = len(carries)
        self.values = [steps, *constants, *outs[n:]]
        return self.append(outs[:n], self.carried)

    def pulled(self, cts: list[Any], present: list[Any]) -> list[Any]:
        k = len(self.fixed)
        steps, constants = self.values[0], self.values[1 : k + 1]
        totals = [
            zeros_of(type_of(c)) if p is None else p
            for c, p, f in zip(constants, present[1 : k + 1], self.fixed, strict=True)
            if f
        ]
        operands = [steps, *self.values, *cts, *totals]
        outs = apply_control(self.backward, operands)
        found = iter(outs[len(outs) - sum(self.carried) - sum(self.fixed) :])
        carries = [next(found) if a else None for a in self.carried]
        sums = [next(found) if a else None for a in self.fixed]
        carries = [
            None if c is None else _add(p, c)
            for c, p in zip(carries, present[k + 1 :], strict=True)
        ]
        return [None, *sums, *carries]


def _loops(
    op: control.For, fixed: list[bool], carried: list[bool]
) -> tuple[control.For, control.For, Split]:
    body, k = op.body, len(fixed)
    if op.checkpoints == EVERY_STATE:
        halves = one_step_again(op, fixed, carried)
    else:
        halves = split(
            body,
            [False, *fixed, *carried],
            free=[True] * (k + 1) + [False] * len(carried),
            totals=[False, *fixed, *(False for _ in carried)],
            outputs=carried,
            rows=True,
        )
    saved, n = len(halves.saved), len(body.params)

    def forward(i: Any, _: Any, *values: Any) -> list[Any]:
        outs = replay(halves.forward, [i, *values[: n - 1]])
        kept = outs[len(carried) :]
        buffers = [
            update(b, r, i, index=(*_AT, *window(type_of(r).shape, b.shape[1:])))
            for b, r in zip(values[n - 1 :], kept, strict=True)
        ]
        return [*outs[: len(carried)], *buffers]

    def backward(step: Any, steps: Any, *values: Any) -> list[Any]:
        i = steps - 1 - step
        buffers = values[k : k + saved]
        residuals = [getitem(b, i, index=_AT) for b in buffers]
        rest = values[k + saved :]
        found = replay(halves.backward, [i, *values[:k], *residuals, *rest])
        return [*found[sum(fixed) :], *found[: sum(fixed)]]

    index, *params = body.params
    steps = Var(INDEX)
    known = dict(zip(halves.backward.params, (index, *params[:k]), strict=False))
    rows = [substitute(t, known.__getitem__) for t in halves.saved]
    buffers = [ArrayType((steps, *t.shape), t.dtype) for t in rows]
    constants, carries = params[:k], params[k:]
    cts = [p.type for p, c in zip(carries, carried, strict=True) if c]
    totals = [p.type for p, f in zip(constants, fixed, strict=True) if f]
    ahead = trace(forward, [index, steps, *params, *buffers])
    back = trace(backward, [index, steps, *constants, *buffers, *cts, *totals])
    return control.For(ahead, 1 + k), control.For(back, 1 + k + saved), halves


class IfBlock(ControlBlock):
    """A branch: backwards the branch that was taken runs again, and is swept."""

    def record(self, op: control.If, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(op, primals)
        self.values = list(primals)
        wrt = [n is not None for n in self.inputs[1:]]
        regions = (op.then, op.orelse)
        found = [active_results(region, wrt) for region in regions]
        self.active = [a or b for a, b in zip(*found, strict=True)]
        outs = apply_control(op, primals)
        shapes = result_shapes(regions)
        places = [
            n.place
            for s, a in zip(shapes, self.active, strict=True)
            if a
            for n in s
            if isinstance(n, OfResult)
        ]
        self.values += [outs[place] for place in dict.fromkeys(places)]
        return self.append(outs, self.active)

    def pulled(self, cts: list[Any], present: list[Any]) -> list[Any]:
        wrt = [n is not None for n in self.inputs[1:]]
        totals = [p is not None for p in present[1:]]
        op = self._backward(wrt, totals)
        given = [p for p in present if p is not None]
        found = iter(apply_control(op, [*self.values, *cts, *given]))
        return [None, *(next(found) if w else None for w in wrt)]

    def _backward(self, wrt: list[bool], totals: list[bool]) -> control.If:
        key = ("reverse", *wrt, *totals)
        if key not in self.op.derived:
            both = self.op.then, self.op.orelse
            regions = [
                split(
                    region,
                    wrt,
                    free=[True] * len(wrt),
                    totals=totals,
                    outputs=self.active,
                    save=False,
                    shapes=result_shapes(both),
                ).backward
                for region in both
            ]
            self.op.derived[key] = control.If(*regions)
        return self.op.derived[key]


def _lengths(regions: Sequence[Program], active: Sequence[bool]) -> list[int]:
    """The results of two regions that are extents of others, which have cotangents."""
    shapes = zip(result_shapes(regions), active, strict=True)
    places = [n.place for shape, a in shapes if a for n in shape if type(n) is OfResult]
    return list(dict.fromkeys(places))


class LaneBlock(ControlBlock):
    """A loop whose number of steps each lane has for itself.

    What the lanes would save has no common length: backwards each lane runs again.
    """

    def record(self, function: Any, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(function.op, primals)
        self.values = list(primals)
        wrt = [n is not None for n in self.inputs]
        key = ("pullback", *wrt)
        derived = function.op.derived
        if key not in derived:
            again = type(function)(silent_op(function.op))
            program, active = _pullback(again, primals, wrt)
            derived[key] = control.Call(program, by_lane=True), active
        self.backward, active = derived[key]
        return self.append(apply_control(function.op, primals), active)


def _pullback(function: Any, primals: list[Any], wrt: list[bool]) -> Any:
    """``(*operands, *cts) -> cotangents``, and the results that have cotangents."""
    templates = function.templates(primals)
    one = trace(lambda *xs: apply_control(function.op, xs), templates)
    active = active_results(one, wrt)
    known = dict(zip(one.params, templates, strict=True))
    cts = [
        substitute(t, known.__getitem__)
        for t, a in zip(one.result_types, active, strict=True)
        if a
    ]

    def build(*values: Any) -> list[Any]:
        tape = Tape(CURRENT.get())
        operands = [
            tape.variable(v) if w else v
            for v, w in zip(values[: len(wrt)], wrt, strict=True)
        ]
        with using(tape):
            outs = apply_control(function.op, operands)
        given: dict[int, Any] = {}
        ends = [o for o, a in zip(outs, active, strict=True) if a]
        for out, ct in zip(ends, values[len(wrt) :], strict=True):
            if type(out) is TapeTracer:
                given[out.index] = _add(given.get(out.index), ct)
        found = sweep_back(tape, given, consume=True)
        variables = [v for v, w in zip(operands, wrt, strict=True) if w]
        return [
            found[v.index] if v.index in found else zeros_of(v.type) for v in variables
        ]

    return trace(build, [*templates, *cts]), active


class CallBlock(ControlBlock):
    """A call: a forward function that returns its residuals, and a backward one."""

    def record(self, op: control.Call, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(op, primals)
        wrt = [n is not None for n in self.inputs]
        key = ("reverse", *wrt)
        if key not in op.derived:
            program: Program = op.callee
            outputs = active_results(program, wrt)
            free = _are_indices(program)
            none = [False] * len(wrt)
            halves = split(program, wrt, free=free, totals=none, outputs=outputs)
            op.derived[key] = (
                control.Call(halves.forward),
                control.Call(halves.backward),
                outputs,
            )
        forward, self.backward, active = op.derived[key]
        outs = apply_control(forward, primals)
        n = len(op.callee.results)
        given = [p for p, i in zip(primals, _are_indices(op.callee), strict=True) if i]
        # A residual that is a result too is that result, which may be an extent.
        places = map(forward.callee.results.index, forward.callee.results[n:])
        self.values = [*given, *(outs[place] for place in places)]
        return self.append(outs[:n], active)


def _are_indices(program: Program) -> list[bool]:
    """Which parameters may be extents: both halves of a call are given them."""
    return [p.type == INDEX for p in program.params]
