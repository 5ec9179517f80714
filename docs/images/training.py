"""The picture of docs/training.md."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import wengert as wg

EPOCHS = 60
OPTIMISERS = {
    "sgd, momentum 0.9": (wg.optim.sgd(0.02, momentum=0.9), "#2f6db5"),
    "adam": (wg.optim.adam(0.02), "#d9782d"),
    "lion": (wg.optim.lion(0.003), "#3a9166"),
}
SCHEDULES = {
    "warmup_cosine_decay_schedule": (
        wg.optim.warmup_cosine_decay_schedule(0.0, 1.0, 50, 400),
        "#2f6db5",
    ),
    "linear_onecycle_schedule": (
        wg.optim.linear_onecycle_schedule(400, 1.0),
        "#d9782d",
    ),
    "piecewise_constant_schedule": (
        wg.optim.piecewise_constant_schedule(1.0, {150: 0.3, 300: 0.3}),
        "#3a9166",
    ),
}

DRAW = np.random.default_rng(0)
X = DRAW.uniform(-2.0, 2.0, (512, 1))
Y = np.sin(2.0 * X[:, 0]) + 0.1 * DRAW.normal(size=512)
PARAMS = {
    "w": DRAW.normal(size=(1, 16)),
    "b": np.zeros(16),
    "v": 0.25 * DRAW.normal(size=16),
}


def loss(params, state, batch, training):
    x, y = batch
    hidden = np.tanh(x @ params["w"] + params["b"])
    return np.mean((hidden @ params["v"] - y) ** 2), state


def batches(epoch):
    rows = np.random.default_rng(epoch).permutation(384).reshape(12, 32)
    return [(X[k], Y[k]) for k in rows]


def draw(folder: Path) -> None:
    """Losses by epoch, and learning rates by step."""
    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (opt, color) in OPTIMISERS.items():
        found = wg.train.fit(
            loss, PARAMS, batches, opt, epochs=EPOCHS, validation=[(X[384:], Y[384:])]
        )
        epochs = [record["epoch"] for record in found.history]
        for key, style in (("loss", "-"), ("val_loss", ":")):
            values = [record[key] for record in found.history]
            label = name if key == "loss" else None
            left.semilogy(epochs, values, style, color=color, label=label)
    left.axhline(0.01, color="0.7", lw=1)
    left.text(0, 0.0098, "noise of the data", va="top", color="0.5")
    left.set(xlabel="epoch", ylabel="loss")
    left.set_title("training (lines) and validation (dots)", loc="left", fontsize=10)
    left.legend(frameon=False, fontsize=9)
    steps = np.arange(401)
    for name, (schedule, color) in SCHEDULES.items():
        right.plot(steps, schedule(steps), color=color, label=name)
    right.set(xlabel="step", ylabel="of the largest learning rate")
    right.set_title("schedules", loc="left", fontsize=10)
    right.legend(frameon=False, fontsize=9, loc="upper right")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "training.png", dpi=130)
