"""The passes in order, until none finds anything more."""

from __future__ import annotations

from collections.abc import Callable

from wengert._ir.program import Program
from wengert._ir.verify import verify
from wengert._passes.cleared import restore_cleared
from wengert._passes.cse import eliminate_common
from wengert._passes.dead import eliminate_dead
from wengert._passes.failing import raise_first
from wengert._passes.induction import replace_inductions
from wengert._passes.interface import tighten
from wengert._passes.motion import move_invariants
from wengert._passes.ranges import decide_by_ranges
from wengert._passes.reads import move_reads
from wengert._passes.rows import collect_rows
from wengert._passes.simplify import simplify

PASSES: tuple[Callable[[Program], Program], ...] = (
    eliminate_dead,
    raise_first,
    decide_by_ranges,
    simplify,
    eliminate_common,
    restore_cleared,
    tighten,
    replace_inductions,
    move_invariants,
    move_reads,
)
# Those that keep what a region gets and gives, which rules of derivatives rely on.
PREPARING: tuple[Callable[[Program], Program], ...] = (
    raise_first,
    decide_by_ranges,
    simplify,
    eliminate_common,
    move_invariants,
    collect_rows,
    move_reads,
)
_ROUNDS = 8


def optimise(
    program: Program, passes: tuple[Callable[[Program], Program], ...] = PASSES
) -> Program:
    """A program that computes the same with fewer equations and less memory.

    Raises:
        InvalidProgramError: the program is not valid.
    """
    verify(program)
    for _ in range(_ROUNDS):
        before = program
        for apply in passes:
            after = apply(program)
            program = after if after is program else verify(after)
        if program is before:
            break
    return program
