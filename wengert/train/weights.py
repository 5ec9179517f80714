"""Pytrees of arrays in files: safetensors, with a name for each leaf."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, FileError
from wengert.explain._optional import library
from wengert.train.files import damaged, read, write

# What the format lacks, or its reader, and what such arrays are stored as.
_STORED = {
    np.dtype(ml_dtypes.bfloat16): np.dtype(np.uint16),
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}
_AS = "wengert_dtypes"


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a pytree of arrays and numbers to a safetensors file.

    Each leaf has the name of its place: ``layers.0.w``. Other programs read the file as
    well. It is written whole or not at all: an old file stays until the new one is on
    the disk.

    Args:
        path: Of the file; its folders are made.
        tree: A pytree of arrays and numbers.

    Raises:
        DTypeError: a leaf is no array of numbers.
        ArgumentError: two leaves have one name.
        FileError: the file cannot be written.
        MissingLibraryError: safetensors is not installed (the extra `train`).

    Example:
        >>> import numpy as np, tempfile, wengert as wg
        >>> folder = tempfile.TemporaryDirectory()
        >>> wg.train.save(folder.name + "/model.safetensors", {"w": np.ones(2)})
        >>> wg.train.load(folder.name + "/model.safetensors")
        {'w': array([1., 1.])}
        >>> folder.cleanup()
    """
    write(Path(path), content_of(tree))


def load(path: str | os.PathLike[str], like: Any = None) -> Any:
    """Read a pytree from a safetensors file.

    Args:
        path: Of the file.
        like: A pytree with the structure, shapes and dtypes that it should have, such
            as freshly made parameters. Without it, a dictionary of arrays by name.

    Returns:
        A pytree like `like`, of new arrays.

    Raises:
        FileError: there is no such file; it is cut off; or it does not fit `like`:
            names, shapes or dtypes differ, which the message lists.
        MissingLibraryError: safetensors is not installed (the extra `train`).

    Example:
        See `save`.
    """
    found = arrays_of(Path(path), read(Path(path)))
    return found if like is None else fitted(str(path), found, like)


def content_of(tree: Any) -> bytes:
    """The bytes of a file."""
    arrays: dict[str, np.ndarray] = {}
    kinds: dict[str, Any] = {}
    for name, leaf in zip(names(tree), wg.tree.leaves(tree), strict=True):
        array = np.ascontiguousarray(leaf).reshape(np.shape(leaf))
        if array.dtype in _STORED:
            kinds[name] = array.dtype.name, array.shape
            array = array.reshape(-1).view(_STORED[array.dtype])
        elif array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            raise DTypeError(
                explain(
                    f"train: {name} is of type {array.dtype}, and cannot be saved",
                    fix="save pytrees of arrays and numbers",
                )
            )
        arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
    write_all = library("safetensors.numpy", "train.save", "train").save
    content: bytes = write_all(arrays, {_AS: json.dumps(kinds)})
    return content


def arrays_of(path: Path, content: bytes) -> dict[str, Any]:
    """The arrays of a file by name."""
    read_all = library("safetensors.numpy", "train.load", "train").load
    try:
        arrays = read_all(content)
        size = int.from_bytes(content[:8], "little")
        notes = json.loads(content[8 : 8 + size]).get("__metadata__", {})
        for name, (dtype, shape) in json.loads(notes.get(_AS, "{}")).items():
            arrays[name] = arrays[name].view(np.dtype(dtype)).reshape(shape)
    except Exception as error:  # the library's own class, among others
        raise damaged(path, error) from None
    # Some versions return arrays that cannot be written to.
    return {name: np.array(array) for name, array in arrays.items()}


def names(tree: Any) -> list[str]:
    """A name for each leaf: the keys, fields and indices that lead to it."""
    found = wg.tree.names(tree)
    for name, count in Counter(found).items():
        if count > 1:
            raise ArgumentError(
                explain(
                    f"train: two leaves have the name {name!r}",
                    fix="use keys without dots in them",
                )
            )
    return found


def fitted(what: str, arrays: dict[str, Any], like: Any) -> Any:
    """A pytree like another one, of arrays by name."""
    wanted = names(like)
    leaves, structure = wg.tree.flatten(like)
    problems = [f"no {name}" for name in wanted if name not in arrays]
    problems += [
        f"{name}, which is unknown" for name in sorted(arrays) if name not in wanted
    ]
    for name, leaf in zip(wanted, leaves, strict=True):
        if name in arrays:
            found, leaf = arrays[name], np.asarray(leaf)
            if found.shape != leaf.shape:
                problems.append(f"{name} of shape {found.shape}, not {leaf.shape}")
            elif found.dtype != leaf.dtype:
                problems.append(f"{name} of dtype {found.dtype}, not {leaf.dtype}")
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise FileError(
            explain(
                f"{what} is of another model: it has {'; '.join(problems[:3])}{more}",
                fix="build the model and the optimiser that the file was written with",
            )
        )
    made = [
        arrays[name] if isinstance(leaf, np.ndarray) else arrays[name][()]
        for name, leaf in zip(wanted, leaves, strict=True)
    ]
    return wg.tree.unflatten(structure, made)
