"""A program run on the numbers of another library: SymPy's symbols, mpmath's digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from wengert._core.interp import EVALUATE, Interpreter, Tracer, using
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import Params, is_inexact, type_of
from wengert._modes import api
from wengert._modes.opaque import OpaqueCall
from wengert._ops.index import fill_slots
from wengert.errors import SymbolicError
from wengert.explain._formulas import FORMULAS, REDUCTIONS


def boxed(x: Any) -> np.ndarray:
    """An array of Python objects; a single one becomes a 0-d array."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return x
    if isinstance(x, np.ndarray):
        return x.astype(object)
    box = np.empty((), object)
    box[()] = x
    return box


class NumberTracer(Tracer):
    """An array of Python objects that stands for an array of numbers."""

    __slots__ = ("entries", "interpreter", "kind")

    interpreter: Numbers

    def __init__(self, interpreter: Numbers, entries: np.ndarray, kind: Any) -> None:
        self.interpreter = interpreter
        self.entries = entries
        self.kind = kind

    @property
    def shape(self) -> Any:
        return self.entries.shape

    @property
    def dtype(self) -> Any:
        return self.kind

    @property
    def below(self) -> Any:
        return self.entries

    def concrete(self) -> Any:
        return self.interpreter.concrete(self.entries)

    def depends(self) -> bool:
        return is_inexact(self.kind)


class Numbers(Interpreter):
    """Interpreter that computes with the functions `m` of another library.

    ``lift`` makes one of the library's numbers of a Python number.
    """

    keeps_values = True

    def __init__(self, name: str, m: Any, lift: Callable[[Any], Any]) -> None:
        super().__init__(EVALUATE)
        self.name = name
        self.m = m
        self.lift = lift

    def variable(self, entries: Any) -> NumberTracer:
        return NumberTracer(self, boxed(entries), np.dtype(np.float64))

    def concrete(self, entries: np.ndarray) -> Any:
        """The values that `bool` and `int` see, to choose a path with."""
        return entries[()]

    def entries_of(self, x: Any) -> np.ndarray:
        if type(x) is NumberTracer and x.interpreter is self:
            return x.entries
        return self._all_lifted(np.asarray(x))

    def _all_lifted(self, x: Any) -> np.ndarray:
        return boxed(np.frompyfunc(self.lift, 1, 1)(boxed(x)))

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        own = [type(x) is NumberTracer and x.interpreter is self for x in operands]
        if not any(own):
            return EVALUATE.apply(op, operands, params)
        entries = self._all_lifted(self._compute(op, operands, params))
        type_ = op.abstract(*map(type_of, operands), **params)
        return NumberTracer(self, entries, type_.dtype)

    def _compute(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        if op.name in FORMULAS:
            formula = partial(FORMULAS[op.name], self.m)
            return np.frompyfunc(formula, len(operands), 1)(
                *map(self.entries_of, operands)
            )
        if op.name in MOVES:
            return MOVES[op.name](self, *operands, **params)
        if op.name in REDUCTIONS:
            return REDUCTIONS[op.name](
                self.m, *map(self.entries_of, operands), **params
            )
        if op.family in ("linear", "bilinear"):
            return op.evaluate(*self._lifted(op, operands), **params)
        return self.refuse(op.name)

    def _lifted(self, op: Op, operands: tuple[Any, ...]) -> list[Any]:
        """The operands as numbers, but for the indices that follow them."""
        count = len(operands) if op.variadic else len(op.vjps)
        return [self.entries_of(x) for x in operands[:count]] + [
            self.index_of(x) for x in operands[count:]
        ]

    def index_of(self, x: Any) -> Any:
        if type(x) is NumberTracer and x.interpreter is self:
            return np.asarray(x.concrete()).astype(x.dtype)
        return x

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        """A function with rules of its own is run: its rules are not formulas."""
        if isinstance(function, OpaqueCall):
            self.refuse(function.name)
        with using(self):
            return tuple(function.run(operands))

    def refuse(self, name: str) -> NoReturn:
        raise SymbolicError(
            explain(
                f"{self.name}: {name} has no symbolic form here",
                why="formulas are known for arithmetic, elementary functions, where, "
                "sums, products of matrices, and for moving entries.",
                fix="write the function with those, or use wg.explain.trace, which "
                "takes every op",
            )
        )


def _place(numbers: Numbers, index: tuple[Any, ...], indices: Any) -> tuple[Any, ...]:
    """The index expression with its operands, which must have values, filled in."""
    return fill_slots(index, tuple(map(numbers.index_of, indices)))


def _getitem(numbers: Numbers, x: Any, *indices: Any, index: Any, **_: Any) -> Any:
    return numbers.entries_of(x)[_place(numbers, index, indices)]


def _update(
    numbers: Numbers, x: Any, v: Any, *indices: Any, index: Any, **_: Any
) -> Any:
    out = numbers.entries_of(x).copy()
    entries = numbers.entries_of(v)
    out[_place(numbers, index, indices)] = entries if entries.ndim else entries[()]
    return out


def _add_at(
    numbers: Numbers, x: Any, v: Any, *indices: Any, index: Any, **_: Any
) -> Any:
    out = numbers.entries_of(x).copy()
    np.add.at(out, _place(numbers, index, indices), numbers.entries_of(v))
    return out


def _same(numbers: Numbers, x: Any, **_: Any) -> Any:
    return numbers.entries_of(x)


# Ops that only move entries, and that are written for arrays of machine numbers.
MOVES: dict[str, Callable[..., Any]] = {
    "getitem": _getitem,
    "update": _update,
    "add_at": _add_at,
    "astype": _same,
    "promote": _same,
    "copy": _same,
}


def run_on(
    numbers: Numbers, fun: Callable[..., Any], args: tuple[Any, ...], entries: list[Any]
) -> Any:
    """Call a function with these numbers in place of its floating arguments.

    Returns the one result, as an array of the library's numbers.
    """
    inputs = api.collect(numbers.name, args, "args")
    with numbers.running():
        tracers = [numbers.variable(e) for e in entries]
        results, _ = api.results(api.call(fun, inputs, tracers, list))
        if len(results) != 1 or not _is_number(results[0]):
            raise SymbolicError(
                explain(
                    f"{numbers.name}: the function returned {len(results)} values"
                    if len(results) != 1
                    else f"{numbers.name}: the function returned "
                    f"{type(results[0]).__name__}, not a number or an array",
                    fix="return one number or one array",
                )
            )
        return numbers.entries_of(results[0])


def _is_number(x: Any) -> bool:
    return isinstance(x, (Tracer, np.ndarray, np.generic, int, float, complex))
