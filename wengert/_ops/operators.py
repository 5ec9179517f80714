"""Python's operators on tracers, so that rules read like formulas."""

from __future__ import annotations

from typing import Any

from wengert._core.interp import Tracer
from wengert._core.op import Op
from wengert._core.types import is_complex
from wengert._ops import arithmetic as a
from wengert._ops.structure import reshape


def _binary(op: Op) -> tuple[Any, Any]:
    return (lambda self, other: op(self, other)), (lambda self, other: op(other, self))


for _name, _op in {
    "add": a.add,
    "sub": a.subtract,
    "mul": a.multiply,
    "truediv": a.divide,
    "floordiv": a.floor_divide,
    "pow": a.power,
    "mod": a.remainder,
    "and": a.logical_and,
    "or": a.logical_or,
}.items():
    _method, _reflected = _binary(_op)
    setattr(Tracer, f"__{_name}__", _method)
    setattr(Tracer, f"__r{_name}__", _reflected)

for _name, _op in {
    "eq": a.equal,
    "ne": a.not_equal,
    "lt": a.less,
    "le": a.less_equal,
    "gt": a.greater,
    "ge": a.greater_equal,
}.items():
    setattr(Tracer, f"__{_name}__", _binary(_op)[0])


def _reshape(self: Tracer, shape: tuple[Any, ...]) -> Any:
    return reshape(self, shape=shape)


def _conj(self: Tracer) -> Any:
    from wengert._ops.complex import conj

    return conj(self) if is_complex(self) else self


for _name, _attribute in {
    "__neg__": lambda self: a.negative(self),
    "__hash__": object.__hash__,
    # NumPy's operators step back, so that `array * tracer` arrives at `__rmul__`.
    "__array_ufunc__": None,
    "reshape": _reshape,
    "conj": _conj,
}.items():
    setattr(Tracer, _name, _attribute)
