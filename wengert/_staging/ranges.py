"""Ranges whose bounds may be traced."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator
from typing import Any

from wengert._array.traced import unwrap
from wengert._ops.arithmetic import floor_divide, maximum, not_equal, sign
from wengert._staging.signals import emit_check

_ZERO_STEP = "range() arg 3 must not be zero"


class Range:
    """The items of ``range(start, stop, step)``, whose bounds may be traced."""

    def __init__(self, start: Any, stop: Any, step: Any, unroll: bool = False) -> None:
        self.bounds = start, stop, step
        self.unroll = unroll

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

    @classmethod
    def of(cls, iterable: Any) -> Range | None:
        if isinstance(iterable, Range):
            return iterable
        if isinstance(iterable, builtins.range):
            return cls(iterable.start, iterable.stop, iterable.step)
        return None

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
            emit_check(not_equal(step, 0), ValueError(_ZERO_STEP))
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
        return scaled if isinstance(start, int) and start == 0 else start + scaled
