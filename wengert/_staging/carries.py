"""What each step of a loop hands to the next, with types that stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._core.types import ArrayType, dtype_of, ndim_of, shape_of
from wengert._ir.program import Program
from wengert._staging.joins import converted, refuse_join
from wengert._staging.replay import replay
from wengert._staging.stage import StageTracer, trace

WEAK = (bool, int, float, complex)


class Carry(NamedTuple):
    """A value that each step hands to the next."""

    name: str
    entry: Any  # before the loop: an engine value, or a Python number
    param: StageTracer  # in the region, as a step begins
    exit: Any  # in the region, as the step ends


def settle_types(
    program: Program, fixed: int, carries: Sequence[Carry]
) -> tuple[Program, list[Any]]:
    """The program with carries of types that each step hands on; their entries.

    A Python number is weak: its first step decides, as NumPy's promotion does.
    """
    n = len(carries)
    entries = [c.entry for c in carries]
    weak = [isinstance(e, WEAK) for e in entries]
    dtypes = [program.params[fixed + j].type.dtype for j in range(n)]
    if any(weak) and _has_narrow(program):
        found = _retyped(program, fixed, dtypes, entries, weak).results
        dtypes = [
            np.result_type(e, r.type.dtype) if w else d
            for e, r, w, d in zip(entries, found, weak, dtypes, strict=False)
        ]
        program = _retyped(program, fixed, dtypes)
    while True:
        results = program.results[:n]
        for c, r in zip(carries, results, strict=True):
            if r.type.ndim != ndim_of(c.entry):
                refuse_join(c.name, f"of shape {list(shape_of(c.entry))}", f"{r.type}")
        joined = [
            np.result_type(e if w and d == np.result_type(e) else d, r.type.dtype)
            for e, w, d, r in zip(entries, weak, dtypes, results, strict=True)
        ]
        if joined == dtypes:
            break
        dtypes = joined
        program = _retyped(program, fixed, dtypes)
    return program, [converted(e, d) for e, d in zip(entries, dtypes, strict=True)]


def _has_narrow(program: Program) -> bool:
    """Whether there is a dtype that a weak number adapts to."""
    wide = {np.dtype(d) for d in (np.float64, np.int64, np.bool_, np.complex128)}
    seen = {v.type.dtype for e in program.equations for v in e.outputs}
    return not (seen | {p.type.dtype for p in program.params}) <= wide


def _retyped(
    program: Program,
    fixed: int,
    dtypes: Sequence[Any],
    entries: Sequence[Any] = (),
    weak: Sequence[bool] = (),
) -> Program:
    """The program for carries of other dtypes, or with numbers in their place."""

    def build(*values: Any) -> list[Any]:
        given = list(values)
        for j, is_weak in enumerate(weak):
            if is_weak:
                given[fixed + j] = entries[j]
        outs = replay(program, given)
        ends = [
            converted(o, np.result_type(d, dtype_of(o)))
            for o, d in zip(outs, dtypes, strict=False)
        ]
        return [*(outs[: len(dtypes)] if weak else ends), *outs[len(dtypes) :]]

    templates: list[Any] = []
    for j, p in enumerate(program.params):
        other = 0 <= j - fixed < len(dtypes) and p.type.dtype != dtypes[j - fixed]
        templates.append(ArrayType(p.type.shape, dtypes[j - fixed]) if other else p)
    return trace(build, templates)
