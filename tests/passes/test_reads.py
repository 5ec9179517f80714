"""Reads out of loops that write elsewhere: golden programs, and what must stay."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backend.building import I64, Builder, atom, var
from tests.passes.golden import assert_text
from wengert._ir.evaluate import evaluate
from wengert._passes.reads import move_reads


def elimination(n=8, shift=1, check=False):
    """Row i less a multiple of row k, behind column k if `shift` is 1."""
    a, i, k, steps = var((n, n)), var((), I64), var((), I64), var((), I64)
    j, i_, k_, a_ = var((), I64), var((), I64), var((), I64), var((n, n))
    body = Builder(j, i_, k_, a_)
    if check:
        body.check(lambda: ValueError("no"), atom(np.bool_(True)))
    column = body.emit("add", body.emit("add", k_, j), shift)
    factor = body.get(a_, i_, k_)
    change = body.emit("multiply", factor, body.get(a_, k_, column))
    step = body.program(body.set(a_, change, i_, column))
    inner = Builder(a, i, k, steps)
    return inner.program(*inner.loop(steps, step, [i, k], [a]))


def outer(n=8, shift=1):
    """The whole: k and i are indices of loops, so that nothing is negative."""
    a = var((n, n))
    b = Builder(a)
    k, a_ = var((), I64), var((n, n))
    row = Builder(k, a_)
    i, k_, a2 = var((), I64), var((), I64), var((n, n))
    cell = Builder(i, k_, a2)
    j, i3, k3, a3 = var((), I64), var((), I64), var((), I64), var((n, n))
    body = Builder(j, i3, k3, a3)
    column = body.emit("add", body.emit("add", k3, j), shift)
    change = body.emit("multiply", body.get(a3, i3, k3), body.get(a3, k3, column))
    step = body.program(body.set(a3, change, i3, column))
    width = cell.emit("subtract", n - 1, k_)
    middle = cell.program(*cell.loop(width, step, [i, k_], [a2]))
    whole = row.program(*row.loop(n, middle, [k], [a_]))
    return b.program(*b.loop(n, whole, [], [a]))


def test_a_read_beside_the_writes_moves():
    program = outer()
    after = move_reads(program)
    assert_text(
        after,
        """
        program (%0: f64[8, 8]):
          %1: f64[8, 8] = for(8, %0)
            body (%2: i64, %3: f64[8, 8]):
              %4: f64[8, 8] = for(8, %2, %3)
                body (%5: i64, %6: i64, %7: f64[8, 8]):
                  %8: i64 = subtract(7, %6)
                  %9: f64 = getitem(%7, %5, %6) index=($0, $1)
                  %10: f64[8, 8] = for(%8, %5, %6, %9, %7)
                    body (%11: i64, %12: i64, %13: i64, %14: f64, %15: f64[8, 8]):
                      %16: i64 = add(%13, %11)
                      %17: i64 = add(%16, 1)
                      %18: f64 = getitem(%15, %13, %17) index=($0, $1)
                      %19: f64 = multiply(%14, %18)
                      %20: f64[8, 8] = update(%15, %19, %12, %17) index=($0, $1)
                      return %20
                  return %10
              return %4
          return %1
    """,
    )
    args = [np.random.default_rng(0).normal(size=(8, 8))]
    np.testing.assert_array_equal(evaluate(program, args), evaluate(after, args))


@pytest.mark.parametrize(
    "program",
    [outer(shift=0), elimination(), elimination(check=True)],
    ids=["written to", "indices that may be negative", "behind a check"],
)
def test_other_reads_stay(program):
    assert move_reads(program) is program


def rows(start, stop, where):
    """``a[2] += a[0, start:stop]`` in each of three steps, or a[0]."""
    a, i, a_ = var((4, 8)), var((), I64), var((4, 8))
    body = Builder(i, a_)
    part = body.get(a_, 0, slice(start, stop))
    program = body.program(body.set(a_, part, where, slice(0, 3), op="add_at"))
    b = Builder(a)
    return b.program(*b.loop(3, program, [], [a]))


def test_a_part_beside_the_writes_moves():
    program = rows(1, 4, 2)
    after = move_reads(program)
    assert_text(
        after,
        """
        program (%0: f64[4, 8]):
          %1: f64[3] = getitem(%0) index=(0, 1:4)
          %2: f64[4, 8] = for(3, %1, %0)
            body (%3: i64, %4: f64[3], %5: f64[4, 8]):
              %6: f64[4, 8] = add_at(%5, %4) index=(2, 0:3)
              return %6
          return %2
    """,
    )
    args = [np.random.default_rng(0).normal(size=(4, 8))]
    np.testing.assert_array_equal(evaluate(program, args), evaluate(after, args))
    overlapping = rows(1, 4, 0)
    assert move_reads(overlapping) is overlapping


def test_without_a_step_nothing_is_read():
    """The place is out of bounds, and the loop does not run."""
    x, k, n = var((4,)), var((), I64), var((), I64)
    b = Builder(x, k, n)
    i, x_, k_, s = var((), I64), var((4,)), var((), I64), var()
    body = Builder(i, x_, k_, s)
    step = body.program(body.emit("add", s, body.get(x_, k_)))
    program = b.program(*b.loop(n, step, [x, k], [atom(0.0)]))
    after = move_reads(program)
    assert "if(" in str(after)
    for steps, place in ((0, 99), (3, 1), (2, -1)):
        args = [np.arange(4.0), np.int64(place), np.int64(steps)]
        np.testing.assert_array_equal(evaluate(program, args), evaluate(after, args))
    with pytest.raises(IndexError):
        evaluate(after, [np.arange(4.0), np.int64(99), np.int64(1)])
