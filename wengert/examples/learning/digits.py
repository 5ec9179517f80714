"""Handwritten digits, read by dense layers and convolutions.

The 1797 images of 8 x 8 pixels that come with scikit-learn, split once: 1437 to learn
from and 360, as many of each digit, for the figures that are reported. What is not
learnt (sizes, rates, how much is dropped) was chosen on a part of the 1437.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning.training import Learner, epoch_of, learner
from wengert.examples.study import BLUE, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS, BATCH, SEEDS = 40, 64, 5
TEST = 360  # images for the test


class Digits(NamedTuple):
    """Images (n, 1, 8, 8) between 0 and 1, float32, and the digits they show."""

    images: np.ndarray
    labels: np.ndarray


class Network(NamedTuple):
    """A model for the images, and what is known to be within its reach."""

    name: str
    model: nn.Layer
    at_least: float  # of the test images that it reads rightly
    moved: bool  # whether it learns from images moved by a pixel


DENSE = Network(
    "dense layers",
    nn.Chain(
        nn.flatten,
        nn.Dense(128),
        nn.relu,
        nn.Dropout(0.2),
        nn.Dense(64),
        nn.relu,
        nn.Dense(10),
    ),
    0.97,
    moved=False,
)
CONVOLUTIONAL = Network(
    "convolutions",
    nn.Chain(
        nn.Conv(16, 3, padding=1),
        nn.relu,
        nn.Conv(32, 3, padding=1),
        nn.relu,
        nn.MaxPool(2),
        nn.Conv(64, 3, padding=1),
        nn.relu,
        nn.flatten,
        nn.Dropout(0.3),
        nn.Dense(10),
    ),
    0.985,
    moved=True,
)


@functools.cache
def digits() -> tuple[Digits, Digits]:
    """The images to learn from, and those that are kept for the test."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16.0).astype(np.float32).reshape(-1, 1, 8, 8)
    share = TEST / len(labels)
    train, test = wg.data.split(
        Digits(images, labels), (1.0 - share, share), wg.random.key(0), labels=labels
    )
    return train, test


def moved(images: Any, key: Any) -> Any:
    """Each image moved by -1, 0 or 1 pixel along both axes, by chance."""
    n, _, height, width = images.shape
    wide = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    first = wg.random.integers(key, 0, 3, (2, n, 1))
    rows, columns = first[0] + np.arange(height), first[1] + np.arange(width)
    places = np.arange(n)[:, None, None]
    return wide[places, rows[:, :, None], columns[:, None, :]][:, None]


# -- training ------------------------------------------------------------------------


class Trained(NamedTuple):
    """A network after training: its parameters, and the loss of every epoch."""

    learner: Learner
    losses: np.ndarray


class Trainer:
    """Trains a network on the digits, from as many seeds as one likes."""

    def __init__(self, network: Network, epochs: int = EPOCHS) -> None:
        self.network, self.epochs = network, epochs
        steps = epochs * (len(digits()[0].labels) // BATCH)
        rate = wg.optim.cosine_decay_schedule(3e-3, steps)
        self.optimiser = wg.optim.adamw(rate, weight_decay=1e-3)
        self.epoch = epoch_of(self.loss, self.optimiser, BATCH)

    def loss(self, params: Any, state: Any, key: Any, batch: Digits) -> Any:
        images = moved(batch.images, key) if self.network.moved else batch.images
        scores, state = nn.apply(self.network.model, images, params, state, True)
        return nn.cross_entropy(scores, batch.labels), state

    def train(self, seed: int) -> Trained:
        train, _ = digits()
        key = wg.random.key(seed)
        found = learner(key, self.network.model, train.images[:2], self.optimiser)
        losses = []
        for i in range(self.epochs):
            found, loss = self.epoch(found, wg.random.fold_in(key, i), train)
            losses.append(float(loss))
        return Trained(found, np.array(losses))


@functools.cache
def reader(model: nn.Layer) -> Callable[[Any, Any, Any], Any]:
    """``read(params, state, images)``: the digits that a model sees, compiled."""
    return wg.jit(
        lambda params, state, images: np.argmax(
            nn.apply(model, images, params, state)[0], axis=1
        )
    )


def accuracy(model: nn.Layer, learnt: Learner, data: Digits) -> float:
    """The share of the images that a model reads rightly."""
    seen = reader(model)(learnt.params, learnt.state, data.images)
    return float(np.mean(seen == data.labels))


# -- the study -----------------------------------------------------------------------


def study(seeds: int = SEEDS, epochs: int = EPOCHS) -> Study:
    """Train both networks from some seeds; the figures are means over them."""
    test, runs, rows = digits()[1], {}, []
    for network in (DENSE, CONVOLUTIONAL):
        trainer = Trainer(network, epochs)
        trained = [trainer.train(seed) for seed in range(seeds)]
        found = [accuracy(network.model, t.learner, test) for t in trained]
        runs[network.name] = trained, found
        rows.append(
            Row(
                f"{network.name}: share of test images read rightly",
                float(np.mean(found)),
                1.0,
                1.0 - network.at_least,
                "the labels",
            )
        )
    return Study(tuple(rows), functools.partial(_draw, runs))


def _draw(runs: dict[str, tuple[list[Trained], list[float]]], figure: Figure) -> None:
    losses, wrong = axes_of(figure, 1, 2)[0]
    for (name, (trained, found)), color in zip(
        runs.items(), (BLUE, ORANGE), strict=True
    ):
        for i, run in enumerate(trained):
            losses.semilogy(run.losses, color=color, label="" if i else name)
        wrong.bar(name, 100.0 * (1.0 - np.mean(found)), color=color, width=0.5)
        wrong.plot([name] * len(found), 100.0 * (1.0 - np.array(found)), "k_")
    label(losses, "epoch", "mean loss of the epoch")
    label(wrong, "network", "test images misread (%), each seed and mean")
