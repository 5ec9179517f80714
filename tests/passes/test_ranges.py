"""Ranges of indices: golden programs before and after."""

from __future__ import annotations

from tests.backend.building import F64, I64, Builder, var
from tests.passes.golden import assert_text
from wengert._passes.ranges import decide_by_ranges
from wengert._passes.simplify import simplify


def test_ranges():
    """A slice from a loop index to the end needs no clipping."""
    x = var((10,))
    b = Builder(x)
    i, c = var((), I64), var((10,))
    body = Builder(i, c)
    low = body.emit("less", i, 0)
    start = body.emit("where", low, body.emit("add", i, 10), i)
    start = body.emit("minimum", body.emit("maximum", start, 0), 10)
    n = body.emit("maximum", body.emit("subtract", 10, start), 0)
    s = body.emit("astype", n, dtype=F64)
    step = body.program(body.set(c, s, i))
    (y,) = b.loop(10, step, [], [x])
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64[10]):
          %1: f64[10] = for(10, %0)
            body (%2: i64, %3: f64[10]):
              %4: bool = less(%2, 0)
              %5: i64 = add(%2, 10)
              %6: i64 = where(%4, %5, %2)
              %7: i64 = maximum(%6, 0)
              %8: i64 = minimum(%7, 10)
              %9: i64 = subtract(10, %8)
              %10: i64 = maximum(%9, 0)
              %11: f64 = astype(%10) dtype=f64
              %12: f64[10] = update(%3, %11, %2) index=($0,)
              return %12
          return %1
    """,
    )
    for apply in (decide_by_ranges, simplify, decide_by_ranges):
        program = apply(program)
    assert_text(
        program,
        """
        program (%0: f64[10]):
          %1: f64[10] = for(10, %0)
            body (%2: i64, %3: f64[10]):
              %4: i64 = add(%2, 10)
              %5: i64 = subtract(10, %2)
              %6: f64 = astype(%5) dtype=f64
              %7: f64[10] = update(%3, %6, %2) index=($0,)
              return %7
          return %1
    """,
    )
