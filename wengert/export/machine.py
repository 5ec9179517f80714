"""What saved machine code needs to be the same where it is loaded."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import scipy

import wengert
from wengert._backend.cache import compiler_version
from wengert._backend.compiler import target
from wengert._core.source import explain
from wengert.errors import ExportError

_TARGET = ("system", "processor", "instructions", "llvmlite", "LLVM")


def here() -> dict[str, str]:
    """This machine and these versions, by what each is called."""
    found = target()
    return {
        "Wengert": wengert.__version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        **dict(zip(_TARGET, found, strict=False)),
        "vector functions": " ".join(found[len(_TARGET) :]),
        "compiler": compiler_version(),
    }


def refuse_other(path: Path, saved: dict[str, str]) -> None:
    """Raise if a file was written for another machine, or by another version."""
    for name, value in here().items():
        if saved.get(name) != value:
            raise ExportError(
                explain(
                    f"{path} was saved with another {name}: {saved.get(name)}",
                    why=f"here it is {value}; machine code runs only where all of "
                    "this is the same.",
                    fix="save the function again on this machine, or write it as ONNX",
                )
            )
