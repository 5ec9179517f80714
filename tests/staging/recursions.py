"""Functions that call themselves as often as values decide, in plain NumPy."""

from __future__ import annotations

import numpy as np

TABLE = np.linspace(1.0, 2.0, 10)


def halving(x):
    if x < 0.5:
        return x * x
    return np.sin(x) + halving(x / 2) * x


def power_of(x, n):
    if n == 0:
        return 1.0
    return x * power_of(x, n - 1)


def power(x):
    return power_of(x, np.rint(x).astype(int) + 2)


def simpson(f, a, b, fa, fm, fb, whole, tolerance):
    """Adaptive: an interval is halved until both halves agree with it."""
    m = (a + b) / 2
    fl, fr = f((a + m) / 2), f((m + b) / 2)
    left = (m - a) / 6 * (fa + 4 * fl + fm)
    right = (b - m) / 6 * (fm + 4 * fr + fb)
    error = left + right - whole
    if abs(error) <= 15 * tolerance:
        return left + right + error / 15
    return simpson(f, a, m, fa, fl, fm, left, tolerance / 2) + simpson(
        f, m, b, fm, fr, fb, right, tolerance / 2
    )


def integral(x):
    def f(t):
        return np.exp(-x * t * t) * np.sqrt(t + 0.1)

    a, b = 0.0, 1.0
    fa, fm, fb = f(a), f((a + b) / 2), f(b)
    return simpson(f, a, b, fa, fm, fb, (b - a) / 6 * (fa + 4 * fm + fb), 1e-5)


def even(x):
    if x < 0.3:
        return 1.0 * x
    return 2.0 * odd(x - 0.3)


def odd(x):
    if x < 0.3:
        return -3.0 * x * x
    return x * even(x - 0.3)


def closed_over(x):
    def climb(y):
        if y > 3:
            return y * x
        return climb(y * 1.5 + 0.1) + x

    return climb(abs(x) + 0.1)


class Tree:
    """A tree whose branches shrink."""

    def __init__(self, leaf):
        self.leaf = leaf

    def product(self, x, d):
        if x * d < 0.3:
            return x + self.leaf
        return self.product(x * 0.6, d * 0.9) * self.product(x * 0.5, d * 0.8)


def method(x):
    return Tree(2.0).product(abs(x) + 0.2, 0.5 * x * x + 0.3)


def accumulated(x, steps=0, total=0.0):
    if x < 0.1:
        return total + steps
    return accumulated(x * 0.6, steps + 1, total + x * x)


def in_branches(x):
    if x < 0.2:
        return x
    if x < 1:
        y = in_branches(x * 0.5)
    else:
        y = in_branches(x * 0.3) * in_branches(x * 0.4)
    return y * x + 1


def children(x, n):
    total = 0.0
    for i in range(3):
        if n > i:
            total += children(x * 0.5, n - 1 - i) * x
    return total + x


def in_a_loop(x):
    return children(x, np.rint(x).astype(int) + 1)


def sort(a, low, high):
    """Quicksort, in place."""
    if low < high:
        pivot, i = a[high], low
        for j in range(low, high):
            if a[j] < pivot:
                t = a[i]
                a[i] = a[j]
                a[j] = t
                i += 1
        t = a[i]
        a[i] = a[high]
        a[high] = t
        sort(a, low, i - 1)
        sort(a, i + 1, high)


def sorted_weights(x):
    a = x[::-1].copy()
    sort(a, 0, len(a) - 1)
    return a * np.arange(10.0)


def grown(a, k):
    if a[k] > 3.0:
        return a
    a[k] = a[k] * 1.7 + 0.1
    return grown(a, (k + 1) % len(a))


def returns_its_argument(x):
    y = abs(x) + 0.1
    z = grown(y, 0)
    return y * z[0]


def carries_an_array(x):
    if np.sum(x * x) < 0.5:
        return x
    y = x.copy()
    y[1:] += 0.1 * y[:-1]
    return carries_an_array(y * 0.5) + np.sin(x)


def matrix_power(a, n):
    if n == 0:
        return np.eye(3)
    if n % 2:
        return a @ matrix_power(a, n - 1)
    half = matrix_power(a, n // 2)
    return half @ half


def squared_again(x):
    return matrix_power(x[:9].reshape(3, 3), np.rint(abs(x[9]) + 1).astype(int))


def lowered(x, k):
    if np.sum(x[:k]) < 1.0:
        return np.sum(x[:k] ** 2)
    y = x * 0.9
    y[0] = y[0] * y[k - 1]
    return lowered(y, k - 1) + y[k - 1]


def lengths_as_bounds(x):
    return lowered(x, 10)


def writes_from_inside(x):
    out = np.zeros(6)

    def visit(i, v):
        out[i] += v * TABLE[i]
        if v > 0.3 and i < 5:
            visit(i + 1, v * 0.6)
            visit(i + 1, v * 0.5)

    visit(0, abs(x[3]) + 0.5)
    return out


def carried_pair(state, k):
    a, b = state
    if b > 3:
        return a * b, k
    return carried_pair((a + b, b * 1.4 + 0.3), k + 1)


def tuple_of_arrays(x):
    return carried_pair((x, 1.0 * x[0]), 0)


SCALARS = [
    halving,
    power,
    integral,
    even,
    closed_over,
    method,
    accumulated,
    in_branches,
    in_a_loop,
]
ARRAYS = [
    sorted_weights,
    returns_its_argument,
    carries_an_array,
    squared_again,
    lengths_as_bounds,
    writes_from_inside,
    tuple_of_arrays,
]
