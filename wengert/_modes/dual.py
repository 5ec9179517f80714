"""Forward mode: dual numbers a + b eps, carried by every value.

A tangent that is known to be zero is `None`, a structural zero; a value with no tangent
at all is not wrapped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.interp import CURRENT, Interpreter, PrimalTracer
from wengert._core.op import Op
from wengert._core.types import Params
from wengert.errors import NonFiniteError


class DualTracer(PrimalTracer):
    """A dual number: a primal and its tangent, both values of the interpreter below."""

    __slots__ = ("interpreter", "primal", "tangent")

    def __init__(self, interpreter: Dual, primal: Any, tangent: Any) -> None:
        self.interpreter = interpreter
        self.primal = primal
        self.tangent = tangent


class Dual(Interpreter):
    """Interpreter that propagates tangents along with primals."""

    name = "jvp"

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        primals = []
        tangents = []
        active = False
        for x in operands:
            if type(x) is DualTracer and x.interpreter is self:
                primals.append(x.primal)
                tangents.append(x.tangent)
                active = True
            else:
                primals.append(x)
                tangents.append(None)
        if not active:
            return self.parent.apply(op, operands, params)
        token = CURRENT.set(self.parent)
        try:
            out = self.parent.apply(op, tuple(primals), params)
            if type(out) is complex:  # Python's: the value of 1j * np.float64(2)
                out = np.complex128(out)
            if op.cut is not None:
                return out
            try:
                # A derivative that is infinite or 0 * inf has its rule, and no warning.
                with np.errstate(all="ignore"):
                    tangent = op.jvp(tuple(primals), tuple(tangents), out, params)
                if self.checks is not None:
                    self.checks.check_tangent(op, tangent, (*primals, *tangents))
            except NonFiniteError as error:
                raise error.relabel("tangent", op.name) from None
        finally:
            CURRENT.reset(token)
        if op.multiple:
            return tuple(
                o if t is None else DualTracer(self, o, t)
                for o, t in zip(out, tangent, strict=True)
            )
        return DualTracer(self, out, tangent)

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        if not any(type(x) is DualTracer and x.interpreter is self for x in operands):
            return super().call(function, operands)
        return function.on_dual(self, operands)
