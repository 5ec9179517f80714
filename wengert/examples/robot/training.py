"""Lessons 2 and 3: a network trained through the physics of the throw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy

import wengert as wg
import wengert.numpy as np
from wengert.examples.robot.minimise import Descent, Watcher, adam, quasi_newton
from wengert.examples.robot.policy import DISTANCES, Layer, throw

ALPHA = 1e-4  # smaller than for one basket: here the miss is what counts
Flight = Callable[[Any, Any, Any], Any]  # (distance, speed, angle) -> height


@dataclass
class Training:
    """A trained network, how it was trained, and how well it throws."""

    layers: list[Layer]
    descents: list[Descent]
    unseen: numpy.ndarray
    misses: numpy.ndarray

    @property
    def worst_miss(self) -> float:
        return float(numpy.max(numpy.abs(self.misses)))


def training_distances(count: int) -> numpy.ndarray:
    """Distances that are denser towards both ends, where fits go wrong first."""
    middle, half = sum(DISTANCES) / 2.0, (DISTANCES[1] - DISTANCES[0]) / 2.0
    return middle - half * numpy.cos(numpy.linspace(0.0, numpy.pi, count))


def loss(layers: list[Layer], distance: Any, height: float, flight: Flight) -> Any:
    """Mean over the distances of |y(T) - h|^2 + alpha v^2."""
    speed, angle = throw(layers, distance)
    misses = flight(distance, speed, angle) - height
    return np.mean(misses**2) + ALPHA * np.mean(speed**2)


def train(
    layers: list[Layer],
    flight: Flight,
    height: float,
    *,
    rate: float,
    epochs: int,
    polish: int,
    seed: int,
    distances: int = 48,
    watch: Watcher | None = None,
) -> Training:
    """Adam, then L-BFGS, from the given layers; then a test on unseen distances."""
    known = training_distances(distances)
    function, unravel = on_vectors(
        partial(loss, distance=known, height=height, flight=flight), layers
    )
    start = numpy.concatenate([leaf.ravel() for leaf in wg.tree.leaves(layers)])
    descents = [adam(function, start, rate=rate, iterations=epochs, watch=watch)]
    if polish:
        descents.append(
            quasi_newton(
                function,
                descents[0].point,
                method="L-BFGS-B",
                iterations=polish,
                tolerance=1e-9,
                watch=watch,
            )
        )
    trained = unravel(descents[-1].point)
    unseen = numpy.random.default_rng(seed + 1).uniform(*DISTANCES, size=200)
    unseen.sort()
    misses = flight(unseen, *throw(trained, unseen)) - height
    return Training(trained, descents, unseen, misses)


def on_vectors(
    function: Callable[[list[Layer]], Any], layers: list[Layer]
) -> tuple[Callable[[numpy.ndarray], Any], Callable[[numpy.ndarray], list[Layer]]]:
    """Value and gradient over one long vector, and the vector's way back to layers."""
    shapes = [leaf.shape for leaf in wg.tree.leaves(layers)]
    ends = numpy.cumsum([numpy.prod(shape, dtype=int) for shape in shapes])[:-1]
    value_and_grad = wg.value_and_grad(function)

    def unravel(vector: numpy.ndarray) -> list[Layer]:
        parts = numpy.split(vector, ends)
        leaves = iter(p.reshape(s) for p, s in zip(parts, shapes, strict=True))
        return wg.tree.map(lambda _: next(leaves), layers)

    def on_vector(vector: numpy.ndarray) -> tuple[float, numpy.ndarray]:
        value, gradient = value_and_grad(unravel(vector))
        flat = [leaf.ravel() for leaf in wg.tree.leaves(gradient)]
        return float(value), numpy.concatenate(flat)

    return on_vector, unravel
