"""Libraries that only the explanations need, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from wengert._core.source import explain
from wengert.errors import MissingLibraryError


def library(name: str, needed_by: str, extra: str) -> Any:
    """The module, or an error that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingLibraryError(
            explain(
                f"{needed_by}: {package} is not installed",
                why="it is optional, so that `pip install wengert` stays small.",
                fix=f"python -m pip install 'wengert[{extra}]'",
            )
        ) from error
