"""Arrays that are too large to exist: an error before any product of extents wraps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.backend.building import F64, I64, Builder, atom, var
from wengert._backend import compile_program
from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.program import Equation, Var

HUGE = 1 << 32  # its square is 0 in 64 bits


def declared(b: Builder, name: str, extents: Any, *atoms: Any, **params: Any) -> Var:
    """An equation whose result has run-time extents."""
    out = Var(ArrayType(tuple(extents), F64))
    inputs = tuple(map(atom, atoms))
    b.equations.append(Equation(OPS[name], inputs, params, (out,)))
    return out


def ones(b: Builder, *shape: Any) -> Var:
    return declared(b, "full", shape, shape=shape, value=1.0, dtype=F64)


def refuses(program: Any, *arguments: Any) -> None:
    with pytest.raises(MemoryError, match="compiled code: out of memory"):
        compile_program(program)(*arguments)


@pytest.mark.parametrize("size", [HUGE, 1 << 40, 1 << 62, -1])
def test_a_square_that_is_never_stored(size: int) -> None:
    n = var((), I64)
    b = Builder(n)
    total = b.emit("reduce_sum", ones(b, n, n), axes=(0, 1))
    program = b.program(total)
    assert compile_program(program)(np.int64(3)) == [9.0]
    refuses(program, np.int64(size))


def test_an_extent_of_zero_does_not_hide_the_others() -> None:
    n, m = var((), I64), var((), I64)
    b = Builder(n, m)
    program = b.program(b.emit("reduce_sum", ones(b, n, n, m), axes=(0, 1, 2)))
    assert compile_program(program)(np.int64(3), np.int64(0)) == [0.0]
    refuses(program, np.int64(HUGE), np.int64(0))


def test_operands_that_stretch_each_other() -> None:
    n = var((), I64)
    b = Builder(n)
    both = declared(b, "add", (n, n), ones(b, n, 1), ones(b, 1, n))
    program = b.program(b.emit("reduce_sum", both, axes=(0, 1)))
    assert compile_program(program)(np.int64(3)) == [18.0]
    refuses(program, np.int64(HUGE))


def test_a_vector_stretched() -> None:
    n, x = var((), I64), var((2,))
    b = Builder(n, x)
    wide = declared(b, "broadcast_to", (n, n, 2), x, shape=(n, n, 2))
    program = b.program(b.emit("reduce_sum", wide, axes=(0, 1, 2)))
    assert compile_program(program)(np.int64(2), np.ones(2)) == [8.0]
    refuses(program, np.int64(HUGE), np.ones(2))


def test_known_extents() -> None:
    x = var()
    b = Builder(x)
    wide = b.emit("broadcast_to", x, shape=(HUGE, HUGE))
    refuses(b.program(b.emit("reduce_sum", wide, axes=(0, 1))), 2.0)


def test_a_write_to_known_extents() -> None:
    x = var()
    b = Builder(x)
    wide = b.emit("broadcast_to", x, shape=(HUGE, HUGE))
    square = (HUGE, HUGE)
    changed = declared(b, "update", square, wide, 1.0, index=(5, 7))
    refuses(b.program(b.emit("reduce_sum", changed, axes=(0, 1))), 2.0)


def test_no_entries_reshaped() -> None:
    n, m = var((), I64), var((), I64)
    x = var((n, m))
    b = Builder(n, m, x)
    again = declared(b, "reshape", (m, m), x, shape=(m, m))
    program = b.program(b.emit("reduce_sum", again, axes=(0, 1)))
    refuses(program, np.int64(0), np.int64(HUGE), np.ones((0, HUGE)))


def padded() -> Any:
    k, x = var((), I64), var((4,))
    b = Builder(k, x)
    n = b.emit("add", b.emit("multiply", k, np.int64(2)), np.int64(4))
    wide = declared(b, "pad_zeros", (n,), x, widths=((k, k),))
    return b.program(b.emit("reduce_sum", wide, axes=(0,)))


def test_widths_of_padding() -> None:
    program = padded()
    compiled = compile_program(program)
    assert compiled(np.int64(2), np.ones(4)) == [4.0]
    refuses(program, np.int64((1 << 63) - 1), np.ones(4))
    with pytest.raises(ValueError, match="index can't contain negative values"):
        compiled(np.int64(-2), np.ones(4))
