"""The programs in HIPS autograd: whole arrays, no assignment; small sizes only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as np

SIZES = ("small",)


def recurrence(x, n):
    s = 0.5
    for _ in range(n):
        s = s * x + 0.1 * np.sin(s)
    return s


def newton(x, n):
    total = 0.0
    for i in range(n):
        mean = 0.1 + 3.0 * i / n
        e = mean
        r = e - x * np.sin(e) - mean
        while abs(r) > 1e-12:
            e = e - r / (1.0 - x * np.cos(e))
            r = e - x * np.sin(e) - mean
        total = total + e
    return total


def runge_kutta(y, n):
    h = 0.01

    def slope(y):
        return 1.5 * np.sin(np.roll(y, 1) - y) - 0.1 * y

    for _ in range(n):
        k1 = slope(y)
        k2 = slope(y + 0.5 * h * k1)
        k3 = slope(y + 0.5 * h * k2)
        k4 = slope(y + h * k3)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return np.sum(y * y)


def n_body(x, n):
    v = np.zeros(x.shape)
    for _ in range(n):
        d = x - x[:, None]
        r = np.sum(d * d, axis=2) + 0.1
        f = 0.001 / (r * np.sqrt(r))
        v = v + np.sum(f[:, :, None] * d, axis=1)
        x = x + 0.001 * v
    return np.sum(x * x)


def stencil_slices(u, steps):
    for _ in range(steps):
        inner = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        inner = u[1:-1, 1:-1] + 0.1 * (inner - 4.0 * u[1:-1, 1:-1])
        middle = np.concatenate((u[1:-1, :1], inner, u[1:-1, -1:]), axis=1)
        u = np.concatenate((u[:1], middle, u[-1:]), axis=0)
    return np.sum(u * u)


def logistic(w, x, y):
    z = np.dot(x, w)
    return np.mean(np.log(1.0 + np.exp(-y * z))) + 0.01 * np.sum(w * w)


def lstm(w, n):
    h = np.zeros(8)
    c = np.zeros(8)
    x = np.linspace(-1.0, 1.0, 8)
    for _ in range(n):
        z = np.dot(w[:, :8], x) + np.dot(w[:, 8:], h)
        gates = 1.0 / (1.0 + np.exp(-z[:24]))
        c = gates[:8] * c + gates[8:16] * np.tanh(z[24:])
        h = gates[16:] * np.tanh(c)
    return np.sum(h * h)


def mixture(means, x):
    d = x[:, None] - means
    return np.sum(np.log(np.sum(np.exp(-0.5 * d * d), axis=1)))


PROGRAMS = {
    f.__name__: f
    for f in (
        recurrence,
        newton,
        runge_kutta,
        n_body,
        stencil_slices,
        logistic,
        lstm,
        mixture,
    )
}


def runs(name: str, args: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    """The primal and the gradient of a program."""
    fun = PROGRAMS[name]
    gradient = autograd.value_and_grad(fun)
    return {"primal": lambda: fun(*args), "gradient": lambda: gradient(*args)}
