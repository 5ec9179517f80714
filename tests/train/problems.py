"""A small training for the tests, with a state, minibatches and an optimiser."""

from __future__ import annotations

import sys

import numpy as np

import wengert as wg

X = np.cos(np.arange(96.0)).reshape(32, 3)
Y = np.sin(np.arange(32.0))
VALIDATION = [(X[:10], Y[:10]), (X[10:13], Y[10:13])]


def loss(params, state, batch, training):
    """Of a network whose inputs are centred by averages that training moves."""
    x, y = batch
    mean = 0.9 * state["mean"] + 0.1 * x.mean(axis=0) if training else state["mean"]
    hidden = np.tanh((x - mean) @ params["w"] + params["b"])
    return np.mean((hidden @ params["v"] - y) ** 2), {"mean": mean}


def worst(params, state, batch, training):
    x, y = batch
    hidden = np.tanh((x - state["mean"]) @ params["w"] + params["b"])
    return np.max(np.abs(hidden @ params["v"] - y)), state


def start():
    return {
        "w": np.sin(np.arange(12.0)).reshape(3, 4),
        "b": np.zeros(4),
        "v": np.cos(np.arange(4.0)),
    }


def batches(epoch):
    """Eight of them, in an order of the epoch's own."""
    rows = np.random.default_rng(epoch).permutation(32).reshape(8, 4)
    return [(X[k], Y[k]) for k in rows]


def fit(**options):
    given = {"state": {"mean": np.zeros(3)}, "epochs": 5, "progress": False, **options}
    opt = wg.optim.adam(wg.optim.cosine_decay_schedule(0.05, 200))
    return wg.train.fit(loss, start(), given.pop("batches", batches), opt, **given)


def slowly(epoch):
    """The same batches, so slowly that a process can be killed between them."""
    import time

    for batch in batches(epoch):
        time.sleep(0.005)
        print("batch", flush=True)
        yield batch


if __name__ == "__main__":
    fit(batches=slowly, checkpoint=sys.argv[1], every=3, epochs=int(sys.argv[2]))
