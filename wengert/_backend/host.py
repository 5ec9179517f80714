"""Ops without a native lowering: native code calls Python back to evaluate them."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.emitter import HOST_DONE, RAISED, TABLE
from wengert._backend.lowering import Lowering
from wengert._backend.values import Array, Scalar, Value
from wengert._ir.program import Equation, Var, variables_in


def lower_on_host(lo: Lowering, equation: Equation) -> list[Value]:
    """A call of the run-time table's host entry.

    It gets the number of the site and a list of words: of every operand its address and
    extents, the values of the variables in the params, and of every result its address
    and extents.
    """
    variables: tuple[Var, ...] = tuple(
        dict.fromkeys(v for p in equation.params.values() for v in variables_in(p))
    )
    site = lo.sites.host(equation, variables)
    words: list[Any] = []
    for atom in equation.inputs:
        words += _described(lo, lo.value(atom))
    words += [lo.e.value(lo.extent(v)) for v in variables]
    results = []
    for var in equation.outputs:
        target = _fresh(lo, var)
        words += _described(lo, target)
        results.append(target)
    _call(lo, site, words)
    return [_result(lo, r) for r in results]


def _fresh(lo: Lowering, var: Var) -> Array:
    return lo.allocate(lo.shape(var.type), var.type.dtype)


def _described(lo: Lowering, value: Value) -> list[Any]:
    """Address and extents, as int64 words."""
    e = lo.e
    if isinstance(value, Scalar):
        pointer = e.slot(t.memory_type(value.dtype))
        t.store(e.b, value.value, pointer, value.dtype)
        return [e.b.ptrtoint(pointer, t.I64)]
    array = lo.contiguous(value)
    return [e.b.ptrtoint(array.pointer, t.I64), *map(e.value, array.shape)]


def _call(lo: Lowering, site: int, words: list[Any]) -> None:
    e = lo.e
    block = e.bytes(8 * len(words))
    for k, word in enumerate(words):
        e.b.store(word, e.offset(block, 8 * k))
    kind = ir.FunctionType(t.I32, [t.PTR, t.I64, t.PTR])
    code = e.call_pointer(
        e.table_entry(TABLE["host"]), kind, [e.frame, e.value(site), block]
    )
    e.leave_if(e.b.icmp_signed("!=", code, ir.Constant(t.I32, HOST_DONE)), RAISED)


def _result(lo: Lowering, value: Array) -> Value:
    if value.shape:
        return value
    return Scalar(value.at(lo.e, ()), np.dtype(value.dtype))
