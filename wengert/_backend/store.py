"""Files on disk that outlive the process: named contents with a checksum.

An entry is written beside its place and then moved there, so that a reader finds all of
it or nothing, whoever else writes. Entries hold machine code, which is run: a directory
is used only if nobody else can write to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

from wengert._core.source import user_site

_SUFFIX = ".wengert"
_LIMIT = 512 << 20  # bytes of all entries together
_CHECKSUM = hashlib.sha256().digest_size
_OTHERS_WRITE = 0o022


class Store:
    """Entries of a directory; the oldest make room for new ones."""

    def __init__(self, directory: Path, limit: int = _LIMIT) -> None:
        self.directory = directory
        self.limit = limit
        refusal = _refusal(directory)
        self.readable = self.writable = refusal is None
        if refusal is not None:
            self._stop_writing(refusal)

    def _stop_writing(self, why: str) -> None:
        self.writable = False
        site = user_site()
        text = (
            f"jit: compiled code is not kept in {self.directory}: {why}\n"
            "  Fix: set WENGERT_CACHE_DIR to a directory that only you can write to, "
            "or WENGERT_CACHE=0 to do without"
        )
        warnings.warn_explicit(text, RuntimeWarning, site.file, site.line)

    def load(self, name: str) -> bytes | None:
        """The content of an entry; None if there is none, or it is damaged."""
        if not self.readable:
            return None
        try:
            found = self._place(name).read_bytes()
        except OSError:
            return None
        checksum, content = found[:_CHECKSUM], found[_CHECKSUM:]
        return content if checksum == _checksum(name, content) else None

    def save(self, name: str, content: bytes) -> None:
        """Write an entry; a disk that cannot take it is not written to again."""
        if not self.writable:
            return
        try:
            self._write(self._place(name), _checksum(name, content) + content)
            self._make_room()
        except OSError as error:
            self._stop_writing(str(error.strerror))

    def _place(self, name: str) -> Path:
        return self.directory / (name + _SUFFIX)

    def _write(self, place: Path, content: bytes) -> None:
        number, temporary = tempfile.mkstemp(_SUFFIX, "new-", self.directory)
        try:
            with open(number, "wb") as file:
                file.write(content)
            os.replace(temporary, place)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _make_room(self) -> None:
        """Remove the oldest entries until the rest is within the limit."""
        found = []
        for place in self.directory.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # another process was first
                status = place.stat()
                found.append((status.st_mtime, status.st_size, place))
        excess = sum(size for _, size, _ in found) - self.limit
        for _, size, place in sorted(found):
            if excess <= 0:
                break
            place.unlink(missing_ok=True)
            excess -= size


def _refusal(directory: Path) -> str | None:
    """Why a directory, which is made if there is none, cannot hold entries."""
    if not directory.is_absolute():
        return "the path is not absolute"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        return str(error.strerror)
    if os.name != "posix":
        return None
    theirs = found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE
    return "other users can write to it" if theirs else None


def _checksum(name: str, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + content).digest()


def default_directory() -> Path:
    """Where this system keeps what programs can make again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", ""), "wengert", "cache")
    if sys.platform == "darwin":
        return Path(os.path.expanduser("~/Library/Caches/wengert"))
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.path.expanduser("~/.cache")
    return Path(base if os.path.isabs(base) else home, "wengert")
