"""A program written down as it runs: every op on values that depend on the inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

from wengert._core.interp import CURRENT, Interpreter, PrimalTracer, using
from wengert._core.op import Op
from wengert._core.source import Site, user_site
from wengert._core.types import Params, is_inexact


class Ref(NamedTuple):
    """Stands in the operands of a step for a variable of the list, counted from 0."""

    number: int


Operands = tuple[Any, ...]  # each a `Ref` or a constant


class Call:
    """A call of a function with rules of its own, in the place of an op."""

    multiple = True

    def __init__(self, function: Any) -> None:
        self.function = function
        self.name: str = function.name

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        return CURRENT.get().call(self.function, operands)


class Step(NamedTuple):
    """One line: an op, its operands, and the numbers of what it makes."""

    op: Op | Call
    operands: Operands
    params: Params
    numbers: tuple[int, ...]
    site: Site

    @property
    def reads(self) -> list[int]:
        """Numbers of the variables read, each once, in the order of the operands."""
        return list(dict.fromkeys(x.number for x in self.operands if type(x) is Ref))


class RecordTracer(PrimalTracer):
    """A value with its number in the list."""

    __slots__ = ("interpreter", "number", "primal")

    def __init__(self, interpreter: Recorder, primal: Any, number: int) -> None:
        self.interpreter = interpreter
        self.primal = primal
        self.number = number

    def depends(self) -> bool:
        return is_inexact(self.dtype)


class Recorder(Interpreter):
    """Interpreter that hands every op to the one below and writes it down."""

    name = "trace"
    keeps_values = True

    def __init__(self, parent: Interpreter) -> None:
        super().__init__(parent)
        self.steps: list[Step] = []
        self.values: list[Any] = []

    def variable(self, value: Any) -> RecordTracer:
        self.values.append(value)
        return RecordTracer(self, value, len(self.values) - 1)

    def number_of(self, x: Any) -> int | None:
        own = type(x) is RecordTracer and x.interpreter is self
        return x.number if own else None

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        # The list keeps every operand: none may be overwritten by the next write.
        params = {**params, "donate": False} if "donate" in params else params
        primals, refs = self._split(operands)
        with using(self.parent):
            out = self.parent.apply(op, primals, params)
        return self._record(op, refs, params, out)

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        primals, refs = self._split(operands)
        with using(self.parent):
            out = self.parent.call(function, primals)
        return self._record(Call(function), refs, {}, out)

    def _split(self, operands: tuple[Any, ...]) -> tuple[tuple[Any, ...], Operands]:
        """The operands as the interpreter below has them, and as the list has them."""
        numbers = [self.number_of(x) for x in operands]
        primals = tuple(
            x if n is None else x.primal for x, n in zip(operands, numbers, strict=True)
        )
        refs = tuple(
            x if n is None else Ref(n) for x, n in zip(operands, numbers, strict=True)
        )
        return primals, refs

    def _record(self, op: Op | Call, refs: Operands, params: Params, out: Any) -> Any:
        if not any(type(x) is Ref for x in refs):
            return out
        results = tuple(self.variable(o) for o in (out if op.multiple else (out,)))
        made = tuple(r.number for r in results)
        self.steps.append(Step(op, refs, params, made, user_site()))
        return results if op.multiple else results[0]


def replay(steps: list[Step], values: dict[int, Any]) -> dict[int, Any]:
    """Run a list again, on the given inputs, under the current interpreter."""
    for step in steps:
        operands = [values[x.number] if type(x) is Ref else x for x in step.operands]
        out = step.op(*operands, **step.params)
        values.update(
            zip(step.numbers, out if step.op.multiple else (out,), strict=True)
        )
    return values


def needed(
    recorder: Recorder, inputs: int, outputs: list[int]
) -> tuple[list[Step], list[int]]:
    """The steps that the outputs need, renumbered, and the old number of each variable.

    What only chose the path (a comparison, an index) is not among them.
    """
    wanted = set(outputs)
    kept: list[Step] = []
    for step in reversed(recorder.steps):
        if not wanted.isdisjoint(step.numbers):
            kept.append(step)
            wanted.update(step.reads)
    kept.reverse()
    old = [*range(inputs), *(n for step in kept for n in step.numbers)]
    new = {n: i for i, n in enumerate(old)}

    def renumber(step: Step) -> Step:
        refs = tuple(Ref(new[x.number]) if type(x) is Ref else x for x in step.operands)
        numbers = tuple(new[n] for n in step.numbers)
        return step._replace(operands=refs, numbers=numbers)

    return [renumber(step) for step in kept], old
