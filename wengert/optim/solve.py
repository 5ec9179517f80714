"""What all front doors share: checks, compiling, and the way from pytrees and back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.optim.checks import check_start, check_stopping, choose
from wengert.optim.iterate import Method, Problem, Stopping, iterate
from wengert.optim.remember import compiled
from wengert.optim.result import Result


class Kind(NamedTuple):
    """A kind of problem: what it is called, how it is made, and what solves it."""

    name: str
    problem: Callable[..., Problem]
    methods: dict[str, Method]


def solve(
    kind: Kind,
    f: Callable[..., Any],
    x0: Any,
    args: Any,
    method: str | Method,
    stopping: Stopping,
    callback: Callable[[Any, Any], Any] | None,
    jit: bool,
) -> Result:
    """Check what is given, and minimise from `x0` by one native function, or in Python.

    args: in a tuple; a single argument need not be in one, as in SciPy.
    """
    chosen = choose(kind.name, method, kind.methods)
    check_start(kind.name, x0)
    check_stopping(kind.name, stopping)
    given = args if isinstance(args, tuple) else (args,)
    parts: Any = (_solved, kind.name, kind.problem, f, chosen, callback)
    run = compiled(functools.partial, *parts) if jit else functools.partial(*parts)
    return run(x0, given, stopping)


def _solved(
    name: str,
    problem: Callable[..., Problem],
    f: Any,
    method: Method,
    callback: Callable[[Any, Any], Any] | None,
    x0: Any,
    args: Any,
    stopping: Stopping,
) -> Result:
    vector, unravel = wg.tree.ravel(x0)
    told = None if callback is None else _told(callback, unravel)
    posed = problem(name, f, unravel, args)
    found = iterate(method, posed, vector.astype(np.float64), stopping, told)
    return found._replace(x=unravel(found.x), gradient=unravel(found.gradient))


def _told(callback: Any, unravel: Any) -> Any:
    """A callback in Python, which compiled code calls."""

    def asked(x: Any, value: Any) -> Any:
        return np.bool_(callback(unravel(x), value))

    return wg.opaque(asked, out=lambda x, value: ((), bool))
