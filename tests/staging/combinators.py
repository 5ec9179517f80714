"""Programs of `cond`, `while_loop`, `fori_loop`, `scan` and `map`."""

from __future__ import annotations

import numpy as np

import wengert as wg

TABLE = np.linspace(-1.0, 1.0, 10)


def chosen(x):
    y = wg.cond(x[0] > 0, lambda a, b: a * b, lambda a, b: a - b, x, 2.0)
    return wg.cond(x[1] > 9.0, lambda: y * y, lambda: (y + TABLE) * y)


def converged(x):
    square = abs(x[5])  # else it never ends

    def step(state):
        y, n = state["y"], state["n"]
        return {"y": 0.5 * (y + square / y), "n": n + 1}

    def goes_on(state):
        return abs(state["y"] * state["y"] - square) > 1e-12

    return wg.while_loop(goes_on, step, {"y": square, "n": 0}, checkpoints="none")


def counted(x):
    n = 0
    for i in range(10):
        if x[i] > 0.5:
            n += 1
    return wg.fori_loop(2, n + 2, lambda i, y: np.sin(y) * x + i, x, checkpoints=3)


def scanned(x):
    def step(carry, row):
        a, b = row
        carry = (carry[0] * 0.5 + a, carry[1] + b[1])
        return carry, {"product": carry[0] * b, "sign": carry[1] > 1.0, "none": None}

    rows = (x, np.stack([x, x * x], axis=1))
    return wg.scan(step, (0.0, 1), rows, reverse=True, checkpoints=wg.binomial(2))


def without_rows(x):
    total, ys = wg.scan(lambda c, _: (c * x[0] + 0.1, c), x[1], length=7)
    return total, ys


def mapped(x):
    def one(v):
        while v > 0.3:
            v = v * 0.5
        return v * v, v * TABLE[2]

    return wg.map(one, x)


def few_steps(x):
    carry = wg.fori_loop(0, 3, lambda i, y: y * x[i], 1.0)
    return wg.scan(lambda c, v: (c + v, c * v), carry, x[:2], checkpoints=1)


COMBINATORS = [chosen, converged, counted, scanned, without_rows, mapped, few_steps]
