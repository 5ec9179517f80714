"""Control flow under every interpreter: `for`, `while`, `if` and `call`.

A region is a program; what an interpreter makes of it is another program, got by
running that interpreter over staged values. So a loop's derivative is a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from wengert._core.interp import CURRENT, Tracer, using
from wengert._core.source import explain
from wengert._core.types import PYTHON_SCALARS, ArrayType, type_of
from wengert._ir import control
from wengert._ir.evaluate import CONTROL
from wengert._ir.program import Equation, Literal, Program, Var, substitute
from wengert._modes.batch import Batch, BatchTracer
from wengert._modes.dual import Dual, DualTracer
from wengert._modes.tape import Tape, TapeTracer
from wengert._ops.families import zeros_of
from wengert._passes.pipeline import PREPARING, optimise
from wengert._staging.activity import active_results, fixed_point
from wengert._staging.batched import (
    batched_program,
    batched_results,
    is_ragged,
    lane_by_lane,
    with_axis,
)
from wengert._staging.prune import calls_opaque, silent
from wengert._staging.replay import FUNCTIONS, apply_control, replay
from wengert._staging.retype import fitting
from wengert._staging.reverse import (
    CallBlock,
    IfBlock,
    LaneBlock,
    LoopBlock,
    RecursiveBlock,
)
from wengert._staging.reverse_loops import loops_of, parted
from wengert._staging.scheduled import taped
from wengert._staging.signals import EffectFunction
from wengert._staging.stage import (
    INDEX,
    Stage,
    StageTracer,
    extent_of,
    outputs_of,
    results_of_loop,
    trace,
)
from wengert._staging.unfolding import derive, dual_interface, whole_program
from wengert.errors import StagedValueError

Values = tuple[Any, ...]


class ControlFunction:
    """A control operation, applied to engine values."""

    multiple = True

    def __init__(self, op: Any) -> None:
        self.op = op
        self.name = op.name

    def run(self, operands: Values) -> Sequence[Any]:
        """The results for NumPy arrays; Python's numbers are of the region's types."""
        params = self.parameters()
        lead = len(operands) - len(params)
        given = [
            p.type.dtype.type(x) if isinstance(x, PYTHON_SCALARS) else x
            for x, p in zip(operands[lead:], params, strict=True)
        ]
        return CONTROL[self.name](self.op, [*operands[:lead], *given], {})

    def parameters(self) -> tuple[Var, ...]:
        """Of a region, those that stand for the operands; None where there is none."""
        raise NotImplementedError

    def outputs(self, atoms: Sequence[Any]) -> list[Var]:
        """The results of an equation with these inputs."""
        raise NotImplementedError

    def on_stage(self, stage: Stage, operands: Values) -> Any:
        """``(operation, inputs, outputs)`` of the equation."""
        lead = len(operands) - len(self.parameters())
        self.op = fitting(self.op, self.parameters(), operands[lead:])
        params = self.parameters()
        atoms = list(map(stage.lift, operands[:lead]))
        known: dict[Var, Any] = {}
        for x, param in zip(operands[lead:], params, strict=True):
            type_ = substitute(param.type, known.__getitem__)
            atoms.append(stage.fitted(stage.cast(x, type_.dtype), type_))
            known[param] = extent_of(atoms[-1])
        return self.op, atoms, self.outputs(atoms)

    def on_dual(self, dual: Dual, operands: Values) -> Values:
        own = [type(x) is DualTracer and x.interpreter is dual for x in operands]
        primals = [x.primal if o else x for x, o in zip(operands, own, strict=True)]
        tangents = [
            x.tangent if o else None for x, o in zip(operands, own, strict=True)
        ]
        with using(dual.parent):
            outs, found = self.pushed(primals, tangents)
        return tuple(
            o if t is None else DualTracer(dual, o, t)
            for o, t in zip(outs, found, strict=True)
        )

    def pushed(self, primals: list[Any], tangents: list[Any]) -> Any:
        """Results, and their tangents or None."""
        raise NotImplementedError

    def on_tape(self, tape: Tape, operands: Values) -> Values:
        own = [type(x) is TapeTracer and x.interpreter is tape for x in operands]
        primals = [x.primal if o else x for x, o in zip(operands, own, strict=True)]
        inputs = [x.index if o else None for x, o in zip(operands, own, strict=True)]
        with using(tape.parent):
            return self.taped(tape, primals, inputs)

    def taped(self, tape: Tape, primals: list[Any], inputs: list[int | None]) -> Values:
        """Results on the tape, with the entry that pulls their cotangents back."""
        raise NotImplementedError

    def on_batch(self, batch: Batch, operands: Values) -> Values:
        own = [type(x) is BatchTracer and x.interpreter is batch for x in operands]
        values = [x.value if o else x for x, o in zip(operands, own, strict=True)]
        with using(batch.parent):
            outs, batched = self.batched(batch.size, values, own)
        return tuple(
            BatchTracer(batch, o) if b else o
            for o, b in zip(outs, batched, strict=True)
        )

    def batched(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        """Results, and which of them have a value for each lane."""
        raise NotImplementedError

    def by_lane(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        outs = lane_by_lane(self.op, size, values, mask, self.templates(values))
        return outs, [True] * len(outs)

    def templates(self, operands: Sequence[Any]) -> list[Any]:
        """The types of the operands of one lane, as `trace` takes them."""
        params = self.parameters()
        first = operands[: len(operands) - len(params)]
        return [*(ArrayType((), type_of(v).dtype) for v in first), *params]


def dual_program(
    program: Program, mask: Sequence[bool], want: Sequence[bool] | None = None
) -> tuple[Program, list[bool]]:
    """``(*params, *tangents) -> (*results, *tangents)``, and which results have one."""
    n = len(program.params)
    found: list[bool] = []

    def build(*values: Any) -> list[Any]:
        dual = Dual(CURRENT.get())
        given = iter(values[n:])
        args = [
            DualTracer(dual, p, next(given)) if m else p
            for p, m in zip(values[:n], mask, strict=True)
        ]
        with dual.running():
            outs = replay(program, args)
        own = [type(o) is DualTracer and o.interpreter is dual for o in outs]
        found.extend(own if want is None else want)
        plain = [o.primal if d else o for o, d in zip(outs, own, strict=True)]
        tangents = [
            o.tangent if d else zeros_of(type_of(o))
            for o, d, w in zip(outs, own, found, strict=True)
            if w
        ]
        return [*plain, *tangents]

    tangents = [p.type for p, m in zip(program.params, mask, strict=True) if m]
    return trace(build, [*program.params, *tangents]), found


def selected(values: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    return [v for v, m in zip(values, mask, strict=True) if m]


def scattered(values: Sequence[Any], mask: Sequence[bool]) -> list[Any]:
    """The values at the marked places, None at the others."""
    given = iter(values)
    return [next(given) if m else None for m in mask]


def filled(tangents: Sequence[Any], primals: Sequence[Any]) -> list[Any]:
    return [
        zeros_of(type_of(p)) if t is None else t
        for t, p in zip(tangents, primals, strict=True)
    ]


def differs_by_lane(value: Any) -> bool:
    """Whether a number is known for each lane only."""
    while isinstance(value, Tracer) and not isinstance(value, StageTracer):
        if isinstance(value, BatchTracer):
            return True
        value = value.below
    return False


def prepared_loop(op: Any, *steps: int | None) -> Program | None:
    """A loop with its invariants in front; None if they are there already.

    What the backward loop needs of an invariant is not saved in every step, and a
    length that is the same in every step is one that saved rows can have. `steps` are
    given for a `for`, None where their number is not known.
    """
    key = ("prepared", *steps)
    if key not in op.derived:
        op.derived[key] = _with_invariants_in_front(op, steps)
    return op.derived[key]


def _with_invariants_in_front(op: Any, steps: Sequence[int | None]) -> Program | None:
    names = (*(Var(INDEX) for _ in steps), *op.body.params[len(steps) :])
    known = [
        n if k is None else Literal(np.int64(k))
        for n, k in zip(names, steps, strict=False)
    ]
    params = names[len(steps) :]
    outputs = tuple(results_of_loop(params, params, op.constants))
    equation = Equation(op, (*known, *params), {}, outputs)
    found = optimise(Program(names, (equation,), outputs), PREPARING)
    loops = [e.op for e in found.equations if e.op.name == op.name]
    for loop in loops:
        loop.derived[("prepared", *steps)] = None
        loop.derived[("prepared", *(None for _ in steps))] = None
    return None if loops == [op] else found


def taped_again(
    program: Program, tape: Tape, primals: list[Any], inputs: list[int | None]
) -> Values:
    """A program in the place of an operation, put on the tape."""
    operands = [
        p if i is None else TapeTracer(tape, p, i)
        for p, i in zip(primals, inputs, strict=True)
    ]
    with using(tape):
        return tuple(replay(program, operands))


def saves_by_lane(
    function: Any, primals: list[Any], fixed: list[bool], carried: list[bool]
) -> bool:
    """Whether what a loop saves has a length of its own in each lane."""
    op, lanes = function.op, list(map(differs_by_lane, primals))
    if op.checkpoints is not None or not any(lanes):
        return False
    loops = loops_of(op, fixed, carried)
    cut = len(lanes) - len(carried)
    known, _ = parted([False] * len(loops.grows), loops.grows)
    counter = [False] * isinstance(op, control.While)
    lead = cut - len(fixed)
    mask = [*lanes[:lead], *known, *lanes[lead:cut], *counter, *lanes[cut:]]
    mask += [False] * (len(loops.forward.body.params) - len(mask))
    return loops.grows[-1] and type(function)(loops.forward).lanes(mask) is None


class ForFunction(ControlFunction):
    op: control.For

    def parameters(self) -> tuple[Var, ...]:
        return self.op.body.params[1:]

    def outputs(self, atoms: Sequence[Any]) -> list[Var]:
        return results_of_loop(self.parameters(), atoms[1:], self.op.constants)

    def pushed(self, primals: list[Any], tangents: list[Any]) -> Any:
        constants = self.op.constants
        mask = [t is not None for t in tangents]
        fixed, carried = mask[1 : 1 + constants], mask[1 + constants :]
        body = self.op.body
        carried = fixed_point(active_results, body, [False, *fixed], carried)
        program, _ = dual_program(body, [False, *fixed, *carried], carried)
        n, k = len(body.params), 1 + constants
        cut = n + sum(fixed)
        params = program.params
        order = (*params[:k], *params[n:cut], *params[k:n], *params[cut:])
        inputs = [
            *primals[:k],
            *selected(tangents[1:k], fixed),
            *primals[k:],
            *selected(filled(tangents[k:], primals[k:]), carried),
        ]
        op = control.For(
            program._replace(params=order),
            constants + sum(fixed),
            self.op.checkpoints,
        )
        outs = apply_control(op, inputs)
        return outs[: n - k], scattered(outs[n - k :], carried)

    def taped(self, tape: Tape, primals: list[Any], inputs: list[int | None]) -> Values:
        if differs_by_lane(primals[0]):
            return LaneBlock(tape, inputs).record(self, primals)
        steps = primals[0] if isinstance(primals[0], int) else None
        prepared = prepared_loop(self.op, steps)
        if prepared is not None:
            return taped_again(prepared, tape, primals, inputs)
        constants = self.op.constants
        mask = [i is not None for i in inputs]
        fixed, carried = mask[1 : 1 + constants], mask[1 + constants :]
        carried = fixed_point(active_results, self.op.body, [False, *fixed], carried)
        if saves_by_lane(self, primals, fixed, carried):
            return LaneBlock(tape, inputs).record(self, primals)
        return taped(tape, self.op, primals, inputs, (fixed, carried))

    def lanes(self, mask: Sequence[bool]) -> list[bool] | None:
        """Which carries differ by lane; None where each lane runs on its own."""
        k = 1 + self.op.constants
        head = [False, *mask[1:k]]
        carried = fixed_point(batched_results, self.op.body, head, mask[k:])
        alone = mask[0] or is_ragged(self.op.body, [*head, *carried])
        return None if alone else carried

    def batched(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        carried = self.lanes(mask)
        if carried is None:
            return self.by_lane(size, values, mask)
        k = 1 + self.op.constants
        head = [False, *mask[1:k]]
        program = batched_program(self.op.body, size, [*head, *carried], carried)
        carries = with_axis(size, values[k:], mask[k:], carried)
        op = control.For(program, self.op.constants, self.op.checkpoints)
        return apply_control(op, [*values[:k], *carries]), carried


class WhileFunction(ControlFunction):
    op: control.While

    def parameters(self) -> tuple[Var, ...]:
        return self.op.body.params

    def outputs(self, atoms: Sequence[Any]) -> list[Var]:
        return results_of_loop(self.parameters(), atoms, self.op.constants)

    def pushed(self, primals: list[Any], tangents: list[Any]) -> Any:
        k = self.op.constants
        mask = [t is not None for t in tangents]
        fixed, body = mask[:k], self.op.body
        carried = fixed_point(active_results, body, fixed, mask[k:])
        program, _ = dual_program(body, [*fixed, *carried], carried)
        n = len(body.params)
        cut = n + sum(fixed)

        def ordered(params: Sequence[Var]) -> tuple[Var, ...]:
            return (*params[:k], *params[n:cut], *params[k:n], *params[cut:])

        own = dict(zip(program.params, self.op.test.params, strict=False))
        extra = tuple(
            Var(substitute(p.type, own.__getitem__)) for p in program.params[n:]
        )
        test = self.op.test._replace(params=ordered((*self.op.test.params, *extra)))
        inputs = [
            *primals[:k],
            *selected(tangents[:k], fixed),
            *primals[k:],
            *selected(filled(tangents[k:], primals[k:]), carried),
        ]
        program = program._replace(params=ordered(program.params))
        op = control.While(test, program, k + sum(fixed), self.op.checkpoints)
        outs = apply_control(op, inputs)
        return outs[: n - k], scattered(outs[n - k :], carried)

    def taped(self, tape: Tape, primals: list[Any], inputs: list[int | None]) -> Values:
        """A loop that saves as it goes; a schedule needs the number of steps first."""
        lanes = list(map(differs_by_lane, primals))
        if any(lanes) and self.lanes(lanes) is None:
            return LaneBlock(tape, inputs).record(self, primals)
        if self.op.checkpoints is not None and not calls_opaque(self.op):
            return self._counted(tape, primals, inputs)
        prepared = prepared_loop(self.op)
        if prepared is not None:
            return taped_again(prepared, tape, primals, inputs)
        k = self.op.constants
        mask = [i is not None for i in inputs]
        fixed = mask[:k]
        carried = fixed_point(active_results, self.op.body, fixed, mask[k:])
        if saves_by_lane(self, primals, fixed, carried):
            return LaneBlock(tape, inputs).record(self, primals)
        return LoopBlock(tape, inputs, fixed, carried).record(self.op, primals)

    def _counted(
        self, tape: Tape, primals: list[Any], inputs: list[int | None]
    ) -> Values:
        """A loop that counts the steps, then one that knows their number.

        The results are those of the first, so that the second need not run where
        nothing that it saves is used.
        """
        if "counted" not in self.op.derived:
            self.op.derived["counted"] = _counting(self.op), _counted(self.op)
        counting, counted = self.op.derived["counted"]
        k = self.op.constants
        steps, *ends = apply_control(counting, [*primals[:k], 0, *primals[k:]])
        outs = ForFunction(counted).taped(tape, [steps, *primals], [None, *inputs])
        own = [type(o) is TapeTracer and o.interpreter is tape for o in outs]
        return tuple(
            TapeTracer(tape, end, o.index) if is_own else end
            for o, end, is_own in zip(outs, ends, own, strict=True)
        )

    def lanes(self, mask: Sequence[bool]) -> list[bool] | None:
        """Which carries differ by lane; None where each lane runs on its own."""
        k, (test, body) = self.op.constants, (self.op.test, self.op.body)
        carried = fixed_point(batched_results, body, mask[:k], mask[k:])
        every = [*mask[:k], *carried]
        alone = batched_results(test, every)[0] or is_ragged(body, every)
        return None if alone else carried

    def batched(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        carried = self.lanes(mask)
        if carried is None:
            return self.by_lane(size, values, mask)
        k = self.op.constants
        every = [*mask[:k], *carried]
        program = batched_program(self.op.body, size, every, carried)
        test = batched_program(self.op.test, size, every, [False])
        carries = with_axis(size, values[k:], mask[k:], carried)
        op = control.While(test, program, k, self.op.checkpoints)
        return apply_control(op, [*values[:k], *carries]), carried


def _counting(op: control.While) -> control.While:
    """The loop with the number of its steps as a first carry."""
    k = op.constants
    params = op.body.params

    def body(*values: Any) -> list[Any]:
        rest = [*values[:k], *values[k + 1 :]]
        return [values[k] + 1, *replay(op.body, rest)]

    program = trace(body, [*params[:k], INDEX, *params[k:]])
    own = op.test.params
    test = op.test._replace(params=(*own[:k], Var(INDEX), *own[k:]))
    return control.While(test, program, k)


def _counted(op: control.While) -> control.For:
    """The loop, where the number of steps is known: a second run of it."""
    body = silent(op.body)
    program = body._replace(params=(Var(INDEX), *body.params))
    return control.For(program, op.constants, op.checkpoints)


class IfFunction(ControlFunction):
    op: control.If

    def parameters(self) -> tuple[Var, ...]:
        return self.op.then.params

    def outputs(self, atoms: Sequence[Any]) -> list[Var]:
        return outputs_of((self.op.then, self.op.orelse), atoms[1:])

    def pushed(self, primals: list[Any], tangents: list[Any]) -> Any:
        mask = [t is not None for t in tangents[1:]]
        regions = (self.op.then, self.op.orelse)
        found = [dual_program(region, mask)[1] for region in regions]
        want = [a or b for a, b in zip(*found, strict=True)]
        programs = [dual_program(region, mask, want)[0] for region in regions]
        operands = [*primals, *selected(tangents[1:], mask)]
        outs = apply_control(control.If(*programs), operands)
        n = len(want)
        return outs[:n], scattered(outs[n:], want)

    def taped(self, tape: Tape, primals: list[Any], inputs: list[int | None]) -> Values:
        return IfBlock(tape, inputs).record(self.op, primals)

    def batched(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        if mask[0]:
            return self.by_lane(size, values, mask)
        regions = (self.op.then, self.op.orelse)
        if any(is_ragged(region, mask[1:]) for region in regions):
            return self.by_lane(size, values, mask)
        found = [batched_results(region, mask[1:]) for region in regions]
        want = [a or b for a, b in zip(*found, strict=True)]
        programs = [batched_program(region, size, mask[1:], want) for region in regions]
        return apply_control(control.If(*programs), values), want


class CallFunction(ControlFunction):
    op: control.Call

    def run(self, operands: Values) -> Sequence[Any]:
        """The results, by native code, which is made at the first call."""
        return self.native()(*operands)

    def native(self) -> Any:
        """The native code, which is made when it is first asked for."""
        derived = self.op.derived
        if "native" not in derived:
            from wengert._backend.cache import compile_staged

            program = self.op.callee
            if self.op.label is not None:
                program = whole_program(self.op, apply_control)
            derived["native"] = compile_staged(program)
        return derived["native"]

    def parameters(self) -> tuple[Var, ...]:
        return self.op.callee.params

    def outputs(self, atoms: Sequence[Any]) -> list[Var]:
        return outputs_of([self.op.callee], atoms)

    def pushed(self, primals: list[Any], tangents: list[Any]) -> Any:
        mask = [t is not None for t in tangents]
        if self.op.label is None:
            program, found = dual_program(self.op.callee, mask)
            dual: Any = control.Call(program)
        else:
            key = ("pushforward", *mask)
            dual, found = derive(self.op, key, dual_interface, _dual_of_itself)
        outs = apply_control(dual, [*primals, *selected(tangents, mask)])
        n = len(found)
        return outs[:n], scattered(outs[n:], found)

    def taped(self, tape: Tape, primals: list[Any], inputs: list[int | None]) -> Values:
        if self.op.label is not None:
            return RecursiveBlock(tape, inputs).record(self.op, primals)
        if is_ragged(self.op.callee, list(map(differs_by_lane, primals))):
            return LaneBlock(tape, inputs).record(self, primals)
        return CallBlock(tape, inputs).record(self.op, primals)

    def batched(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        if self.op.by_lane or self.op.label or is_ragged(self.op.callee, mask):
            return self.by_lane(size, values, mask)
        want = batched_results(self.op.callee, mask)
        program = batched_program(self.op.callee, size, mask, want)
        return apply_control(control.Call(program), values), want


def _dual_of_itself(
    callee: Program, _: Program, mask: Sequence[bool], active: Sequence[bool]
) -> Program:
    return dual_program(callee, mask, active)[0]


class RecurFunction(ControlFunction):
    """A call of a function that is being staged around it."""

    op: control.Recur

    def parameters(self) -> tuple[Var, ...]:
        return self.op.label.interface.params

    def outputs(self, atoms: Sequence[Any]) -> list[Var]:
        return outputs_of([self.op.label.interface], atoms)

    def pushed(self, primals: list[Any], tangents: list[Any]) -> Any:
        self._refuse()

    def taped(self, tape: Tape, primals: list[Any], inputs: list[int | None]) -> Values:
        self._refuse()

    def batched(self, size: int, values: list[Any], mask: list[bool]) -> Any:
        return self.by_lane(size, values, mask)

    def _refuse(self) -> NoReturn:
        name = self.op.label.name
        raise StagedValueError(
            explain(
                f"{name} is differentiated inside itself, and calls itself as often as "
                "a traced value decides",
                why="its derivative would hold its derivative, without end.",
                fix="write the derivative out, or call the function outside wg.jit",
            )
        )


FUNCTIONS.update(
    {
        "for": ForFunction,
        "while": WhileFunction,
        "if": IfFunction,
        "call": CallFunction,
        "recur": RecurFunction,
        "check": EffectFunction,
        "print": EffectFunction,
    }
)
