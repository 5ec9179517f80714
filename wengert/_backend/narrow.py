"""Floats of 2 bytes: stored as they are, computed with as float32.

Ops that only move entries take them as they are. Every other op is lowered for operands
that are cast to float32, and its result is rounded: for one operation that is what the
dtype's own would give, since float32 has more than twice the digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._backend import types as t
from wengert._backend.elementwise import cast_to
from wengert._backend.lowering import Lowering
from wengert._backend.values import Value
from wengert._core.types import ArrayType
from wengert._ir.program import Equation, Literal, Var

# These move entries, or round after each step themselves.
_AS_THEY_ARE = frozenset(
    "getitem take update add_at concatenate reshape broadcast_to transpose flip "
    "pad_zeros with_length full where copy stop_gradient positive substitute tril triu "
    "astype promote to_integer detached windows sort argsort cumsum cumprod "
    "linear_recurrence last_writer".split()
)


def needs_float32(equation: Equation) -> bool:
    """Whether an equation computes with floats of 2 bytes."""
    atoms = (*equation.inputs, *equation.outputs)
    narrow = any(t.is_narrow(a.type.dtype) for a in atoms)
    return narrow and equation.op.name not in _AS_THEY_ARE


def lower_in_float32(
    lo: Lowering, equation: Equation, lower: Any
) -> list[Value] | None:
    """Lower an equation for float32, and round its results."""
    inputs = [_Operand(lo, atom) for atom in equation.inputs]
    outputs = tuple(Var(_wide_type(v.type)) for v in equation.outputs)
    params = {k: _wide_param(p) for k, p in equation.params.items()}
    wide = Equation(
        equation.op, tuple(i.atom for i in inputs), params, outputs, equation.site
    )
    values = lower(lo, wide)
    for operand in inputs:
        operand.forget(lo)
    if values is None:
        return None
    pairs = zip(values, equation.outputs, strict=True)
    return [cast_to(lo, value, v.type.dtype) for value, v in pairs]


class _Operand:
    """An operand, bound to a variable of its own where it is cast."""

    def __init__(self, lo: Lowering, atom: Var | Literal) -> None:
        self.atom = atom
        self.bound = t.is_narrow(atom.type.dtype)
        if self.bound:
            self.atom = Var(_wide_type(atom.type))
            value = cast_to(lo, lo.value(atom), t.computed(atom.type.dtype))
            lo.scope.bind(self.atom, value)

    def forget(self, lo: Lowering) -> None:
        if self.bound and isinstance(self.atom, Var):
            lo.scope.unbind(self.atom)


def _wide_type(type_: ArrayType) -> ArrayType:
    return ArrayType(type_.shape, t.computed(type_.dtype))


def _wide_param(param: Any) -> Any:
    return t.computed(param) if isinstance(param, np.dtype) else param
