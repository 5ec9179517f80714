"""Reads of an array that a loop writes to, at a place to which it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.control import Call, Effect, For, If, Recur
from wengert._ir.program import (
    Atom,
    Equation,
    Literal,
    Program,
    Var,
    variables_in,
    variables_read,
)
from wengert._passes.linear import INDEX
from wengert._passes.origins import Origins
from wengert._passes.places import Places, axes_of
from wengert._passes.rewriting import (
    Substitution,
    changed,
    has_regions,
    rebuilt,
    regions_of,
    with_regions,
)

_BOOL = ArrayType((), np.dtype(np.bool_))


def move_reads(program: Program) -> Program:
    """A program whose loops read once, in front, what no step changes of an array.

    Two places differ where their indices do in one axis, by linear forms and ranges of
    what they are made of. Where the loop may have no step, the read is in a branch.
    """
    return _Moving(Places(program)).program(program)


class _Moving:
    """The loops of a program, outer ones first."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.origins = Origins(places)

    def program(self, program: Program) -> Program:
        equations: list[Equation] = []
        for given in program.equations:
            equation = given
            if isinstance(equation.op, For):
                equation = self._without_reads(equation, equations)
            if has_regions(equation.op) and not isinstance(equation.op, Call):
                regions = [self.program(r) for r in regions_of(equation.op)]
                op = with_regions(equation.op, regions)
                equation = equation if op is equation.op else equation._replace(op=op)
            equations.append(equation)
        return changed(program, equations, program.results)

    def _without_reads(self, equation: Equation, before: list[Equation]) -> Equation:
        op, k = equation.op, equation.op.constants
        found = list(self._movable(equation))
        if not found:
            return equation
        outer = dict(zip(op.body.params[1:], equation.inputs[1:], strict=True))
        moved = [_moved(read, outer, outer[array]) for read, array in found]
        results = self._guarded(equation.inputs[0], moved, before)
        names = tuple(read.outputs[0] for read, _ in found)
        left = tuple(e for e in op.body.equations if e.outputs[:1] not in _each(names))
        params = (*op.body.params[: k + 1], *names, *op.body.params[k + 1 :])
        return equation._replace(
            op=rebuilt(
                op, [op.body._replace(params=params, equations=left)], k + len(names)
            ),
            inputs=(*equation.inputs[: k + 1], *results, *equation.inputs[k + 1 :]),
        )

    def _guarded(
        self, steps: Atom, reads: list[Equation], before: list[Equation]
    ) -> list[Var]:
        """The results of reads in front of a loop, of which it may make no step."""
        safe = [_runs(steps) or self._is_inside(e) for e in reads]
        before += [e for e, s in zip(reads, safe, strict=True) if s]
        unsafe = [e for e, s in zip(reads, safe, strict=True) if not s]
        results = {e.outputs[0]: e.outputs[0] for e in reads}
        if unsafe:
            before += _branch(steps, unsafe)
            names = (e.outputs[0] for e in unsafe)
            results.update(zip(names, before[-1].outputs, strict=True))
        return list(results.values())

    def _is_inside(self, read: Equation) -> bool:
        place, shape = axes_of(read), read.inputs[0].type.shape
        known = self.places.is_inside
        return place is not None and all(
            a is None or known(a, n) for a, n in zip(place, shape, strict=True)
        )

    # -- what may move -----------------------------------------------------------------

    def _movable(self, equation: Equation) -> Iterator[tuple[Equation, Var]]:
        """Reads in every step, at constant places, of entries that no step changes.

        With each the parameter whose entry it is. One that may fail stays behind what
        may fail before it; a part of more entries stays if it may fail.
        """
        op, steps = equation.op, equation.inputs[0]
        body, first = op.body, 1 + op.constants
        constants = set(body.params[1:first])
        sources = {v: e for e in body.equations for v in e.outputs}
        carries = dict(zip(body.params[first:], body.results, strict=True))
        for read in body.equations:
            if has_effects(read):
                return
            place = axes_of(read) if _is_basic(read) else None
            if place is None or not _is_of(constants, read):
                continue
            is_part = bool(read.outputs[0].type.shape)
            if is_part and not (_runs(steps) or self._is_inside(read)):
                continue
            array = self.origins.of(read.inputs[0], sources, place)
            if array in constants or (
                array in carries
                and self.origins.of(carries[array], sources, place) is array
            ):
                yield read, array


def has_effects(equation: Equation) -> bool:
    """Whether an equation may do more than give results."""
    if isinstance(equation.op, (Call, Effect, Recur)):
        return True
    regions = regions_of(equation.op) if has_regions(equation.op) else []
    return any(has_effects(inner) for region in regions for inner in region.equations)


def _moved(read: Equation, outer: dict[Var, Atom], array: Atom) -> Equation:
    """A read of an array around a loop, of which it reads a later version inside."""
    atoms = {**outer, next(variables_read(read)): array}
    return Substitution(atoms, fresh=True).equation(read)


def _runs(steps: Atom) -> bool:
    return isinstance(steps, Literal) and steps.value > 0


def _is_basic(read: Equation) -> bool:
    """Whether an equation reads an entry or a part, at one int64 or slice an axis."""
    is_basic = all(a.type == INDEX for a in read.inputs[1:])
    return read.op.name == "getitem" and is_basic


def _is_of(constants: set[Var], read: Equation) -> bool:
    """Whether the place and the lengths of a part are the same in every step."""
    (out,) = read.outputs
    _, *others = variables_read(read)
    return constants.issuperset(others) and constants.issuperset(variables_in(out.type))


def _each(names: Sequence[Var]) -> list[tuple[Var]]:
    return [(name,) for name in names]


def _branch(steps: Atom, reads: list[Equation]) -> list[Equation]:
    """Reads if there is a step, else zeros."""
    some = Var(_BOOL)
    test = Equation(
        OPS["greater"], (steps, Literal(np.int64(0))), {}, (some,), reads[0].site
    )
    read = [a for e in reads for a in e.inputs if isinstance(a, Var)]
    extents = [n for a in read for n in variables_in(a.type)]
    needed = tuple(dict.fromkeys((*extents, *read)))
    outputs = tuple(e.outputs[0] for e in reads)
    taken = Program((), tuple(reads), outputs)
    zeros = tuple(Literal(v.type.dtype.type(0)) for v in outputs)
    regions = [_closed(r, needed) for r in (taken, Program((), (), zeros))]
    fresh = tuple(Var(v.type) for v in outputs)
    return [test, Equation(If(*regions), (some, *needed), {}, fresh, reads[0].site)]


def _closed(region: Program, needed: Sequence[Var]) -> Program:
    """A region that reads variables from outside, with parameters for them."""
    substitution = Substitution(fresh=True)
    params = tuple(map(substitution.output, needed))
    equations = tuple(map(substitution.equation, region.equations))
    return Program(params, equations, tuple(map(substitution.atom, region.results)))
