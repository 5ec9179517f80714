"""Dead code: golden programs before and after."""

from __future__ import annotations

from tests.backend.building import I64, Builder, atom, var
from tests.passes.golden import assert_text
from wengert._passes.dead import eliminate_dead


def test_dead():
    """Two carries that only feed each other."""
    x = var((4,))
    b = Builder(x)
    i, a, s, t, u = var((), I64), var((4,)), var(), var(), var()
    body = Builder(i, a, s, t, u)
    v = body.get(a, i)
    step = body.program(
        body.emit("add", s, v),
        body.emit("multiply", t, body.emit("sin", u)),
        body.emit("cos", t),
    )
    s0, t0, u0 = b.loop(4, step, [x], [atom(0.0), atom(1.0), atom(2.0)])
    b.emit("sin", x)
    program = b.program(s0)
    assert_text(
        program,
        """
        program (%0: f64[4]):
          %1: f64, %2: f64, %3: f64 = for(4, %0, 0.0, 1.0, 2.0)
            body (%4: i64, %5: f64[4], %6: f64, %7: f64, %8: f64):
              %9: f64 = getitem(%5, %4) index=($0,)
              %10: f64 = add(%6, %9)
              %11: f64 = sin(%8)
              %12: f64 = multiply(%7, %11)
              %13: f64 = cos(%7)
              return %10, %12, %13
          %14: f64[4] = sin(%0)
          return %1
    """,
    )
    assert_text(
        eliminate_dead(program),
        """
        program (%0: f64[4]):
          %1: f64 = for(4, %0, 0.0)
            body (%2: i64, %3: f64[4], %4: f64):
              %5: f64 = getitem(%3, %2) index=($0,)
              %6: f64 = add(%4, %5)
              return %6
          return %1
    """,
    )


def test_dead_through_loops():
    """A carry that only feeds itself through an inner loop."""
    x = var()
    b = Builder(x)
    j, c, d = var((), I64), var(), var()
    inner = Builder(j, c, d)
    inner_step = inner.program(inner.emit("sin", c), inner.emit("cos", d))
    i, p, q = var((), I64), var(), var()
    body = Builder(i, p, q)
    step = body.program(*body.loop(3, inner_step, [], [p, q]))
    y, z = b.loop(2, step, [], [x, x])
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64):
          %1: f64, %2: f64 = for(2, %0, %0)
            body (%3: i64, %4: f64, %5: f64):
              %6: f64, %7: f64 = for(3, %4, %5)
                body (%8: i64, %9: f64, %10: f64):
                  %11: f64 = sin(%9)
                  %12: f64 = cos(%10)
                  return %11, %12
              return %6, %7
          return %1
    """,
    )
    assert_text(
        eliminate_dead(program),
        """
        program (%0: f64):
          %1: f64 = for(2, %0)
            body (%2: i64, %3: f64):
              %4: f64 = for(3, %3)
                body (%5: i64, %6: f64):
                  %7: f64 = sin(%6)
                  return %7
              return %4
          return %1
    """,
    )


def test_dead_effects():
    """What a check reads stays, and the rest of its loop goes."""
    x = var()
    b = Builder(x)
    i, p, q = var((), I64), var(), var()
    body = Builder(i, p, q)
    body.check(ValueError, body.emit("less", p, 9.0))
    step = body.program(body.emit("sin", p), body.emit("cos", q))
    y, z = b.loop(2, step, [], [x, x])
    program = b.program(x)
    assert_text(
        program,
        """
        program (%0: f64):
          %1: f64, %2: f64 = for(2, %0, %0)
            body (%3: i64, %4: f64, %5: f64):
              %6: bool = less(%4, 9.0)
              check(%6)
              %7: f64 = sin(%4)
              %8: f64 = cos(%5)
              return %7, %8
          return %0
    """,
    )
    assert_text(
        eliminate_dead(program),
        """
        program (%0: f64):
          %1: f64 = for(2, %0)
            body (%2: i64, %3: f64):
              %4: bool = less(%3, 9.0)
              check(%4)
              %5: f64 = sin(%3)
              return %5
          return %0
    """,
    )
