"""Training steps beside PyTorch's and JAX's: the models of the examples, in float32.

Forward, backward, clipping where the example clips, and Adam. The batches and the sizes
of the models are the same for all; ``--cores 2`` gives every one of them two.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning import characters, digits

COUNT = 103  # characters


class Task(NamedTuple):
    """A model and its batch; `clips`: whether its gradients are."""

    model: nn.Layer
    x: np.ndarray
    targets: np.ndarray
    clips: bool


Step = Callable[[], Any]  # takes a step, and waits for it


def tasks() -> dict[str, Task]:
    draw = np.random.default_rng(0)
    images = draw.random((64, 1, 8, 8), dtype=np.float32)
    labels = draw.integers(0, 10, 64)
    windows = draw.integers(0, COUNT, (characters.BATCH, characters.LENGTH + 1))
    readers = characters.models(COUNT)
    return {
        "MLP": Task(digits.DENSE.model, images, labels, False),
        "CNN": Task(digits.CONVOLUTIONAL.model, images, labels, False),
        "LSTM": Task(readers["LSTM"], windows[:, :-1], windows[:, 1:], True),
        "transformer": Task(
            readers["transformer"], windows[:, :-1], windows[:, 1:], True
        ),
    }


def ours(task: Task) -> Step:
    """A training step as the documentation writes it: one compiled function."""
    clip = (wg.optim.clip_by_global_norm(1.0),) if task.clips else ()
    optimiser = wg.optim.chain(*clip, wg.optim.adam(1e-3))

    def loss(params: Any, state: Any, x: Any, targets: Any) -> Any:
        scores, state = nn.apply(task.model, x, params, state, True)
        return nn.cross_entropy(scores, targets), state

    @wg.jit
    def step(params: Any, state: Any, opt_state: Any, x: Any, targets: Any) -> Any:
        gradient = wg.value_and_grad(loss, has_aux=True)
        (value, state), grads = gradient(params, state, x, targets)
        updates, opt_state = optimiser.update(grads, opt_state, params)
        return wg.optim.apply_updates(params, updates), state, opt_state, value

    params, state = nn.setup(wg.random.key(0), task.model, task.x[:2], np.float32)
    held = [params, state, optimiser.init(params)]

    def run() -> None:
        *held[:], _ = step(*held, task.x, task.targets)

    return run


def measured(step: Step, repeats: int) -> tuple[float, float]:
    """Seconds of the first step, and the median of the others."""
    begin = time.perf_counter()
    step()
    first, times = time.perf_counter() - begin, []
    for _ in range(max(repeats, 3)):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return first, statistics.median(times)


def main(repeats: int) -> None:
    from benchmarks import learning_jax, learning_torch

    print("\nA training step in ms (first step in s), and ours / theirs\n")
    peers = {"torch": learning_torch.step, "jax": learning_jax.step}
    names = "".join(f"{name:>10}{'':8}" for name in ("wengert", *peers))
    print(f"{'':12}{names}{'/ torch':>9}{'/ jax':>9}")
    for name, task in tasks().items():
        found = [measured(ours(task), 4 * repeats)]
        found += [measured(step(name, task), 4 * repeats) for step in peers.values()]
        cells = "".join(f"{1e3 * each:10.2f} ({first:5.1f})" for first, each in found)
        ratios = "".join(f"{found[0][1] / each:9.2f}" for _, each in found[1:])
        print(f"{name:12}{cells}{ratios}", flush=True)
