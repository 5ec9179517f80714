"""Checkpoints: resumed trainings are the same to the last bit, whatever killed them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import wengert as wg
from tests.train.problems import VALIDATION, X, batches, fit
from tests.train.test_fit import same
from wengert.errors import FileError
from wengert.train import files


@pytest.fixture(scope="module")
def whole():
    return fit(epochs=4)


def check(found, whole):
    assert same(found, whole)
    assert found.history == whole.history
    assert found.steps == whole.steps


class Stop(Exception):
    pass


def stopping(at):
    def some(epoch):
        for k, batch in enumerate(batches(epoch)):
            if (epoch, k) == at:
                raise Stop
            yield batch

    return some


@pytest.mark.parametrize("at", [(0, 3), (0, 7), (1, 0), (2, 5), (3, 7)])
def test_a_resumed_training_is_the_same(tmp_path, whole, at):
    with pytest.raises(Stop):
        fit(batches=stopping(at), checkpoint=tmp_path, every=3, epochs=4)
    check(fit(checkpoint=tmp_path, every=3, epochs=4), whole)
    # And what is done stays done.
    check(fit(checkpoint=tmp_path, every=3, epochs=4), whole)


def test_more_epochs_and_patience_go_on(tmp_path, whole):
    fit(checkpoint=tmp_path, epochs=2)
    check(fit(checkpoint=tmp_path, epochs=4), whole)
    early = {"validation": VALIDATION, "patience": 1, "min_delta": 1.0, "epochs": 9}
    first = fit(checkpoint=tmp_path / "early", **early)
    again = fit(checkpoint=tmp_path / "early", **early)
    check(again, first)
    assert again.outcome is wg.train.Outcome.STOPPED_EARLY


class Killed(BaseException):
    """In the place of SIGKILL: nothing that would clean up sees it."""


def killed_at(monkeypatch, count):
    """The process ends before the count-th operation on files."""
    left = [count]

    def dying(operation):
        def instead(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return operation(*args, **kwargs)

        return instead

    for owner, name in [(os, "fsync"), (os, "replace"), (Path, "unlink")]:
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))


# The last step of an epoch is saved twice: after the step, and after the epoch.
@pytest.mark.parametrize("count", range(16))
def test_killed_while_it_saves(tmp_path, whole, monkeypatch, count):
    fit(checkpoint=tmp_path, epochs=1)
    with monkeypatch.context() as patch:
        killed_at(patch, count)
        try:
            fit(checkpoint=tmp_path, epochs=2, every=8)
        except Killed:
            assert count < 15
    steps = json.loads((tmp_path / "checkpoint.json").read_bytes())["progress"]["steps"]
    assert steps in (8, 16)
    check(fit(checkpoint=tmp_path, epochs=4), whole)
    assert len(list(tmp_path.iterdir())) == 2  # nothing unfinished is left


def test_a_process_that_is_killed(tmp_path, whole):
    """SIGKILL at several moments: at most the steps since the last one are lost."""
    command = [sys.executable, "-m", "tests.train.problems", str(tmp_path), "4"]
    done = 0
    for steps in (5, 7, 11):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for _ in range(steps):
                process.stdout.readline()
            process.kill()
        note = json.loads((tmp_path / "checkpoint.json").read_bytes())
        found = note["progress"]["steps"]
        assert found >= max(done, steps - 4)
        done = found
    check(fit(checkpoint=tmp_path, every=3, epochs=4), whole)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, whole, monkeypatch):
    fit(checkpoint=tmp_path, epochs=1)

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left on device"):
            fit(checkpoint=tmp_path, epochs=2)
    assert not list(tmp_path.glob(f"*{files.UNFINISHED}"))
    check(fit(checkpoint=tmp_path, epochs=4), whole)


TREE = {
    "a": np.arange(6.0).reshape(2, 3),
    "layers": [{"w": np.float32(0.5)}, (np.array(2, np.int8), None)],
    "half": np.ones(3, np.float16),
    "brain": np.ones((2, 2), ml_dtypes.bfloat16),
    "z": np.array([1.0 + 2.0j]),
    "key": np.array([1, 2], np.uint32),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 3)),
}


def test_weights_come_back(tmp_path):
    path = tmp_path / "folder" / "weights.safetensors"
    wg.train.save(path, TREE)
    found = wg.train.load(path, like=TREE)
    assert same(found, TREE)
    for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(TREE), strict=True):
        assert np.shape(a) == np.shape(b) and a.dtype == b.dtype
    found["a"][0] = 1.0
    by_name = wg.train.load(path)
    assert by_name["layers.0.w"] == 0.5 and by_name["brain"].dtype == "bfloat16"
    assert np.array_equal(by_name["a"], TREE["a"])


def test_other_programs_read_them(tmp_path):
    from safetensors.numpy import load_file

    path = tmp_path / "weights.safetensors"
    wg.train.save(path, {"w": np.asfortranarray(np.arange(6.0).reshape(2, 3))})
    assert np.array_equal(load_file(path)["w"], np.arange(6.0).reshape(2, 3))


def test_the_state_of_a_model_goes_on(tmp_path):
    """Averages of a normalisation, and the key that dropout draws from."""
    nn = wg.nn
    model = nn.Chain(nn.Dense(8), nn.BatchNorm(), np.tanh, nn.Dropout(0.5), nn.Dense(1))
    params, state = nn.setup(wg.random.key(0), model, X)
    squared = wg.train.supervised(model, lambda y, t: np.mean((y[:, 0] - t) ** 2))

    def trained(epochs, **options):
        return wg.train.fit(
            squared,
            params,
            batches,
            wg.optim.adam(0.01),
            state=state,
            epochs=epochs,
            validation=VALIDATION,
            **options,
        )

    trained(1, checkpoint=tmp_path)
    check(trained(2, checkpoint=tmp_path), trained(2))
