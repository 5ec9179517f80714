"""Where in the user's files something happened."""

from __future__ import annotations

import contextlib
import functools
import linecache
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

_PACKAGE = Path(__file__).resolve().parent.parent

# Written over the public interface, and loaded as `wengert.NAME` when asked for.
LIBRARIES = (
    "data",
    "implicit",
    "infer",
    "nn",
    "ode",
    "optim",
    "random",
    "train",
    "uncertainty",
)
# Loaded when asked for too; they read programs, and are used as they are.
TOOLS = ("export",)
_CONVERTED = (*LIBRARIES, "scipy.optimize", "smooth")
_PROGRAMS = ("cli", "examples", "__main__")
_PYTHONS = {functools.__file__, contextlib.__file__}


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return f"{module}.".startswith(tuple(f"wengert.{name}." for name in packages))


def is_engine(module: str) -> bool:
    """Whether a module of this package is neither a program nor over its interface."""
    return f"{module}.".startswith("wengert.") and not _within(
        module, _PROGRAMS + _CONVERTED
    )


def _files(but: tuple[str, ...]) -> frozenset[str]:
    paths = _PACKAGE.rglob("*.py")
    names = {
        p: ".".join(p.relative_to(_PACKAGE.parent).with_suffix("").parts) for p in paths
    }
    return frozenset(str(p) for p, name in names.items() if not _within(name, but))


# Compared by exact string, once or twice for each traced operation: the examples and
# the command line are user code, which is why they are left out.
INTERNAL_FILES = _files(but=_PROGRAMS) | _PYTHONS
# What the front end uses as it is. It converts the libraries over the public interface
# as it does the user's functions; in messages their lines are not the user's.
ENGINE_FILES = _files(but=_PROGRAMS + _CONVERTED) | _PYTHONS


class Site(NamedTuple):
    """A place in a user's file; the line is decoded only when it is asked for."""

    code: CodeType
    offset: int

    @property
    def file(self) -> str:
        return self.code.co_filename

    @property
    def line(self) -> int:
        best = self.code.co_firstlineno
        for start, end, line in self.code.co_lines():
            if start <= self.offset < end and line is not None:
                return line
        return best

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        text = self.text
        return f"{self.file}:{self.line}" + (f": {text}" if text else "")


def user_frame(depth: int = 1) -> FrameType:
    """The user's innermost frame, `depth` frames or more above the caller."""
    frame = sys._getframe(depth + 1)
    while _is_internal(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _is_internal(frame: FrameType) -> bool:
    """In the package, or in a constructor that `dataclasses` has made for it."""
    file = frame.f_code.co_filename
    if file == "<string>":
        return str(frame.f_globals.get("__name__")).startswith("wengert.")
    return file in INTERNAL_FILES


def user_site(depth: int = 1) -> Site:
    frame = user_frame(depth + 1)
    return Site(frame.f_code, frame.f_lasti)


def explain(what: str, *, why: str = "", fix: str, site: Site | None = None) -> str:
    """The text of an error: what, where, why, and a fix."""
    lines = [what, f"  at {site or user_site(2)}"]
    if why:
        lines.append(f"  {why}")
    lines.append(f"  Fix: {fix}")
    return "\n".join(lines)
