"""vmap of control flow: the regions batched, or a loop over the lanes.

Where the lanes agree on a predicate or a number of steps, the region runs once for all
of them; where they may not, each lane runs on its own, so that it takes its own path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from wengert._core.interp import CURRENT
from wengert._core.source import explain
from wengert._core.types import ArrayType, type_of
from wengert._ir import control
from wengert._ir.program import (
    Equation,
    Program,
    Var,
    substitute,
    variables_in,
    variables_read,
)
from wengert._modes.batch import Batch, BatchTracer
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem, update
from wengert._ops.structure import broadcast_to, empty
from wengert._staging.activity import Mask, fixed_point
from wengert._staging.replay import apply_control, replay
from wengert._staging.stage import INDEX, Stage, StageTracer, as_extent, trace
from wengert.errors import LanesDisagreeError

_AT = (Slot(0),)


def batched_variables(program: Program, mask: Mask) -> set[Var]:
    """What differs from lane to lane where the marked parameters do."""
    batched = {p for p, m in zip(program.params, mask, strict=True) if m}
    for equation in program.equations:
        if any(v in batched for v in variables_read(equation)):
            reads = [isinstance(a, Var) and a in batched for a in equation.inputs]
            found = _outputs_batched(equation, reads)
            batched |= {v for v, b in zip(equation.outputs, found, strict=True) if b}
    return batched


def _outputs_batched(equation: Equation, reads: Mask) -> list[bool]:
    """Which results of an equation differ; all where each lane runs on its own."""
    op = equation.op
    if isinstance(op, control.For) and not reads[0]:
        return loop_batched(op.body, [False, *reads[1 : 1 + op.constants]], reads)
    if isinstance(op, control.While):
        carried = loop_batched(op.body, reads[: op.constants], reads)
        if not batched_results(op.test, [*reads[: op.constants], *carried])[0]:
            return carried
    if isinstance(op, control.If) and not reads[0]:
        regions = (op.then, op.orelse)
        if not any(is_ragged(region, reads[1:]) for region in regions):
            found = [batched_results(region, reads[1:]) for region in regions]
            return [a or b for a, b in zip(*found, strict=True)]
    return [True] * len(equation.outputs)


def loop_batched(body: Program, head: Mask, reads: Mask) -> list[bool]:
    """Which carries of a loop differ, where all lanes take one number of steps.

    head: of the parameters of the body before the carries; reads: of the operands.
    """
    start = len(reads) - (len(body.params) - len(head))
    carried = fixed_point(batched_results, body, head, reads[start:])
    return [True] * len(carried) if is_ragged(body, [*head, *carried]) else carried


def batched_results(program: Program, mask: Mask) -> list[bool]:
    """Which results differ from lane to lane."""
    batched = batched_variables(program, mask)
    return [isinstance(r, Var) and r in batched for r in program.results]


def is_ragged(program: Program, mask: Mask) -> bool:
    """Whether an array in it has a length of its own in each lane."""
    batched = batched_variables(program, mask)
    return any(
        n in batched
        for equation in program.equations
        for n in (
            *variables_in(tuple(v.type for v in equation.outputs)),
            *variables_in(tuple(equation.params.values())),
        )
    )


def batched_program(program: Program, size: int, mask: Mask, want: Mask) -> Program:
    """The program of all lanes: the marked parameters, and results, have an axis 0."""

    def build(*values: Any) -> list[Any]:
        batch = Batch(CURRENT.get(), size)
        given = [
            BatchTracer(batch, v) if m else v for v, m in zip(values, mask, strict=True)
        ]
        with batch.running():
            outs = replay(program, given)
        return [gathered(batch, o) if w else o for o, w in zip(outs, want, strict=True)]

    params = program.params
    return trace(
        build,
        [_stacked(size, p) if m else p for p, m in zip(params, mask, strict=True)],
    )


def _stacked(size: int, lane: Var | ArrayType) -> ArrayType:
    """The type of a value of all lanes."""
    type_ = lane.type if isinstance(lane, Var) else lane
    return ArrayType((size, *type_.shape), type_.dtype)


def gathered(batch: Batch, value: Any) -> Any:
    """The values of all lanes."""
    if type(value) is BatchTracer and value.interpreter is batch:
        return value.value
    return broadcast_to(value, shape=(batch.size, *type_of(value).shape))


def with_axis(size: int, values: Sequence[Any], mask: Mask, want: Mask) -> list[Any]:
    """Values with a batch axis where one is wanted."""
    return [
        broadcast_to(v, shape=(size, *type_of(v).shape)) if w and not m else v
        for v, m, w in zip(values, mask, want, strict=True)
    ]


def refuse_lengths() -> NoReturn:
    """Raise: an array has a length of its own in each lane."""
    raise LanesDisagreeError(
        explain(
            "an array has another length in each lane, and lanes stand in one array",
            fix="return what has one length in all lanes, such as a sum",
        )
    )


def lane_by_lane(
    op: Any, size: int, values: Sequence[Any], mask: Mask, lane: Sequence[Any]
) -> Any:
    """A loop over the lanes, each with a control operation of its own.

    lane: the types of its operands, as `trace` takes them.
    """
    one = trace(lambda *xs: apply_control(op, xs), lane)
    known = dict(zip(one.params, lane, strict=True))
    if any(n not in known for n in variables_in(one.result_types)):
        refuse_lengths()
    types = [substitute(t, known.__getitem__) for t in one.result_types]
    n = len(lane)

    def body(i: Any, *rest: Any) -> list[Any]:
        own = [
            getitem(v, i, index=_AT) if m else v
            for v, m in zip(rest[:n], mask, strict=True)
        ]
        outs = apply_control(op, own)
        return [update(b, o, i, index=_AT) for b, o in zip(rest[n:], outs, strict=True)]

    stacked = [_stacked(size, t) for t in types]
    given = [_stacked(size, t) if m else t for t, m in zip(lane, mask, strict=True)]
    program = trace(body, [INDEX, *given, *stacked])
    given_for = dict(zip(lane, values, strict=True))
    shapes = [substitute(t.shape, lambda n: as_extent(given_for[n])) for t in stacked]
    buffers = [
        empty(shape=shape, dtype=t.dtype)
        for shape, t in zip(shapes, stacked, strict=True)
    ]
    return apply_control(control.For(program, n), [size, *values, *buffers])


def each_lane(
    function: Any, size: Any, values: Sequence[Any], mask: Mask
) -> Sequence[Any]:
    """The results of an opaque function in all lanes: a loop that calls it for each."""
    types = [
        type_of(v)._replace(shape=v.shape[1:]) if m else type_of(v)
        for v, m in zip(values, mask, strict=True)
    ]
    found = function.declared(types)
    given = [type_of(v) for v in values]
    shapes = [(size, *t.shape) for t in found]
    extents = [n for s in (*(t.shape for t in given), *shapes) for n in s]
    names = {n: Var(INDEX) for n in extents if isinstance(n, StageTracer)}
    k, n = len(names), len(values)

    def body(i: Any, *rest: Any) -> list[Any]:
        own = [
            getitem(v, i, index=_AT) if m else v
            for v, m in zip(rest[k:], mask, strict=False)
        ]
        outs = function.applied(own)
        rows = rest[k + n :]
        return [update(b, o, i, index=_AT) for b, o in zip(rows, outs, strict=True)]

    stacked = [ArrayType(s, t.dtype) for s, t in zip(shapes, found, strict=True)]
    templates = [
        Var(ArrayType(tuple(names.get(n, n) for n in t.shape), t.dtype))
        for t in (*given, *stacked)
    ]
    program = trace(body, [INDEX, *names.values(), *templates])
    buffers = [empty(shape=t.shape, dtype=t.dtype) for t in stacked]
    return apply_control(control.For(program, k + n), [size, *names, *values, *buffers])


Stage.each_lane = staticmethod(each_lane)
