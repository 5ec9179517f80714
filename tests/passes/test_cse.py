"""Common subexpressions: golden programs before and after."""

from __future__ import annotations

from tests.backend.building import I64, Builder, var
from tests.passes.golden import assert_text
from wengert._passes.cse import eliminate_common


def region(name):
    """One op as a program."""
    x = var()
    body = Builder(x)
    return body.program(body.emit(name, x))


def test_common():
    """Operands of commutative ops in either order; 0.0 is not -0.0."""
    x, i = var((3,)), var((), I64)
    b = Builder(x, i)
    a = b.emit("multiply", x, b.get(x, i))
    c = b.emit("multiply", b.get(x, i), x)
    d = b.emit("subtract", a, 0.0)
    e = b.emit("subtract", c, -0.0)
    program = b.program(d, e)
    assert_text(
        program,
        """
        program (%0: f64[3], %1: i64):
          %2: f64 = getitem(%0, %1) index=($0,)
          %3: f64[3] = multiply(%0, %2)
          %4: f64 = getitem(%0, %1) index=($0,)
          %5: f64[3] = multiply(%4, %0)
          %6: f64[3] = subtract(%3, 0.0)
          %7: f64[3] = subtract(%5, -0.0)
          return %6, %7
    """,
    )
    assert_text(
        eliminate_common(program),
        """
        program (%0: f64[3], %1: i64):
          %2: f64 = getitem(%0, %1) index=($0,)
          %3: f64[3] = multiply(%0, %2)
          %4: f64[3] = subtract(%3, 0.0)
          %5: f64[3] = subtract(%3, -0.0)
          return %4, %5
    """,
    )


def test_common_control():
    """Regions are compared equation by equation."""
    x = var()
    b = Builder(x)
    p = b.emit("less", x, 0.0)
    (y,) = b.branch(p, region("sin"), region("cos"), [x])
    (z,) = b.branch(p, region("sin"), region("cos"), [x])
    (w,) = b.branch(p, region("cos"), region("sin"), [x])
    program = b.program(b.emit("add", y, z), w)
    assert_text(
        program,
        """
        program (%0: f64):
          %1: bool = less(%0, 0.0)
          %2: f64 = if(%1, %0)
            then (%3: f64):
              %4: f64 = sin(%3)
              return %4
            else (%5: f64):
              %6: f64 = cos(%5)
              return %6
          %7: f64 = if(%1, %0)
            then (%8: f64):
              %9: f64 = sin(%8)
              return %9
            else (%10: f64):
              %11: f64 = cos(%10)
              return %11
          %12: f64 = if(%1, %0)
            then (%13: f64):
              %14: f64 = cos(%13)
              return %14
            else (%15: f64):
              %16: f64 = sin(%15)
              return %16
          %17: f64 = add(%2, %7)
          return %17, %12
    """,
    )
    assert_text(
        eliminate_common(program),
        """
        program (%0: f64):
          %1: bool = less(%0, 0.0)
          %2: f64 = if(%1, %0)
            then (%3: f64):
              %4: f64 = sin(%3)
              return %4
            else (%5: f64):
              %6: f64 = cos(%5)
              return %6
          %7: f64 = if(%1, %0)
            then (%8: f64):
              %9: f64 = cos(%8)
              return %9
            else (%10: f64):
              %11: f64 = sin(%10)
              return %11
          %12: f64 = add(%2, %2)
          return %12, %7
    """,
    )


def checked():
    """A call that raises, unless its operand is negative."""
    x = var()
    body = Builder(x)
    body.check(ValueError, body.emit("less", x, 0.0))
    return body.program(body.emit("sin", x))


def test_effects_stay():
    """Calls that check something are made as often as before."""
    x = var()
    b = Builder(x)
    b.call(checked(), [x])
    (z,) = b.call(checked(), [x])
    program = b.program(z)
    assert_text(
        program,
        """
        program (%0: f64):
          %1: f64 = call(%0)
            callee (%2: f64):
              %3: bool = less(%2, 0.0)
              check(%3)
              %4: f64 = sin(%2)
              return %4
          %5: f64 = call(%0)
            callee (%6: f64):
              %7: bool = less(%6, 0.0)
              check(%7)
              %8: f64 = sin(%6)
              return %8
          return %5
    """,
    )
    assert_text(
        eliminate_common(program),
        """
        program (%0: f64):
          %1: f64 = call(%0)
            callee (%2: f64):
              %3: bool = less(%2, 0.0)
              check(%3)
              %4: f64 = sin(%2)
              return %4
          %5: f64 = call(%0)
            callee (%6: f64):
              %7: bool = less(%6, 0.0)
              check(%7)
              %8: f64 = sin(%6)
              return %8
          return %5
    """,
    )
