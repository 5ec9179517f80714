"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from wengert._core.source import explain
from wengert.errors import FileError

UNFINISHED = ".unfinished"  # the end of the name of a file that is being written


def write(path: Path, content: bytes) -> None:
    """Write a file; a process that is killed leaves the old one, or the new one.

    The bytes go to a file beside it, and to the disk, before that takes its name.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise FileError(
            explain(
                f"{path} cannot be written: {error.strerror or error}",
                why="what was there before is as it was.",
                fix="give a folder that may be written to, on a disk with space",
            )
        ) from error


def _sync_folder(folder: Path) -> None:
    """Have the disk know a new name; some systems cannot open a folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(
            explain(
                f"{path} cannot be read: {error.strerror or error}",
                fix="check the path, which is taken from the folder of the process",
            )
        ) from error


def damaged(path: Path, error: Any) -> FileError:
    """The error for a file that is cut off, or no file of this kind."""
    return FileError(
        explain(
            f"{path} is damaged, or no such file: {error}",
            fix="use another copy; wg.train writes files whole or not at all",
        )
    )
