"""Induction: golden programs before and after."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backend.building import I64, Builder, atom, var
from tests.passes.golden import assert_text
from wengert._ir.evaluate import evaluate
from wengert._passes.induction import replace_inductions


def counting():
    """Carries that count up and down."""
    n, k0, x = var((), I64), var((), I64), var((8,))
    b = Builder(n, k0, x)
    i, d, k, m, s = var((), I64), var((), I64), var((), I64), var((), I64), var((8,))
    body = Builder(i, d, k, m, s)
    written = body.set(s, 1.0, k)
    step = body.program(body.emit("add", k, d), body.emit("subtract", m, 2), written)
    k1, m1, s1 = b.loop(n, step, [k0], [k0, atom(0), x])
    return b.program(k1, m1, s1)


def test_counters():
    """The loop may have no step."""
    program = counting()
    assert_text(
        program,
        """
        program (%0: i64, %1: i64, %2: f64[8]):
          %3: i64, %4: i64, %5: f64[8] = for(%0, %1, %1, 0, %2)
            body (%6: i64, %7: i64, %8: i64, %9: i64, %10: f64[8]):
              %11: f64[8] = update(%10, 1.0, %8) index=($0,)
              %12: i64 = add(%8, %7)
              %13: i64 = subtract(%9, 2)
              return %12, %13, %11
          return %3, %4, %5
    """,
    )
    assert_text(
        replace_inductions(program),
        """
        program (%0: i64, %1: i64, %2: f64[8]):
          %3: f64[8] = for(%0, %1, %1, 0, %2)
            body (%4: i64, %5: i64, %6: i64, %7: i64, %8: f64[8]):
              %9: i64 = multiply(%4, %5)
              %10: i64 = add(%6, %9)
              %11: i64 = multiply(%4, 2)
              %12: i64 = subtract(%7, %11)
              %13: f64[8] = update(%8, 1.0, %10) index=($0,)
              %14: i64 = add(%10, %5)
              %15: i64 = subtract(%12, 2)
              return %13
          %16: i64 = maximum(%0, 0)
          %17: i64 = multiply(%16, %1)
          %18: i64 = add(%1, %17)
          %19: i64 = multiply(%16, 2)
          %20: i64 = subtract(0, %19)
          return %18, %20, %3
    """,
    )


@pytest.mark.parametrize("steps", [-2, 0, 1, 3])
def test_values(steps):
    program = counting()
    arguments = [np.int64(steps), np.int64(2), np.zeros(8)]
    expected = evaluate(program, arguments)
    found = evaluate(replace_inductions(program), arguments)
    for x, y in zip(expected, found, strict=True):
        np.testing.assert_array_equal(x, y)
