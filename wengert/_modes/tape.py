"""Reverse mode: the Wengert list of the ops applied, and its backward sweep.

An entry holds what the pullback of one op needs and nothing else: the op, which tracers
it read, its residuals and static params, and the place in the user's file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from wengert._core.interp import CURRENT, EVALUATE, Interpreter, PrimalTracer, Tracer
from wengert._core.op import Op, Plan
from wengert._core.source import INTERNAL_FILES, Site
from wengert._core.types import ArrayType, Params, is_inexact
from wengert._ops.families import ONE, Scatter, match, pass_on, scale, weigh, zeros_of
from wengert._ops.indexing import add_at
from wengert._ops.structure import conform, full

_getframe = sys._getframe
_float64 = np.float64
_FLOAT64 = np.dtype(np.float64)
_SCALAR = ArrayType((), _FLOAT64)


class TapeTracer(PrimalTracer):
    """A value with a number on the tape."""

    __slots__ = ("index", "interpreter", "ndim", "primal")

    ndim: int

    def __init__(self, interpreter: Tape, primal: Any, index: int) -> None:
        self.interpreter = interpreter
        self.primal = primal
        self.index = index
        self.ndim = primal.ndim  # an attribute, since every result is asked for it


class Entry(NamedTuple):
    """One line of the Wengert list.

    The tape stores plain tuples with these fields; ``Entry._make`` names them.
    """

    op: Op
    plan: Plan  # the positions that are differentiated, their rules, what is kept
    inputs: tuple[int, ...]  # the tape number of each of those operands
    residuals: tuple[Any, ...]
    params: Params
    output: Any  # a tape number; a list of them where the op has several results
    code: CodeType
    offset: int

    @property
    def site(self) -> Site:
        return Site(self.code, self.offset)


class Tape(Interpreter):
    """Interpreter that records a Wengert list.

    `types` has the type of each tape number: None for a float64 scalar, else
    ``(shape, dtype)``.
    """

    name = "vjp"
    keeps_values = True

    def __init__(self, parent: Interpreter) -> None:
        super().__init__(parent)
        self.entries: list[Any] = []
        self.types: list[Any] = []

    def undoing(self) -> Callable[[], None]:
        count, below = (len(self.entries), len(self.types)), self.parent.undoing()

        def undo() -> None:
            del self.entries[count[0] :], self.types[count[1] :]
            below()

        return undo

    def variable(self, primal: Any) -> TapeTracer:
        """An independent variable."""
        self.types.append((primal.shape, primal.dtype))
        return TapeTracer(self, primal, len(self.types) - 1)

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        parent = self.parent
        primals = []
        inputs = []
        mask = 0
        bit = 1
        for x in operands:
            if type(x) is TapeTracer and x.interpreter is self:
                primals.append(x.primal)
                inputs.append(x.index)
                mask += bit
            elif parent is EVALUATE and isinstance(x, Tracer):
                x.refuse_leak()
            else:
                primals.append(x)
            bit += bit
        if parent is EVALUATE:
            out = op.evaluate(*primals, **params)
        else:
            token = CURRENT.set(parent)
            try:
                out = parent.apply(op, tuple(primals), params)
            finally:
                CURRENT.reset(token)
        if not mask or op.cut is not None:
            return out
        plan = op.plans.get(mask) or op.plan(mask, len(operands))
        types = self.types
        index: Any = len(types)
        if type(out) is _float64:
            types.append(None)
            result: Any = TapeTracer(self, out, index)
        elif op.multiple:
            result = tuple(
                [self.variable(o) if is_inexact(o.dtype) else o for o in out]
            )
            index = [o.index if type(o) is TapeTracer else None for o in result]
        else:
            if type(out) is complex:  # Python's: the value of 1j * np.float64(2)
                out = np.complex128(out)
            dtype = out.dtype
            if dtype is not _FLOAT64 and not is_inexact(dtype):
                return out
            types.append((out.shape, dtype))
            result = TapeTracer(self, out, index)
        frame = _getframe(2)
        while frame.f_code.co_filename in INTERNAL_FILES and frame.f_back is not None:
            frame = frame.f_back
        code, offset = frame.f_code, frame.f_lasti
        keep = plan.keep
        kept = () if keep is None else keep(out, *primals)
        # A tuple of ints, not a list: the garbage collector skips it.
        numbers = tuple(inputs)
        self.entries.append((op, plan, numbers, kept, params, index, code, offset))
        return result

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        if not any(type(x) is TapeTracer and x.interpreter is self for x in operands):
            return super().call(function, operands)
        return function.on_tape(self, operands)


def backward(
    tape: Tape, cotangents: dict[int, Any], *, consume: bool = False
) -> dict[int, Any]:
    """Sweep a Wengert list from its end, accumulating cotangents by tape number.

    `cotangents` is updated and returned; with `consume` every entry is freed as soon as
    it has been used. An accumulator that the sweep made itself is written in place.
    """
    checks = CURRENT.get().checks
    # A derivative that is infinite or 0 * inf has its rule, and no warning.
    with np.errstate(all="ignore"):
        if checks is None:
            return sweep_back(tape, cotangents, consume)
        return checks.check_backward(tape, cotangents, consume)


def sweep_back(tape: Tape, cotangents: dict[int, Any], consume: bool) -> dict[int, Any]:
    """`backward`, whatever checks the cotangents."""
    entries, types = tape.entries, tape.types
    evaluates = CURRENT.get() is EVALUATE
    owned: set[int] = set()
    position = len(entries)
    while position:
        position -= 1
        entry = entries.pop() if consume else entries[position]
        op, plan, inputs, residuals, params, output, code, offset = entry
        if op.multiple:
            if op.family == "block":
                op.pull(cotangents)
                continue
            ct: Any = [cotangents.pop(n, None) for n in output]
            if all(c is None for c in ct):
                continue
        else:
            ct = cotangents.pop(output, None)
            if ct is None:
                continue
        if op.consumes:
            _pull_consuming(entry, ct, output in owned, types, cotangents, owned)
            continue
        for rule, partial, index in zip(plan.rules, plan.partials, inputs):  # noqa: B905
            if rule is pass_on:
                part = ct
            elif partial is not None and evaluates:
                part = weigh(ct, partial(*residuals))  # as the rule, without its call
            elif params:
                part = rule(ct, *residuals, **params)
            else:
                part = rule(ct, *residuals)
            like = types[index]
            if like is None:
                if type(part) is Scatter:
                    part = part.value  # there is nothing else in a scalar
                if type(part) is not _float64:
                    part = conform(part, _SCALAR)
            elif type(part) is Scatter:
                _scatter(part, index, like, cotangents, owned)
                continue
            elif part.shape != like[0] or part.dtype is not like[1]:
                part = conform(part, ArrayType(*like))
            present = cotangents.get(index)
            if present is None:
                cotangents[index] = part
            elif type(part) is _float64:
                cotangents[index] = present + part
            elif index in owned and _takes(present, part):
                np.add(present, part, out=present)
            else:
                total = cotangents[index] = present + part
                # The tangent of a traced sum may be that of one of its terms.
                if type(total) is np.ndarray:
                    owned.add(index)
                else:
                    owned.discard(index)
    return cotangents


_IN_PLACE_BYTES = 1 << 15  # below it, NumPy allocates faster than it takes `out=`


def _takes(present: Any, part: Any) -> bool:
    """Whether an accumulator that the sweep owns is to be added to in place."""
    if type(present) is not np.ndarray or type(part) is not np.ndarray:
        return False
    return present.nbytes > _IN_PLACE_BYTES


def _scatter(
    part: Scatter, index: int, like: Any, cotangents: dict[int, Any], owned: set[int]
) -> None:
    """Add a contribution to part of an operand into the one accumulator it has."""
    present = cotangents.get(index)
    if present is None:
        present = full(shape=tuple(like[0]), value=0.0, dtype=like[1])
        owned.add(index)
    cotangents[index] = add_at(
        present, part.value, *part.indices, index=part.key, donate=index in owned
    )
    owned.add(index)


def _pull_consuming(
    entry: Any, ct: Any, is_owned: bool, types: Any, cotangents: Any, owned: set[int]
) -> None:
    """An update: the value takes its part of the cotangent, the array the rest.

    The accumulator moves on to the older version of the array, so that a loop of writes
    costs the size of the writes, not of the array. The array, operand 0, comes last: by
    then its cotangent has been read.
    """
    op, plan, inputs, residuals, params, _, _, _ = entry
    for i, rule, index in reversed(
        list(zip(plan.positions, plan.rules, inputs, strict=True))
    ):
        like = ArrayType(*(types[index] or _SCALAR))
        part = rule(ct, *residuals, **{**params, "donate": is_owned and i == 0})
        part = conform(part, like)
        present = cotangents.get(index)
        total = part if present is None else present + part
        cotangents[index] = total
        # What `v` takes is a copy with the strides of the cotangent: those of a
        # broadcast one are 0, and a write to one entry would be a write to all.
        own = i == 0 if present is None else type(total) is np.ndarray
        (owned.add if own else owned.discard)(index)


def _constant(x: Any) -> Any:
    """An operand that is not differentiated: where no rule kept it, a zero."""
    if type(x) is ArrayType:
        return zeros_of(x)
    return 0.0 if x is None else x


def forward(tape: Tape, tangents: dict[int, Any]) -> dict[int, Any]:
    """Sweep a Wengert list of linear ops from its start: the pushforward.

    `tangents` is updated and returned. Each op is applied to the new tangents; what it
    reads besides them is among its residuals.
    """
    with np.errstate(all="ignore"):
        for entry in tape.entries:
            _push(entry, tape.types, tangents)
    return tangents


def _push(entry: Any, types: list[Any], tangents: dict[int, Any]) -> None:
    op, plan, inputs, residuals, params, output, _, _ = entry
    if op.family == "block":
        op.push(tangents)
        return
    given = {
        i: tangents[index]
        for i, index in zip(plan.positions, inputs, strict=True)
        if index in tangents
    }
    if not given:
        return
    out_type = ArrayType(*(types[output] or _SCALAR))
    if op.partials is not None:
        terms = [
            t if op.partials[i] is ONE else scale(t, op.partials[i](*residuals))
            for i, t in given.items()
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        tangents[output] = match(total, out_type)
    else:
        operands = [
            given[i] if i in given else _constant(x)
            for i, x in enumerate(residuals[1:])
        ]
        # A write recorded as donating must not reuse the memory of a tangent here.
        kept = {**params, "donate": False} if "donate" in params else params
        tangents[output] = op(*operands, **kept)
