"""The network that decides how to throw: 1 -> 16 -> 16 -> 2."""

from __future__ import annotations

from math import radians
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from wengert.examples.robot.flight import GRAVITY

SPEEDS = (2.0, 15.0)  # what the arm can do, in m/s
ANGLES = (radians(10.0), radians(80.0))
DISTANCES = (2.0, 10.0)  # what the network is trained for, in m
WIDTH = 16


class Layer(NamedTuple):
    """Weights of shape (inputs, outputs) and biases of shape (outputs,)."""

    weight: Any
    bias: Any


def first_layers(rng: np.random.Generator) -> list[Layer]:
    """Random layers to start from; the last one is small: all throws are alike."""
    layers = []
    sizes = (1, WIDTH, WIDTH, 2)
    for inputs, outputs, gain in zip(sizes, sizes[1:], (2.0, 1.0, 0.1), strict=False):
        weight = rng.normal(size=(inputs, outputs)) * gain / np.sqrt(inputs)
        bias = rng.uniform(-1.0, 1.0, size=outputs) * (outputs != 2)
        layers.append(Layer(weight, bias))
    return layers


def within_limits(raw: Any) -> tuple[Any, Any]:
    """Any two numbers, in the last axis, as a speed and an angle the arm can do."""
    share = expit(raw)
    speed = SPEEDS[0] + (SPEEDS[1] - SPEEDS[0]) * share[..., 0]
    angle = ANGLES[0] + (ANGLES[1] - ANGLES[0]) * share[..., 1]
    return speed, angle


def throw(layers: list[Layer], distance: Any) -> tuple[Any, Any]:
    """Speed and angle for each distance: ``(n,)`` or ``()`` in, two of them out."""
    middle, half = sum(DISTANCES) / 2.0, (DISTANCES[1] - DISTANCES[0]) / 2.0
    signal = np.reshape((distance - middle) / half, (-1, 1))
    for layer in layers[:-1]:
        signal = np.tanh(signal @ layer.weight + layer.bias)
    raw = signal @ layers[-1].weight + layers[-1].bias
    return within_limits(np.reshape(raw, (*np.shape(distance), 2)))


def slowest_throw(distance: float, height: float) -> tuple[float, float] | None:
    """Speed and angle of the slowest throw without air, or None if there is none.

    Every angle has one speed that hits; the arm may be too weak, or not gentle enough.
    """
    angles = np.linspace(*ANGLES, 2001)
    angles = angles[distance * np.tan(angles) > height]
    drop = distance * np.tan(angles) - height
    speeds = distance / np.cos(angles) * np.sqrt(GRAVITY / (2.0 * drop))
    possible = (speeds >= SPEEDS[0]) & (speeds <= SPEEDS[1])
    if not possible.any():
        return None
    best = np.argmin(np.where(possible, speeds, np.inf))
    return float(speeds[best]), float(angles[best])
