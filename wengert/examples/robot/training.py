"""Lessons 2 and 3: a network trained through the physics of the throw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

import wengert as wg
from wengert.examples.robot.minimise import Descent, Watcher, adam, quasi_newton
from wengert.examples.robot.policy import DISTANCES, Layer, throw

ALPHA = 1e-4  # smaller than for one basket: here the miss is what counts
Flight = Callable[[Any, Any, Any], Any]  # (distance, speed, angle) -> height


@dataclass
class Training:
    """A trained network, how it was trained, and how well it throws."""

    layers: list[Layer]
    descents: list[Descent]
    unseen: np.ndarray
    misses: np.ndarray

    @property
    def worst_miss(self) -> float:
        return float(np.max(np.abs(self.misses)))

    @property
    def epochs(self) -> int:
        return sum(descent.iterations for descent in self.descents)


def training_distances(count: int) -> np.ndarray:
    """Distances that are denser towards both ends, where fits go wrong first."""
    middle, half = sum(DISTANCES) / 2.0, (DISTANCES[1] - DISTANCES[0]) / 2.0
    return middle - half * np.cos(np.linspace(0.0, np.pi, count))


def loss(layers: list[Layer], distance: Any, height: float, flight: Flight) -> Any:
    """Mean over the distances of |y(T) - h|^2 + alpha v^2."""
    speed, angle = throw(layers, distance)
    misses = flight(distance, speed, angle) - height
    return np.mean(misses**2) + ALPHA * np.mean(speed**2)


class Problem:
    """The loss over one long vector of all weights and biases, with its gradient.

    Args:
        layers: A network of the shapes that are to be trained.
        flight: Height at the basket of throws, ``(distance, speed, angle) -> height``.
        height: How high the baskets are.
        compiled: One native function, made at the first call, or the eager engine.
        distances: How many distances to train for.
    """

    def __init__(
        self,
        layers: list[Layer],
        flight: Flight,
        height: float,
        *,
        compiled: bool,
        distances: int = 48,
    ) -> None:
        leaves, self._structure = wg.tree.flatten(layers)
        self._shapes = [leaf.shape for leaf in leaves]
        self._ends = [0, *accumulate(leaf.size for leaf in leaves)]
        self._flight, self._height = flight, height
        self._known = training_distances(distances)
        step = wg.value_and_grad(self._loss)
        self._step = wg.jit(step) if compiled else step

    def __call__(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = self._step(vector)
        return float(value), gradient

    def ravel(self, layers: list[Layer]) -> np.ndarray:
        return np.concatenate([leaf.ravel() for leaf in wg.tree.leaves(layers)])

    def unravel(self, vector: Any) -> list[Layer]:
        parts = [vector[start:end] for start, end in pairwise(self._ends)]
        leaves = [p.reshape(s) for p, s in zip(parts, self._shapes, strict=True)]
        layers: list[Layer] = wg.tree.unflatten(self._structure, leaves)
        return layers

    def misses(self, layers: list[Layer], distances: np.ndarray) -> np.ndarray:
        """How much too high the throws for these distances pass their baskets."""
        heights = self._flight(distances, *throw(layers, distances))
        return np.asarray(heights - self._height)

    def _loss(self, vector: Any) -> Any:
        return loss(self.unravel(vector), self._known, self._height, self._flight)


def train(
    problem: Problem,
    layers: list[Layer],
    *,
    rate: float,
    epochs: int,
    polish: int,
    seed: int,
    watch: Watcher | None = None,
) -> Training:
    """Adam, then L-BFGS, from the given layers; then a test on unseen distances."""
    start = problem.ravel(layers)
    descents = [adam(problem, start, rate=rate, iterations=epochs, watch=watch)]
    if polish:
        descents.append(
            quasi_newton(
                problem,
                descents[0].point,
                method="L-BFGS-B",
                iterations=polish,
                tolerance=1e-9,
                watch=watch,
            )
        )
    trained = problem.unravel(descents[-1].point)
    unseen = np.random.default_rng(seed + 1).uniform(*DISTANCES, size=200)
    unseen.sort()
    return Training(trained, descents, unseen, problem.misses(trained, unseen))
