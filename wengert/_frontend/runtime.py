"""What converted code calls: control flow with Python's own meaning.

A branch, loop body or rest of a block is a function without parameters (a loop body
takes the item) that shares the user's variables as cells. It returns a signal: None
when it fell off its end, `BREAK`, `CONTINUE` (also at the end of every loop body), a
`Return` or a `Raise`. The compiler's runtime is a subclass: it overrides the methods
whose argument may be a traced value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import wengert.numpy as wnp
from wengert._array.traced import TracedScalar
from wengert._frontend import outside

Block = Callable[[], Any]  # a branch, or the rest of a block; returns a signal


class Signal:
    """A jump that needs no value."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class Return(NamedTuple):
    """The function returns this value."""

    value: Any


class Raise(NamedTuple):
    """The function raises; exception and cause are evaluated when asked for."""

    exception: Callable[[], Any]
    cause: Callable[[], Any] | None


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda item, container: item in container,
    "not in": lambda item, container: item not in container,
}


class Plain:
    """Python's meaning of every construct.

    `written` is the tuple of names that the functions of a construct may rebind; each
    is a free variable of one of them, unless it is global.
    """

    BREAK = Signal("BREAK")
    CONTINUE = Signal("CONTINUE")
    Return = Return
    callee: Callable[[Any], Any]  # what to call in place of a function; see `api`

    def counterparts(self) -> Iterable[tuple[Any, Any]]:
        """Further pairs of a function and what is called in its place."""
        return outside.drawing_once()

    def bound(self, method: Any) -> Any:
        """What is called in place of a bound method; None: what stands for others."""
        return outside.drawing_method(method)

    def entered(self, function: Any, converted: Any) -> Any:
        """What is called in place of a converted function."""
        return converted

    # -- statements --------------------------------------------------------------------

    def if_(
        self,
        test: Any,
        then: Block,
        orelse: Block | None,
        written: tuple[str, ...],
        rest: Block | None,
    ) -> Any:
        """``if test: then() else: orelse()``, and the rest of the block."""
        branch = then if test else orelse
        signal = None if branch is None else branch()
        return rest() if signal is None and rest is not None else signal

    def for_(
        self,
        iterable: Iterable[Any],
        body: Callable[[Any], Any],
        orelse: Block | None,
        written: tuple[str, ...],
        rest: Block | None,
    ) -> Any:
        """``for item in iterable: body(item)``, its else, and the rest of the block."""
        for item in iterable:
            signal = body(item)
            if signal is self.BREAK:
                return None if rest is None else rest()
            if signal is not self.CONTINUE:
                return signal
        return self._after_loop(orelse, rest)

    def while_(
        self,
        test: Block,
        body: Block,
        orelse: Block | None,
        written: tuple[str, ...],
        rest: Block | None,
    ) -> Any:
        """``while test(): body()``, its else, and the rest of the block."""
        while test():
            signal = body()
            if signal is self.BREAK:
                return None if rest is None else rest()
            if signal is not self.CONTINUE:
                return signal
        return self._after_loop(orelse, rest)

    def _after_loop(self, orelse: Block | None, rest: Block | None) -> Any:
        signal = None if orelse is None else orelse()
        return rest() if signal is None and rest is not None else signal

    def after(self, signal: Any, rest: Block | None, written: tuple[str, ...]) -> Any:
        """The rest of a block, after a `with` or `match` that gave this signal."""
        return rest() if signal is None and rest is not None else signal

    def result(self, signal: Any) -> Any:
        """What the function returns when its top block gave this signal."""
        return None if signal is None else signal.value

    def raise_(
        self, exception: Callable[[], Any], cause: Callable[[], Any] | None = None
    ) -> Any:
        """``raise exception() from cause()``; `cause` is None without ``from``."""
        if cause is None:
            raise exception()
        raise exception() from cause()

    def assert_(self, test: Any, message: Callable[[], Any] | None = None) -> None:
        """``assert test, message()``."""
        if not test:
            if message is None:
                raise AssertionError
            raise AssertionError(message())

    # -- expressions -------------------------------------------------------------------

    def reached(self, value: Any) -> Any:
        """A value read from a global or closure, an attribute or an item."""
        return value

    def indexed(self, value: Any) -> Any:
        """What ``[...]``, ``[None]`` or ``[()]`` is read of, as of NumPy's scalars."""
        return wnp.asarray(value) if isinstance(value, TracedScalar) else value

    def stored(self, value: Any) -> Any:
        """A value as it is stored in an attribute."""
        return value

    def listed(self, items: Any) -> Any:
        """A list that a display or comprehension makes."""
        return items

    def and_(self, first: Any, *others: Callable[[], Any]) -> Any:
        """``first and others[0]() and ...``."""
        for other in others:
            if not first:
                break
            first = other()
        return first

    def or_(self, first: Any, *others: Callable[[], Any]) -> Any:
        """``first or others[0]() or ...``."""
        for other in others:
            if first:
                break
            first = other()
        return first

    def not_(self, operand: Any) -> Any:
        return not operand

    def choose(
        self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any]
    ) -> Any:
        """``then() if test else orelse()``."""
        return then() if test else orelse()

    def compare(self, left: Any, *links: Any) -> Any:
        """``left < links[1]() < links[3]()``, its operators ``links[0]``, ...."""
        result: Any = True
        for symbol, operand in zip(links[::2], links[1::2], strict=True):
            if not result:
                break
            right = operand()
            result = COMPARISONS[symbol](left, right)
            left = right
        return result

    def equal(self, left: Any, right: Any) -> Any:
        return left == right

    def not_equal(self, left: Any, right: Any) -> Any:
        return left != right

    def in_(self, item: Any, container: Any) -> Any:
        return item in container

    def not_in(self, item: Any, container: Any) -> Any:
        return item not in container
