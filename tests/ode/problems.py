"""Initial value problems of the tests, with reference values by SciPy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "ode.json").read_text(encoding="utf-8")
)


def lotka_volterra(t, y, p):
    """Prey and predators."""
    return np.array(
        [p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]]
    )


PREDATORS = np.array([1.5, 1.0, 3.0, 1.0])
FEW = np.array([1.0, 1.0])


def sir(t, y, p):
    """An epidemic, in shares of the population: a dictionary is the state."""
    new = p[0] * y["s"] * y["i"]
    return {"s": -new, "i": new - p[1] * y["i"], "r": p[1] * y["i"]}


def double_pendulum(t, y, p):
    """Two equal masses on equal rods: a pair of angles, and one of their velocities."""
    (a, b), (va, vb), g = y[0], y[1], p[0]
    d = a - b
    sin, cos = np.sin(d), np.cos(d)
    top = -(va**2) * sin * cos + g * np.sin(b) * cos
    low = g * np.sin(a) * cos + va**2 * sin - g * np.sin(b)
    return (
        (va, vb),
        (
            (top - vb**2 * sin - 2.0 * g * np.sin(a)) / (2.0 - cos**2),
            (vb**2 * sin * cos + 2.0 * low) / (2.0 - cos**2),
        ),
    )


def robertson(t, y, k):
    """Three reactions whose rates lie nine orders of magnitude apart."""
    a, b, c = k[0] * y[0], k[1] * y[1] ** 2, k[2] * y[1] * y[2]
    return [c - a, a - b - c, b]


RATES = np.array([0.04, 3e7, 1e4])


def start_of(name, y0):
    """The state of a problem as its right-hand side has it."""
    if name == "sir":
        return dict(zip("sir", y0, strict=True))
    if name == "double_pendulum":
        return ((y0[0], y0[1]), (y0[2], y0[3]))
    return np.array(y0)


FIELDS = {
    "lotka_volterra": lotka_volterra,
    "sir": sir,
    "double_pendulum": double_pendulum,
    "robertson": robertson,
}


def fall(t, y):
    """Height and velocity of a stone."""
    return np.array([y[1], -9.81])


def spring(t, y, k):
    """Displacement and velocity."""
    return np.array([y[1], -k * y[0]])


def network(t, y, weights):
    """A neural network as the right-hand side."""
    for w, b in weights[:-1]:
        y = np.tanh(w @ y + b)
    w, b = weights[-1]
    return w @ y + b


def some_weights(seed=0, hidden=8, size=2):
    rng = np.random.default_rng(seed)
    shapes = [(hidden, size), (hidden, hidden), (size, hidden)]
    return [(0.5 * rng.normal(size=s), 0.1 * rng.normal(size=s[0])) for s in shapes]


def quotient(f, x, h):
    """The derivative of a function of a number, by differences of fourth order."""
    near = (f(x + h) - f(x - h)) / (2 * h)
    far = (f(x + 2 * h) - f(x - 2 * h)) / (4 * h)
    return (4 * near - far) / 3
