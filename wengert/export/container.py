"""A file of a description, in JSON, and named parts, in bytes, under one checksum."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from wengert._core.source import explain
from wengert.errors import FileError
from wengert.train.files import read, write

_BEGIN = b"wengert function 1\n"
_CHECKSUM = hashlib.sha256().digest_size
_LENGTH = struct.Struct("<Q")


def write_parts(path: Path, description: Any, parts: list[bytes]) -> None:
    """Write a file, whole or not at all.

    Raises:
        FileError: the disk cannot take it.
    """
    about = json.dumps({"about": description, "parts": [*map(len, parts)]}).encode()
    content = b"".join([_LENGTH.pack(len(about)), about, *parts])
    write(path, _BEGIN + hashlib.sha256(content).digest() + content)


def read_parts(path: Path) -> tuple[Any, list[bytes]]:
    """What `write_parts` has written.

    Raises:
        FileError: there is no such file, it is none of these, or it was changed.
    """
    found = read(path)
    if not found.startswith(_BEGIN):
        raise _damaged(path, "it does not begin as a saved function does")
    checksum, content = found[len(_BEGIN) :][:_CHECKSUM], found[len(_BEGIN) :]
    content = content[_CHECKSUM:]
    if hashlib.sha256(content).digest() != checksum:
        raise _damaged(path, "its checksum is another: it was cut off, or changed")
    (size,) = _LENGTH.unpack_from(content)
    note = json.loads(content[_LENGTH.size :][:size])
    parts, start = [], _LENGTH.size + size
    for length in note["parts"]:
        parts.append(content[start : start + length])
        start += length
    return note["about"], parts


def _damaged(path: Path, why: str) -> FileError:
    return FileError(
        explain(
            f"{path} is damaged, or no saved function: {why}",
            fix="use another copy, or write it again with wg.export.save",
        )
    )
