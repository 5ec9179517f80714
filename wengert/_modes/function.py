"""Functions with derivative rules of their own, as the interpreters see them.

`Interpreter.call` applies one. Each interpreter asks it for what it needs: dual for a
tangent, tape for a pullback, batch for a function of many lanes; a missing rule is
derived from the other where that is linear.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from wengert._core.interp import CURRENT, using
from wengert._core.source import explain
from wengert._core.types import ArrayType, is_inexact, type_of
from wengert._modes import api
from wengert._modes.batch import Batch, BatchTracer
from wengert._modes.block import Block, entries_of
from wengert._modes.dual import DualTracer
from wengert._modes.linear import LinearTape
from wengert._modes.tape import Tape, TapeTracer, backward
from wengert._ops.indexing import getitem
from wengert._ops.reduction import reduce_sum
from wengert._ops.structure import broadcast_to, concatenate, conform
from wengert.errors import CustomRuleError, LeakedValueError, NonFiniteError, ShapeError

Values = list[Any]


class Function:
    """Engine values in and out; a tangent or cotangent known to be zero is None."""

    multiple = False
    name: str
    has_jvp: bool
    has_vjp: bool

    def run(self, operands: Any) -> Values:
        """The results."""
        raise NotImplementedError

    def jvp(self, primals: Values, tangents: Values) -> tuple[Values, Values]:
        """``(results, their tangents)``."""
        raise NotImplementedError

    def fwd(self, primals: Values) -> tuple[Values, Any]:
        """``(results, residuals)``; the residuals are a list and its layout."""
        raise NotImplementedError

    def bwd(self, residuals: Any, cts: Values) -> Values:
        """Cotangents of the operands."""
        raise NotImplementedError

    # -- what the interpreters ask for -------------------------------------------------

    def on_dual(self, dual: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        own = [type(x) is DualTracer and x.interpreter is dual for x in operands]
        primals = [x.primal if o else x for x, o in zip(operands, own, strict=True)]
        tangents = [
            x.tangent if o else None for x, o in zip(operands, own, strict=True)
        ]
        self.check_rules("forward")
        with using(dual.parent), _closure_refused(self.name):
            try:
                if self.has_jvp:
                    outs, given = self.jvp(primals, tangents)
                else:
                    outs, given = self._pushed(primals, tangents)
                if dual.checks is not None:
                    for tangent in given:
                        operands = (*primals, *tangents)
                        dual.checks.check_tangent(self, tangent, operands)
            except NonFiniteError as error:
                raise error.relabel("tangent", self.name) from None
        return tuple(
            o if t is None else DualTracer(dual, o, t)
            for o, t in zip(outs, given, strict=True)
        )

    def _pushed(self, primals: Values, tangents: Values) -> tuple[Values, Values]:
        """Forward mode from the vjp rule: the transpose of its linear part."""
        outs, residuals = self.fwd(primals)
        tape = LinearTape(CURRENT.get(), self.name, "vjp", "jvp")
        seeds = [
            tape.variable(_zeros(o)) if is_inexact(type_of(o).dtype) else None
            for o in outs
        ]
        with tape.running():
            cts = self.bwd(residuals, seeds)
        tape.check_zero(cts)
        given: dict[int, Any] = {}
        for ct, tangent in zip(cts, tangents, strict=True):
            if _is_on(ct, tape) and tangent is not None:
                present = given.get(ct.index)
                given[ct.index] = tangent if present is None else present + tangent
        found = backward(tape, given, consume=True)
        return outs, [None if s is None else found.get(s.index) for s in seeds]

    def on_tape(self, tape: Tape, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        own = [type(x) is TapeTracer and x.interpreter is tape for x in operands]
        primals = [x.primal if o else x for x, o in zip(operands, own, strict=True)]
        inputs = [x.index if o else None for x, o in zip(operands, own, strict=True)]
        self.check_rules("reverse")
        block = CallBlock(tape, self, inputs)
        block.constants = [None if o else x for x, o in zip(operands, own, strict=True)]
        with using(tape.parent), _closure_refused(self.name):
            if self.has_vjp:
                outs, block.residuals = self.fwd(primals)
            else:
                outs = block.linearize(primals, own)
        results = [
            tape.variable(o)
            if is_inexact(type_of(o).dtype) and hasattr(o, "shape")
            else o
            for o in outs
        ]
        block.results = [r.index if type(r) is TapeTracer else None for r in results]
        block.types = [type_of(o) for o in outs]
        block.append(results)
        block.start = block.stop
        return tuple(results)

    def on_batch(self, batch: Batch, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        own = [type(x) is BatchTracer and x.interpreter is batch for x in operands]
        values = tuple(x.value if o else x for x, o in zip(operands, own, strict=True))
        with using(batch.parent):
            outs = CURRENT.get().call(Batched(self, batch.size, own), values)
        return tuple(BatchTracer(batch, o) for o in outs)

    def check_rules(self, mode: str) -> None:
        if not self.has_jvp and not self.has_vjp:
            raise CustomRuleError(
                explain(
                    f"{self.name}: a derivative is asked for ({mode} mode), and it "
                    "has no rule",
                    why="its own rule is all that is known of its derivative.",
                    fix="attach one: defjvp(rule) or defvjp(fwd, bwd); for wg.opaque "
                    "give "
                    'jvp=, vjp= or differences="central"',
                )
            )


def _zeros(value: Any) -> Any:
    return api.zeros_like_type(type_of(value))


def _is_on(value: Any, tape: Tape) -> bool:
    return type(value) is TapeTracer and value.interpreter is tape


class _closure_refused:
    """Says of a leaked value that it came in through a closure."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, _: Any) -> None:
        if isinstance(error, LeakedValueError):
            raise CustomRuleError(
                explain(
                    f"{self.name} reads a traced value that is not one of its "
                    "arguments",
                    why="its derivative rule cannot know that it depends on that "
                    "value.",
                    fix="pass the value as an argument",
                )
            ) from error


class CallBlock(Block):
    """The entry of a call: its pullback is the function's own."""

    residuals: Any = None
    linear: LinearTape | None = None
    linear_entries: list[Any] | None = None  # in place of the linear tape's own

    def __init__(
        self, tape: Tape, function: Function, inputs: list[int | None]
    ) -> None:
        super().__init__(tape, function.name)
        self.function = function
        self.inputs = inputs
        self.constants: Values = []  # the operands that are not differentiated
        self.results: list[int | None] = []
        self.types: list[ArrayType] = []

    def linearize(self, primals: Values, own: list[bool]) -> Values:
        """Run the jvp rule with its tangents on a tape, which is then the pullback."""
        tape = LinearTape(CURRENT.get(), self.name, "jvp", "vjp")
        seeds = [
            tape.variable(_zeros(p)) if o else None
            for p, o in zip(primals, own, strict=True)
        ]
        with tape.running():
            outs, tangents = self.function.jvp(primals, seeds)
        if any(_is_on(o, tape) for o in outs):
            tape.refuse("the tangent into its value")
        tape.check_zero(tangents)
        self.linear, self.seeds, self.tangents = tape, seeds, tangents
        return outs

    def imported(self, importer: Any, tape: Tape) -> CallBlock:
        """This block with the values that another program reads."""
        block = copy.copy(self)
        block.tape = tape
        block.residuals = importer(self.residuals)
        block.types = [importer(t) for t in self.types]
        if self.linear is not None:
            entries = self.linear.entries
            block.linear_entries = [
                (op, plan, inputs, importer(kept), importer(params), *rest)
                for op, plan, inputs, kept, params, *rest in entries
            ]
        return block

    def _pull(self, taken: dict[int, Any], cotangents: dict[int, Any]) -> None:
        cts = [None if n is None else taken.get(n) for n in self.results]
        found = self._transposed(cts) if self.linear else self._by_rule(cts)
        for index, ct in zip(self.inputs, found, strict=True):
            if index is None or ct is None:
                continue
            ct = conform(ct, ArrayType(*(self.tape.types[index] or _SCALAR)))
            present = cotangents.get(index)
            cotangents[index] = ct if present is None else present + ct

    def _by_rule(self, cts: Values) -> Values:
        filled = [
            api.zeros_like_type(t) if ct is None and n is not None else ct
            for ct, t, n in zip(cts, self.types, self.results, strict=True)
        ]
        return self.function.bwd(self.residuals, filled)

    def _transposed(self, cts: Values) -> Values:
        tape = self.linear
        assert tape is not None
        given: dict[int, Any] = {}
        for tangent, ct in zip(self.tangents, cts, strict=True):
            if _is_on(tangent, tape) and ct is not None:
                present = given.get(tangent.index)
                given[tangent.index] = ct if present is None else present + ct
        entries = tape.entries if self.linear_entries is None else self.linear_entries
        with entries_of(tape, list(entries)):
            found = backward(tape, given)
        return [None if s is None else found.get(s.index) for s in self.seeds]

    def push(self, tangents: dict[int, Any]) -> None:
        """The call again, on tangents: it is linear in what stands on this tape."""
        if not any(index in tangents for index in self.inputs):
            return
        operands = []
        for index, constant in zip(self.inputs, self.constants, strict=True):
            if index is None:
                operands.append(constant)
            elif index in tangents:
                operands.append(tangents[index])
            else:
                operands.append(
                    api.zeros_like_type(ArrayType(*(self.tape.types[index] or _SCALAR)))
                )
        outs = CURRENT.get().call(self.function, tuple(operands))
        for index, out in zip(self.results, outs, strict=True):
            if index is not None:
                tangents[index] = out


_SCALAR = ((), np.dtype(np.float64))


class Batched(Function):
    """The function of many lanes, and its rules: each is run under a `Batch`."""

    def __init__(self, inner: Function, size: Any, batched: list[bool]) -> None:
        self.inner = inner
        self.size = size
        self.batched = batched
        self.name = inner.name
        self.has_jvp, self.has_vjp = inner.has_jvp, inner.has_vjp

    def _lanes(self, batch: Batch, values: Any) -> Values:
        return [
            BatchTracer(batch, v) if b and v is not None else v
            for v, b in zip(values, self.batched, strict=True)
        ]

    def _gather(self, batch: Batch, values: Values) -> Values:
        return [
            None
            if v is None
            else v.value
            if type(v) is BatchTracer and v.interpreter is batch
            else broadcast_to(v, shape=(self.size, *v.shape))
            for v in values
        ]

    def run(self, operands: Any) -> Values:
        with Batch(CURRENT.get(), self.size).running() as batch:
            outs = self.inner.run(self._lanes(batch, operands))
        return self._gather(batch, outs)

    def jvp(self, primals: Values, tangents: Values) -> tuple[Values, Values]:
        with Batch(CURRENT.get(), self.size).running() as batch:
            outs, given = self.inner.jvp(
                self._lanes(batch, primals), self._lanes(batch, tangents)
            )
        return self._gather(batch, outs), self._gather(batch, given)

    def fwd(self, primals: Values) -> tuple[Values, Any]:
        with Batch(CURRENT.get(), self.size).running() as batch:
            outs, (values, layout) = self.inner.fwd(self._lanes(batch, primals))
        own = [type(v) is BatchTracer and v.interpreter is batch for v in values]
        kept = [v.value if o else v for v, o in zip(values, own, strict=True)]
        return self._gather(batch, outs), (kept, (own, layout))

    def bwd(self, residuals: Any, cts: Values) -> Values:
        kept, (own, layout) = residuals
        with Batch(CURRENT.get(), self.size).running() as batch:
            values = [
                BatchTracer(batch, v) if o else v
                for v, o in zip(kept, own, strict=True)
            ]
            lanes = [None if ct is None else BatchTracer(batch, ct) for ct in cts]
            found = self.inner.bwd((values, layout), lanes)
        gathered = self._gather(batch, found)
        return [
            ct if ct is None or b else reduce_sum(ct, axes=(0,))
            for ct, b in zip(gathered, self.batched, strict=True)
        ]


class LaneByLane(Function):
    """A mixin for functions that take one lane at a time."""

    def on_batch(self, batch: Batch, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        own = [type(x) is BatchTracer and x.interpreter is batch for x in operands]
        stage = next((i for i in batch.chain() if i.emits), None)
        if stage is not None:
            values = [x.value if o else x for x, o in zip(operands, own, strict=True)]
            with using(batch.parent):
                outs = stage.each_lane(self, batch.size, values, own)
            return tuple(BatchTracer(batch, o) for o in outs)
        if not batch.size:
            raise ShapeError(
                explain(
                    f"{self.name} under vmap of 0 lanes",
                    why="it runs once for each lane, and its results are unknown "
                    "without one.",
                    fix="skip the call where there are no lanes",
                )
            )
        with using(batch.parent):
            lanes = []
            for lane in range(batch.size):
                values = [
                    getitem(x.value, index=(lane,), copy=True) if o else x
                    for x, o in zip(operands, own, strict=True)
                ]
                lanes.append(CURRENT.get().call(self, tuple(values)))
            stacked = [
                concatenate(*(v.reshape((1, *v.shape)) for v in column), axis=0)
                for column in zip(*lanes, strict=True)
            ]
        return tuple(BatchTracer(batch, s) for s in stacked)
