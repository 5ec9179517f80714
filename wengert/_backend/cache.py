"""Compiled programs on disk: a second process starts without compiling.

An entry is found by the canonical text of the staged program, before the passes, with
all else that decides what it is translated to: the sources of the compiler, versions of
LLVM and NumPy, the processor. It holds a `Native`; what is of this process in it (ops,
places in the user's files, makers of exceptions) is written as a name or a number, and
read back from the program at hand.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from wengert._backend.call import Compiled, Native, translate
from wengert._backend.compiler import target
from wengert._backend.store import Store, default_directory
from wengert._core.op import OPS, Op
from wengert._core.source import Site
from wengert._ir.canonical import References, canonical
from wengert._ir.program import Program
from wengert._passes.pipeline import optimise

_COMPILER = ("_core", "_ops", "_ir", "_passes", "_backend")  # packages


def compile_staged(program: Program) -> Compiled:
    """A program as it was staged, as a native function."""
    return Compiled(native_for(program))


def native_for(program: Program) -> Native:
    """A program as it was staged, in machine code: from the cache, or made now.

    A program that calls functions of the user is never kept: they have no text.
    """
    store = _store()
    text = None if store is None else canonical(program)
    if store is None or text is None:
        return translate(optimise(program))
    name = _name(text.text)
    content = store.load(name)
    if content is not None:
        return _read(content, text.references)
    native = translate(optimise(program))
    store.save(name, _written(native, text.references))
    return native


def _store() -> Store | None:
    """The cache that the environment asks for."""
    if os.environ.get("WENGERT_CACHE") == "0" or not compiler_version():
        return None
    return _opened(os.environ.get("WENGERT_CACHE_DIR") or default_directory())


@functools.cache
def _opened(directory: str | Path) -> Store:
    return Store(Path(directory))


def _name(text: str) -> str:
    parts = (text, compiler_version(), *target())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def compiler_version() -> str:
    """The version of all that makes machine code of a program; "" without sources."""
    package = Path(__file__).parent.parent
    sources = [f for part in _COMPILER for f in sorted((package / part).rglob("*.py"))]
    versions = sys.version, np.__version__, scipy.__version__
    found = hashlib.sha256(repr(versions).encode())
    for file in sources:
        found.update(file.read_bytes())
    return found.hexdigest() if sources else ""


# -- what an entry holds ---------------------------------------------------------------


class _Writer(pickle.Pickler):
    """Writes ops by name, and what the canonical text numbers by its number."""

    def __init__(self, file: io.BytesIO, references: References) -> None:
        super().__init__(file)
        self.references = references

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Op):
            return value.name
        number = self.references.number(value)
        if isinstance(value, Site):
            assert number is not None, f"the passes have made up the place {value}"
        return number


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, references: References) -> None:
        super().__init__(file)
        self.references = references

    def persistent_load(self, name: Any) -> Any:
        return OPS[name] if isinstance(name, str) else self.references.objects[name]


def _written(native: Native, references: References) -> bytes:
    file = io.BytesIO()
    _Writer(file, references).dump(native)
    return file.getvalue()


def _read(content: bytes, references: References) -> Native:
    found: Native = _Reader(io.BytesIO(content), references).load()
    return found
