"""Errors of data: what is not as it is said to be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from tests.errors.case import Case, case, program
from wengert.errors import (
    ArgumentError,
    DataError,
    DTypeError,
    ShapeError,
    TreeError,
)

KEY = wg.random.key(0)
X = np.zeros((4, 2))


def _file(text: str, read: Callable[[Path], Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(text.encode("latin-1"))
        return read(path)


def _csv(text: str, *args: Any) -> Any:
    return _file(text, lambda path: wg.data.read_csv(path, *args))


def _npy(cut: int = 0, values: Any = X, **expected: Any) -> Any:
    def read(path: Path) -> Any:
        np.save(path.with_suffix(".npy"), values)
        data = path.with_suffix(".npy").read_bytes()
        path.write_bytes(data[: len(data) - cut])
        return wg.data.read_npy(path, **expected)

    return _file("", read)


def _failing():
    yield 1
    raise OSError("broken")


def _taken(stream: Any) -> Any:
    return [*stream, next(stream)]


BATCHES: list[Case] = [
    case(
        lambda: wg.data.batches({"x": X, "y": np.zeros(3)}, 2),
        ShapeError,
        "batches: arrays['y'] has 3 rows, and arrays['x'] has 4",
    ),
    case(
        lambda: wg.data.batches({"x": X, "y": [1, 2, 3, 4]}, 2),
        DTypeError,
        "batches: arrays['y'][0] is a int",
        "np.asarray(values)",
    ),
    case(
        lambda: wg.data.batches(np.array([[1], [1, 2]], object), 2),
        DTypeError,
        "batches: arrays is an array of object",
    ),
    case(lambda: wg.data.batches({}, 2), ArgumentError, "batches: there are no arrays"),
    case(lambda: wg.data.batches(X, 0), ArgumentError, "batches: size=0"),
    case(lambda: wg.data.batches(X, 2, epochs=1.5), ArgumentError, "epochs=1.5"),
    case(
        lambda: wg.data.batches(X, 2, 7),
        ArgumentError,
        "fold_in: expected a key, got a int",
    ),
    case(
        lambda: next(wg.data.batches(X + np.nan, 2, finite=True)),
        DataError,
        "data[0, 0] is nan",
        "leave such rows out",
    ),
    case(
        lambda: wg.data.batches(X, 2, start=3),
        ArgumentError,
        "batches: start=3 is no position",
    ),
    case(
        lambda: wg.data.batches(X, 2, start=wg.data.batches(X, 3).position),
        ArgumentError,
        "batches: start is a position where size is 3, and here it is 2",
    ),
    case(
        lambda: wg.data.batches(
            X, 2, start={**wg.data.batches(X, 2).position, "batch": -1}
        ),
        ArgumentError,
        "batches: start has batch=-1",
    ),
    case(
        lambda: next(wg.data.batches(X[:0], 2, epochs=None)),
        ArgumentError,
        "batches: an epoch without a batch",
    ),
]

EXAMPLES: list[Case] = [
    case(
        lambda: wg.data.batches(lambda: iter([]), 2, KEY),
        ArgumentError,
        "batches: examples that come one after the other are not shuffled",
    ),
    case(
        lambda: len(wg.data.batches(lambda: iter([]), 2)),
        DTypeError,
        "len: how many examples there are",
    ),
    case(
        lambda: next(wg.data.batches(lambda: iter([X, X[:2]]), 2)),
        ShapeError,
        "batches: example is an array of float64 of shape (2, 2) in example 1",
        "pad, cut or convert",
    ),
    case(
        lambda: next(wg.data.batches(lambda: iter([{"a": X}, {"b": X}]), 2)),
        TreeError,
        "batches: example 1 has the entries example['b']",
    ),
]

SPLITS: list[Case] = [
    case(
        lambda: wg.data.split(X, (0.5, 0.6), KEY),
        ArgumentError,
        "split: shares=(0.5, 0.6)",
        "whose sum is 1",
    ),
    case(
        lambda: wg.data.split(X, (0.99, 0.01), KEY),
        ArgumentError,
        "split: of 4 rows, a part of shares=(0.99, 0.01) has none",
    ),
    case(
        lambda: wg.data.split(X, (0.5, 0.5), KEY, labels=np.zeros(3)),
        ShapeError,
        "split: labels have shape (3,), and there are 4 rows",
    ),
]

FILES: list[Case] = [
    case(
        lambda: _csv("a,b\n1,2\n3,x4\n"),
        DataError,
        "table.csv, line 3, column 'b': 'x4' is no float64",
        "correct the cell",
    ),
    case(
        lambda: _csv("a,b\n1,\n"),
        DataError,
        "table.csv, line 2, column 'b': '' is no float64",
        "missing=np.nan",
    ),
    case(
        lambda: _csv("a\n300\n", {"a": np.uint8}),
        DataError,
        "table.csv, line 2, column 'a': '300' is no uint8",
    ),
    case(
        lambda: _csv('a,b\n"1\n2",2\n3\n'),
        DataError,
        "table.csv, line 4 has 1 cells, and there are 2 columns",
    ),
    case(
        lambda: _csv('a\n"1'),
        DataError,
        "table.csv, line 3: unexpected end of data",
    ),
    case(lambda: _csv("a\n\xff\n"), DataError, "table.csv, line 1: 'utf-8' codec"),
    case(lambda: _csv(""), DataError, "table.csv, line 1 does not name the columns"),
    case(lambda: _csv("a,a\n1,2"), DataError, "line 1 does not name the columns"),
    case(
        lambda: _csv("a,b\n1,2", ["c"]),
        ArgumentError,
        "table.csv has no column 'c'",
        "choose among 'a', 'b'",
    ),
    case(
        lambda: _csv("a\nTrue", {"a": bool}),
        DTypeError,
        "read_csv: bool for the column 'a'",
    ),
    case(
        lambda: _npy(cut=8),
        DataError,
        "is no complete .npy file of numbers",
        "np.save",
    ),
    case(lambda: _npy(cut=150), DataError, "is no complete .npy file of numbers"),
    case(
        lambda: _npy(values=np.array([{}])),
        DataError,
        "is no complete .npy file of numbers",
        "Python objects",
    ),
    case(
        lambda: _npy(dtype=np.float32),
        DTypeError,
        "has dtype float64, expected float32",
    ),
    case(
        lambda: _npy(shape=(None, 3)),
        ShapeError,
        "has shape (4, 2), expected (None, 3)",
    ),
    program(
        lambda: wg.data.read_npy("no such file.npy"),
        FileNotFoundError,
        "no such file.npy",
    ),
    program(
        lambda: wg.data.read_csv("no such file.csv"),
        FileNotFoundError,
        "no such file.csv",
    ),
]

PREFETCH: list[Case] = [
    case(lambda: wg.data.prefetch(X, 0), ArgumentError, "prefetch: size=0"),
    program(lambda: list(wg.data.prefetch(_failing())), OSError, "broken"),
    program(lambda: _taken(wg.data.prefetch([1])), StopIteration),
]

CASES = [*BATCHES, *EXAMPLES, *SPLITS, *FILES, *PREFETCH]
