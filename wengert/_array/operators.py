"""Python's operators and conversions on traced arrays and scalars.

A conversion that would cut a value's dependence on an input is an error; `bool` and
`int`, which choose a path through the program, are not.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert._array.convert import SCALARS
from wengert._array.traced import TracedArray, TracedScalar, depends, unwrap, wrap
from wengert._core.interp import CURRENT, EVALUATE, Tracer
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._ops import arithmetic as ops
from wengert._ops.contraction import matmul
from wengert.errors import DependenceError

_NO_PARAMS: dict[str, Any] = {}

# -- operators -------------------------------------------------------------------------


def _operand(x: Any) -> Any:
    """As `unwrap`, but `NotImplemented` for what NumPy's operators would not take."""
    if type(x) in SCALARS:
        return x
    if isinstance(
        x, (TracedArray, TracedScalar, np.ndarray, np.generic, list, tuple)
    ) or hasattr(x, "__array_namespace__"):
        return unwrap(x)
    return NotImplemented


def _apply(op: Op, operands: tuple[Any, ...]) -> Any:
    return wrap(CURRENT.get().apply(op, operands, _NO_PARAMS))


def _binary(op: Op) -> tuple[Any, Any]:
    def method(self: Any, other: Any) -> Any:
        kind = type(other)
        if kind is TracedArray or kind is TracedScalar:
            other = other._read()
        elif kind not in SCALARS:
            other = _operand(other)
            if other is NotImplemented:
                return other
        return wrap(CURRENT.get().apply(op, (self._read(), other), _NO_PARAMS))

    def reflected(self: Any, other: Any) -> Any:
        other = _operand(other)
        if other is NotImplemented:
            return other
        return _apply(op, (other, self._read()))

    return method, reflected


def _in_place(op: Op) -> Any:
    def method(self: TracedArray, other: Any) -> Any:
        other = _operand(other)
        if other is NotImplemented:
            return other
        interpreter = CURRENT.get()
        return self._assign(interpreter.apply(op, (self._read(), other), _NO_PARAMS))

    return method


def _unary(op: Op) -> Any:
    return lambda self: _apply(op, (self._read(),))


_BINARY = {
    "add": ops.add,
    "sub": ops.subtract,
    "mul": ops.multiply,
    "truediv": ops.divide,
    "floordiv": ops.floor_divide,
    "mod": ops.remainder,
    "pow": ops.power,
    "matmul": matmul,
    "and": ops.bitwise_and,
    "or": ops.bitwise_or,
    "xor": ops.bitwise_xor,
    "lshift": ops.left_shift,
    "rshift": ops.right_shift,
}
_COMPARISONS = {
    "eq": ops.equal,
    "ne": ops.not_equal,
    "lt": ops.less,
    "le": ops.less_equal,
    "gt": ops.greater,
    "ge": ops.greater_equal,
}
_UNARY = {
    "neg": ops.negative,
    "pos": ops.positive,
    "abs": ops.absolute,
    "invert": ops.invert,
}

# -- conversions -----------------------------------------------------------------------


def _value(self: Any) -> Any:
    return self._peek() if type(self) is TracedArray else self._value


def _concrete(self: Any, what: str) -> Any:
    """The array or scalar under all tracers; who watches is told of the conversion."""
    value = _value(self)
    if isinstance(value, Tracer) and CURRENT.get() is EVALUATE:
        value.refuse_leak()
    while isinstance(value, Tracer):
        if value.interpreter.observer is not None:
            value.interpreter.observer(what, value)
        value = value.concrete()
    return value


def _independent(self: Any, what: str, rewrite: str) -> Any:
    """The concrete value, refused if it depends on an input."""
    if depends(_value(self)):
        raise DependenceError(
            explain(
                f"{what}: this value depends on an input that is being differentiated",
                why="the conversion would cut the dependence, and the derivative would "
                "be silently wrong.",
                fix=f"{rewrite}; where a constant is meant, wg.stop_gradient(x)",
            )
        )
    return _concrete(self, what)


def _float(self: Any) -> float:
    rewrite = (
        "use the functions of wengert.numpy instead of math's; to write into an array, "
        "make it with wengert.numpy (np.zeros of `import wengert.numpy as np`)"
    )
    return float(_independent(self, "float()", rewrite))


def _complex(self: Any) -> complex:
    return complex(_independent(self, "complex()", "keep the traced value"))


def _array(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    rewrite = (
        "use the functions of wengert.numpy, and arrays made by it "
        "(np.zeros of `import wengert.numpy as np`) to write into"
    )
    return np.array(_independent(self, "numpy.asarray()", rewrite), dtype=dtype)


def _item(self: Any, *args: Any) -> Any:
    target = self[args if len(args) > 1 else args[0]] if args else self
    if not isinstance(target, (TracedArray, TracedScalar)):
        return target.item()
    rewrite = "index the array: x[i] is a traced scalar"
    return np.asarray(_independent(target, "item()", rewrite)).item()


_CONVERSIONS = {
    "__bool__": lambda self: bool(_concrete(self, "bool()")),
    "__int__": lambda self: int(_concrete(self, "int()")),
    "__index__": lambda self: operator.index(_concrete(self, "index")),
    "__float__": _float,
    "__complex__": _complex,
    "__array__": _array,
    "item": _item,
    "tolist": lambda self: _array(self).tolist(),
}

for _class in (TracedScalar, TracedArray):
    for _name, _op in _BINARY.items():
        _method, _reflected = _binary(_op)
        setattr(_class, f"__{_name}__", _method)
        setattr(_class, f"__r{_name}__", _reflected)
    for _name, _op in _COMPARISONS.items():
        setattr(_class, f"__{_name}__", _binary(_op)[0])
    for _name, _op in _UNARY.items():
        setattr(_class, f"__{_name}__", _unary(_op))
    for _name, _conversion in _CONVERSIONS.items():
        setattr(_class, _name, _conversion)
for _name, _op in _BINARY.items():
    setattr(TracedArray, f"__i{_name}__", _in_place(_op))
