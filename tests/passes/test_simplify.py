"""Simplification: golden programs before and after."""

from __future__ import annotations

from tests.backend.building import F64, I64, Builder, atom, var
from tests.passes.golden import assert_text
from wengert._passes.simplify import simplify


def region(name):
    """One op as a program."""
    x = var()
    body = Builder(x)
    return body.program(body.emit(name, x))


def test_identities():
    """What changes no value goes away."""
    x = var((3,))
    b = Builder(x)
    y = b.emit("multiply", x, 1.0)
    y = b.emit("add", y, -0.0)
    y = b.emit("subtract", y, 0.0)
    y = b.emit("negative", b.emit("negative", y))
    y = b.emit("add", b.emit("sin", y), b.emit("negative", y))
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64[3]):
          %1: f64[3] = multiply(%0, 1.0)
          %2: f64[3] = add(%1, -0.0)
          %3: f64[3] = subtract(%2, 0.0)
          %4: f64[3] = negative(%3)
          %5: f64[3] = negative(%4)
          %6: f64[3] = sin(%5)
          %7: f64[3] = negative(%5)
          %8: f64[3] = add(%6, %7)
          return %8
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: f64[3]):
          %1: f64[3] = negative(%0)
          %2: f64[3] = sin(%0)
          %3: f64[3] = negative(%0)
          %4: f64[3] = subtract(%2, %0)
          return %4
    """,
    )


def test_inexact():
    """0 * inf is NaN, and -0.0 + 0.0 is 0.0."""
    x = var((3,))
    b = Builder(x)
    y = b.emit("add", b.emit("multiply", x, 0.0), 0.0)
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64[3]):
          %1: f64[3] = multiply(%0, 0.0)
          %2: f64[3] = add(%1, 0.0)
          return %2
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: f64[3]):
          %1: f64[3] = multiply(%0, 0.0)
          %2: f64[3] = add(%1, 0.0)
          return %2
    """,
    )


def test_shapes():
    """Moves that undo each other; operands as they were before they were broadcast."""
    x = var((2, 3))
    b = Builder(x)
    y = b.emit("transpose", b.emit("transpose", x, axes=(1, 0)), axes=(1, 0))
    y = b.emit("reshape", b.emit("reshape", y, shape=(6,)), shape=(2, 3))
    y = b.emit("flip", b.emit("flip", y, axes=(0,)), axes=(0,))
    y = b.emit("broadcast_to", b.emit("copy", y), shape=(2, 3))
    y = b.emit("getitem", y, index=(Ellipsis, slice(0, 3)))
    y = b.emit("astype", y, dtype=F64)
    y = b.emit("multiply", b.emit("broadcast_to", 2.0, shape=(2, 3)), y)
    y = b.emit(
        "add", y, b.emit("sin", b.emit("full", shape=(2, 3), value=0.0, dtype=F64))
    )
    program = b.program(y)
    assert_text(
        program,
        """
        program (%0: f64[2, 3]):
          %1: f64[3, 2] = transpose(%0) axes=(1, 0)
          %2: f64[2, 3] = transpose(%1) axes=(1, 0)
          %3: f64[6] = reshape(%2) shape=(6,)
          %4: f64[2, 3] = reshape(%3) shape=(2, 3)
          %5: f64[2, 3] = flip(%4) axes=(0,)
          %6: f64[2, 3] = flip(%5) axes=(0,)
          %7: f64[2, 3] = copy(%6)
          %8: f64[2, 3] = broadcast_to(%7) shape=(2, 3)
          %9: f64[2, 3] = getitem(%8) index=(..., 0:3)
          %10: f64[2, 3] = astype(%9) dtype=f64
          %11: f64[2, 3] = broadcast_to(2.0) shape=(2, 3)
          %12: f64[2, 3] = multiply(%11, %10)
          %13: f64[2, 3] = full() shape=(2, 3) value=0.0 dtype=f64
          %14: f64[2, 3] = sin(%13)
          %15: f64[2, 3] = add(%12, %14)
          return %15
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: f64[2, 3]):
          %1: f64[3, 2] = transpose(%0) axes=(1, 0)
          %2: f64[6] = reshape(%0) shape=(6,)
          %3: f64[2, 3] = flip(%0) axes=(0,)
          %4: f64[2, 3] = full() shape=(2, 3) value=2.0 dtype=f64
          %5: f64[2, 3] = multiply(2.0, %0)
          %6: f64[2, 3] = full() shape=(2, 3) value=0.0 dtype=f64
          %7: f64[2, 3] = full() shape=(2, 3) value=0.0 dtype=f64
          %8: f64[2, 3] = add(%5, 0.0)
          return %8
    """,
    )


def test_orders_of_reshape():
    """C is the order that needs no word; other orders are other values."""
    x = var((6,))
    b = Builder(x)
    y = b.emit("reshape", x, shape=(2, 3), order="F")
    z = b.emit("reshape", y, shape=(3, 2), order="C")
    program = b.program(z)
    assert_text(
        simplify(program),
        """
        program (%0: f64[6]):
          %1: f64[2, 3] = reshape(%0) shape=(2, 3) order='F'
          %2: f64[3, 2] = reshape(%1) shape=(3, 2)
          return %2
    """,
    )


def test_cotangents():
    """Products of a cotangent: a known factor needs no test for zero."""
    t = var((3,))
    b = Builder(t)
    zero = b.emit("full", shape=(3,), value=0.0, dtype=F64)
    y = b.emit("scale", b.emit("scale", t, 2.0), 1.0)
    z = b.emit("scale", zero, t)
    program = b.program(y, z)
    assert_text(
        program,
        """
        program (%0: f64[3]):
          %1: f64[3] = full() shape=(3,) value=0.0 dtype=f64
          %2: f64[3] = scale(%0, 2.0)
          %3: f64[3] = scale(%2, 1.0)
          %4: f64[3] = scale(%1, %0)
          return %3, %4
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: f64[3]):
          %1: f64[3] = full() shape=(3,) value=0.0 dtype=f64
          %2: f64[3] = multiply(%0, 2.0)
          %3: f64[3] = full() shape=(3,) value=0.0 dtype=f64
          return %2, %3
    """,
    )


def test_parts():
    """Reads of what was just written, and writes of what is there."""
    x, v, i = var((5,)), var(), var((), I64)
    b = Builder(x, v, i)
    y = b.set(x, v, i)
    r = b.get(y, i)
    s = b.get(b.emit("full", shape=(5,), value=7.0, dtype=F64), 2)
    same = b.set(x, b.get(x, i), i)
    last = b.get(x, atom(3))
    program = b.program(r, s, same, last)
    assert_text(
        program,
        """
        program (%0: f64[5], %1: f64, %2: i64):
          %3: f64[5] = update(%0, %1, %2) index=($0,)
          %4: f64 = getitem(%3, %2) index=($0,)
          %5: f64[5] = full() shape=(5,) value=7.0 dtype=f64
          %6: f64 = getitem(%5) index=(2,)
          %7: f64 = getitem(%0, %2) index=($0,)
          %8: f64[5] = update(%0, %7, %2) index=($0,)
          %9: f64 = getitem(%0, 3) index=($0,)
          return %4, %6, %8, %9
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: f64[5], %1: f64, %2: i64):
          %3: f64[5] = update(%0, %1, %2) index=($0,)
          %4: f64[5] = full() shape=(5,) value=7.0 dtype=f64
          %5: f64 = getitem(%0, %2) index=($0,)
          %6: f64 = getitem(%0) index=(3,)
          return %1, 7.0, %0, %6
    """,
    )


def test_indices():
    """Sums of integers are shortened."""
    n, i = var((), I64), var((), I64)
    b = Builder(n, i)
    k = b.emit("subtract", b.emit("subtract", n, 1), i)
    k2 = b.emit("add", k, 1)
    j = b.emit("subtract", n, i)
    d = b.emit("subtract", k2, j)
    program = b.program(k2, j, d)
    assert_text(
        program,
        """
        program (%0: i64, %1: i64):
          %2: i64 = subtract(%0, 1)
          %3: i64 = subtract(%2, %1)
          %4: i64 = add(%3, 1)
          %5: i64 = subtract(%0, %1)
          %6: i64 = subtract(%4, %5)
          return %4, %5, %6
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: i64, %1: i64):
          %2: i64 = subtract(%0, 1)
          %3: i64 = subtract(%2, %1)
          %4: i64 = subtract(%0, %1)
          %5: i64 = subtract(%0, %1)
          return %4, %5, 0
    """,
    )


def test_control():
    """What constants decide is decided; a check that holds goes away."""
    x = var()
    b = Builder(x)
    (y,) = b.branch(atom(True), region("sin"), region("cos"), [x])
    i, c = var((), I64), var()
    body = Builder(i, c)
    step = body.program(body.emit("multiply", c, body.emit("astype", i, dtype=F64)))
    (z,) = b.loop(1, step, [], [y])
    (w,) = b.loop(0, step, [], [z])
    b.check(ValueError, b.emit("equal", 1, 1))
    program = b.program(w)
    assert_text(
        program,
        """
        program (%0: f64):
          %1: f64 = if(True, %0)
            then (%2: f64):
              %3: f64 = sin(%2)
              return %3
            else (%4: f64):
              %5: f64 = cos(%4)
              return %5
          %6: f64 = for(1, %1)
            body (%7: i64, %8: f64):
              %9: f64 = astype(%7) dtype=f64
              %10: f64 = multiply(%8, %9)
              return %10
          %11: f64 = for(0, %6)
            body (%7: i64, %8: f64):
              %9: f64 = astype(%7) dtype=f64
              %10: f64 = multiply(%8, %9)
              return %10
          %12: bool = equal(1, 1)
          check(%12)
          return %11
    """,
    )
    assert_text(
        simplify(program),
        """
        program (%0: f64):
          %1: f64 = sin(%0)
          %2: f64 = multiply(%1, 0.0)
          return %2
    """,
    )
