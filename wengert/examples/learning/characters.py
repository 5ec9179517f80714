"""Models of characters that read the documentation of Python.

Three models of as many parameters, two recurrent and a causal transformer, learn to say
which character comes next in the help texts of Python's standard library
(`pydoc_data.topics`). They are measured on the last tenth, which they have not seen, in
bits a character: the binary logarithm of how many characters they hesitate between.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning.training import Learner, epoch_of, learner
from wengert.examples.study import BLUE, GREEN, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LENGTH, BATCH, STEPS, PART = 64, 32, 900, 50  # PART: steps between two reports
# The highest of a few with which the first 600 steps go down steadily.
RATES = {"LSTM": 8e-3, "GRU": 8e-3, "transformer": 1e-2}
REACHED = 2.2  # bits a character that each gets below; counting pairs gives 3.35
BITS = 1.0 / math.log(2.0)


class Text(NamedTuple):
    """A text as numbers, its alphabet, and where the unseen part begins."""

    codes: np.ndarray
    alphabet: str
    unseen: int

    def windows(self, first: int, last: int, step: int) -> np.ndarray:
        """Pieces of LENGTH + 1 characters, one beginning every `step`."""
        part = self.codes[first:last]
        found = np.lib.stride_tricks.sliding_window_view(part, LENGTH + 1)
        return np.ascontiguousarray(found[::step])


@functools.cache
def python_topics() -> Text:
    from pydoc_data.topics import topics

    text = "\n".join(topics[name] for name in sorted(topics))
    alphabet = "".join(sorted(set(text)))
    place = {character: i for i, character in enumerate(alphabet)}
    codes = np.array([place[character] for character in text])
    return Text(codes, alphabet, len(codes) * 9 // 10)


def models(count: int) -> dict[str, nn.Layer]:
    """The models for an alphabet of so many characters."""
    block = nn.encoder_block(64, heads=4, causal=True)
    return {
        "LSTM": nn.Chain(
            nn.Embedding(count, 64), nn.Recurrent(nn.LSTMCell(128)), nn.Dense(count)
        ),
        "GRU": nn.Chain(
            nn.Embedding(count, 64), nn.Recurrent(nn.GRUCell(152)), nn.Dense(count)
        ),
        "transformer": nn.Chain(
            nn.Embedding(count, 64),
            nn.LearnedPositions(LENGTH),
            nn.Repeat(block, 2),
            nn.LayerNorm(),
            nn.Dense(count),
        ),
    }


# -- learning ------------------------------------------------------------------------


class Reader:
    """Teaches a model the characters of a text."""

    def __init__(self, name: str, text: Text, steps: int = STEPS) -> None:
        self.model = models(len(text.alphabet))[name]
        self.text, self.steps = text, steps
        rate = wg.optim.warmup_cosine_decay_schedule(
            0.0, RATES[name], steps // 20, steps
        )
        self.optimiser = wg.optim.chain(
            wg.optim.clip_by_global_norm(1.0), wg.optim.adam(rate)
        )
        self.steps_of = epoch_of(self.loss, self.optimiser, BATCH)
        self.mean_loss = wg.jit(
            lambda params, state, windows: self.loss(params, state, None, windows)[0]
        )

    def loss(self, params: Any, state: Any, key: Any, windows: Any) -> Any:
        scores, state = nn.apply(self.model, windows[:, :-1], params, state)
        return nn.cross_entropy(scores, windows[:, 1:]), state

    def learn(self, seed: int = 0) -> tuple[Learner, np.ndarray]:
        """The model after its steps, and the loss of each part, in bits."""
        key, text = wg.random.key(seed), self.text
        windows = text.windows(0, text.unseen, 3)
        found = learner(key, self.model, windows[:2, :-1], self.optimiser, np.float32)
        draw, losses = np.random.default_rng(seed), []
        for _ in range(self.steps // PART):
            part = windows[draw.choice(len(windows), PART * BATCH, replace=False)]
            found, loss = self.steps_of(found, key, part)
            losses.append(BITS * float(loss))
        return found, np.array(losses)

    def bits(self, learnt: Learner) -> float:
        """Bits a character on the part that is not learnt from."""
        windows = self.text.windows(self.text.unseen, len(self.text.codes), LENGTH)
        params, state, _ = learnt
        return BITS * float(self.mean_loss(params, state, windows))

    def write(self, learnt: Learner, start: str, count: int, seed: int = 0) -> str:
        """A text that goes on after `start` as the model finds likely."""
        place = self.text.alphabet.index
        given = [place(character) for character in start.rjust(LENGTH, "\n")]
        codes = np.concatenate([given[-LENGTH:], np.zeros(count, int)])
        key = wg.random.key(seed)
        written = _written(self.model, learnt.params, learnt.state, codes, key)
        return "".join(self.text.alphabet[code] for code in written[LENGTH:])


@functools.partial(wg.jit, static_argnames=("model",))
def _written(model: nn.Layer, params: Any, state: Any, codes: Any, key: Any) -> Any:
    """The codes behind the first LENGTH replaced, each drawn after those before it."""
    codes = codes.copy()
    for i in range(LENGTH, len(codes)):
        scores, _ = nn.apply(
            model, codes[i - LENGTH : i].reshape(1, LENGTH), params, state
        )
        drawn = wg.random.categorical(wg.random.fold_in(key, i), scores[0, -1] / 0.7)
        codes[i] = drawn
    return codes


# -- the study -----------------------------------------------------------------------


def study(steps: int = STEPS) -> Study:
    """Teach each model, and have each write a few lines, which are printed."""
    text = python_topics()
    found, curves, rows = {}, {}, []
    for name in RATES:
        reader = Reader(name, text, steps)
        learnt, curves[name] = reader.learn()
        found[name] = reader.bits(learnt)
        size = sum(p.size for p in wg.tree.leaves(learnt.params))
        print(f"{name}, {size} parameters, after {steps} steps:")
        print(reader.write(learnt, "The statement", 300), end="\n\n")
        quantity = f"bits a character: {name}"
        rows.append(Row(quantity, found[name], 0.0, REACHED, "knowing the text"))
    return Study(tuple(rows), functools.partial(_draw, curves, found))


def _draw(
    curves: dict[str, np.ndarray], found: dict[str, float], figure: Figure
) -> None:
    learning, unseen = axes_of(figure, 1, 2)[0]
    for (name, bits), color in zip(curves.items(), (BLUE, GREEN, ORANGE), strict=True):
        learning.plot(PART * np.arange(1, len(bits) + 1), bits, color=color, label=name)
        unseen.bar(name, found[name], color=color, width=0.5)
    label(learning, "step", "bits a character, as it learns")
    label(unseen, "model", "bits a character, unseen text")
