"""What a call does: its result or exception, what it prints, and what it changes."""

from __future__ import annotations

import contextlib
import copy
import io
import re
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    kind: str
    value: Any
    printed: str
    arguments: str


def outcome(call: Any, *args: Any) -> Outcome:
    """The outcome of a call with copies of the arguments."""
    args = copy.deepcopy(args)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            kind, value = "returned", describe(call(*args))
        except Exception as error:
            kind, value = "raised", _error(error)
    return Outcome(kind, value, out.getvalue(), repr(args))


def describe(value: Any) -> Any:
    """A value with its type; of a function, what it returns."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [describe(v) for v in value]
    if type(value).__repr__ is object.__repr__ and hasattr(value, "__dict__"):
        return type(value).__qualname__, describe(sorted(vars(value).items()))
    if callable(value):
        return getattr(value, "__qualname__", "callable")
    return type(value).__name__, repr(value)


def _error(error: BaseException) -> Any:
    context = error.__cause__ or error.__context__
    chain = None if context is None or error.__suppress_context__ else _error(context)
    if isinstance(error, NameError):
        # In a branch the name is that of an outer function, of which Python says so.
        return "NameError", re.findall(r"'(\w+)'", str(error))[:1], chain
    cause = None if error.__cause__ is None else _error(error.__cause__)
    return type(error).__name__, describe(error.args), cause, chain
