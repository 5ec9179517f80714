"""Calls whose answer comes from outside: another one whenever the code runs.

Compiled code would keep the first answer. A checkpointed function would draw other
random numbers when it is run again for its derivative.
"""

from __future__ import annotations

import builtins
import datetime
import functools
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from wengert._core.source import explain
from wengert._modes.block import is_run_again
from wengert.errors import CheckpointError, StagedValueError

Pair = tuple[Any, Callable[..., Any]]
DRAWING = (
    np.random.Generator,
    np.random.RandomState,
    np.random.BitGenerator,
    random.Random,
)
# Those that are no methods of the generator that they use.
_FUNCTIONS = {
    f"numpy.random.{name}": vars(np.random)[name] for name in ("ranf", "sample", "seed")
}
_CLOCKS = (
    "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time "
    "process_time_ns localtime gmtime"
).split()
_CALL = "call it outside, and pass what it returns as an argument"
_DRAW = (
    "draw with wg.random, from a key that is an argument; or draw outside, and pass "
    "the numbers as an argument"
)


# -- while compiling -------------------------------------------------------------------


def refuse_outside(name: str, fix: str, *_: Any, **__: Any) -> NoReturn:
    """Raise: a function of the world outside is called while compiling."""
    raise StagedValueError(
        explain(
            f"{name} is called while compiling",
            why="its answer would be built into the compiled code, the same at every "
            "call.",
            fix=fix,
        )
    )


def counterparts() -> Iterator[Pair]:
    """The functions that are refused, each with what raises the error."""
    places: list[tuple[Any, list[str]]] = [
        (time, _CLOCKS),
        (os, ["urandom", "getenv"]),
        (uuid, ["uuid1", "uuid4"]),
        (builtins, ["open", "input"]),
    ]
    for module, names in places:
        for name in names:
            label = f"{module.__name__}.{name}"
            yield getattr(module, name), functools.partial(refuse_outside, label, _CALL)
    for label, function in _FUNCTIONS.items():
        yield function, functools.partial(refuse_outside, label, _DRAW)


def bound(method: Any) -> Any:
    """What raises the error in place of a method; None if it may be called."""
    owner = method.__self__
    if isinstance(owner, DRAWING):
        return functools.partial(refuse_outside, _label(method), _DRAW)
    if owner is datetime.datetime or owner is datetime.date:
        if method.__name__ in ("now", "today", "utcnow"):
            label = f"{owner.__name__}.{method.__name__}"
            return functools.partial(refuse_outside, label, _CALL)
    return None


def _label(method: Any) -> str:
    return f"{type(method.__self__).__name__}.{method.__name__}"


# -- in checkpointed functions ---------------------------------------------------------


def drawing_once() -> Iterator[Pair]:
    """The functions that draw random numbers, each with what is called in its place."""
    for label, function in _FUNCTIONS.items():
        yield function, functools.partial(_draw_once, label, function)


def drawing_method(method: Any) -> Any:
    """What draws random numbers in place of a method; None for other methods."""
    if isinstance(method.__self__, DRAWING):
        return functools.partial(_draw_once, _label(method), method)
    return None


def _draw_once(name: str, draw: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if is_run_again():
        raise CheckpointError(
            explain(
                f"{name} is called in a checkpointed function",
                why="it is run again for the derivative, and would draw other numbers.",
                fix=_DRAW,
            )
        )
    return draw(*args, **kwargs)
