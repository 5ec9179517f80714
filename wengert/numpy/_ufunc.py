"""NumPy's ufuncs over ops: calls with ``out=``, ``where=``, ``at``, ``reduce``, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, parse_index, unwrap, wrap
from wengert._core.interp import CURRENT, EVALUATE, Interpreter, Tracer
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import type_of
from wengert._ops.indexing import add_at, getitem, update
from wengert._ops.structure import broadcast_to
from wengert._ops.structure import where as where_op
from wengert.errors import DependenceError, MissingRuleError

TRACED = (TracedArray, TracedScalar)


def apply(op: Op, *xs: Any, **params: Any) -> Any:
    """Apply an op to user values; the result is a user value."""
    operands = tuple([unwrap(x) for x in xs])
    interpreter = CURRENT.get()
    if interpreter is EVALUATE:
        return evaluate(op, operands, params)
    return wrap(interpreter.apply(op, operands, params))


def evaluate(op: Op, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """An op outside every transformation, on any library's arrays."""
    interpreter: Interpreter = EVALUATE
    for x in operands:
        if isinstance(x, Tracer):
            x.refuse_leak()
        if not isinstance(x, (np.ndarray, np.generic, float, int, complex)):
            from wengert._modes.api import base_interpreter

            interpreter = base_interpreter(operands)
    return interpreter.apply(op, operands, params)


class Ufunc:
    """A function applied entry by entry, called and used as the NumPy ufunc is.

    Outside a transformation the NumPy ufunc itself runs, with all its arguments.
    """

    def __init__(self, name: str, op: Op, numpy_ufunc: Any = None) -> None:
        self.__name__ = name
        self.op = op
        self.arity = len(op.vjps)
        self.ufunc: Any = (
            numpy_ufunc if numpy_ufunc is not None else getattr(np, name, None)
        )
        self.__doc__ = (
            f"``numpy.{name}``, differentiable.\n\nSee the documentation of NumPy."
            if self.ufunc is not None
            else op.name
        )

    def __repr__(self) -> str:
        return f"<wengert ufunc {self.__name__!r}>"

    def __call__(self, *xs: Any, **kwargs: Any) -> Any:
        if not kwargs and len(xs) == self.arity:
            return apply(self.op, *xs)
        return self._call(*xs, **kwargs)

    def _call(
        self,
        *xs: Any,
        out: Any = None,
        where: Any = True,
        dtype: Any = None,
        **kwargs: Any,
    ) -> Any:
        if kwargs:
            return self._plain(
                xs, {**kwargs, "out": out, "where": where, "dtype": dtype}
            )
        if len(xs) > self.arity and out is None:
            *given, out = xs
            xs = tuple(given)
        operands = tuple([unwrap(x) for x in xs])
        if dtype is not None:
            from wengert._array.convert import cast

            operands = tuple(
                cast(x if hasattr(x, "dtype") else np.asarray(x), np.dtype(dtype))
                for x in operands
            )
        interpreter = CURRENT.get()
        if interpreter is EVALUATE and out is None and where is True:
            return evaluate(self.op, operands, {})
        if interpreter is EVALUATE and self.ufunc is not None:
            return self.ufunc(*operands, out=out, where=where)
        result = interpreter.apply(self.op, operands, {})
        if out is None and where is True:
            return wrap(result)
        return _store(
            self.__name__, result, out[0] if isinstance(out, tuple) else out, where
        )

    def _plain(self, xs: Any, kwargs: Any) -> Any:
        """Arguments that only NumPy understands, on values without dependence."""
        if any(isinstance(x, TRACED) for x in xs):
            names = ", ".join(
                k for k, v in kwargs.items() if v is not None and v is not True
            )
            raise MissingRuleError(
                explain(
                    f"{self.__name__}: the argument(s) {names} are not supported "
                    "for traced values",
                    fix="leave them out, and cast or select in a step of its own",
                )
            )
        kwargs = {k: v for k, v in kwargs.items() if not (v is None or v is True)}
        return self.ufunc(*xs, **kwargs)

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        """As ``numpy.ufunc.at``: unbuffered, so that repeated indices accumulate."""
        if not isinstance(a, TracedArray):
            if isinstance(b, TRACED):
                raise_plain_write()
            return self.ufunc.at(a, indices, *(() if b is None else (b,)))
        index, operands = parse_index(indices)
        name = self.__name__
        if name in ("add", "subtract"):
            value = unwrap(b)
            value = value if name == "add" else _negated(value)
            a._assign(add_at(a._read(), value, *operands, index=index))
            return None
        return self._at_in_turn(a, index, operands, b)

    def _at_in_turn(self, a: TracedArray, index: Any, operands: Any, b: Any) -> None:
        """Entry after entry, as NumPy does it, whatever repeats."""
        value = a._read()
        shape = tuple(value.shape)
        numbers = np.arange(int(np.prod(shape))).reshape(shape)
        positions = getitem(numbers, *(unwrap(o) for o in operands), index=index)
        if not isinstance(positions, np.ndarray | np.integer):
            name = self.__name__
            raise MissingRuleError(
                explain(
                    f"{name}.at: the indices are known only when the program runs",
                    fix=f"write it as a loop: for i, x in zip(index, values): a[i] = "
                    f"np.{name}(a[i], x)",
                )
            )
        flat = (
            value.reshape((-1,))
            if isinstance(value, np.ndarray)
            else value.reshape((numbers.size,))
        )
        if b is not None:
            b_value = unwrap(b)
            b_value = b_value if hasattr(b_value, "shape") else np.asarray(b_value)
            b_flat = broadcast_to(b_value, shape=positions.shape).reshape(
                (positions.size,)
            )
        for turn, position in enumerate(np.ravel(positions)):
            entry = getitem(flat, index=(int(position),))
            operand = () if b is None else (getitem(b_flat, index=(turn,)),)
            flat = update(flat, self.op(entry, *operand), index=(int(position),))
        a._assign(flat.reshape(shape))

    def outer(self, a: Any, b: Any) -> Any:
        x, y = unwrap(a), unwrap(b)
        x = x if hasattr(x, "shape") else np.asarray(x)
        y = y if hasattr(y, "shape") else np.asarray(y)
        return wrap(self.op(x.reshape(tuple(x.shape) + (1,) * len(y.shape)), y))

    def reduce(self, a: Any, axis: Any = 0, **kwargs: Any) -> Any:
        return _reduction(self.__name__, _REDUCTIONS)(a, axis=axis, **kwargs)

    def accumulate(self, a: Any, axis: int = 0) -> Any:
        return _reduction(self.__name__, _ACCUMULATIONS)(a, axis=axis)


_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}


def _reduction(name: str, names: dict[str, str]) -> Any:
    import wengert.numpy as wnp

    if name not in names:
        raise MissingRuleError(
            explain(
                f"{name}: this method of the ufunc has no derivative rule",
                fix="write it as a loop, or wrap the call in wg.custom_vjp",
            )
        )
    return getattr(wnp, names[name])


def _negated(x: Any) -> Any:
    return -x


def _store(name: str, result: Any, out: Any, where: Any) -> Any:
    """Write a result into ``out``, where a condition holds."""
    if where is not True:
        mask = unwrap(where)
        if out is None:
            out = wrap(
                broadcast_to(np.zeros((), result.dtype), shape=type_of(result).shape)
            )
        old = out._read() if isinstance(out, TracedArray) else out
        result = where_op(mask, result, old)
    if isinstance(out, TracedArray):
        return out._assign(result)
    if isinstance(result, Tracer):
        raise_plain_write()
    out[...] = result
    return out


def raise_plain_write() -> None:
    raise DependenceError(
        explain(
            "a traced value is written into a plain NumPy array",
            why="a plain array cannot carry a derivative.",
            fix="make the array with wengert.numpy inside the function "
            "(`import wengert.numpy as np`), or copy it there: np.array(a)",
        )
    )
