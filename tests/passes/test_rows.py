"""Rows out of loops that write elsewhere: golden programs, and what must stay."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backend.building import I64, Builder, var
from tests.passes.golden import assert_text
from tests.passes.test_reads import outer
from wengert._ir.evaluate import evaluate
from wengert._passes.pipeline import PREPARING, optimise
from wengert._passes.rows import collect_rows


def program_of(i_of_row=lambda b, k, i: k, last=7):
    """``a[i, j] *= a[row, j]`` for i behind k, and all columns j up to the last."""
    a = var((8, 8))
    b = Builder(a)
    k, ak = var((), I64), var((8, 8))
    row = Builder(k, ak)
    i, k2, a2 = var((), I64), var((), I64), var((8, 8))
    cell = Builder(i, k2, a2)
    j, i3, k3, a3 = var((), I64), var((), I64), var((), I64), var((8, 8))
    body = Builder(j, i3, k3, a3)
    other = body.get(a3, i_of_row(body, k3, i3), j)
    change = body.emit("multiply", body.get(a3, i3, j), other)
    below = cell.emit("add", cell.emit("add", k2, i), 1)
    step = body.program(body.set(a3, change, i3, j))
    middle = cell.program(*cell.loop(last + 1, step, [below, k2], [a2]))
    steps = row.emit("subtract", 7, k)
    whole = row.program(*row.loop(steps, middle, [k], [ak]))
    return b.program(*b.loop(8, whole, [], [a]))


def test_a_row_that_no_step_changes_is_read_at_once():
    program = program_of()
    after = collect_rows(program)
    assert_text(
        after,
        """
        program (%0: f64[8, 8]):
          %1: f64[8, 8] = for(8, %0)
            body (%2: i64, %3: f64[8, 8]):
              %4: i64 = subtract(7, %2)
              %5: f64[8, 8] = for(%4, %2, %3)
                body (%6: i64, %7: i64, %8: f64[8, 8]):
                  %9: i64 = add(%7, %6)
                  %10: i64 = add(%9, 1)
                  %11: f64[8] = getitem(%8, %7) index=($0, 0:8)
                  %12: f64[8, 8] = for(8, %10, %7, %11, %8)
                    body (%13: i64, %14: i64, %15: i64, %16: f64[8], %17: f64[8, 8]):
                      %18: f64 = getitem(%16, %13) index=($0,)
                      %19: f64 = getitem(%17, %14, %13) index=($0, $1)
                      %20: f64 = multiply(%19, %18)
                      %21: f64[8, 8] = update(%17, %20, %14, %13) index=($0, $1)
                      return %21
                  return %12
              return %5
          return %1
    """,
    )
    args = [np.random.default_rng(0).normal(size=(8, 8))]
    np.testing.assert_array_equal(evaluate(program, args), evaluate(after, args))
    moved = optimise(program, PREPARING)
    np.testing.assert_array_equal(evaluate(program, args), evaluate(moved, args))
    print(moved)
    assert "getitem(%3, %2) index=($0, 0:8)" in str(moved)
    assert collect_rows(moved) is moved


@pytest.mark.parametrize(
    "program",
    [
        outer(shift=0),
        program_of(lambda b, k, i: i),
        program_of(lambda b, k, i: b.emit("add", k, 1)),
        program_of(last=8),
    ],
    ids=["may be written to", "another in each step", "written to", "out of bounds"],
)
def test_other_reads_stay(program):
    assert collect_rows(program) is program
