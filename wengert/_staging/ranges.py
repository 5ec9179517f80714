"""What a loop runs over: ranges whose bounds may be traced, and rows of arrays."""

from __future__ import annotations

import builtins
import functools
import operator
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert._array.traced import TracedArray, unwrap, wrap
from wengert._ops.arithmetic import (
    floor_divide,
    greater_equal,
    less_equal,
    maximum,
    minimum,
    not_equal,
    sign,
)
from wengert._staging.lists import Entries, StagedList
from wengert._staging.signals import emit_check
from wengert._staging.stage import reached
from wengert._staging.truth import is_staged

FEW_INTEGERS = 64  # written out: they may be lengths or places, wanted as Python's
_ZERO_STEP = "range() arg 3 must not be zero"


class Range:
    """The items of ``range(start, stop, step)``, whose bounds may be traced."""

    def __init__(
        self,
        start: Any,
        stop: Any,
        step: Any,
        unroll: bool = False,
        checkpoints: Any = None,
    ) -> None:
        self.bounds = start, stop, step
        self.unroll = unroll
        self.checkpoints = checkpoints

    def plain(self) -> builtins.range:
        """Python's range; an error where a bound is traced."""
        return builtins.range(*map(operator.index, self.bounds))

    def __iter__(self) -> Iterator[int]:
        return iter(self.plain())

    def __len__(self) -> int:
        return len(self.plain())

    def __getitem__(self, i: Any) -> Any:
        return self.plain()[i]

    def __contains__(self, x: Any) -> bool:
        return x in self.plain()

    def __reversed__(self) -> Iterator[int]:
        return reversed(self.plain())

    @property
    def is_static(self) -> bool:
        return all(isinstance(x, int) for x in self.bounds)

    def is_staged(self, unrolled: int) -> bool:
        """Whether it is worth a loop, or needs one."""
        return not self.is_static or (not self.unroll and len(self.plain()) > unrolled)

    def length(self) -> Any:
        """The number of items, as an engine value."""
        if self.is_static:
            return len(self.plain())
        start, stop, step = (unwrap(x) for x in self.bounds)
        if not isinstance(step, int):
            emit_check(not_equal(step, 0), lambda: ValueError(_ZERO_STEP))
            span = floor_divide(stop - start + step - sign(step), step)
        elif step == 0:
            raise ValueError(_ZERO_STEP)
        else:
            span = stop if isinstance(start, int) and start == 0 else stop - start
            if step != 1:
                span = floor_divide(span + (step - (1 if step > 0 else -1)), step)
        return maximum(span, 0)

    def item(self, i: Any) -> Any:
        """The i-th item; i is an engine value."""
        start, _, step = (x if isinstance(x, int) else unwrap(x) for x in self.bounds)
        scaled = i if isinstance(step, int) and step == 1 else i * step
        return wrap(scaled if isinstance(start, int) and start == 0 else start + scaled)


class Rows:
    """The rows of a traced array."""

    checkpoints: Any = None

    def __init__(self, array: TracedArray) -> None:
        self.array = array

    def __iter__(self) -> Iterator[Any]:
        return iter(self.array)

    def is_staged(self, unrolled: int) -> bool:
        n = self.length()
        whole = self.array.dtype.kind in "biu" and not is_staged(self.array)
        return not isinstance(n, int) or n > (FEW_INTEGERS if whole else unrolled)

    def length(self) -> Any:
        return unwrap(self.array.shape[0])

    def item(self, i: Any) -> Any:
        return self.array[wrap(i)]


class Zip:
    """Several of these side by side, as long as the shortest."""

    checkpoints: Any = None

    def __init__(self, parts: Sequence[Any], strict: bool = False) -> None:
        self.parts = parts
        self.strict = strict

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.parts, strict=self.strict)

    def is_staged(self, unrolled: int) -> bool:
        return any(part.is_staged(unrolled) for part in self.parts)

    def length(self) -> Any:
        first, *others = lengths = [part.length() for part in self.parts]
        if self.strict:
            for i, other in enumerate(others, 2):
                _check_length(i, other, first)
        return functools.reduce(_shorter, lengths)

    def item(self, i: Any) -> tuple[Any, ...]:
        return tuple(part.item(i) for part in self.parts)


def _check_length(i: int, length: Any, first: Any) -> None:
    """Python's errors of ``zip(..., strict=True)``, before the first step."""
    others = "argument 1" if i == 2 else f"arguments 1-{i - 1}"
    shorter = ValueError(f"zip() argument {i} is shorter than {others}")
    longer = ValueError(f"zip() argument {i} is longer than {others}")
    emit_check(greater_equal(length, first), lambda: shorter)
    emit_check(less_equal(length, first), lambda: longer)


def _shorter(a: Any, b: Any) -> Any:
    known = isinstance(a, int) and isinstance(b, int)
    return min(a, b) if known else minimum(a, b)


Span: TypeAlias = Range | Rows | Zip | Entries


def span_of(iterable: Any) -> Span | None:
    """What a staged loop can run over; None for any other iterable."""
    if isinstance(iterable, (Range, Rows, Zip)):
        return iterable
    if isinstance(iterable, StagedList) and iterable.grown:
        return Entries(iterable)
    if isinstance(iterable, builtins.range):
        return Range(iterable.start, iterable.stop, iterable.step)
    if type(iterable) is np.ndarray and iterable.ndim:
        iterable = _as_input(iterable)
    if isinstance(iterable, TracedArray) and iterable.ndim:
        return Rows(iterable)
    return None


def _as_input(array: np.ndarray) -> Any:
    """The rows of an array that staging knows not are an input's too."""
    few = array.dtype.kind in "biu" and len(array) <= FEW_INTEGERS
    return array if few else reached(array)


def refuse_changed_lists(span: Span) -> None:
    """Raise if a loop over lists has changed how many entries one of them has."""
    if isinstance(span, Entries):
        span.refuse_change()
    elif isinstance(span, Zip):
        for part in span.parts:
            refuse_changed_lists(part)


def staged_zip(*iterables: Any, strict: bool = False) -> Any:
    """``zip``, of arrays whose rows a staged loop may run over."""
    parts = [span_of(x) for x in iterables]
    if not parts or None in parts:
        return zip(*iterables, strict=strict)
    return Zip(parts, strict)


def staged_enumerate(iterable: Any, start: Any = 0) -> Any:
    """``enumerate``, of an array whose rows a staged loop may run over."""
    span = span_of(iterable)
    if span is None:
        return enumerate(iterable, start)
    return Zip([Range(start, start + wrap(span.length()), 1), span])
