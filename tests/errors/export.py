"""Errors of saved functions."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
import unittest.mock
from pathlib import Path

import numpy as np

import wengert as wg
from tests.errors.case import Case, case
from wengert.errors import (
    ArgumentError,
    DTypeError,
    ExportError,
    FileError,
    MissingLibraryError,
    MutationError,
    ShapeError,
    TreeError,
)

FOLDER = Path(tempfile.mkdtemp(prefix="wengert-errors-"))
atexit.register(shutil.rmtree, FOLDER)
HIDDEN = np.zeros(2)
X = np.ones(2)


def _saved(f, *example, others=()):
    path = FOLDER / "saved"
    wg.export.save(path, f, *example, others=others)
    return wg.export.load(path)


def _file(content):
    path = FOLDER / "file"
    path.write_bytes(content)
    return path


def _cut():
    wg.export.save(FOLDER / "cut", np.sin, 1.0)
    return _file((FOLDER / "cut").read_bytes()[:-1])


def _elsewhere():
    from wengert.export import machine

    wg.export.save(FOLDER / "elsewhere", np.sin, 1.0)
    other = {**machine.here(), "processor": "z80"}
    with unittest.mock.patch.object(machine, "here", lambda: other):
        wg.export.load(FOLDER / "elsewhere")


def _writes_hidden(x):
    HIDDEN[0] = x
    return x


def _writes(x, y):
    x[0] = y[1]


def _by_python(x):
    print(x)
    return x


def _raises_object(x):
    if x < 0:
        raise ValueError({1, 2})
    return x


def _onnx(f, *example):
    return wg.export.onnx(f, *example)


def _without_onnx():
    with unittest.mock.patch.dict(sys.modules, {"onnx": None}):
        _onnx(np.sin, 1.0)


def _recursive(x, n):
    return x if n < 1 else _recursive(x * x, n - 1)


CASES: list[Case] = [
    case(lambda: wg.export.load(_file(b"nothing")), FileError, "does not begin as"),
    case(lambda: wg.export.load(_cut()), FileError, "its checksum is another"),
    case(_elsewhere, ExportError, "saved with another processor"),
    case(lambda: _saved(_writes_hidden, 1.0), ExportError, "is no argument"),
    case(lambda: _saved(_raises_object, 1.0), ExportError, "a set cannot be written"),
    case(lambda: _saved(_by_python, 1.0), ExportError, "print of the function"),
    case(lambda: _saved(lambda x: {1, 2}, 1.0), ExportError, "a result is a set"),
    case(
        lambda: _saved(lambda x: {1.5: x}, 1.0),
        ExportError,
        "save: a dict cannot be written",
    ),
    case(
        lambda: _saved(np.sum, X, others=[(X, X)]),
        ArgumentError,
        "others have another structure",
    ),
    case(lambda: _saved(np.sum, X)(X, X), TreeError, "arguments is no tuple of 1"),
    case(lambda: _saved(np.sum, X)(np.ones(3)), ShapeError, "has shape (3,)"),
    case(
        lambda: _saved(np.sum, X, others=[(np.ones(3),)])(np.ones(1)),
        ShapeError,
        "axis 0 of arguments[0]: lengths 1",
    ),
    case(lambda: _saved(np.sum, X)(X.astype("f")), DTypeError, "is float32"),
    case(
        lambda: wg.grad(lambda x: _saved(np.sin, 1.0)(x))(1.0), DTypeError, "was saved"
    ),
    case(
        lambda: _saved(lambda x, p: x if p else 0.0, 1.0, True)(1.0, False),
        ArgumentError,
        "built in",
    ),
    case(lambda: _saved(_writes, X, X + 1.0)(X, X), MutationError, "shares memory"),
    case(_without_onnx, MissingLibraryError, "onnx is not installed"),
    case(
        lambda: _onnx(np.linalg.inv, np.eye(2)), ExportError, "inv has no translation"
    ),
    case(lambda: _onnx(_recursive, 2.0, 3), ExportError, "cannot call itself"),
    case(
        lambda: _onnx(lambda z: z * z, np.ones(2) * 1j), ExportError, "complex numbers"
    ),
    case(
        lambda: _onnx(lambda x, n: x[:n] * 2.0, X, 1),
        ExportError,
        "known at run time only",
    ),
    case(lambda: _onnx(_writes, X, X + 1.0), ExportError, "writes to its arguments"),
]
