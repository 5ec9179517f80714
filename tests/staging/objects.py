"""Programs that keep what they compute in objects, dictionaries and closures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class State:
    position: Any
    velocity: Any
    steps: int = 0


class Spring:
    """A spring that remembers how often it was pulled, and its energy."""

    __slots__ = ("energy", "pulls", "state", "stiffness")

    def __init__(self, x: Any, stiffness: float) -> None:
        self.state = State(x * 1.0, np.zeros(len(x)))
        self.stiffness = stiffness
        self.energy, self.pulls = 0.0, 0

    def step(self, dt: float) -> None:
        state = self.state
        state.velocity = state.velocity - self.stiffness * state.position * dt
        state.position += state.velocity * dt
        state.steps += 1
        self.note(0.5 * state.velocity[1] ** 2)

    def note(self, energy: Any) -> None:
        if energy > 0.01:
            self.energy += energy
            self.pulls += 1


def spring(x):
    body = Spring(x, 2.0)
    for _ in range(12):
        body.step(0.1)
    return body.state.position * body.energy + body.pulls + body.state.steps


def dictionary(x):
    found = {"sum": 0.0, "most": x[0], "rows": x * 0.0}
    for i in range(len(x)):
        found["sum"] += x[i] ** 2
        if x[i] > found["most"]:
            found["most"] = x[i] * 1.0
        found["rows"][i] = found["sum"]
        found["rows"] = found["rows"] * 0.9
    return found["rows"] + found["most"]


def counter(x):
    total = 0.0

    def adder():
        count = 0.0

        def add(y):
            nonlocal count
            count += y * y
            return count

        return add

    first, second = adder(), adder()
    k = 0
    while first(x[k]) < 2.0 and k < len(x) - 1:
        total += second(total + x[k])
        k += 1
    return x * total


def branched(x):
    state = State(x[0], x[1] * 2.0)
    if x[2] > 0.2:
        state.position = state.position * x[2]
        state.steps += 2
    elif x[3] > 0.1:
        state.velocity = x[4]
    if state.steps > 1:
        state.velocity = state.velocity * x[5]
    return x * state.position + state.velocity


def several(x):
    springs = [Spring(x[:3], 1.0), Spring(x[3:6], 3.0)]
    for i in range(8):
        for body in springs:
            body.step(0.1 + 0.01 * x[i])
        springs[0].energy = springs[1].energy * 0.5
    return sum(b.state.position.sum() * b.energy for b in springs) * x


def conditions(x):
    """What a condition changes, it changes once more than the body runs."""
    calls, k, y = [0.0], 0, x * 1.0

    def going():
        calls[0] += x[k]
        y[k] = calls[0]
        return calls[0] < 4.0

    while (v := y[k] * 2.0) < 3.0 and k < len(x) - 1 and going():
        k += 1
    else:
        y = y * calls[0]
    return y * v + k


OBJECTS = [spring, dictionary, counter, branched, several, conditions]
