"""A network that reads digits with weights of one bit.

Every weight is +1 or -1, and every neuron has a scale and a bias that are real. A sign
has no useful derivative; training keeps real weights, uses their signs, and takes the
derivatives of the identity, within -1 and 1, in their stead (Courbariaux et al.,
"Binarized neural networks", NeurIPS 2016). Beside it the same network with real
weights, and that one with its weights rounded to signs after training.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning.digits import BATCH, SEEDS, Digits, digits
from wengert.examples.learning.training import Learner, epoch_of
from wengert.examples.study import BLUE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS, RATE = 40, 3e-3
SIZES = (64, 256, 128, 10)

Weights = Callable[[Any], Any]


def signs(w: Any) -> Any:
    """+1 and -1; 0 is +1."""
    return np.where(w >= 0.0, 1.0, -1.0).astype(w.dtype)


one_bit = wg.straight_through(signs, lambda w: np.clip(w, -1.0, 1.0))


def real(w: Any) -> Any:
    """The weights as they are."""
    return w


def layers(key: Any) -> Any:
    """Weights between -1 and 1, scales and biases, float32."""
    sizes = zip(SIZES[1:], SIZES[:-1], strict=True)
    return tuple(
        {
            "weight": wg.random.uniform(
                wg.random.fold_in(key, i), (outputs, inputs), np.float32, low=-1.0
            ),
            "scale": np.ones(outputs, np.float32),
            "bias": np.zeros(outputs, np.float32),
        }
        for i, (outputs, inputs) in enumerate(sizes)
    )


def scores(params: Any, images: Any, weights: Weights) -> Any:
    """What the network says of images, with its weights as `weights` makes them.

    Weights are of size 1, so what a layer adds up is divided by the root of how many
    inputs it has.
    """
    x = images.reshape(len(images), -1)
    for i, layer in enumerate(params):
        x = np.maximum(x, 0.0) if i else x
        w = weights(layer["weight"])
        scale = layer["scale"] / np.sqrt(np.float32(w.shape[1]))
        x = scale * (x @ w.T) + layer["bias"]
    return x


class Trainer:
    """Trains the network with weights of one kind."""

    def __init__(self, weights: Weights, epochs: int = EPOCHS) -> None:
        self.weights, self.epochs = weights, epochs
        steps = epochs * (len(digits()[0].labels) // BATCH)
        self.optimiser = wg.optim.adam(wg.optim.cosine_decay_schedule(RATE, steps))
        self.epoch = epoch_of(self.loss, self.optimiser, BATCH)

    def loss(self, params: Any, state: Any, key: Any, batch: Digits) -> Any:
        found = scores(params, batch.images, self.weights)
        return nn.cross_entropy(found, batch.labels), state

    def train(self, seed: int) -> Any:
        """The parameters after all epochs."""
        key = wg.random.key(seed)
        params = layers(key)
        found = Learner(params, (), self.optimiser.init(params))
        for i in range(self.epochs):
            found, _ = self.epoch(found, wg.random.fold_in(key, i), digits()[0])
        return found.params


def rounded(params: Any) -> Any:
    """Real weights become signs; a neuron's scale takes on their mean size.

    Of all scales that is the nearest one (Rastegari et al., "XNOR-Net", ECCV 2016).
    """
    return tuple(
        {
            "weight": signs(layer["weight"]),
            "scale": layer["scale"] * np.mean(np.abs(layer["weight"]), axis=1),
            "bias": layer["bias"],
        }
        for layer in params
    )


def accuracy(params: Any, weights: Weights) -> float:
    """The share of the test images that a network reads rightly."""
    test = digits()[1]
    seen = np.argmax(scores(params, test.images, weights), axis=1)
    return float(np.mean(seen == test.labels))


# how far from 1 the mean may be
REACHED = {
    "real weights": 0.04,
    "one bit, trained": 0.04,
    "real, rounded after training": 0.4,
}


def study(seeds: int = SEEDS, epochs: int = EPOCHS) -> Study:
    """Train with real weights and with one bit; the figures are means over seeds."""
    wholes, bits = Trainer(real, epochs), Trainer(one_bit, epochs)
    whole = [wholes.train(seed) for seed in range(seeds)]
    bit = [bits.train(seed) for seed in range(seeds)]
    found = {
        "real weights": [accuracy(params, real) for params in whole],
        "one bit, trained": [accuracy(params, signs) for params in bit],
        "real, rounded after training": [
            accuracy(rounded(params), real) for params in whole
        ],
    }
    means = {name: float(np.mean(each)) for name, each in found.items()}
    rows = [
        Row(f"read rightly: {name}", means[name], 1.0, within, "the labels")
        for name, within in REACHED.items()
    ]
    return Study(tuple(rows), functools.partial(_draw, found))


def _draw(found: dict[str, list[float]], figure: Figure) -> None:
    ax = axes_of(figure, 1, 1)[0, 0]
    for i, each in enumerate(found.values()):
        share = 100.0 * np.array(each)
        ax.barh(i, share.mean(), color=BLUE, height=0.5)
        ax.plot(share, np.full(len(share), i), "k|")
        ax.text(1.0, i, f"{share.mean():.1f} %", color="white", va="center")
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    label(ax, "test images read rightly (%), each seed and mean", "")
