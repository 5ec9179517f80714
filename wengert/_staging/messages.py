"""Texts with the numbers of staged values, which are known when the program runs.

While a message is made, a staged value is shown as a mark; when it is needed, numbers
take the place of the marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core.interp import CURRENT, Tracer
from wengert._core.tree import Listed

_MARK = re.compile("\0(\\d+)\0(.*?)\0", re.DOTALL)


class Mark:
    """Stands for the number of a value, in a text or as an argument of an exception."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __format__(self, spec: str) -> str:
        return f"\0{self.place}\0{spec}\0"

    def __repr__(self) -> str:
        return format(self, "")


@contextmanager
def recording() -> Iterator[list[Any]]:
    """The values that a message shows, in the order of their marks."""
    values: list[Any] = []

    def mark(value: Any) -> Mark:
        values.append(value)
        return Mark(len(values) - 1)

    interpreter = CURRENT.get()
    earlier, interpreter.marking = interpreter.marking, mark
    try:
        yield values
    finally:
        interpreter.marking = earlier


def marked(x: Any) -> Any:
    """An object with marks for the traced values that it is, or has as entries."""
    if isinstance(x, Listed):
        x = x.as_tree()
    if type(x) in (tuple, list):
        return type(x)(map(marked, x))
    if isinstance(x, (TracedArray, TracedScalar)):
        value = unwrap(x)
        return value.shown() if isinstance(value, Tracer) else value
    return x


def filled(x: Any, numbers: Sequence[Any]) -> Any:
    """An object with these numbers in the place of marks."""
    if isinstance(x, Mark):
        return numbers[x.place]
    if isinstance(x, str):
        return _MARK.sub(lambda m: format(numbers[int(m[1])], m[2]), x)
    if type(x) in (tuple, list):
        return type(x)(filled(item, numbers) for item in x)
    return x


def made(
    exception: Callable[[], Any], cause: Callable[[], Any] | None = None
) -> BaseException:
    """The exception of ``raise exception() from cause()``."""
    error = exception()
    if isinstance(error, type):
        error = error()
    if cause is not None:
        error.__cause__ = cause()
    return error


def deferred(
    exception: Callable[[], Any], cause: Callable[[], Any] | None = None
) -> tuple[Callable[..., BaseException], list[Any]]:
    """``error(*numbers)`` makes an exception; the values whose numbers it is given."""
    with recording() as values:
        error = made(exception, cause)
        args = marked(error.args)
        state = {k: marked(v) for k, v in vars(error).items()}
    return partial(_made, error, args, state), values


def _made(error: BaseException, args: Any, state: Any, *numbers: Any) -> BaseException:
    kind = type(error)
    new = kind.__new__(kind, *filled(args, numbers))
    new.args = filled(args, numbers)
    new.__dict__.update({k: filled(v, numbers) for k, v in state.items()})
    new.__cause__ = error.__cause__
    return new
