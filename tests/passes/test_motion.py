"""Loop-invariant motion: golden programs before and after."""

from __future__ import annotations

from tests.backend.building import I64, Builder, var
from tests.passes.golden import assert_text
from wengert._passes.motion import move_invariants


def test_motion():
    """Out of both loops; what is larger than its operands, or may fail, stays."""
    x, w = var((4,)), var()
    b = Builder(x, w)
    j, jx, jw, jc = var((), I64), var((4,)), var(), var((4,))
    inner = Builder(j, jx, jw, jc)
    e = inner.emit("exp", jw)
    inner.emit("broadcast_to", jw, shape=(4,))
    risky = inner.get(jx, j)
    inner_step = inner.program(
        inner.emit(
            "add", jc, inner.emit("multiply", inner.emit("multiply", jx, e), risky)
        )
    )
    i, px, pw, pc = var((), I64), var((4,)), var(), var((4,))
    body = Builder(i, px, pw, pc)
    step = body.program(*body.loop(3, inner_step, [px, pw], [pc]))
    (y,) = b.loop(2, step, [x, w], [x])
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64[4], %1: f64):
          %2: f64[4] = for(2, %0, %1, %0)
            body (%3: i64, %4: f64[4], %5: f64, %6: f64[4]):
              %7: f64[4] = for(3, %4, %5, %6)
                body (%8: i64, %9: f64[4], %10: f64, %11: f64[4]):
                  %12: f64 = exp(%10)
                  %13: f64[4] = broadcast_to(%10) shape=(4,)
                  %14: f64 = getitem(%9, %8) index=($0,)
                  %15: f64[4] = multiply(%9, %12)
                  %16: f64[4] = multiply(%15, %14)
                  %17: f64[4] = add(%11, %16)
                  return %17
              return %7
          return %2
    """,
    )
    assert_text(
        move_invariants(program),
        """
        program (%0: f64[4], %1: f64):
          %2: f64 = exp(%1)
          %3: f64[4] = multiply(%0, %2)
          %4: f64[4] = for(2, %0, %1, %3, %0)
            body (%5: i64, %6: f64[4], %7: f64, %8: f64[4], %9: f64[4]):
              %10: f64[4] = for(3, %6, %7, %8, %9)
                body (%11: i64, %12: f64[4], %13: f64, %14: f64[4], %15: f64[4]):
                  %16: f64[4] = broadcast_to(%13) shape=(4,)
                  %17: f64 = getitem(%12, %11) index=($0,)
                  %18: f64[4] = multiply(%14, %17)
                  %19: f64[4] = add(%15, %18)
                  return %19
              return %10
          return %4
    """,
    )


def test_motion_while():
    """From the test and the body."""
    x, w = var(), var()
    b = Builder(x, w)
    hw, hc = var(), var()
    head = Builder(hw, hc)
    test = head.program(head.emit("less", hc, head.emit("exp", hw)))
    pw, pc = var(), var()
    body = Builder(pw, pc)
    step = body.program(body.emit("add", pc, body.emit("sin", pw)))
    (y,) = b.while_(test, step, [w], [x])
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64, %1: f64):
          %2: f64 = while(%1, %0)
            test (%3: f64, %4: f64):
              %5: f64 = exp(%3)
              %6: bool = less(%4, %5)
              return %6
            body (%7: f64, %8: f64):
              %9: f64 = sin(%7)
              %10: f64 = add(%8, %9)
              return %10
          return %2
    """,
    )
    assert_text(
        move_invariants(program),
        """
        program (%0: f64, %1: f64):
          %2: f64 = exp(%1)
          %3: f64 = sin(%1)
          %4: f64 = while(%1, %2, %3, %0)
            test (%5: f64, %6: f64, %7: f64, %8: f64):
              %9: bool = less(%8, %6)
              return %9
            body (%10: f64, %11: f64, %12: f64, %13: f64):
              %14: f64 = add(%13, %12)
              return %14
          return %4
    """,
    )
