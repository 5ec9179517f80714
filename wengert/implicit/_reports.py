"""What is said of an iteration that has not come to its end."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain, user_site
from wengert.errors import ArgumentError, ConvergenceError, ConvergenceWarning

ACTIONS = ("raise", "warn", "unroll")


def check_choice(name: str, keyword: str, given: Any, choices: tuple[Any, ...]) -> None:
    """Raise unless a keyword has one of some values."""
    if given not in choices:
        raise ArgumentError(
            explain(
                f"{name}: {keyword}={given!r}",
                fix=f"use one of {', '.join(map(repr, choices))}",
            )
        )


def settle(
    ok: Any, action: str, what: str, numbers: tuple[Any, ...], *, why: str, fix: str
) -> None:
    """Raise or warn where a condition is false, with numbers known then in the text."""
    if action == "ignore":
        return
    if action == "raise":
        if not ok:
            raise ConvergenceError(explain(what.format(*numbers), why=why, fix=fix))
    else:
        _warned(wg.stop_gradient(ok), (what, why, fix), wg.stop_gradient(numbers))


def _warn(ok: Any, texts: tuple[str, str, str], numbers: tuple[Any, ...]) -> Any:
    if not ok:
        site = user_site()
        what, why, fix = texts
        text = explain(what.format(*numbers), why=why, fix=fix, site=site)
        warnings.warn_explicit(text, ConvergenceWarning, site.file, site.line)
    return np.bool_(ok)


# An effect of compiled code too, where `warnings.warn` would be called while compiling.
_warned = wg.opaque(_warn, out=lambda ok, texts, numbers: ((), np.bool_))
