"""What converted code calls under `jit`: control flow that traced values decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._array.traced import TracedArray, wrap
from wengert._control import loops
from wengert._core.interp import CURRENT
from wengert._frontend import outside
from wengert._frontend.runtime import Block, Plain, Raise
from wengert._ir.control import Print
from wengert._modes.checkpoint import inherited
from wengert._ops.arithmetic import logical_not
from wengert._staging import control  # noqa: F401  (tells `replay` what it applies)
from wengert._staging.branches import stage_branch
from wengert._staging.cells import Cells
from wengert._staging.combinators import Combinators
from wengert._staging.lists import StagedList
from wengert._staging.loops import TestChanges, stage_for, stage_while
from wengert._staging.messages import Mark, filled, marked, recording
from wengert._staging.prune import is_heard
from wengert._staging.ranges import (
    Range,
    refuse_changed_lists,
    span_of,
    staged_enumerate,
    staged_zip,
)
from wengert._staging.recursion import entered
from wengert._staging.recursive import Recursing
from wengert._staging.region import Region
from wengert._staging.replay import apply_control
from wengert._staging.signals import TracedSignal, emit_check, leave
from wengert._staging.stage import FunctionStage, function_stage, innermost, reached
from wengert._staging.truth import is_staged, truth

UNROLLED = 4  # a loop of so few steps is written out


class Staged(Plain):
    """Python's meaning, and a region where a traced value decides."""

    def counterparts(self) -> Iterable[tuple[Any, Any]]:
        own = Combinators(self, UNROLLED).counterparts()
        return (
            (range, staged_range),
            (loops.range, staged_range),
            (zip, staged_zip),
            (enumerate, staged_enumerate),
            (print, staged_print),
            (list, staged_list),
            *own,
            *outside.counterparts(),
        )

    def bound(self, method: Any) -> Any:
        return outside.bound(method)

    def entered(self, function: Any, converted: Any) -> Any:
        return entered(function, converted)

    # -- statements --------------------------------------------------------------------

    def if_(
        self,
        test: Any,
        then: Block,
        orelse: Block | None,
        written: tuple[str, ...],
        rest: Block | None,
    ) -> Any:
        if not is_staged(test):
            signal = (then if test else orelse or _nothing)()
        else:
            signal, rest = stage_branch(
                truth(test), then, orelse or _nothing, written, rest
            )
        return self.after(signal, rest, written)

    def after(self, signal: Any, rest: Block | None, written: tuple[str, ...]) -> Any:
        """The rest of a block, where the signal says that it is reached."""
        if rest is None or (
            signal is not None and not isinstance(signal, TracedSignal)
        ):
            return signal
        if signal is None:
            return rest()
        if not signal.may_fall:
            return signal
        return self.if_(signal.falls(), rest, signal.jumped, written, None)

    def for_(
        self,
        iterable: Any,
        body: Callable[[Any], Any],
        orelse: Block | None,
        written: tuple[str, ...],
        rest: Block | None,
    ) -> Any:
        span = span_of(iterable)
        if span is None or not span.is_staged(UNROLLED):
            signal = self._steps(iter(iterable), body, written)
        else:
            signal = self._staged_loop(
                lambda: stage_for(span, body, written), (body,), written
            )
            refuse_changed_lists(span)
        return self._after_loop_signal(signal, orelse, written, rest)

    def _steps(
        self, items: Iterator[Any], body: Callable[[Any], Any], written: tuple[str, ...]
    ) -> Any:
        """The body for each item, written out; the signal at the end."""
        for item in items:
            signal = body(item)
            if signal is self.CONTINUE:
                continue
            if not isinstance(signal, TracedSignal) or not signal.may_continue:
                return signal
            remaining = partial(self._steps, items, body, written)
            return self._going_on(signal, remaining, (body,), written)
        return None

    def _going_on(
        self, signal: TracedSignal, remaining: Block, blocks: Any, written: Any
    ) -> Any:
        """What is left of a loop, where the signal of a step is CONTINUE."""
        goes_on = truth(signal.continues())
        return stage_branch(
            goes_on, remaining, signal.stopped, written, None, scope=blocks
        )[0]

    def while_(
        self,
        test: Block,
        body: Block,
        orelse: Block | None,
        written: tuple[str, ...],
        rest: Block | None,
    ) -> Any:
        signal = self._staged_loop(
            lambda: self._rounds(test, body, written), (test, body), written
        )
        return self._after_loop_signal(signal, orelse, written, rest)

    def _staged_loop(
        self, loop: Block, blocks: tuple[Any, ...], written: tuple[str, ...]
    ) -> Any:
        """A loop; without a step where its steps recur, and a path is looked for."""
        stage = function_stage()
        if stage is None or not stage.exploring:
            return loop()
        cells = Cells(blocks, written)
        entry = cells.read()
        try:
            return loop()
        except Recursing:
            cells.write(entry)
            return None

    def _rounds(self, test: Block, body: Block, written: tuple[str, ...]) -> Any:
        """The body as long as the test holds; the signal at the end."""
        while True:
            equations = innermost().equations
            start = len(equations)
            holds = test()
            if is_staged(holds):
                if any(map(is_heard, equations[start:])):
                    return self._tested_behind(holds, test, body, written)
                return self._while(test, body, written, lambda: holds)
            if not holds:
                return None
            signal = body()
            if isinstance(signal, TracedSignal) and signal.may_continue:
                remaining = partial(self._while, test, body, written, test)
                return self._going_on(signal, remaining, (test, body), written)
            if signal is not self.CONTINUE:
                return signal

    def _while(
        self, test: Block, body: Block, written: tuple[str, ...], first: Block
    ) -> Any:
        """A staged loop; `first` gives what the test does before the first step."""
        try:
            return stage_while(test, body, written)
        except TestChanges:
            return self._tested_behind(first(), test, body, written)

    def _tested_behind(
        self, holds: Any, test: Block, body: Block, written: tuple[str, ...]
    ) -> Any:
        """A loop whose test prints or changes something: once before each step."""
        __wg_going__ = wrap(truth(holds))

        def proceed() -> Any:
            nonlocal __wg_going__
            __wg_going__ = wrap(truth(test()))
            return self.CONTINUE

        def step() -> Any:
            signal = body()
            if isinstance(signal, TracedSignal) and signal.may_continue:
                names = (*written, "__wg_going__")
                scope = (test, body)
                goes_on = truth(signal.continues())
                return stage_branch(
                    goes_on, proceed, signal.stopped, names, None, scope
                )[0]
            return proceed() if signal is self.CONTINUE else signal

        return stage_while(
            lambda: __wg_going__,
            step,
            (*written, "__wg_going__"),
            blocks=(proceed, test, body),
        )

    def _after_loop_signal(
        self, signal: Any, orelse: Block | None, written: tuple[str, ...], rest: Any
    ) -> Any:
        """`signal`: None at the end of the range, BREAK, or what is decided later."""
        if orelse is None:
            signal = self._outside(signal)
        elif signal is None:
            signal = orelse()  # its jumps are those of the loop around
        elif isinstance(signal, TracedSignal) and signal.may_fall:
            signal = self.if_(
                signal.falls(),
                orelse,
                lambda: self._outside(signal.jumped()),
                written,
                None,
            )
        else:
            signal = self._outside(signal)
        return self.after(signal, rest, written)

    def _outside(self, signal: Any) -> Any:
        """The signal of a loop behind it, where its BREAK is the end of it."""
        if isinstance(signal, TracedSignal):
            return signal.without_break()
        return None if signal is self.BREAK else signal

    def raise_(
        self, exception: Callable[[], Any], cause: Callable[[], Any] | None = None
    ) -> Any:
        if not isinstance(CURRENT.get(), Region):
            super().raise_(exception, cause)
        return Raise(exception, cause)

    def assert_(self, test: Any, message: Callable[[], Any] | None = None) -> None:
        if not is_staged(test):
            return super().assert_(test, message)

        def error() -> AssertionError:
            return AssertionError(*(() if message is None else (message(),)))

        emit_check(truth(test), error)
        return None

    def result(self, signal: Any) -> Any:
        if isinstance(signal, TracedSignal):
            return signal.returned()
        if isinstance(signal, Raise):
            if isinstance(CURRENT.get(), Region):
                leave(signal)
            return None  # every path raises when the program runs
        return super().result(signal)

    # -- expressions -------------------------------------------------------------------

    def reached(self, value: Any) -> Any:
        return reached(value)

    def stored(self, value: Any) -> Any:
        """An array from outside stays what it is there."""
        stage = function_stage()
        if stage is None or not isinstance(value, TracedArray):
            return value
        return next((x for x, own in stage.inputs.values() if own is value), value)

    def listed(self, items: Any) -> Any:
        return staged_list(items)

    def and_(self, first: Any, *others: Callable[[], Any]) -> Any:
        for i, other in enumerate(others):
            if is_staged(first):
                rest, value = others[i:], first
                return self.choose(
                    value, lambda: self.and_(rest[0](), *rest[1:]), lambda: value
                )
            if not first:
                return first
            first = other()
        return first

    def or_(self, first: Any, *others: Callable[[], Any]) -> Any:
        for i, other in enumerate(others):
            if is_staged(first):
                rest, value = others[i:], first
                return self.choose(
                    value, lambda: value, lambda: self.or_(rest[0](), *rest[1:])
                )
            if first:
                return first
            first = other()
        return first

    def not_(self, operand: Any) -> Any:
        if not is_staged(operand):
            return not operand
        return wrap(logical_not(truth(operand)))

    def choose(
        self,
        test: Any,
        then: Callable[[], Any],
        orelse: Callable[[], Any],
    ) -> Any:
        if not is_staged(test):
            return then() if test else orelse()
        signal, _ = stage_branch(
            truth(test),
            lambda: self.Return(then()),
            lambda: self.Return(orelse()),
            (),
            None,
        )
        return self.result(signal)

    def equal(self, left: Any, right: Any) -> Any:
        if not _are_shapes(left, right):
            return left == right
        if len(left) != len(right):
            return False
        same = (wrap(truth(x)) for x in map(self.equal, left, right))
        return reduce(wnp.logical_and, same, True)

    def not_equal(self, left: Any, right: Any) -> Any:
        if not _are_shapes(left, right):
            return left != right
        return self.not_(self.equal(left, right))

    def in_(self, item: Any, container: Any) -> Any:
        if isinstance(container, (TracedArray, np.ndarray)):
            if is_staged(container) or is_staged(item):
                return wnp.any(container == item)
        elif is_staged(item) and isinstance(container, (tuple, list, range)):
            return reduce(wnp.logical_or, (item == x for x in container), False)
        return super().in_(item, container)

    def not_in(self, item: Any, container: Any) -> Any:
        return self.not_(self.in_(item, container))

    def compare(self, left: Any, *links: Any) -> Any:
        if len(links) == 2:
            return super().compare(left, *links)
        right = links[1]()
        result = super().compare(left, links[0], lambda: right)
        return self.and_(result, lambda: self.compare(right, *links[2:]))


def staged_range(
    *bounds: Any, unroll: bool = False, parallel: bool = False, checkpoints: Any = None
) -> Any:
    """``range``, whose bounds may be traced."""
    known = not any(map(is_staged, bounds))
    plain = loops.range(
        *(bounds if known else (0,)),
        unroll=unroll,
        parallel=parallel,
        checkpoints=checkpoints,
    )
    if known:
        start, stop, step = plain.start, plain.stop, plain.step
    else:
        start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    return Range(start, stop, step, unroll, inherited(checkpoints))


def staged_list(*items: Any) -> Any:
    """``list``: a list that may grow in a region."""
    if not any(isinstance(i, FunctionStage) for i in CURRENT.get().chain()):
        return list(*items)
    if items and isinstance(items[0], StagedList):
        return items[0].copy()
    return StagedList(*items)


def staged_print(
    *values: Any, sep: Any = " ", end: Any = "\n", file: Any = None, flush: Any = False
) -> None:
    """``print``, whenever the program runs."""
    if not any(isinstance(i, FunctionStage) for i in CURRENT.get().chain()):
        return print(*values, sep=sep, end=end, file=file, flush=flush)
    with recording() as shown:
        parts = [
            v if isinstance(v, (Mark, tuple, list)) else str(v)
            for v in map(marked, values)
        ]

    def show(*numbers: Any) -> None:
        given = (filled(part, numbers) for part in parts)
        print(*given, sep=sep, end=end, file=file, flush=flush)

    apply_control(Print(show), shown)
    return None


def _are_shapes(left: Any, right: Any) -> bool:
    return type(left) is type(right) and (_is_shape(left) or _is_shape(right))


def _is_shape(value: Any) -> bool:
    """Whether Python compares an object entry by entry, and some are staged."""
    return type(value) in (tuple, list) and any(
        is_staged(entry) or _is_shape(entry) for entry in value
    )


def _nothing() -> None:
    """A branch that is not there."""
