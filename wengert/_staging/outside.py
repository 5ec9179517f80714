"""Calls whose answer comes from outside: compiled code would keep the first one."""

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
from wengert.errors import StagedValueError

DRAWING = (np.random.Generator, np.random.RandomState, random.Random)
_CLOCKS = (
    "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time "
    "process_time_ns localtime gmtime"
).split()


def refuse_outside(name: str, *_: Any, **__: Any) -> NoReturn:
    """Raise: a function of the world outside is called while compiling."""
    raise StagedValueError(
        explain(
            f"{name} is called while compiling",
            why="its answer would be built into the compiled code, the same at every "
            "call.",
            fix="call it outside, and pass what it returns as an argument",
        )
    )


def counterparts() -> Iterator[tuple[Any, Callable[..., Any]]]:
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
            yield getattr(module, name), functools.partial(refuse_outside, label)


def bound(method: Any) -> Any:
    """What raises the error in place of a method; None if it may be called."""
    owner = method.__self__
    if isinstance(owner, DRAWING):
        return _refusing(type(owner), method)
    if owner is datetime.datetime or owner is datetime.date:
        if method.__name__ in ("now", "today", "utcnow"):
            return _refusing(owner, method)
    return None


def _refusing(owner: type, method: Any) -> Callable[..., Any]:
    return functools.partial(refuse_outside, f"{owner.__name__}.{method.__name__}")
