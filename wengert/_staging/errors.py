"""Errors of code that asks a staged value for its number."""

from __future__ import annotations

from typing import Any, NoReturn

from wengert._core.source import explain
from wengert.errors import DTypeError, StagedValueError


def refuse_concrete(tracer: Any) -> NoReturn:
    """Raise: Python code needs a number that is known only when the program runs."""
    error = StagedValueError(
        explain(
            f"the value of a staged {tracer.type} is needed while compiling",
            why="under wg.jit it is known only when the compiled function runs.",
            fix="pass it as a static argument (static_argnames=), or keep it out of "
            "code that jit cannot convert: a function without source, a generator, a "
            "try block, a comprehension's filter",
        )
    )
    error.parameter = tracer.interpreter.place_of(tracer.var)
    raise error


def refuse_extent(tracer: Any) -> NoReturn:
    """Raise: what is given as a length or as the bound of a slice is no integer."""
    raise DTypeError(
        explain(
            f"a staged {tracer.type} cannot be interpreted as an integer",
            fix="convert it where it is a whole number: int(n)",
        )
    )
