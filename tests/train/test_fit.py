"""`fit`: what it computes, shows, stops at and refuses."""

from __future__ import annotations

import os
import signal
import sys
import threading
import unittest.mock

import numpy as np
import pytest

import wengert as wg
from tests.train.problems import VALIDATION, X, Y, batches, fit, loss, start, worst


def same(a, b):
    pairs = zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) and type(x) is type(y) for x, y in pairs)


def test_it_is_the_loop_by_hand():
    opt = wg.optim.adam(wg.optim.cosine_decay_schedule(0.05, 200))
    params, state = start(), {"mean": np.zeros(3)}
    opt_state = opt.init(params)
    values = []
    for epoch in range(2):
        for batch in batches(epoch):
            f = lambda p: loss(p, state, batch, True)
            (value, state), gradients = wg.value_and_grad(f, has_aux=True)(params)
            updates, opt_state = opt.update(gradients, opt_state, params)
            params = wg.optim.apply_updates(params, updates)
            values.append(value)
    found = fit(epochs=2)
    for name in params:
        assert np.allclose(found.params[name], params[name], rtol=1e-12)
    assert np.allclose(found.state["mean"], state["mean"])
    assert np.isclose(found.history[1]["loss"], np.mean(values[8:]))
    assert found.steps == found.history[-1]["steps"] == 16
    assert found.outcome is wg.train.Outcome.FINISHED
    assert found.opt_state[0].count == 16


def test_validation_weighs_rows():
    found = fit(epochs=1, validation=VALIDATION, metrics={"worst": worst})
    parts = [loss(found.params, found.state, b, False)[0] for b in VALIDATION]
    record = found.history[0]
    assert np.isclose(record["val_loss"], (10 * parts[0] + 3 * parts[1]) / 13)
    assert record["val_worst"] > record["val_loss"] ** 0.5


def test_the_best_are_kept_and_patience_ends():
    # Its loss rises in validation: the targets there are the opposite.
    found = fit(epochs=50, validation=[(X, -Y)], patience=2)
    values = [record["val_loss"] for record in found.history]
    assert found.outcome is wg.train.Outcome.STOPPED_EARLY
    assert len(values) == int(np.argmin(values)) + 3
    best = loss(found.best_params, found.best_state, (X, -Y), False)[0]
    assert np.isclose(best, min(values))
    assert str(found.outcome) == "the validation loss no longer falls"


def test_float32_stays():
    params = wg.tree.map(lambda p: p.astype(np.float32), start())
    data = [(X[:4].astype(np.float32), Y[:4].astype(np.float32))]
    state = {"mean": np.zeros(3, np.float32)}
    found = wg.train.fit(loss, params, data, wg.optim.adamw(0.1), state=state)
    for leaf in wg.tree.leaves((found.params, found.state)):
        assert leaf.dtype == np.float32


def test_a_model_and_a_loss():
    model = wg.nn.Chain(wg.nn.Dense(8), np.tanh, wg.nn.Dense(1))
    params, state = wg.nn.setup(wg.random.key(0), model, X)
    squared = wg.train.supervised(model, lambda y, t: np.mean((y - t) ** 2))
    data = [(X, np.sum(X, axis=1, keepdims=True))]
    found = wg.train.fit(
        squared, params, data, wg.optim.adam(0.02), state=state, epochs=150
    )
    assert found.history[-1]["loss"] < 0.05 * found.history[0]["loss"]


def test_ctrl_c_saves_and_ends(tmp_path):
    def interrupted(epoch):
        for k, batch in enumerate(batches(epoch)):
            if epoch == 1 and k == 2:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    before = signal.getsignal(signal.SIGINT)
    found = fit(batches=interrupted, checkpoint=tmp_path)
    assert found.outcome is wg.train.Outcome.INTERRUPTED and found.steps == 11
    assert signal.getsignal(signal.SIGINT) is before
    assert same(fit(checkpoint=tmp_path), fit())


def test_ctrl_c_twice_raises():
    def stuck(epoch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        yield from batches(epoch)

    with pytest.raises(KeyboardInterrupt):
        fit(batches=stuck)


def test_another_thread_trains_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(epochs=1)))
    thread.start()
    thread.join()
    assert same(found[0], fit(epochs=1))


def test_a_line_is_shown_where_wanted(capsys):
    fit(epochs=2, progress=True)
    shown = capsys.readouterr().out
    assert "epoch 1/2" in shown and "loss" in shown
    fit(epochs=2, progress=None)
    assert capsys.readouterr().out == ""


def test_event_files_for_tensorboard(tmp_path):
    fit(epochs=2, board=tmp_path / "board", validation=VALIDATION)
    (file,) = (tmp_path / "board").iterdir()
    content = file.read_bytes()
    assert content.count(b"loss/step") == 16
    assert content.count(b"val_loss/epoch") == 2


def test_libraries_are_imported_when_they_are_needed():
    hidden = {"tensorboardX": None, "safetensors": None, "safetensors.numpy": None}
    with unittest.mock.patch.dict(sys.modules, hidden):
        fit(epochs=1)
