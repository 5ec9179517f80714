"""The compiled programs: ordinary NumPy, one source for NumPy, Numba and us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Program(NamedTuple):
    """A program: a scalar function, differentiated in its first argument.

    `inputs` makes its arguments for a size; `sizes` has the two that are measured and
    a tiny one for tests.
    """

    name: str
    fun: Callable[..., Any]
    inputs: Callable[[int], tuple[Any, ...]]
    sizes: dict[str, int]


def recurrence(x, n):
    s = 0.5
    for _ in range(n):
        s = s * x + 0.1 * np.sin(s)
    return s


def newton(x, n):
    """Kepler's equation for n mean anomalies, each until it converges."""
    total = 0.0
    for i in range(n):
        mean = 0.1 + 3.0 * i / n
        e = mean
        r = e - x * np.sin(e) - mean
        while abs(r) > 1e-12:
            e = e - r / (1.0 - x * np.cos(e))
            r = e - x * np.sin(e) - mean
        total += e
    return total


def slope_of(y, k):
    return k * np.sin(np.roll(y, 1) - y) - 0.1 * y


def runge_kutta(y, n):
    """Eight coupled oscillators."""
    h = 0.01
    for _ in range(n):
        k1 = slope_of(y, 1.5)
        k2 = slope_of(y + 0.5 * h * k1, 1.5)
        k3 = slope_of(y + 0.5 * h * k2, 1.5)
        k4 = slope_of(y + h * k3, 1.5)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return np.sum(y * y)


def lu(matrix):
    """The logarithm of a determinant, by elimination in place."""
    a = matrix.copy()
    n = a.shape[0]
    total = 0.0
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
        total += np.log(a[k, k])
    return total


def gauss_seidel(b, sweeps):
    u = np.zeros_like(b)
    n = b.shape[0]
    for _ in range(sweeps):
        for i in range(1, n - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + b[i])
    return np.sum(u * u)


def n_body(positions, n):
    """Leapfrog steps of five softened bodies."""
    x = positions.copy()
    v = np.zeros_like(x)
    for _ in range(n):
        for i in range(5):
            for j in range(5):
                if i != j:
                    d0 = x[j, 0] - x[i, 0]
                    d1 = x[j, 1] - x[i, 1]
                    d2 = x[j, 2] - x[i, 2]
                    r = d0 * d0 + d1 * d1 + d2 * d2 + 0.1
                    f = 0.001 / (r * np.sqrt(r))
                    v[i, 0] += f * d0
                    v[i, 1] += f * d1
                    v[i, 2] += f * d2
        for i in range(5):
            for k in range(3):
                x[i, k] += 0.001 * v[i, k]
    return np.sum(x * x)


def stencil_slices(u, steps):
    u = u.copy()
    for _ in range(steps):
        inner = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        u[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.1 * (inner - 4.0 * u[1:-1, 1:-1])
    return np.sum(u * u)


def stencil_loops(u, steps):
    u = u.copy()
    v = u.copy()
    n = u.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                near = u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1]
                v[i, j] = u[i, j] + 0.1 * (near - 4.0 * u[i, j])
        u[:, :] = v
    return np.sum(u * u)


def logistic(w, x, y):
    z = x @ w
    return np.mean(np.log(1.0 + np.exp(-y * z))) + 0.01 * np.sum(w * w)


def lstm(w, n):
    """Steps of a cell with eight units: a weight matrix of 32 x 16."""
    h = np.zeros(8)
    c = np.zeros(8)
    x = np.linspace(-1.0, 1.0, 8)
    for _ in range(n):
        z = w[:, :8] @ x + w[:, 8:] @ h
        gates = 1.0 / (1.0 + np.exp(-z[:24]))
        c = gates[:8] * c + gates[8:16] * np.tanh(z[24:])
        h = gates[16:] * np.tanh(c)
    return np.sum(h * h)


def mixture(means, x):
    """The log-likelihood of a mixture of unit Gaussians on the line."""
    total = 0.0
    for i in range(x.shape[0]):
        d = x[i] - means
        total += np.log(np.sum(np.exp(-0.5 * d * d)))
    return total


# -- inputs ----------------------------------------------------------------------------


def _normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def _labelled(n: int) -> tuple[Any, ...]:
    x = _normal(n, 16)
    return np.linspace(-1.0, 1.0, 16), x, np.where(x[:, 0] > 0, 1.0, -1.0)


def _diagonally_dominant(n: int) -> tuple[Any, ...]:
    return (_normal(n, n) + 4.0 * n * np.eye(n),)


def _sizes(tiny: int, small: int, large: int) -> dict[str, int]:
    return {"tiny": tiny, "small": small, "large": large}


PROGRAMS = (
    Program("recurrence", recurrence, lambda n: (0.9, n), _sizes(5, 4000, 5_000_000)),
    Program("newton", newton, lambda n: (0.3, n), _sizes(5, 550, 600_000)),
    Program(
        "runge_kutta",
        runge_kutta,
        lambda n: (np.linspace(-1.0, 1.0, 8) ** 3, n),
        _sizes(3, 400, 500_000),
    ),
    Program("lu", lu, _diagonally_dominant, _sizes(4, 90, 500)),
    Program(
        "gauss_seidel",
        gauss_seidel,
        lambda n: (np.linspace(0.0, 1.0, 100), n),
        _sizes(2, 250, 300_000),
    ),
    Program("n_body", n_body, lambda n: (_normal(5, 3), n), _sizes(2, 600, 500_000)),
    Program(
        "stencil_slices",
        stencil_slices,
        lambda n: (_normal(n, n), 20),
        _sizes(4, 100, 1400),
    ),
    Program(
        "stencil_loops",
        stencil_loops,
        lambda n: (_normal(n, n), 20),
        _sizes(4, 100, 1400),
    ),
    Program("logistic", logistic, _labelled, _sizes(5, 10_000, 2_000_000)),
    Program("lstm", lstm, lambda n: (_normal(32, 16), n), _sizes(2, 350, 400_000)),
    Program(
        "mixture",
        mixture,
        lambda n: (np.linspace(-2.0, 2.0, 8), _normal(n)),
        _sizes(5, 4000, 4_000_000),
    ),
)
