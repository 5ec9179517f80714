"""What a case of the table says, and how it is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import wengert.errors
from tests.architecture.source_files import PACKAGE


BUILTINS = (ValueError, TypeError, IndexError)


class Case(NamedTuple):
    """A call that fails.

    `texts` stand in the message, in this order. `plain` is the same call in plain NumPy,
    for errors that NumPy raises too: whoever catches NumPy's catches ours.
    """

    call: Callable[[], Any]
    error: type[Exception]
    texts: tuple[str, ...]
    plain: Callable[[], Any] | None = None


def case(call: Callable[[], Any], error: type[Exception], *texts: str) -> Case:
    """An error of Wengert's own, which names a line of the file of the call."""
    return Case(call, error, texts)


def as_numpy(
    call: Callable[[], Any], plain: Callable[[], Any], error: type[Exception], *texts: str
) -> Case:
    """An error that NumPy raises too."""
    return Case(call, error, texts, plain)


def caught(call: Callable[[], Any]) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def raised_at(error: BaseException) -> set[tuple[str, int]]:
    """Files of the package, and lines, that the error and its causes passed through."""
    places = set()
    for link in chain(error):
        traceback = link.__traceback__
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if file.startswith(str(PACKAGE)):
                places.add((file, traceback.tb_lineno))
            traceback = traceback.tb_next
    return places


def check(case: Case) -> None:
    error = caught(case.call)
    assert error is not None, "no error"
    message = str(error)
    if case.plain is not None:
        builtin = next(c for c in type(caught(case.plain)).__mro__ if c in BUILTINS)
        assert isinstance(error, builtin), repr(error)
    assert type(error) is case.error, repr(error)
    assert isinstance(error, wengert.errors.WengertError)
    position = 0
    for text in case.texts:
        position = message.find(text, position)
        assert position >= 0, f"{text!r} is not in, or out of order in:\n{message}"
    assert re.search(r"^  Fix: \S", message, re.MULTILINE), message
    places = re.findall(r"^  at (.+?):\d+", message, re.MULTILINE)
    assert case.call.__code__.co_filename in places, message
