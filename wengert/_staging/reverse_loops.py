"""The loops of reverse mode: one that saves what steps need, and one that runs back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wengert._core.types import ArrayType, shape_of, type_of
from wengert._ir import control
from wengert._ir.program import Program, Var, substitute, variables_read
from wengert._ops.arithmetic import (
    accumulate,
    add,
    less_equal,
    multiply,
    subtract,
)
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem, update
from wengert._ops.structure import reshape, where, with_length
from wengert._passes.dead import eliminate_dead
from wengert._staging.prune import silent_op
from wengert._staging.replay import apply_control, replay
from wengert._staging.restart import EVERY_STATE, one_step_again
from wengert._staging.split import Split, split, window
from wengert._staging.stage import INDEX, OfResult, as_extent, trace

_AT = (Slot(0),)
FIRST = 8  # rows of a new buffer that grows
_FACTOR = 4  # a page touched anew costs more than a few rows that stay empty
Loop: TypeAlias = control.For | control.While
Templates: TypeAlias = list[Var | ArrayType]


class Changing(NamedTuple):
    """The carries of a loop that are lengths of others which have cotangents.

    lengths: their places among the carries; arrays: the places of the others, in the
    order of `lengths`, with the axis, for each length one that has it; shapes: of every
    carry, where an extent that changes is an `OfResult`.
    """

    lengths: list[int]
    sources: list[tuple[int, int]]
    arrays: list[int]
    shapes: list[tuple[Any, ...]]


def changing_lengths(
    body: Program, constants: int, carried: Sequence[bool]
) -> Changing:
    """What changes its length in a loop with this body, from step to step."""
    carries = body.params[1 + constants :]
    places = {p: j for j, p in enumerate(carries)}
    shapes = [
        tuple(OfResult(places[n]) if n in places else n for n in p.type.shape)
        for p in carries
    ]
    sources: dict[int, tuple[int, int]] = {}
    arrays: dict[int, None] = {}
    for j, (shape, has_ct) in enumerate(zip(shapes, carried, strict=True)):
        for axis, n in enumerate(shape):
            if has_ct and isinstance(n, OfResult):
                sources.setdefault(n.place, (j, axis))
                arrays[j] = None
    return Changing(list(sources), list(sources.values()), list(arrays), shapes)


class Loops(NamedTuple):
    """The loops of reverse mode, and the halves of their body.

    A buffer has a row for each step; arrays whose length differs from step to step
    stand one behind the other in a buffer of their own, and the loops carry the place
    of the step's. So the lengths of buffers are the number of steps, and sizes.

    forward: ``(*known, *constants, *carries, *places, *room, *buffers)``; a `while`
    counts its steps in front of the carries. `known` are the lengths that are known
    before the loop; where `grows` says that one is not, its buffers grow when they
    are full, and `room` is how long they are.
    total: ``(steps, *constants, *carries) -> sizes``; None where they grow.
    of_buffer: for each buffer the number of its length.
    """

    forward: Loop
    backward: control.For
    total: Program | None
    halves: Split
    changing: Changing
    grows: list[bool]
    of_buffer: list[int]


def loops_of(op: Loop, fixed: list[bool], carried: list[bool]) -> Loops:
    """Reverse mode of a loop, in the constants and carries that are marked."""
    key = ("reverse", *fixed, *carried)
    if key not in op.derived:
        op.derived[key] = _loops_of(op, fixed, carried)
    return op.derived[key]


def _numbered(op: Loop) -> control.For:
    """The loop with the index of its steps."""
    if isinstance(op, control.For):
        return op
    body = op.body._replace(params=(Var(INDEX), *op.body.params))
    return control.For(body, op.constants)


def _loops_of(loop: Loop, fixed: list[bool], carried: list[bool]) -> Loops:
    op, is_while = _numbered(loop), isinstance(loop, control.While)
    body, k = op.body, len(fixed)
    constants, carries = body.params[1 : k + 1], body.params[k + 1 :]
    arrays = [f and p.type.ndim > 0 for p, f in zip(constants, fixed, strict=True)]
    changing = changing_lengths(body, k, carried)
    if op.checkpoints == EVERY_STATE:
        halves = one_step_again(op, fixed, carried, arrays)
    else:
        halves = split(
            body,
            [False, *fixed, *carried],
            free=[True] * (k + 1) + [False] * len(carried),
            totals=[False, *arrays, *(False for _ in carried)],
            outputs=carried,
            rows=True,
            shapes=changing.shapes,
        )
    m = len(halves.sizes.results)
    grows = [is_while, *[is_while or _needs_numbers(halves)] * m]
    steps = _Steps(halves, changing, fixed, carried, grows)
    lengths = [Var(INDEX) for _ in changing.lengths]
    known: dict[Var, Any] = {n: n for n in constants}
    known |= {carries[j]: n for j, n in zip(changing.lengths, lengths, strict=True)}
    cts = [
        substitute(p.type, known.__getitem__)
        for p, c in zip(carries, carried, strict=True)
        if c
    ]
    totals = [p.type for p, f in zip(constants, fixed, strict=True) if f]
    extents = [Var(INDEX) for _ in grows]
    buffers = _buffers(op, halves, extents)
    given: Templates = [body.params[0], *extents, *constants, *buffers]
    back = trace(steps.backward, [*given, *[INDEX] * m, *lengths, *cts, *totals])
    return Loops(
        _ahead(loop, op, steps),
        control.For(back, len(given) - 1),
        None if grows[-1] else steps.sizes_of(op),
        halves,
        changing,
        grows,
        steps.of_buffer,
    )


def _needs_numbers(halves: Split) -> bool:
    """Whether the sizes of a step follow from what it saves, and from no less."""
    read = {v for e in halves.sizes.equations for v in variables_read(e)}
    numbers = sum(type_ == INDEX for type_ in halves.saved)
    params = halves.sizes.params
    return not read.union(halves.sizes.results).isdisjoint(
        params[len(params) - numbers :]
    )


def _ahead(loop: Loop, op: control.For, steps: _Steps) -> Loop:
    """The loop that saves: see `Loops`."""
    (index, *params), k = op.body.params, op.constants
    extents = [Var(INDEX) for _ in steps.grows]
    known, room = parted(extents, steps.grows)
    state = [*[INDEX] * steps.m, *room, *_buffers(op, steps.halves, extents)]
    if isinstance(loop, control.For):
        program = trace(steps.forward, [index, *known, *params, *state])
        return control.For(program, len(known) + k)

    def test(*values: Any) -> list[Any]:
        return replay(loop.test, [*values[:k], *values[k + 1 :][: steps.n]])

    def step(*values: Any) -> list[Any]:
        i = values[k]
        return [i + 1, *steps.forward(i, *values[:k], *values[k + 1 :])]

    given = [*params[:k], index, *params[k:], *state]
    return control.While(trace(test, given), trace(step, given), k)


def parted(extents: Sequence[Any], grows: Sequence[bool]) -> tuple[list[Any], ...]:
    """What is known before a loop, and what grows in it."""
    pairs = list(zip(extents, grows, strict=True))
    return [x for x, g in pairs if not g], [x for x, g in pairs if g]


class _Steps:
    """One step of each of the loops, as functions of engine values.

    Parameters in their order: the index, then what is constant (lengths of buffers, k
    constants), then what a step hands on.
    """

    def __init__(
        self,
        halves: Split,
        changing: Changing,
        fixed: Sequence[bool],
        carried: Sequence[bool],
        grows: Sequence[bool],
    ) -> None:
        self.halves = halves
        self.fixed = sum(fixed)  # constants that are differentiated
        self.carried = list(carried)
        self.sources = changing.sources
        self.k, self.n = len(fixed), len(carried)
        self.m = len(halves.sizes.results)
        self.saved = len(halves.saved)
        self.numbers = [number for _, number in halves.ragged]
        self.of_buffer = [0] * self.saved + [1 + j for j in self.numbers]
        self.grows = list(grows)

    def _sizes(self, i: Any, constants: Sequence[Any], rows: Sequence[Any]) -> Any:
        if not self.m:
            return []
        pairs = zip(rows, self.halves.saved, strict=True)
        numbers = [row for row, type_ in pairs if type_ == INDEX]
        return replay(self.halves.sizes, [i, *constants, *numbers])

    def forward(self, i: Any, *values: Any) -> list[Any]:
        k, m, n, saved = self.k, self.m, self.n, self.saved
        known, room = parted(self.grows, self.grows)
        rest = values[len(known) :]
        constants, carries, places = rest[:k], rest[k:][:n], rest[k + n :][:m]
        rest = rest[k + n + m :]
        outs = replay(self.halves.forward, [i, *constants, *carries])
        sizes = self._sizes(i, constants, outs[n : n + saved])
        ends = list(map(add, places, sizes))
        room, buffers = self._with_room(
            rest[: len(room)], rest[len(room) :], [add(i, 1), *ends]
        )
        rows = [
            update(b, r, i, index=(*_AT, *window(type_of(r).shape, b.shape[1:])))
            for b, r in zip(buffers[:saved], outs[n : n + saved], strict=True)
        ]
        ragged = zip(buffers[saved:], outs[n + saved :], self.numbers, strict=True)
        flat = [
            update(b, _flat(r, sizes[j]), index=_part(places[j], sizes[j]))
            for b, r, j in ragged
        ]
        return [*outs[:n], *ends, *room, *rows, *flat]

    def _with_room(
        self, room: Sequence[Any], buffers: Sequence[Any], needed: Sequence[Any]
    ) -> tuple[list[Any], Sequence[Any]]:
        """The lengths of buffers that grow, and all buffers, with room for a step.

        needed: how long they have to be.
        """
        _, least = parted(needed, self.grows)
        longer = [
            where(less_equal(n, length), length, multiply(n, _FACTOR))
            for length, n in zip(room, least, strict=True)
        ]
        lengths = iter(longer)
        found = [as_extent(next(lengths)) if g else None for g in self.grows]
        return longer, [
            b if found[j] is None else with_length(b, length=found[j], axis=0)
            for b, j in zip(buffers, self.of_buffer, strict=True)
        ]

    def backward(self, step: Any, steps: Any, *values: Any) -> list[Any]:
        k, m, filled = self.k, self.m, self.saved + len(self.numbers)
        i = steps - 1 - step
        constants, buffers = values[m : m + k], values[m + k : m + k + filled]
        ends, rest = values[m + k + filled :][:m], values[m + k + filled + m :]
        rows = [getitem(b, i, index=_AT) for b in buffers[: self.saved]]
        sizes = self._sizes(i, constants, rows)
        places = list(map(subtract, ends, sizes))
        flat = [
            getitem(b, index=_part(places[j], sizes[j]))
            for b, j in zip(buffers[self.saved :], self.numbers, strict=True)
        ]
        cut = len(rest) - self.fixed
        totals = rest[cut:]
        arrays = [t for t in totals if type_of(t).shape]
        given = [i, *constants, *rows, *sizes, *flat, *rest[:cut], *arrays]
        found = replay(self.halves.backward, given)
        parts, cts = found[: self.fixed], found[self.fixed :]
        sums = [
            part if type_of(total).shape else accumulate(total, part)
            for total, part in zip(totals, parts, strict=True)
        ]
        return [*places, *self._lengths(cts), *cts, *sums]

    def _lengths(self, cts: Sequence[Any]) -> list[Any]:
        """The lengths that change, as the step begins: those of its cotangents."""
        number = {
            j: c for c, j in enumerate(j for j, a in enumerate(self.carried) if a)
        }
        found = [shape_of(cts[number[j]])[axis] for j, axis in self.sources]
        return [np.int64(n) if isinstance(n, int) else n for n in found]

    def sizes_of(self, op: control.For) -> Program:
        """The sums of the sizes of all steps; of the carries that they need."""
        k, n, m = self.k, self.n, self.m
        index, *params = op.body.params

        def step(i: Any, *values: Any) -> list[Any]:
            constants, places = values[:k], values[k + n :]
            outs = replay(self.halves.forward, [i, *values[: k + n]])
            sizes = self._sizes(i, constants, outs[n : n + self.saved])
            return [*outs[:n], *map(add, places, sizes)]

        def total(steps: Any, *operands: Any) -> Sequence[Any]:
            if not m:
                return []
            body = trace(step, [index, *params, *[INDEX] * m])
            loop = silent_op(control.For(body, k))
            return apply_control(loop, [steps, *operands, *[0] * m])[n:]

        return eliminate_dead(trace(total, [INDEX, *params]))


def _buffers(op: control.For, halves: Split, extents: Sequence[Var]) -> list[ArrayType]:
    """The types of buffers of these lengths: a number of steps, and sizes."""
    steps, *sizes = extents
    known = dict(zip(halves.backward.params, op.body.params, strict=False))
    rows = [substitute(t, known.__getitem__) for t in halves.saved]
    return [
        *(ArrayType((steps, *t.shape), t.dtype) for t in rows),
        *(ArrayType((sizes[number],), dtype) for dtype, number in halves.ragged),
    ]


def _flat(x: Any, size: Any) -> Any:
    return reshape(x, shape=(as_extent(size),))


def _part(place: Any, size: Any) -> tuple[slice]:
    return (slice(as_extent(place), as_extent(place + size)),)
