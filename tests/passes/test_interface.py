"""Interfaces of regions: golden programs before and after."""

from __future__ import annotations

from tests.backend.building import I64, Builder, atom, var
from tests.passes.golden import assert_text
from wengert._ir.control import Call
from wengert._passes.interface import tighten


def test_interface():
    """Literals move in, equal constants and carries that stay the same merge."""
    x = var((4,))
    b = Builder(x)
    i, m, a, a2 = var((), I64), var((), I64), var((4,)), var((4,))
    fixed, buf = var(), var((m,))
    body = Builder(i, m, a, a2, fixed, buf)
    v = body.emit("multiply", body.emit("add", body.get(a, i), body.get(a2, i)), fixed)
    out = body.set(buf, v, i)
    step = body.program(fixed, out)
    f, r = b.loop(4, step, [atom(4), x, x], [atom(2.0), x])
    program = b.program(r, f)
    assert_text(
        program,
        """
        program (%0: f64[4]):
          %1: f64, %2: f64[4] = for(4, 4, %0, %0, 2.0, %0)
            body (%3: i64, %4: i64, %5: f64[4], %6: f64[4], %7: f64, %8: f64[%4]):
              %9: f64 = getitem(%5, %3) index=($0,)
              %10: f64 = getitem(%6, %3) index=($0,)
              %11: f64 = add(%9, %10)
              %12: f64 = multiply(%11, %7)
              %13: f64[%4] = update(%8, %12, %3) index=($0,)
              return %7, %13
          return %2, %1
    """,
    )
    assert_text(
        tighten(program),
        """
        program (%0: f64[4]):
          %1: f64[4] = for(4, %0, %0)
            body (%2: i64, %3: f64[4], %4: f64[4]):
              %5: f64 = getitem(%3, %2) index=($0,)
              %6: f64 = getitem(%3, %2) index=($0,)
              %7: f64 = add(%5, %6)
              %8: f64 = multiply(%7, 2.0)
              %9: f64[4] = update(%4, %8, %2) index=($0,)
              return %9
          return %1, 2.0
    """,
    )


def test_equal_carries():
    """Carries that start alike and step alike are one; a literal is no carry."""
    x = var()
    b = Builder(x)
    i, c, d, e = var((), I64), var(), var(), var()
    body = Builder(i, c, d, e)
    v = body.emit("multiply", body.emit("sin", c), body.emit("cos", d))
    step = body.program(v, v, atom(2.0))
    program = b.program(*b.loop(4, step, [], [x, x, atom(2.0)]))
    assert_text(
        program,
        """
        program (%0: f64):
          %1: f64, %2: f64, %3: f64 = for(4, %0, %0, 2.0)
            body (%4: i64, %5: f64, %6: f64, %7: f64):
              %8: f64 = sin(%5)
              %9: f64 = cos(%6)
              %10: f64 = multiply(%8, %9)
              return %10, %10, 2.0
          return %1, %2, %3
    """,
    )
    assert_text(
        tighten(program),
        """
        program (%0: f64):
          %1: f64 = for(4, %0)
            body (%2: i64, %3: f64):
              %4: f64 = sin(%3)
              %5: f64 = cos(%3)
              %6: f64 = multiply(%4, %5)
              return %6
          return %1, %1, 2.0
    """,
    )


def test_branch_interface():
    """Results that do not depend on the branch are known outside."""
    x, y = var(), var()
    b = Builder(x, y)

    def region(name):
        p, q = var(), var()
        body = Builder(p, q)
        v = body.emit(name, p)
        return body.program(q, v, v, atom(1.0))

    found = b.branch(b.emit("less", x, y), region("sin"), region("cos"), [x, y])
    program = b.program(*found)
    assert_text(
        program,
        """
        program (%0: f64, %1: f64):
          %2: bool = less(%0, %1)
          %3: f64, %4: f64, %5: f64, %6: f64 = if(%2, %0, %1)
            then (%7: f64, %8: f64):
              %9: f64 = sin(%7)
              return %8, %9, %9, 1.0
            else (%10: f64, %11: f64):
              %12: f64 = cos(%10)
              return %11, %12, %12, 1.0
          return %3, %4, %5, %6
    """,
    )
    assert_text(
        tighten(program),
        """
        program (%0: f64, %1: f64):
          %2: bool = less(%0, %1)
          %3: f64 = if(%2, %0, %1)
            then (%4: f64, %5: f64):
              %6: f64 = sin(%4)
              return %6
            else (%7: f64, %8: f64):
              %9: f64 = cos(%7)
              return %9
          return %1, %3, %3, 1.0
    """,
    )


def test_shared_functions_stay_shared():
    """Only the one call of a function makes its operands part of it."""
    x = var()
    b = Builder(x)
    p, q = var(), var()
    body = Builder(p, q)
    helper = Call(body.program(body.emit("multiply", body.emit("sin", p), q)))
    (y,) = b.control(helper, (x, 2.0), (x.type,))
    (z,) = b.control(helper, (y, 1.0), (x.type,))
    program = b.program(z)
    assert tighten(program) is program
    once = program._replace(equations=program.equations[:1], results=(y,))
    assert_text(
        tighten(once),
        """
        program (%0: f64):
          %1: f64 = call(%0)
            callee (%2: f64):
              %3: f64 = sin(%2)
              %4: f64 = multiply(%3, 2.0)
              return %4
          return %1
    """,
    )
