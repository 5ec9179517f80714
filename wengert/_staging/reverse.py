"""Reverse mode of control flow: one line on the tape, pulled back as a whole."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
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
from wengert._ops.structure import empty, reshape, with_length
from wengert._staging.activity import active_results
from wengert._staging.prune import calls_opaque, silent_op
from wengert._staging.replay import apply_control, replay
from wengert._staging.reverse_loops import FIRST, Loop, Loops, loops_of, parted
from wengert._staging.split import Split, split
from wengert._staging.stage import (
    INDEX,
    OfResult,
    as_extent,
    result_shapes,
    trace,
)
from wengert._staging.unfolding import derive, pullback_interface

_SCALAR = ((), np.dtype(np.float64))
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
        if calls_opaque(self.op):
            self._push_once(tangents)
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

    def _push_once(self, tangents: dict[int, Any]) -> None:
        """The transpose of the pullback, which calls no opaque function again."""
        tape = Tape(CURRENT.get())
        cts = [tape.variable(zeros_of(t)) for t, n in self._differentiated()]
        with using(tape):
            found = self.pulled(cts, [None] * len(self.inputs))
        given: dict[int, Any] = {}
        for index, ct in zip(self.inputs, found, strict=True):
            if index in tangents and type(ct) is TapeTracer:
                given[ct.index] = _add(given.get(ct.index), tangents[index])
        pushed = sweep_back(tape, given, consume=True)
        for ct, (_, index) in zip(cts, self._differentiated(), strict=True):
            if ct.index in pushed:
                tangents[index] = pushed[ct.index]

    def _differentiated(self) -> list[tuple[ArrayType, int]]:
        """Types and numbers of the results on the tape."""
        pairs = zip(self.types, self.results, strict=True)
        return [(t, n) for t, n in pairs if n is not None]


def _add(present: Any, ct: Any) -> Any:
    return ct if present is None else present + ct


class LoopBlock(ControlBlock):
    """A loop: forwards it saves residuals in arrays, backwards a loop reads them.

    The number of steps is the first operand of a `for`; a `while` finds it.
    """

    sizes = 0  # how many sizes of ragged arrays there are
    entries: dict[int, ArrayType]  # of carries whose lengths change, as the loop begins

    def __init__(
        self, tape: Tape, inputs: Any, fixed: list[bool], carried: list[bool]
    ) -> None:
        super().__init__(tape, inputs)
        self.fixed = fixed
        self.carried = carried
        self.lead = len(inputs) - len(fixed) - len(carried)
        self.lengths: list[Any] = []  # as the loop ends
        self.entries = {}

    def record(self, op: Loop, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(op, primals)
        loops = loops_of(op, self.fixed, self.carried)
        carries = primals[self.lead + len(self.fixed) :]
        outs, self.values = self._saving(loops, primals)
        self.backward, self.sizes = loops.backward, len(loops.grows) - 1
        self.lengths = [outs[j] for j in loops.changing.lengths]
        self.entries = {j: type_of(carries[j]) for j in loops.changing.arrays}
        return self.append(outs, self.carried)

    def _saving(self, loops: Loops, primals: list[Any]) -> tuple[Values, list[Any]]:
        """The results of the loop, and what the backward loop reads."""
        k, n, m = len(self.fixed), len(self.carried), len(loops.grows) - 1
        head, rest = primals[: self.lead], primals[self.lead :]
        constants, carries = rest[:k], rest[k:]
        sizes = [None] * m if loops.total is None else replay(loops.total, primals)
        lengths = [
            FIRST if g else x
            for x, g in zip([*(head or [None]), *sizes], loops.grows, strict=True)
        ]
        buffers = _empty_buffers(loops, constants, list(map(as_extent, lengths)))
        known, room = parted(lengths, loops.grows)
        start = [*head, *known, *constants, *([] if head else [0]), *carries, *[0] * m]
        outs = apply_control(loops.forward, [*start, *room, *buffers])
        count, outs = (head, outs) if head else (outs[:1], outs[1:])
        ends = [*count, *(outs[n : n + m] if loops.total is None else sizes)]
        filled = outs[n + m + len(room) :]
        saved = [
            with_length(b, length=as_extent(ends[j]), axis=0) if loops.grows[j] else b
            for b, j in zip(filled, loops.of_buffer, strict=True)
        ]
        return outs[:n], [*ends, *constants, *saved]

    def imported(self, importer: Any, tape: Tape) -> ControlBlock:
        block = copy.copy(self)
        block.lengths = importer(self.lengths)
        block.entries = importer(self.entries)
        return ControlBlock.imported(block, importer, tape)

    def pulled(self, cts: list[Any], present: list[Any]) -> list[Any]:
        k, m, lead = len(self.fixed), self.sizes, self.lead
        steps, sizes = self.values[0], self.values[1 : m + 1]
        constants = self.values[m + 1 : m + 1 + k]
        totals = [
            zeros_of(type_of(c)) if p is None else p
            for c, p, f in zip(
                constants, present[lead : lead + k], self.fixed, strict=True
            )
            if f
        ]
        operands = [steps, *self.values, *sizes, *self.lengths, *cts, *totals]
        outs = apply_control(self.backward, operands)
        found = iter(outs[len(outs) - sum(self.carried) - sum(self.fixed) :])
        carries = [next(found) if a else None for a in self.carried]
        sums = [next(found) if a else None for a in self.fixed]
        for j, entry in self.entries.items():
            carries[j] = reshape(carries[j], shape=entry.shape)
        carries = [
            None if c is None else _add(p, c)
            for c, p in zip(carries, present[lead + k :], strict=True)
        ]
        return [*[None] * lead, *sums, *carries]


def _empty_buffers(loops: Loops, constants: Values, lengths: Values) -> list[Any]:
    """Buffers of these lengths, of a number of steps and of sizes."""
    halves = loops.halves
    known = dict(zip(halves.backward.params[1:], constants, strict=False))
    rows = [substitute(t.shape, lambda n: as_extent(known[n])) for t in halves.saved]
    shapes = [*rows, *((),) * len(halves.ragged)]
    dtypes = [*(t.dtype for t in halves.saved), *(dtype for dtype, _ in halves.ragged)]
    return [
        empty(shape=(lengths[j], *row), dtype=dtype)
        for j, row, dtype in zip(loops.of_buffer, shapes, dtypes, strict=True)
    ]


class IfBlock(ControlBlock):
    """A branch: backwards the branch that was taken runs again, and is swept.

    What it reads of an array that is not at hand then, the forward branch hands on.
    """

    def record(self, op: control.If, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(op, primals)
        self.values = list(primals)
        self.free = [True] * len(primals[1:])
        wrt = [n is not None for n in self.inputs[1:]]
        regions = (op.then, op.orelse)
        found = [active_results(region, wrt) for region in regions]
        self.active = [a or b for a, b in zip(*found, strict=True)]
        n = len(op.then.results)
        halves = self.halves([False] * len(wrt)) if calls_opaque(op) else []
        if any(half.saved for half in halves):
            op = _handing_on(op, self.free, halves)
        outs = apply_control(op, primals)
        self.outs = outs[:n]
        self.lengths = [self.outs[n] for n in _lengths(regions, self.active)]
        self.values += [*outs[n:], *self.lengths]
        return self.append(self.outs, self.active)

    def imported(self, importer: Any, tape: Tape) -> ControlBlock:
        predicate, *operands = self.values[: len(self.inputs)]
        block = copy.copy(self)
        block.free = [not type_of(x).shape or importer.has(x) for x in operands]
        halves = block.halves([False] * len(operands))
        while any(p for half in halves for p in half.passed):
            columns = zip(block.free, *(half.passed for half in halves), strict=True)
            block.free = [any(column) for column in columns]
            halves = block.halves([False] * len(operands))
        saved = []
        if any(half.saved for half in halves):
            op = _handing_on(self.op, block.free, halves)
            saved = importer.replace(self.outs, op)
        kept = [x for x, f in zip(operands, block.free, strict=True) if f]
        block.values = [predicate, *kept, *saved, *self.lengths]
        return ControlBlock.imported(block, importer, tape)

    def halves(self, totals: list[bool]) -> list[Split]:
        """The reverse mode of both branches, with what is free at hand."""
        wrt = [n is not None for n in self.inputs[1:]]
        regions = (self.op.then, self.op.orelse)
        key = ("halves", *wrt, *self.free, *totals)
        if key not in self.op.derived:
            self.op.derived[key] = [
                split(
                    region,
                    wrt,
                    free=self.free,
                    totals=totals,
                    outputs=self.active,
                    save=False,
                    shapes=result_shapes(regions),
                )
                for region in regions
            ]
        return self.op.derived[key]

    def pulled(self, cts: list[Any], present: list[Any]) -> list[Any]:
        wrt = [n is not None for n in self.inputs[1:]]
        then, orelse = self.halves([p is not None for p in present[1:]])
        n = sum(self.free)
        op = control.If(
            _widened(then, (then, orelse), n), _widened(orelse, (then, orelse), n)
        )
        given = [p for p in present if p is not None]
        found = iter(apply_control(op, [*self.values, *cts, *given]))
        return [None, *(next(found) if w else None for w in wrt)]


def _handing_on(op: control.If, free: list[bool], halves: list[Split]) -> control.If:
    """A branch with more results: what the backward branches need, or zeros for it."""

    def region(own: Split) -> Program:
        def build(*values: Any) -> list[Any]:
            outs = replay(own.forward, values)
            n = len(outs) - len(own.saved)
            at_hand = [x for x, f in zip(values, free, strict=True) if f]
            for half in halves:
                zeros = _zeros(half, at_hand)
                outs += outs[n : n + len(own.saved)] if half is own else zeros
            return [*outs[:n], *outs[n + len(own.saved) :]]

        return trace(build, own.forward.params)

    return control.If(*map(region, halves))


def _zeros(half: Split, at_hand: list[Any]) -> list[Any]:
    """Zeros in place of what a branch has saved, where it is not taken."""
    known = dict(zip(half.backward.params, at_hand, strict=False))
    return [zeros_of(substitute(t, lambda n: as_extent(known[n]))) for t in half.saved]


def _widened(own: Split, halves: tuple[Split, Split], n: int) -> Program:
    """A backward branch that gets what both have saved, behind `n` free parameters."""
    params = own.backward.params
    saved: list[Var] = []
    for half in halves:
        known = dict(zip(half.backward.params[:n], params[:n], strict=True))
        saved += (
            params[n : n + len(own.saved)]
            if half is own
            else [Var(substitute(t, known.__getitem__)) for t in half.saved]
        )
    return own.backward._replace(
        params=(*params[:n], *saved, *params[n + len(own.saved) :])
    )


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
        outs = apply_control(function.op, primals)  # refuses lengths that differ
        if key not in derived:
            again = type(function)(silent_op(function.op))
            program, active = _pullback(again, primals, wrt)
            derived[key] = control.Call(program, by_lane=True), active
        self.backward, active = derived[key]
        return self.append(outs, active)


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
    run = partial(apply_control, function.op)
    return trace(_pulling(run, wrt, active), [*templates, *cts]), active


def _pulling(
    run: Callable[[list[Any]], Values], wrt: Sequence[bool], active: Sequence[bool]
) -> Any:
    """``(*operands, *cts) -> cotangents`` of what a function gives."""

    def build(*values: Any) -> list[Any]:
        tape = Tape(CURRENT.get())
        operands = [
            tape.variable(v) if w else v
            for v, w in zip(values[: len(wrt)], wrt, strict=True)
        ]
        with using(tape):
            outs = run(operands)
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

    return build


class RecursiveBlock(ControlBlock):
    """A call of a function that calls itself; so does its pullback."""

    def record(self, op: control.Call, primals: list[Any]) -> tuple[Any, ...]:
        self.begin(op, primals)
        self.values = list(primals)
        key = ("pullback", *(n is not None for n in self.inputs))
        self.backward, active = derive(
            silent_op(op), key, pullback_interface, _pullback_of_itself
        )
        return self.append(apply_control(op, primals), active)


def _pullback_of_itself(
    callee: Program, interface: Program, wrt: Sequence[bool], active: Sequence[bool]
) -> Program:
    pull = _pulling(partial(replay, callee), wrt, active)
    return trace(pull, interface.params)


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
