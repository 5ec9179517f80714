"""Cleared parts: golden programs before and after."""

from __future__ import annotations

import numpy as np

from tests.backend.building import I64, Builder, var
from tests.passes.golden import assert_text
from wengert._ir.evaluate import evaluate
from wengert._passes.cleared import restore_cleared


def pullback(read_between=False):
    """Of ``a[i] += f(a[j])``, as the sweep writes it."""
    ct, w, i, j = var((5,)), var(), var((), I64), var((), I64)
    b = Builder(ct, w, i, j)
    part = b.get(ct, i)
    cleared = b.set(ct, 0.0, i)
    if read_between:
        part = b.emit("add", part, b.get(cleared, j))
    added = b.set(cleared, b.emit("multiply", part, w), j, op="add_at")
    return b.program(b.set(added, part, i, op="add_at"))


def test_what_is_cleared_and_added_again_stays():
    program = pullback()
    assert_text(
        restore_cleared(program),
        """
        program (%0: f64[5], %1: f64, %2: i64, %3: i64):
          %4: f64 = getitem(%0, %2) index=($0,)
          %5: f64 = multiply(%4, %1)
          %6: f64[5] = add_at(%0, %5, %3) index=($0,)
          return %6
    """,
    )
    for i, j in ((1, 2), (3, 3), (-1, 4)):
        args = [np.arange(5.0), 0.5, np.int64(i), np.int64(j)]
        (before,), (after,) = (
            evaluate(program, args),
            evaluate(restore_cleared(program), args),
        )
        np.testing.assert_array_equal(before, after)


def test_an_array_that_is_read_while_it_is_cleared_stays():
    program = pullback(read_between=True)
    assert restore_cleared(program) is program


def test_another_value_replaces_the_part():
    x, v, i = var((5,)), var(), var((), I64)
    b = Builder(x, v, i)
    assert_text(
        restore_cleared(b.program(b.set(b.set(x, 0.0, i), v, i, op="add_at"))),
        """
        program (%0: f64[5], %1: f64, %2: i64):
          %3: f64[5] = update(%0, %1, %2) index=($0,)
          return %3
    """,
    )


def test_another_place_is_not_restored():
    x, v, i, j = var((5,)), var(), var((), I64), var((), I64)
    b = Builder(x, v, i, j)
    program = b.program(b.set(b.set(x, 0.0, i), v, j, op="add_at"))
    assert restore_cleared(program) is program
