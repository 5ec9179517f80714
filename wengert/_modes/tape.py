"""Reverse mode: the Wengert list of the ops applied, and its backward sweep.

An entry holds what the pullback of one op needs and nothing else: the op, which tracers
it read, its residuals and static params, and the place in the user's file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert._core.interp import CURRENT, EVALUATE, Interpreter, Tracer
from wengert._core.op import Op
from wengert._core.source import INTERNAL_FILES, Site
from wengert._core.types import ArrayType, Params, is_inexact
from wengert._ops.families import ONE, Scatter, scale, zeros_of
from wengert._ops.indexing import add_at
from wengert._ops.structure import conform, full
from wengert.errors import NonFiniteError

import sys

_getframe = sys._getframe
_float64 = np.float64


class TapeTracer(Tracer):
    """A value with a number on the tape."""

    __slots__ = ("index", "interpreter", "primal")

    def __init__(self, interpreter: Tape, primal: Any, index: int) -> None:
        self.interpreter = interpreter
        self.primal = primal
        self.index = index

    @property
    def shape(self) -> Any:
        return self.primal.shape

    @property
    def dtype(self) -> Any:
        return self.primal.dtype

    @property
    def ndim(self) -> int:
        return self.primal.ndim

    def concrete(self) -> Any:
        return self.primal


class Entry(NamedTuple):
    """One line of the Wengert list.

    `inputs` has a triple for each operand that is differentiated: its position, its
    number on the tape, and its type, or None where the result has the same one.
    """

    op: Op
    inputs: Any
    residuals: tuple[Any, ...]
    params: Params
    output: Any
    code: Any
    offset: int

    @property
    def site(self) -> Site:
        return Site(self.code, self.offset)


class Tape(Interpreter):
    """Interpreter that records a Wengert list."""

    name = "vjp"
    keeps_values = True

    def __init__(self, parent: Interpreter) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self.count = 0

    def variable(self, primal: Any) -> TapeTracer:
        """An independent variable."""
        tracer = TapeTracer(self, primal, self.count)
        self.count += 1
        return tracer

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        primals = []
        inputs = []
        position = 0
        for x in operands:
            if type(x) is TapeTracer and x.interpreter is self:
                primals.append(x.primal)
                inputs.append((position, x.index))
            else:
                if isinstance(x, Tracer) and self.parent is EVALUATE:
                    x.refuse_leak()
                primals.append(x)
            position += 1
        parent = self.parent
        if parent is EVALUATE:
            out = op.evaluate(*primals, **params)
        else:
            token = CURRENT.set(parent)
            try:
                out = parent.apply(op, tuple(primals), params)
            finally:
                CURRENT.reset(token)
        if not inputs or op.cut is not None:
            return out
        if op.multiple:
            return self._record_multiple(op, primals, inputs, params, out)
        positions = tuple([i for i, _ in inputs])
        plan = op.plans.get(positions) or op.plan(positions)
        if type(out) is _float64 and op.family == "elementwise":
            typed = [
                (i, index, None if type(primals[i]) is _float64 else ArrayType(primals[i].shape, primals[i].dtype))
                for i, index in inputs
            ]  # fmt: skip
        else:
            if not is_inexact(out.dtype):
                return out
            same = out.shape if op.family == "elementwise" else None
            typed = []
            for i, index in inputs:
                x = primals[i]
                shape, dtype = x.shape, x.dtype
                like = None if shape == same and dtype == out.dtype else ArrayType(shape, dtype)
                typed.append((i, index, like))
        frame = _getframe(2)
        while frame.f_code.co_filename in INTERNAL_FILES and frame.f_back is not None:
            frame = frame.f_back
        index = self.count
        self.count = index + 1
        self.entries.append(
            (op, typed, plan(out, *primals), params, index, frame.f_code, frame.f_lasti)
        )
        return TapeTracer(self, out, index)

    def _record_multiple(
        self, op: Op, primals: list[Any], inputs: list[Any], params: Params, out: Any
    ) -> Any:
        plan = op.plan(tuple(i for i, _ in inputs))
        typed = [(i, n, ArrayType(primals[i].shape, primals[i].dtype)) for i, n in inputs]
        frame = _getframe(3)
        while frame.f_code.co_filename in INTERNAL_FILES and frame.f_back is not None:
            frame = frame.f_back
        tracers = tuple(self.variable(o) if is_inexact(o.dtype) else o for o in out)
        numbers = [t.index if type(t) is TapeTracer else None for t in tracers]
        residuals = plan(out, *primals)
        self.entries.append(
            (op, typed, residuals, params, numbers, frame.f_code, frame.f_lasti)
        )
        return tracers


def backward(
    entries: list[Any], cotangents: dict[int, Any], *, consume: bool = False
) -> dict[int, Any]:
    """Sweep a Wengert list from its end, accumulating cotangents by tape number.

    `cotangents` is updated and returned; with `consume` every entry is freed as soon as
    it has been used. An accumulator that the sweep made itself is written in place.
    """
    owned: set[int] = set()
    position = len(entries)
    while position:
        position -= 1
        entry = entries.pop() if consume else entries[position]
        op, inputs, residuals, params, output, code, offset = entry
        if op.multiple:
            ct: Any = [cotangents.pop(n, None) for n in output]
            if all(c is None for c in ct):
                continue
        else:
            ct = cotangents.pop(output, None)
            if ct is None:
                continue
        try:
            if op.consumes:
                _pull_consuming(entry, ct, output in owned, cotangents, owned)
                continue
            vjps = op.vjps
            for i, index, like in inputs:
                rule = op.vjp_rule(i) if op.variadic else vjps[i]
                part = rule(ct, *residuals, **params)
                if part is None:
                    continue
                if like is not None:
                    if type(part) is Scatter:
                        _scatter(part, index, like, cotangents, owned)
                        continue
                    part = conform(part, like)
                present = cotangents.get(index)
                if present is None:
                    cotangents[index] = part
                else:
                    cotangents[index] = present + part
                    if type(part) is not _float64:
                        owned.add(index)
        except NonFiniteError as error:
            raise error.relabel("cotangent", op.name, Site(code, offset)) from None
    return cotangents


def forward(entries: list[Any], tangents: dict[int, Any]) -> dict[int, Any]:
    """Sweep a Wengert list of linear ops from its start: the pushforward.

    `tangents` is updated and returned. Each op is applied to the new tangents; what it
    reads besides them is among its residuals.
    """
    for op, inputs, residuals, params, output, _, _ in entries:
        given = {i: tangents[index] for i, index, _ in inputs if index in tangents}
        if not given:
            continue
        if op.partials is not None:
            terms = [
                t if op.partials[i] is ONE else scale(t, op.partials[i](*residuals))
                for i, t in given.items()
            ]
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            tangents[output] = total
        else:
            operands = [
                given[i] if i in given else zeros_of(x) if type(x) is ArrayType else x
                for i, x in enumerate(residuals[1:])
            ]
            tangents[output] = op(*operands, **{**params, **_KEEP.get(op.name, {})})
    return tangents


# A write recorded as donating must not reuse the memory of a tangent when replayed.
_KEEP = {"update": {"donate": False}, "add_at": {"donate": False}}


def _scatter(
    part: Scatter, index: int, like: ArrayType, cotangents: dict[int, Any], owned: set[int]
) -> None:
    """Add a contribution to part of an operand into the one accumulator it has."""
    present = cotangents.get(index)
    donate = True
    if present is None:
        present = full(shape=tuple(like.shape), value=0.0, dtype=like.dtype)
    else:
        donate = index in owned
    value = part.value
    cotangents[index] = add_at(
        present, value, *part.indices, index=part.index, donate=donate
    )
    owned.add(index)


def _pull_consuming(
    entry: Any, ct: Any, is_owned: bool, cotangents: dict[int, Any], owned: set[int]
) -> None:
    """An update: the value takes its part of the cotangent, the array the rest.

    The accumulator moves on to the older version of the array, so that a loop of writes
    costs the size of the writes, not of the array.
    """
    op, inputs, residuals, params, _, _, _ = entry
    for i, index, like in reversed(inputs):
        p = {**params, "donate": is_owned and i == 0}
        part = conform(op.vjps[i](ct, *residuals, **p), like)
        present = cotangents.get(index)
        cotangents[index] = part if present is None else present + part
        if i == 0 or present is not None:
            owned.add(index)
