"""Errors of native code, and of programs that have none."""

from __future__ import annotations

import numpy as np

import wengert as wg
from tests.errors.case import Case
from wengert._backend.runtime import evaluate
from wengert._backend.sites import HostSite
from wengert._core.types import ArrayType
from wengert._ir.program import Equation, Var, literal
from wengert._ops.arithmetic import add


def raises(call, error, *texts):
    def check(found):
        assert type(found) is error, repr(found)
        for text in texts:
            assert text in str(found)

    return Case(call, check)


def _long():
    wg.jit(lambda x: x * 2)(np.ones(3, np.longdouble))


def _read(x, i):
    return x[i]


def _wrong_shape():
    """An op that the host evaluates gives another shape than declared."""
    out = Var(ArrayType((2,), np.dtype(float)))
    equation = Equation(add, (literal(1.0), literal(2.0)), {}, (out,))
    numbers = np.array([1.0, 2.0, 0.0, 0.0])
    words = [numbers[i:].ctypes.data for i in range(2)] + [numbers[2:].ctypes.data, 2]
    block = np.array(words)
    evaluate(HostSite(equation, ()), block.ctypes.data)


CASES = [
    raises(_long, NotImplementedError, "compiled code has no dtype"),
    raises(
        lambda: wg.jit(_read)(np.ones(3), 3),
        IndexError,
        "index 3 is out of bounds for axis 0 with size 3",
    ),
    raises(_wrong_shape, ValueError, "add gave an array of shape ()", "declared (2,)"),
]
