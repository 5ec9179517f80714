"""Checkpoints: a training as it is after a step, on the disk.

A folder has a file of arrays for the last checkpoint, and `checkpoint.json`, which
names it with its checksum. The arrays are written first, under a new name, and the JSON
takes the place of the old one in one operation of the file system: whenever the process
is killed, it names arrays that are complete. What is no longer named is removed then.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from wengert._core.source import explain
from wengert.errors import FileError
from wengert.train.files import UNFINISHED, damaged, read, write
from wengert.train.run import Progress, Run
from wengert.train.weights import arrays_of, content_of, fitted

_FORMAT = 1
_NAME = "checkpoint.json"


class Checkpoints:
    """The folder of a training."""

    def __init__(self, folder: Any) -> None:
        self.folder = Path(folder)

    def save(self, run: Run) -> None:
        """Write what the training needs to go on as if it had never stopped."""
        content = content_of(run.arrays)
        checksum = hashlib.sha256(content).hexdigest()
        # By its content too: no file that the old JSON names is written again.
        arrays = f"arrays-{run.progress.steps}-{checksum[:16]}.safetensors"
        note = {
            "format": _FORMAT,
            "arrays": arrays,
            "sha256": checksum,
            "progress": run.progress._asdict(),
        }
        write(self.folder / arrays, content)
        write(self.folder / _NAME, json.dumps(note, indent=1).encode())
        for pattern in ("arrays-*.safetensors", f"*{UNFINISHED}"):
            for old in self.folder.glob(pattern):
                if old.name != arrays:
                    old.unlink(missing_ok=True)

    def exists(self) -> bool:
        return (self.folder / _NAME).exists()

    def restore(self, run: Run) -> None:
        """Set a training that has just begun to what was saved."""
        note = self._note()
        path = self.folder / note["arrays"]
        content = read(path)
        if hashlib.sha256(content).hexdigest() != note["sha256"]:
            raise damaged(path, "its checksum is another")
        run.arrays = fitted(
            f"the checkpoint in {self.folder}", arrays_of(path, content), run.arrays
        )
        run.progress = Progress(**note["progress"])

    def _note(self) -> dict[str, Any]:
        path = self.folder / _NAME
        try:
            note: dict[str, Any] = json.loads(read(path))
            if note["format"] != _FORMAT:
                raise FileError(
                    explain(
                        f"{path} has format {note['format']}, not {_FORMAT}",
                        fix="use the version of Wengert that wrote it",
                    )
                )
            if set(note["progress"]) != set(Progress._fields):
                raise ValueError(f"it has {', '.join(note['progress'])}")
            _ = note["arrays"], note["sha256"]
        except (ValueError, TypeError, KeyError) as error:
            raise damaged(path, error) from None
        return note
