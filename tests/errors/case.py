"""Kinds of cases in the table of errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import wengert.errors
from tests.architecture.source_files import PACKAGE


class Case(NamedTuple):
    """A call that fails, and the check of its error."""

    call: Callable[[], Any]
    check: Callable[[BaseException], None]


def case(call: Callable[[], Any], error: type[Exception], *texts: str) -> Case:
    """An error of Wengert's own: these texts in order, a place in this file, a fix."""

    def check(found: BaseException) -> None:
        assert type(found) is error, repr(found)
        assert isinstance(found, wengert.errors.WengertError)
        message = str(found)
        _contains(message, texts)
        assert re.search(r"^  Fix: \S", message, re.MULTILINE), message
        places = re.findall(r"^  at (.+?):\d+", message, re.MULTILINE)
        assert call.__code__.co_filename in places, message

    return Case(call, check)


def as_numpy(
    call: Callable[[], Any],
    plain: Callable[[], Any],
    error: type[Exception],
    *texts: str,
) -> Case:
    """An error of Wengert's own, caught by whoever catches NumPy's of the same call."""
    own = case(call, error, *texts)

    def check(found: BaseException) -> None:
        builtin = next(
            c for c in type(caught(plain)).__mro__ if c.__module__ == "builtins"
        )
        assert isinstance(found, builtin), repr(found)
        own.check(found)

    return Case(call, check)


def in_numpys_words(
    call: Callable[[], Any], plain: Callable[[], Any], text: str
) -> Case:
    """An error of NumPy's, for arguments that NumPy would refuse too."""

    def check(found: BaseException) -> None:
        theirs = caught(plain)
        assert type(found) is type(theirs), repr(found)
        # Not all of the words: some change from one version of NumPy to the next.
        _contains(str(found), (text,))
        _contains(str(theirs), (text,))

    return Case(call, check)


def program(call: Callable[[], Any], error: type[BaseException], *texts: str) -> Case:
    """An error of a program: one line for whoever started it."""

    def check(found: BaseException) -> None:
        assert type(found) is error, repr(found)
        message = getattr(found, "message", str(found))
        _contains(message, texts)
        assert "\n" not in message

    return Case(call, check)


def _contains(message: str, texts: tuple[str, ...]) -> None:
    position = 0
    for text in texts:
        position = message.find(text, position)
        assert position >= 0, f"{text!r} is not in, or out of order in:\n{message}"


def caught(call: Callable[[], Any]) -> BaseException | None:
    try:
        call()
    except (Exception, SystemExit) as error:
        return error
    return None


def raised_at(error: BaseException | None) -> set[tuple[str, int]]:
    """Files of the package, and lines, that the error and its causes passed through."""
    places = set()
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if file.startswith(str(PACKAGE)):
                places.add((file, traceback.tb_lineno))
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    return places
