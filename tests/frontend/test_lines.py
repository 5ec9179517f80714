"""Converted code is the user's code to tracebacks, debuggers and error messages."""

from __future__ import annotations

import inspect
import sys
import traceback

import numpy as np
import pytest

import wengert as wg
from wengert._core.source import user_site
from wengert._frontend.api import convert

MODES = pytest.mark.parametrize("staging", [False, True], ids=["calls", "staging"])


def first_line(function):
    return function.__code__.co_firstlineno


def here(function, text):
    """The line of the function that holds this text."""
    lines, start = inspect.getsourcelines(function)
    (offset,) = [i for i, line in enumerate(lines) if text in line]
    return start + offset


def lines_of_error(function, *args):
    """Lines in this file of the traceback, from the outside in."""
    with pytest.raises(Exception) as info:
        function(*args)
    entries = traceback.extract_tb(info.value.__traceback__)
    return [(e.lineno, e.name) for e in entries if e.filename == __file__][1:]


def fails(n):
    total = 0
    for i in range(n):
        if i == 1:
            total += 1
            if n > 2:
                # fmt: off
                total += (1 +
                          1 // (i - 1))
                # fmt: on
        while total > 0:
            total -= 1
            if n == 2 and i == 1:
                raise ValueError(n)  # raised
    assert n != 1, "one"  # asserted
    with np.errstate():
        if n == 0:
            return [][n]  # indexed
    return n


@MODES
@pytest.mark.parametrize(
    ("n", "text"),
    [(3, "1 // (i - 1)"), (2, "# raised"), (1, "# asserted"), (0, "# indexed")],
)
def test_traceback(staging, n, text):
    converted = convert(fails, staging)
    lines = lines_of_error(converted, n)
    assert lines[-1] == (here(fails, text), "fails")
    assert {name for _, name in lines} == {"fails"}
    assert lines_of_error(fails, n)[-1] == lines[-1]


def calls_site(n):
    sites = [user_site(0)]
    for i in range(n):
        sites.append(user_site(0))  # in the loop
        sites += [user_site(0) if i else None]  # in an expression
    if n > 1:
        return sites
    sites.append(
        user_site(0)  # in a call
    )
    return sites


@MODES
def test_user_site(staging):
    converted = convert(calls_site, staging)
    lines = [s and s.line for s in converted(1)]
    assert lines == [s and s.line for s in calls_site(1)]
    assert here(calls_site, "# in a call") in lines
    assert {s.file for s in converted(2) if s} == {__file__}


def traced(x):
    y = np.zeros(2)
    for i in range(2):
        if x > 0:
            y[i] = (
                np.sin(x) * x.item()  # the place
            )
    return y.sum()


@MODES
def test_errors_of_the_engine_name_the_line(staging):
    with pytest.raises(wg.errors.DependenceError) as info:
        wg.vjp(convert(traced, staging), 2.0)
    assert f"{__file__}:{here(traced, '# the place')}" in str(info.value)


@MODES
def test_breakpoints(staging):
    """A tracer of lines, as debuggers install one, sees the lines of the body."""
    converted, seen = convert(fails, staging), set()

    def trace(frame, event, _):
        if frame.f_code.co_filename == __file__ and event == "line":
            seen.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(IndexError):
            converted(0)
    finally:
        sys.settrace(before)
    for text in ("total = 0", "for i in", "# asserted", "# indexed"):
        assert here(fails, text) in seen
    assert here(fails, "total += 1") not in seen


def outer(n):
    def inner(x):
        if x:

            class A:
                def method(self):
                    return lambda: self

            return A
        return inner

    return inner(n)


@MODES
def test_names(staging):
    original, converted = outer(1), convert(outer, staging)(1)
    assert converted.__qualname__ == original.__qualname__
    assert converted.method.__qualname__ == original.method.__qualname__
    assert converted().method().__qualname__ == original().method().__qualname__
    assert first_line(converted.method) == first_line(original.method)
    assert inspect.getsource(convert(outer, staging)) == inspect.getsource(outer)
    assert inspect.getsource(converted.method) == inspect.getsource(original.method)
