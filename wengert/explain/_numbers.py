"""A program run on the numbers of another library: SymPy's symbols, mpmath's digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert._core.interp import EVALUATE, Interpreter, Tracer
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import ArrayType, Params, is_inexact, type_of
from wengert._modes import api
from wengert._ops.indexing import fill_slots
from wengert.errors import SymbolicError
from wengert.explain._formulas import FORMULAS


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
        lifted = np.frompyfunc(self.lift, 1, 1)(boxed(np.asarray(x)))
        return boxed(lifted)

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        own = [type(x) is NumberTracer and x.interpreter is self for x in operands]
        if not any(own):
            return EVALUATE.apply(op, operands, params)
        if op.name in FORMULAS:
            formula = np.frompyfunc(
                partial(FORMULAS[op.name], self.m), len(operands), 1
            )
            out = formula(*map(self.entries_of, operands))
        elif op.name in MOVES:
            out = MOVES[op.name](self, *operands, **params)
        elif op.family in ("linear", "bilinear"):
            out = op.evaluate(*map(self.entries_of, operands), **params)
        else:
            self.refuse(op)
        kind = self._type(op, operands, params).dtype
        return NumberTracer(
            self, boxed(np.frompyfunc(self.lift, 1, 1)(boxed(out))), kind
        )

    def _type(self, op: Op, operands: tuple[Any, ...], params: Params) -> ArrayType:
        return op.abstract(*map(type_of, operands), **params)

    def refuse(self, op: Op) -> None:
        raise SymbolicError(
            explain(
                f"{self.name}: the op {op.name} has no symbolic form here",
                why="formulas are known for arithmetic, elementary functions, where, "
                "sums, products of matrices, and for moving entries.",
                fix="write the function with those, or use wg.explain.trace, which "
                "takes every op",
            )
        )


def _place(index: tuple[Any, ...], indices: Any) -> tuple[Any, ...]:
    """The index expression with its operands, which must have values, filled in."""
    known = [
        np.asarray(i.concrete()).astype(i.dtype) if type(i) is NumberTracer else i
        for i in indices
    ]
    return fill_slots(index, tuple(known))


def _getitem(numbers: Numbers, x: Any, *indices: Any, index: Any, **_: Any) -> Any:
    return numbers.entries_of(x)[_place(index, indices)]


def _update(
    numbers: Numbers, x: Any, v: Any, *indices: Any, index: Any, **_: Any
) -> Any:
    out = numbers.entries_of(x).copy()
    entries = numbers.entries_of(v)
    out[_place(index, indices)] = entries if entries.ndim else entries[()]
    return out


def _add_at(
    numbers: Numbers, x: Any, v: Any, *indices: Any, index: Any, **_: Any
) -> Any:
    out = numbers.entries_of(x).copy()
    np.add.at(out, _place(index, indices), numbers.entries_of(v))
    return out


def _same(numbers: Numbers, x: Any, **_: Any) -> Any:
    return numbers.entries_of(x)


# Ops that only move entries, and that are written for arrays of machine numbers.
MOVES: dict[str, Callable[..., Any]] = {
    "getitem": _getitem,
    "update": _update,
    "add_at": _add_at,
    "astype": _same,
    "copy": _same,
    "conj": _same,
    "real": _same,
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
