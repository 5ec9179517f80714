"""Arrays in files: `.npy`, left on disk, and CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ArgumentError, DataError, DTypeError, ShapeError


def read_npy(
    path: str | os.PathLike[str],
    *,
    dtype: Any = None,
    shape: Sequence[int | None] | None = None,
) -> Any:
    """An array in a `.npy` file, mapped into memory: read where it is used.

    Args:
        path: Of the file, which stays as it is: the array cannot be written to.
        dtype: The dtype that it should have.
        shape: The shape that it should have, None for any length.

    Returns:
        A read-only `numpy.memmap`, as `batches` and `split` take it.

    Raises:
        FileNotFoundError: there is no such file.
        DataError: it is no `.npy` file, cut off, or holds Python objects.
        DTypeError, ShapeError: it is of another dtype or shape.

    Example:
        >>> import tempfile, pathlib, numpy as np, wengert as wg
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "x.npy"
        ...     np.save(path, np.arange(6.0).reshape(2, 3))
        ...     wg.data.read_npy(path, dtype=np.float64, shape=(None, 3))[1]
        memmap([3., 4., 5.])
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise DataError(
            explain(
                f"read_npy: {path} is no complete .npy file of numbers",
                why=f"NumPy says: {error}",
                fix="write it again with np.save",
            )
        ) from error
    if dtype is not None and array.dtype != np.dtype(dtype):
        raise DTypeError(
            explain(
                f"read_npy: {path} has dtype {array.dtype}, expected {np.dtype(dtype)}",
                fix="convert it once, and save it again",
            )
        )
    if shape is not None and not _fits(array.shape, tuple(shape)):
        raise ShapeError(
            explain(
                f"read_npy: {path} has shape {array.shape}, expected {tuple(shape)}",
                fix="read the file that is meant, or save it in that shape",
            )
        )
    return array


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        n is None or m == n for m, n in zip(shape, expected, strict=True)
    )


def read_csv(
    path: str | os.PathLike[str],
    columns: Mapping[str, Any] | Sequence[str] | None = None,
    *,
    delimiter: str = ",",
    missing: float | None = None,
) -> dict[str, Any]:
    r"""The columns of a CSV file, whose first line names them.

    Args:
        path: Of the file, in UTF-8.
        columns: Which columns, as a list of names, or with the dtype of each: of
            numbers, or ``str``. By default all of them, as float64.
        delimiter: What stands between cells.
        missing: What an empty cell of floats stands for, such as ``np.nan``; without
            it, one is an error.

    Returns:
        An array for each column, by name.

    Raises:
        FileNotFoundError: there is no such file.
        DTypeError: a dtype is neither one of numbers nor ``str``.
        DataError: a cell is no number of its dtype, or a line has more or fewer cells
            than there are names: with file, line and column.
        ArgumentError: there is no column of that name.

    Example:
        >>> import tempfile, pathlib, wengert as wg
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "t.csv"
        ...     _ = path.write_text("name,size\na,1.5\nb,2\n")
        ...     wg.data.read_csv(path, {"name": str, "size": float})
        {'name': array(['a', 'b'], dtype='<U1'), 'size': array([1.5, 2. ])}
    """
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            names = _checked_names(path, next(reader, []))
            lines = [(reader.line_num, row) for row in reader if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                explain(
                    f"read_csv: {path}, line {reader.line_num + 1}: {error}",
                    fix="correct the line, or save the file as CSV in UTF-8",
                )
            ) from error
    for line, row in lines:
        if len(row) != len(names):
            raise DataError(
                explain(
                    f"read_csv: {path}, line {line} has {len(row)} cells, and there "
                    f"are {len(names)} columns",
                    fix="correct the line; quote cells that hold a delimiter",
                )
            )
    wanted = _dtypes(path, names, columns)
    return {
        name: _column(f"{path}", name, names.index(name), dtype, lines, missing)
        for name, dtype in wanted.items()
    }


def _checked_names(path: Any, row: list[str]) -> list[str]:
    names = [name.strip() for name in row]
    if not names or "" in names or len({*names}) < len(names):
        raise DataError(
            explain(
                f"read_csv: {path}, line 1 does not name the columns: {row}",
                fix="begin the file with a line of names, one for each column",
            )
        )
    return names


def _dtypes(path: Any, names: list[str], columns: Any) -> dict[str, np.dtype]:
    if columns is None:
        columns = names
    wanted = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, float)
    for name in wanted:
        if name not in names:
            raise ArgumentError(
                explain(
                    f"read_csv: {path} has no column {name!r}",
                    fix=f"choose among {', '.join(map(repr, names))}",
                )
            )
    dtypes = {name: np.dtype(dtype) for name, dtype in wanted.items()}
    for name, dtype in dtypes.items():
        if dtype.kind not in "iufcU":
            raise DTypeError(
                explain(
                    f"read_csv: {dtype} for the column {name!r}",
                    fix="read numbers, or str, and convert them: column == 'yes'",
                )
            )
    return dtypes


def _column(
    path: str,
    name: str,
    index: int,
    dtype: np.dtype,
    lines: list[tuple[int, list[str]]],
    missing: float | None,
) -> Any:
    if dtype.kind == "U":
        return np.array([row[index] for _, row in lines], dtype)
    values = []
    for line, row in lines:
        cell = row[index].strip()
        if cell == "" and missing is not None and dtype.kind == "f":
            values.append(missing)
            continue
        try:
            values.append(dtype.type(int(cell) if dtype.kind in "iu" else cell))
        except (ValueError, OverflowError) as error:
            raise DataError(
                explain(
                    f"read_csv: {path}, line {line}, column {name!r}: {cell!r} is no "
                    f"{dtype}",
                    fix="correct the cell; for empty ones give missing=np.nan"
                    if cell == ""
                    else "correct the cell, or read the column as str",
                )
            ) from error
    return np.array(values, dtype)
