"""Rows of an array that a loop writes to elsewhere, read entry by entry inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.control import Call, For
from wengert._ir.program import Atom, Equation, Literal, Program, Var
from wengert._ops.indexing import Slot
from wengert._passes.linear import INDEX, Form, summed
from wengert._passes.origins import Origins
from wengert._passes.places import Places, place_of
from wengert._passes.rewriting import (
    changed,
    has_regions,
    rebuilt,
    regions_of,
    with_regions,
)


def collect_rows(program: Program) -> Program:
    """A program whose loops read a row at once that an inner loop reads by entries.

    The row is one that no step of the loop changes, so that `move_reads` puts it in
    front: reverse mode saves it once, and not the entries in every step.
    """
    return _Collecting(Places(program)).program(program)


class _Row(NamedTuple):
    """A read in an inner loop, and the part of an array of which it reads an entry.

    `axes`: its indices around the inner loop; `start` that of the axis along which the
    loop goes, of the first step.
    """

    read: Equation
    array: Atom
    axes: Sequence[Atom]
    along: int
    start: Atom


class _Collecting:
    """The loops of a program, inner ones first."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.origins = Origins(places)

    def program(self, program: Program) -> Program:
        equations = []
        for equation in program.equations:
            op = equation.op
            if has_regions(op) and not isinstance(op, Call):
                op = with_regions(op, [self.program(r) for r in regions_of(op)])
                op = self._with_rows(op) if isinstance(op, For) else op
                equation = equation if op is equation.op else equation._replace(op=op)
            equations.append(equation)
        return changed(program, equations, program.results)

    def _with_rows(self, op: For) -> For:
        body = op.body
        equations: list[Equation] = []
        for equation in body.equations:
            if isinstance(equation.op, For):
                rows = list(self._rows(op, equation))
                equation = _reading(equation, rows, equations)
            equations.append(equation)
        region = changed(body, equations, body.results)
        return op if region is body else For(region, op.constants, op.checkpoints)

    def _rows(self, op: For, inner: Equation) -> Iterator[_Row]:
        constants = set(op.body.params[1 : 1 + op.constants])
        if isinstance(inner.inputs[0], Var) and inner.inputs[0] not in constants:
            return
        for read in inner.op.body.equations:
            row = self._row(read, inner) if read.op.name == "getitem" else None
            if row is None or not constants.issuperset(
                a for a in row.axes if isinstance(a, Var)
            ):
                continue
            if self._keeps(op, row):
                yield row

    def _row(self, read: Equation, inner: Equation) -> _Row | None:
        """What a read takes an entry of in each step, if no step changes any of it."""
        place, index = place_of(read), inner.op.body.params[0]
        if place is None:
            return None
        forms = list(map(self.places.form, place))
        factors = [form.terms.get(index, 0) for form in forms]
        if sorted(factors) != [0] * (len(factors) - 1) + [1]:
            return None
        along = factors.index(1)
        found = [self._outside(form, inner) for form in forms]
        axes = [a for a in found if a is not None]
        array = self._array(read, inner, place, along)
        if array is None or len(axes) < len(found):
            return None
        row = _Row(read, array, axes, along, axes[along])
        return row if self._is_inside(row, inner.inputs[0]) else None

    def _outside(self, form: Form, inner: Equation) -> Atom | None:
        """What an index is in the first step, as an atom around the loop, or None."""
        index, *params = inner.op.body.params
        first = summed(form, Form({index: form.terms.get(index, 0)}, 0), -1)
        if not first.terms:
            return Literal(np.int64(first.constant))
        for param, atom in zip(
            params[: inner.op.constants], inner.inputs[1:], strict=False
        ):
            if param.type == INDEX and self.places.form(param) == first:
                return atom
        return None

    def _array(
        self, read: Equation, inner: Equation, place: Sequence[Atom], along: int
    ) -> Atom | None:
        """The operand of an inner loop that has the same entries in every step."""
        body, first = inner.op.body, 1 + inner.op.constants
        axes = [None if k == along else a for k, a in enumerate(place)]
        param = _kept(self.origins, body, read.inputs[0], axes, first)
        return None if param is None else inner.inputs[body.params.index(param)]

    def _keeps(self, op: For, row: _Row) -> bool:
        """Whether the loop carries the array, and leaves the row as it was before."""
        axes = [None if k == row.along else a for k, a in enumerate(row.axes)]
        first = 1 + op.constants
        param = _kept(self.origins, op.body, row.array, axes, first)
        return param in op.body.params[first:]

    def _is_inside(self, row: _Row, steps: Atom) -> bool:
        shape = row.read.inputs[0].type.shape
        others = (k for k in range(len(shape)) if k != row.along)
        return self.places.is_within(row.start, steps, shape[row.along]) and all(
            self.places.is_inside(row.axes[k], shape[k]) for k in others
        )


def _kept(origins: Origins, body: Program, array: Any, axes: Any, first: int) -> Any:
    """The parameter that an array is a version of, if no step changes it there."""
    sources = {v: e for e in body.equations for v in e.outputs}
    param = origins.of(array, sources, axes)
    if param in body.params[1:first]:
        return param
    carries = dict(zip(body.params[first:], body.results, strict=True))
    end = origins.of(carries[param], sources, axes) if param in carries else None
    return param if param is not None and end is param else None


def _reading(inner: Equation, rows: Sequence[_Row], before: list[Equation]) -> Equation:
    """An inner loop that gets rows, which are read in front of it."""
    if not rows:
        return inner
    op, k = inner.op, inner.op.constants
    index, steps = op.body.params[0], inner.inputs[0]
    given, names = [], []
    length: Any = int(steps.value) if isinstance(steps, Literal) else Var(INDEX)
    if isinstance(length, Var):
        given, names = [steps], [length]
    places = {}
    for row in rows:
        given.append(_slice(row, steps, before))
        names.append(Var(ArrayType((length,), given[-1].type.dtype)))
        places[row.read.outputs[0]] = names[-1]
    equations = tuple(
        e._replace(inputs=(places[e.outputs[0]], index), params={"index": (Slot(0),)})
        if e.outputs and e.outputs[0] in places
        else e
        for e in op.body.equations
    )
    params = (*op.body.params[: k + 1], *names, *op.body.params[k + 1 :])
    region = op.body._replace(params=params, equations=equations)
    return inner._replace(
        op=rebuilt(op, [region], k + len(names)),
        inputs=(*inner.inputs[: k + 1], *given, *inner.inputs[k + 1 :]),
    )


def _slice(row: _Row, steps: Atom, before: list[Equation]) -> Var:
    """Emit the read of a row."""
    site = row.read.site
    stop: Any = Var(INDEX)
    if isinstance(row.start, Literal) and isinstance(steps, Literal):
        stop = int(row.start.value) + int(steps.value)
    else:
        before.append(Equation(OPS["add"], (row.start, steps), {}, (stop,), site))
    slots = [a for k, a in enumerate(row.axes) if k != row.along]
    numbers = iter(range(len(slots)))
    index = tuple(
        slice(_number(row.start), stop) if k == row.along else Slot(next(numbers))
        for k in range(len(row.axes))
    )
    dtype = row.read.outputs[0].type.dtype
    out = Var(ArrayType((_number(steps),), dtype))
    inputs = (row.array, *slots)
    before.append(Equation(OPS["getitem"], inputs, {"index": index}, (out,), site))
    return out


def _number(atom: Atom) -> Any:
    return int(atom.value) if isinstance(atom, Literal) else atom
