"""Errors of training: data, losses and files that it cannot go on with."""

from __future__ import annotations

import atexit
import json
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
    FileError,
    MissingLibraryError,
    ShapeError,
    TrainingError,
)

X = np.ones((4, 2))
SGD = wg.optim.sgd(0.1)
FOLDER = Path(tempfile.mkdtemp(prefix="wengert-errors-"))
atexit.register(shutil.rmtree, FOLDER)


def _loss(params, state, batch, training):
    return np.mean((batch @ params) ** 2), state


def _fit(batches=(X,), loss=_loss, params=X[0], **options):
    return wg.train.fit(loss, params, batches, SGD, progress=False, **options)


def _saved(name, params=X[0]):
    folder = FOLDER / name
    if not folder.exists():
        _fit(params=params, checkpoint=folder)
    return folder


def _changed(name, change):
    """A checkpoint whose JSON is another one."""
    path = _saved(name) / "checkpoint.json"
    path.write_text(change(path.read_text()))
    return path.parent


def _other_format(text):
    return json.dumps({**json.loads(text), "format": 99})


def _fewer_fields(text):
    note = json.loads(text)
    note["progress"].pop("steps", None)
    return json.dumps(note)


def _cut_arrays(name):
    folder = _saved(name)
    (path,) = folder.glob("arrays-*")
    path.write_bytes(path.read_bytes()[:-3])
    return folder


def _without(name, call):
    with unittest.mock.patch.dict(sys.modules, {name: None}):
        return call()


def _file(name, tree):
    path = FOLDER / name
    wg.train.save(path, tree)
    return path


def _cut_file():
    path = _file("cut.safetensors", {"w": X})
    path.write_bytes(path.read_bytes()[:-5])
    return path


FIT: list[Case] = [
    case(
        lambda: _fit(loss=lambda p, state, b, training: np.mean(b @ p)),
        ArgumentError,
        "fit: the loss returned a",
        "return the value and the next state",
    ),
    case(
        lambda: _fit(loss=lambda p, state, b, training: (b @ p, state)),
        ShapeError,
        "fit: the loss returned an array of shape (4,)",
        "return one number",
    ),
    case(
        lambda: _fit(loss=lambda p, s, b, training: (np.mean(b @ p), {"mean": X[0]})),
        ArgumentError,
        "fit: the loss was given a state of nothing, and returned one of mean",
        "fit(..., state=...)",
    ),
    case(
        lambda: _fit([np.array(["a", "b"])]),
        DTypeError,
        "fit: batch of epoch 1, batch 1 (step 1) is of type <U1",
    ),
    case(
        lambda: _fit([X, {"x": "name"}]),
        DTypeError,
        "fit: batch['x'] of epoch 1, batch 2 (step 2) is of type str",
    ),
    case(
        lambda: _fit([np.float64(1.0)]),
        ShapeError,
        "fit: epoch 1, batch 1 (step 1) has no rows",
    ),
    case(
        lambda: _fit([X, np.full((4, 2), np.nan)]),
        TrainingError,
        "fit: the loss is nan in epoch 1, batch 2 (step 2)",
        "not finite before that step: batch",
        "clean the data",
    ),
    case(
        lambda: _fit([]),
        ArgumentError,
        "fit: epoch 1 has no batches",
        "a generator can be gone over once only",
    ),
    case(
        lambda: _fit(iter([X]), epochs=2),
        ArgumentError,
        "fit: epoch 2 has no batches",
    ),
    case(lambda: _fit(epochs=0), ArgumentError, "fit: epochs=0"),
    case(
        lambda: _fit(every=5),
        ArgumentError,
        "fit: every=5, checkpoint=None",
        "and a folder",
    ),
    case(
        lambda: _fit(patience=1),
        ArgumentError,
        "fit: patience without validation",
    ),
    case(
        lambda: _fit(validation=iter([X])),
        ArgumentError,
        "fit: validation can be gone over once only",
    ),
    case(
        lambda: _fit(validation=[]),
        ArgumentError,
        "fit: validation has no batches",
    ),
    case(
        lambda: _without("tensorboardX", lambda: _fit(board=FOLDER / "board")),
        MissingLibraryError,
        "train.fit: tensorboardX is not installed",
        "pip install 'wengert[train]'",
    ),
    case(
        lambda: _without("safetensors.numpy", lambda: wg.train.save("file", X)),
        MissingLibraryError,
        "train.save: safetensors is not installed",
        "pip install 'wengert[train]'",
    ),
]

FILES: list[Case] = [
    case(
        lambda: _fit(checkpoint=_saved("there"), resume=False),
        FileError,
        "there has a checkpoint, and resume=False",
        "or go on from it",
    ),
    case(
        lambda: _fit(
            params={"w": X[0]},
            checkpoint=_saved("other"),
            loss=lambda p, s, b, training: _loss(p["w"], s, b, training),
        ),
        FileError,
        "other is of another model: it has no params.w; no best_params.w; "
        "best_params, which is unknown, and 1 more",
        "build the model and the optimiser",
    ),
    case(
        lambda: _fit(checkpoint=_cut_arrays("cut")),
        FileError,
        "is damaged, or no such file: its checksum is another",
    ),
    case(
        lambda: _fit(checkpoint=_changed("half", lambda text: text[:50])),
        FileError,
        "checkpoint.json is damaged, or no such file",
    ),
    case(
        lambda: _fit(checkpoint=_changed("fewer", _fewer_fields)),
        FileError,
        "checkpoint.json is damaged, or no such file",
    ),
    case(
        lambda: _fit(checkpoint=_changed("newer", _other_format)),
        FileError,
        "checkpoint.json has format 99, not 1",
    ),
    case(
        lambda: wg.train.load(FOLDER / "none.safetensors"),
        FileError,
        "none.safetensors cannot be read: No such file or directory",
        "check the path",
    ),
    case(
        lambda: wg.train.load(_cut_file()),
        FileError,
        "cut.safetensors is damaged, or no such file",
    ),
    case(
        lambda: wg.train.load(_file("shape", {"w": X}), like={"w": X[0]}),
        FileError,
        "shape is of another model: it has w of shape (4, 2), not (2,)",
    ),
    case(
        lambda: wg.train.load(_file("dtype", {"w": X}), like={"w": X.astype("f4")}),
        FileError,
        "dtype is of another model: it has w of dtype float64, not float32",
    ),
    case(
        lambda: wg.train.save(_saved("there"), X),
        FileError,
        "there cannot be written: Is a directory",
        "give a folder that may be written to",
    ),
    case(
        lambda: wg.train.save(FOLDER / "text", {"name": "model"}),
        DTypeError,
        "train: name is of type <U5, and cannot be saved",
    ),
    case(
        lambda: wg.train.save(FOLDER / "twice", {"a": {"b": X}, "a.b": X}),
        ArgumentError,
        "train: two leaves have the name 'a.b'",
        "use keys without dots in them",
    ),
]


def _fewer_batches():
    folder = FOLDER / "fewer batches"
    try:
        _fit([X, X, np.full((4, 2), np.nan)], checkpoint=folder, every=2)
    except TrainingError:
        pass
    return folder


FILES.append(
    case(
        lambda: _fit([X], checkpoint=_fewer_batches()),
        ArgumentError,
        "fit: epoch 1 has 1 batches, and 2 were done before the checkpoint",
        "go on with the data that the training began with",
    )
)

CASES = [*FIT, *FILES]
