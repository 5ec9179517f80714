"""The loops of reverse mode: one that saves what steps need, and one that runs back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._core.types import ArrayType, shape_of, type_of
from wengert._ir import control
from wengert._ir.program import Program, Var, substitute
from wengert._ops.arithmetic import accumulate, add, subtract
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem, update
from wengert._ops.structure import reshape
from wengert._passes.dead import eliminate_dead
from wengert._staging.prune import silent_op
from wengert._staging.replay import apply_control, replay
from wengert._staging.restart import EVERY_STATE, one_step_again
from wengert._staging.split import Split, split, window
from wengert._staging.stage import INDEX, OfResult, as_extent, trace

_AT = (Slot(0),)


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

    Arrays whose length differs from step to step stand one behind the other in a
    buffer; the loops carry the place of the step's, and `total` adds their lengths up:
    ``(steps, *constants, *carries) -> sizes``.
    """

    forward: control.For
    backward: control.For
    total: Program
    halves: Split
    changing: Changing


def loops_of(op: control.For, fixed: list[bool], carried: list[bool]) -> Loops:
    """Reverse mode of a loop, in the constants and carries that are marked."""
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
    steps = _Steps(halves, changing, fixed, carried)
    given, buffers, places = _operands_of_loops(op, halves)
    lengths = [Var(INDEX) for _ in changing.lengths]
    known: dict[Var, Any] = {n: n for n in constants}
    known |= {carries[j]: n for j, n in zip(changing.lengths, lengths, strict=True)}
    cts = [
        substitute(p.type, known.__getitem__)
        for p, c in zip(carries, carried, strict=True)
        if c
    ]
    totals = [p.type for p, f in zip(constants, fixed, strict=True) if f]
    ahead = trace(steps.forward, [*given, *carries, *places, *buffers])
    back = trace(steps.backward, [*given, *buffers, *places, *lengths, *cts, *totals])
    m = len(places)
    return Loops(
        control.For(ahead, 1 + m + k),
        control.For(back, 1 + m + k + len(buffers)),
        steps.sizes_of(op),
        halves,
        changing,
    )


class _Steps:
    """One step of each of the loops, as functions of engine values.

    Parameters in their order: the index, then what is constant (number of steps, m
    sizes, k constants), then what a step hands on.
    """

    def __init__(
        self,
        halves: Split,
        changing: Changing,
        fixed: Sequence[bool],
        carried: Sequence[bool],
    ) -> None:
        self.halves = halves
        self.fixed = sum(fixed)  # constants that are differentiated
        self.carried = list(carried)
        self.sources = changing.sources
        self.k, self.n = len(fixed), len(carried)
        self.m = len(halves.sizes.results)
        self.saved = len(halves.saved)
        self.numbers = [number for _, number in halves.ragged]

    def _sizes(self, i: Any, constants: Sequence[Any], rows: Sequence[Any]) -> Any:
        if not self.m:
            return []
        pairs = zip(rows, self.halves.saved, strict=True)
        numbers = [row for row, type_ in pairs if type_ == INDEX]
        return replay(self.halves.sizes, [i, *constants, *numbers])

    def forward(self, i: Any, _: Any, *values: Any) -> list[Any]:
        k, m, n, saved = self.k, self.m, self.n, self.saved
        constants, carries = values[m : m + k], values[m + k : m + k + n]
        places, buffers = values[m + k + n :][:m], values[m + k + n + m :]
        outs = replay(self.halves.forward, [i, *constants, *carries])
        sizes = self._sizes(i, constants, outs[n : n + saved])
        rows = [
            update(b, r, i, index=(*_AT, *window(type_of(r).shape, b.shape[1:])))
            for b, r in zip(buffers[:saved], outs[n : n + saved], strict=True)
        ]
        ragged = zip(buffers[saved:], outs[n + saved :], self.numbers, strict=True)
        flat = [
            update(b, _flat(r, sizes[j]), index=_part(places[j], sizes[j]))
            for b, r, j in ragged
        ]
        return [*outs[:n], *map(add, places, sizes), *rows, *flat]

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
        """The sums of the sizes of all steps, of the carries that they need."""
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


def _operands_of_loops(op: control.For, halves: Split) -> Any:
    """Templates of what both loops get: what is constant, buffers, places in them."""
    index, *params = op.body.params
    steps, sizes = Var(INDEX), [Var(INDEX) for _ in halves.sizes.results]
    constants = params[: op.constants]
    known = dict(zip(halves.backward.params, (index, *constants), strict=False))
    rows = [substitute(t, known.__getitem__) for t in halves.saved]
    buffers = [ArrayType((steps, *t.shape), t.dtype) for t in rows]
    buffers += [ArrayType((sizes[number],), dtype) for dtype, number in halves.ragged]
    return [index, steps, *sizes, *constants], buffers, [INDEX] * len(sizes)


def _flat(x: Any, size: Any) -> Any:
    return reshape(x, shape=(as_extent(size),))


def _part(place: Any, size: Any) -> tuple[slice]:
    return (slice(as_extent(place), as_extent(place + size)),)
