"""Jumps that traced values decide, and checks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedScalar, wrap
from wengert._core.interp import CURRENT, Interpreter, using
from wengert._frontend.runtime import Plain, Raise, Return
from wengert._ir.control import Check
from wengert._ir.evaluate import CONTROL
from wengert._ops.arithmetic import equal
from wengert._ops.reduction import reduce_all
from wengert._ops.structure import where
from wengert._staging.replay import apply_control
from wengert._staging.stage import Stage

FALL, BREAK, CONTINUE, RETURN = range(4)
_CODES = {id(None): FALL, id(Plain.BREAK): BREAK, id(Plain.CONTINUE): CONTINUE}
_SIGNALS = {FALL: None, BREAK: Plain.BREAK, CONTINUE: Plain.CONTINUE}


class TracedSignal(NamedTuple):
    """One of several signals, by a code that is known when the program runs."""

    code: Any  # an engine value, int64
    codes: frozenset[int]  # those that it may be
    value: Any  # what is returned where the code is RETURN

    @property
    def may_continue(self) -> bool:
        return CONTINUE in self.codes

    def continues(self) -> TracedScalar:
        return wrap(equal(self.code, CONTINUE))

    def stopped(self) -> Any:
        """The signal where it is not CONTINUE."""
        return settled(self._replace(codes=self.codes - {CONTINUE}))

    @property
    def may_fall(self) -> bool:
        return FALL in self.codes

    def falls(self) -> TracedScalar:
        return wrap(equal(self.code, FALL))

    def jumped(self) -> Any:
        """The signal where it is not FALL."""
        return settled(self._replace(codes=self.codes - {FALL}))

    def without_break(self) -> Any:
        """Outside the loop, BREAK and CONTINUE are the end of it."""
        if self.codes <= {FALL, BREAK, CONTINUE}:
            return None
        if self.codes == {RETURN}:
            return Return(self.value)
        code = where(equal(self.code, RETURN), np.int64(RETURN), np.int64(FALL))
        return TracedSignal(code, frozenset({FALL, RETURN}), self.value)

    def returned(self) -> Any:
        """At the end of a function, where falling off it returns None."""
        from wengert._staging.joins import refuse_join

        if FALL in self.codes:
            refuse_join("returned value", "None", "a value")
        return self.value


def settled(signal: TracedSignal) -> Any:
    """A signal that only one code is left of, as that signal."""
    if len(signal.codes) > 1:
        return signal
    (code,) = signal.codes
    return Return(signal.value) if code == RETURN else _SIGNALS[code]


def codes_of(signal: Any) -> frozenset[int]:
    """The codes that a signal may have; none where it raises."""
    if isinstance(signal, TracedSignal):
        return signal.codes
    if isinstance(signal, Raise):
        return frozenset()
    if isinstance(signal, Return):
        return frozenset({RETURN})
    return frozenset({_CODES[id(signal)]})


def code_of(signal: Any) -> Any:
    """The code of a signal, as an engine value."""
    if isinstance(signal, TracedSignal):
        return signal.code
    return np.int64(min(codes_of(signal), default=FALL))


def value_of(signal: Any) -> Any:
    return signal.value if isinstance(signal, (TracedSignal, Return)) else None


def has_value(signal: Any) -> bool:
    return RETURN in codes_of(signal)


# -- checks ----------------------------------------------------------------------------


class CheckFunction:
    """A check under every interpreter: it is staged as it is, below all tracers."""

    multiple = True
    name = "check"

    def __init__(self, op: Check) -> None:
        self.op = op

    def run(self, operands: Any) -> Any:
        """Also a condition that is known belongs to the branch that is being staged."""
        stage = next((i for i in CURRENT.get().chain() if isinstance(i, Stage)), None)
        if stage is None:
            return CONTROL["check"](self.op, list(operands))
        return stage.call(self, operands)

    def on_stage(self, stage: Any, operands: Any) -> Any:
        return self.op, [stage.lift(x) for x in operands], []

    def on_dual(self, dual: Interpreter, operands: Any) -> tuple[Any, ...]:
        return self._below(dual, operands, "primal")

    def on_tape(self, tape: Interpreter, operands: Any) -> tuple[Any, ...]:
        return self._below(tape, operands, "primal")

    def on_batch(self, batch: Interpreter, operands: Any) -> tuple[Any, ...]:
        holds = operands[0].value
        with using(batch.parent):
            every = reduce_all(holds, axes=(0,))
            return apply_control(self.op, (every,))

    def _below(self, interpreter: Any, operands: Any, part: str) -> tuple[Any, ...]:
        given = [getattr(x, part, x) for x in operands]
        with using(interpreter.parent):
            return apply_control(self.op, given)


def emit_check(holds: Any, error: BaseException) -> None:
    """Raise this error where the condition is false."""
    apply_control(Check(lambda *_: _anew(error)), (holds,))


def emit_raise(signal: Raise) -> None:
    """Raise where the program comes here, as ``raise exception from cause`` does."""
    error = _instance(signal.exception())
    if signal.cause is not None:
        error.__cause__ = _instance(signal.cause())
    emit_check(False, error)


def _instance(error: Any) -> Any:
    return error() if isinstance(error, type) else error


def _anew(error: BaseException) -> BaseException:
    """An exception like this one, which has no traceback, context and notes yet."""
    cls = type(error)
    native = next(c for c in cls.__mro__ if c.__module__ == "builtins")
    copy = native.__new__(cls, *error.args)
    native.__init__(copy, *error.args)  # type: ignore[misc]
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error.__cause__
    copy.__suppress_context__ = error.__suppress_context__
    return copy
