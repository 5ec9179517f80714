"""Jumps that traced values decide, and checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from wengert._array.traced import TracedScalar, wrap
from wengert._core.interp import Interpreter, using
from wengert._core.types import type_of
from wengert._frontend.runtime import Plain, Raise, Return
from wengert._ir.control import Check, Effect
from wengert._ir.evaluate import CONTROL
from wengert._modes.batch import Batch, BatchTracer
from wengert._ops.arithmetic import equal
from wengert._ops.reduction import reduce_all
from wengert._ops.structure import where
from wengert._staging.batched import lane_by_lane
from wengert._staging.messages import deferred, made, recording
from wengert._staging.replay import apply_control

FALL, BREAK, CONTINUE, RETURN = range(4)
_CODES = {id(None): FALL, id(Plain.BREAK): BREAK, id(Plain.CONTINUE): CONTINUE}
_SIGNALS = {FALL: None, BREAK: Plain.BREAK, CONTINUE: Plain.CONTINUE}
_ENDS = "_wengert_ends"  # of an exception: the signal of the path that it ends


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


# -- paths that raise ------------------------------------------------------------------


def leave(signal: Raise) -> NoReturn:
    """Raise, as the function does that is being staged, so that its callers end too."""
    with recording():
        error = made(*signal)
    vars(error)[_ENDS] = signal
    raise error


def signal_of(run: Callable[[], Any]) -> Any:
    """The signal of a block, which a function that it calls may have left."""
    try:
        return run()
    except Exception as error:
        signal = vars(error).pop(_ENDS, None)
        if signal is None:
            raise
        return signal


def checked(run: Callable[[], Any]) -> Any:
    """The signal of a block; where it raises, that is a check of the program."""
    signal = signal_of(run)
    if isinstance(signal, Raise):
        emit_check(False, *signal)
    return signal


# -- checks ----------------------------------------------------------------------------


class EffectFunction:
    """An effect under every interpreter: it is staged as it is, below all tracers."""

    multiple = True

    def __init__(self, op: Effect) -> None:
        self.op = op
        self.name = op.name

    def run(self, operands: Any) -> list[Any]:
        return CONTROL[self.name](self.op, list(operands), {})

    def on_stage(self, stage: Any, operands: Any) -> Any:
        return self.op, [stage.lift(x) for x in operands], []

    def on_dual(self, dual: Interpreter, operands: Any) -> tuple[Any, ...]:
        return self._below(dual, operands, "primal")

    def on_tape(self, tape: Interpreter, operands: Any) -> tuple[Any, ...]:
        return self._below(tape, operands, "primal")

    def on_batch(self, batch: Batch, operands: Any) -> tuple[Any, ...]:
        """For each lane; of checks that fail, the first one says why."""
        own = [type(x) is BatchTracer and x.interpreter is batch for x in operands]
        values = [x.value if o else x for x, o in zip(operands, own, strict=True)]
        lane = [type_of(x) for x in operands]
        with using(batch.parent):
            if isinstance(self.op, Check) and not any(own[1:]):
                every = reduce_all(values[0], axes=(0,))
                return apply_control(self.op, (every, *values[1:]))
            lane_by_lane(self.op, batch.size, values, own, lane)
        return ()

    def _below(self, interpreter: Any, operands: Any, part: str) -> tuple[Any, ...]:
        given = [getattr(x, part, x) for x in operands]
        with using(interpreter.parent):
            return apply_control(self.op, given)


def emit_check(
    holds: Any,
    exception: Callable[[], Any],
    cause: Callable[[], Any] | None = None,
) -> None:
    """Raise an exception where the condition is false.

    It is made once, with marks for staged values, and anew where the check fails.
    """
    error, values = deferred(exception, cause)
    apply_control(Check(error), (holds, *values))
