"""A network that reads digits with a tenth of its weights.

A weight goes if it is small, or if the loss changes little without it: by the first
order of Taylor, |w dL/dw| (Molchanov et al., "Pruning convolutional neural networks for
resource efficient inference", arXiv:1611.06440, 2017). What is left learns again; what
has gone stays away. Where training has made the gradients small, few images decide
about the second measure, and it is the worse one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning.digits import (
    BATCH,
    DENSE,
    SEEDS,
    Digits,
    Trainer,
    accuracy,
    digits,
)
from wengert.examples.learning.training import Learner, epoch_of
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEPT, EPOCHS = 0.1, 20


# -- what a weight is worth ----------------------------------------------------------


def magnitude(params: Any, state: Any, data: Digits) -> Any:
    """|w| of every parameter."""
    return wg.tree.map(np.abs, params)


@wg.jit
def saliency(params: Any, state: Any, data: Digits) -> Any:
    """The mean of |w dL/dw| over the images, of every parameter."""

    def loss(params: Any, image: Any, digit: Any) -> Any:
        scores, _ = nn.apply(DENSE.model, image[None], params, state)
        return nn.cross_entropy(scores, np.reshape(digit, 1))

    total = wg.tree.map(np.zeros_like, params)
    for image, digit in zip(data.images, data.labels, strict=True):
        grads = wg.grad(loss)(params, image, digit)
        total = wg.tree.map(lambda t, w, g: t + np.abs(w * g), total, params, grads)
    return wg.tree.map(lambda t: t / len(data.labels), total)


def mask_of(worth: Any, kept: float) -> Any:
    """True for the best share of all weights, and for every bias."""
    weights = [w.ravel() for w in wg.tree.leaves(worth) if w.ndim > 1]
    bar = np.quantile(np.concatenate(weights), 1.0 - kept)
    return wg.tree.map(
        lambda w: w >= bar if w.ndim > 1 else np.ones(w.shape, bool), worth
    )


def masked(params: Any, mask: Any) -> Any:
    return wg.tree.map(lambda w, m: w * m, params, mask)


def share_kept(params: Any) -> float:
    """The share of weights, biases aside, that are not 0."""
    weights = [w for w in wg.tree.leaves(params) if w.ndim > 1]
    left = sum(np.count_nonzero(w) for w in weights)
    return float(left / sum(w.size for w in weights))


# -- learning with what is left ------------------------------------------------------


class Tuner:
    """Trains a pruned network further; the mask is a part of its state."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        steps = epochs * (len(digits()[0].labels) // BATCH)
        rate = wg.optim.cosine_decay_schedule(2e-3, steps)
        self.optimiser = wg.optim.adam(rate)
        self.epoch = epoch_of(self.loss, self.optimiser, BATCH)

    def loss(self, params: Any, state: Any, key: Any, batch: Digits) -> Any:
        inner, mask = state
        scores, inner = nn.apply(
            DENSE.model, batch.images, masked(params, mask), inner, True
        )
        return nn.cross_entropy(scores, batch.labels), (inner, mask)

    def tune(self, pruned: Learner, mask: Any, seed: int) -> Learner:
        """The network after some epochs; weights that were 0 are 0."""
        found = Learner(
            pruned.params, (pruned.state, mask), self.optimiser.init(pruned.params)
        )
        key = wg.random.key(1000 + seed)
        for i in range(self.epochs):
            found, _ = self.epoch(found, wg.random.fold_in(key, i), digits()[0])
        return Learner(masked(found.params, mask), found.state[0], ())


CRITERIA: dict[str, Callable[[Any, Any, Digits], Any]] = {
    "|w|": magnitude,
    "|w dL/dw|": saliency,
}


REACHED = {
    "all weights": 0.03,
    "|w|, trained again": 0.06,
    "|w dL/dw|, trained again": 0.12,
}


def study(seeds: int = SEEDS, epochs: int = EPOCHS) -> Study:
    """Prune networks from some seeds in both ways; the figures are means over them."""
    (train, test), tuner = digits(), Tuner(epochs)
    trainer = Trainer(DENSE)
    whole = [trainer.train(seed) for seed in range(seeds)]
    found = {"all weights": [_accuracy(t.learner, test) for t in whole]}
    shares = []
    for name, worth in CRITERIA.items():
        for seed, (learnt, _) in enumerate(whole):
            mask = mask_of(worth(learnt.params, learnt.state, train), KEPT)
            pruned = learnt._replace(params=masked(learnt.params, mask))
            tuned = tuner.tune(pruned, mask, seed)
            found.setdefault(f"pruned by {name}", []).append(_accuracy(pruned, test))
            found.setdefault(f"{name}, trained again", []).append(
                _accuracy(tuned, test)
            )
            shares.append(share_kept(tuned.params))
    rows = [Row("weights that are left, at most", max(shares), KEPT, 1e-3, "the mask")]
    for name, within in REACHED.items():
        what = f"test images read rightly: {name}"
        rows.append(Row(what, float(np.mean(found[name])), 1.0, within, "the labels"))
    return Study(tuple(rows), functools.partial(_draw, found))


def _accuracy(learnt: Learner, test: Digits) -> float:
    return accuracy(DENSE.model, learnt, test)


def _draw(found: dict[str, list[float]], figure: Figure) -> None:
    ax = axes_of(figure, 1, 1)[0, 0]
    for i, (name, each) in enumerate(found.items()):
        color = (
            GREY if name == "all weights" else (BLUE if "trained" in name else ORANGE)
        )
        ax.barh(i, 100.0 * np.mean(each), color=color, height=0.6)
        ax.plot(100.0 * np.array(each), [i] * len(each), "k|")
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    label(ax, "test images read rightly (%)", "a tenth of the weights")
