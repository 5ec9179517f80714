"""Programs with control flow that traced values decide, in plain NumPy.

Each is run as it is, staged, and differentiated in every order of the modes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.staging.combinators import COMBINATORS
from tests.staging.growing import GROWING
from tests.staging.objects import OBJECTS
from tests.staging.opaques import OPAQUE
from tests.staging.recursions import ARRAYS as RECURSIVE_ARRAYS
from tests.staging.recursions import SCALARS as RECURSIVE_SCALARS

X = np.linspace(-0.3, 2.4, 10)
ORDER = np.array([2, 0, 1])


def branch(x):
    if x > 0:
        y = x * 2
    else:
        y = -x
    return y


def early_return(x):
    if x > 0:
        return x * 3
    z = x * x
    return z + 1


def nested_branches(x):
    y = 1
    if x > 0:
        if x > 1:
            y = x * x
        else:
            y = np.sin(x)
        y = y + 1
    elif x < -1:
        y = x * 5
    return y * x


def operators(x):
    if (x > 0 and x < 2) or not x > -3:
        return x * 1.5
    return x * x if -3 < x <= -1 else x - 2.0


def recurrence(x):
    s = 0.0
    for i in range(10):
        s = s * x + np.sin(s) + x * i
    return s


def counted_down(x):
    s = 1.0
    for i in range(9, -1, -2):
        s = s * x + i
    return s


def writes(x):
    y = np.zeros(10)
    for i in range(10):
        y[i] = x[i] * 2
        if i > 0:
            y[i] += y[i - 1] * x[0]
    return y


def overwrites(x):
    y = x.copy()
    for i in range(1, 9):
        y[i] = 0.5 * (y[i - 1] + y[i + 1]) * x[i]
    return y


def halvings(x):
    k = 0
    while x > 1e-3:
        x = x / 2
        k += 1
    return x * k, k


def jumps(x):
    s = 0.0
    for i in range(10):
        if x[i] > 2.2:
            break
        if x[i] < 0:
            continue
        s += x[i] * x[i]
    else:
        s += 100 * x[0]
    return s, i


def no_jump(x):
    s = 0.0
    for i in range(10):
        if x[i] > 22:
            break
        s += x[i]
    else:
        s += 100 * x[0]
    return s


def returns_from_loop(x):
    for i in range(10):
        if x[i] > 1:
            return x[i] * x[0] * 10
    return x[1]


def never_returns(x):
    for i in range(10):
        if x[i] > 100:
            return x[i] * 10
    return x[1] * x[2]


def triangle(x):
    a = np.zeros((10, 10))
    for i in range(10):
        for j in range(i):
            a[i, j] = x[i] * x[j]
            if a[i, j] > 3:
                a[i, j] = 3.0 * x[i]
    return a


def swapped_buffers(x):
    u, v = x.copy(), np.zeros(10)
    for _ in range(7):
        for i in range(1, 9):
            v[i] = 0.5 * (u[i - 1] + u[i + 1]) * x[i]
        u, v = v, u
    return u


def nested_writes(x):
    a = x.copy()
    if a[0] != 7.0:
        if a[1] != 7.0:
            a[2], a[3] = a[3], a[2] * 2
        a[1] = a[0] * a[1]
        for i in range(6):
            a[0] = a[0] * (1 + 0.1 * a[i])
    return a[0] * a[1] * a[2] * a[3]


def newton(x):
    y = x
    for step in range(50):  # noqa: B007  (a variable that outlives its loop)
        r = y * y - x
        if abs(r) < 1e-12:
            break
        y = y - r / (2 * y)
    return y, step


def row_views(x):
    a = np.outer(x, x)
    s = 0
    for i in range(10):
        row = a[i]
        row[:] = row * x[i]
        row[0] += 1
        s = s + row.sum()
    return a, s


def elimination(x):
    a = np.outer(x, x) + 10 * np.eye(10)
    b = x * x
    for k in range(9):
        for i in range(k + 1, 10):
            m = a[i, k] / a[k, k]
            a[i, k:] = a[i, k:] - m * a[k, k:]
            b[i] -= m * b[k]
    return a, b


def nested_while(x):
    total = 0.0
    for i in range(6):
        y = x[i]
        while y * y > 0.01:
            y = y * 0.5
            total = total + y * x[i]
    return total


def helper(a, scale=1.0):
    if a > 1:
        return a * scale
    return a - scale


def calls(x):
    s = 0.0
    for i in range(10):
        s += helper(x[i], scale=x[0]) + helper(s)
    return s


def closures(x):
    def step(s, i):
        return s * 0.5 + x[i]

    s = 0.0
    for i in range(10):
        s = step(s, i)
    return s


def tuples(x):
    state = (x[0], {"v": x[1]})
    for i in range(10):
        p, d = state
        state = (p + 0.1 * d["v"], {"v": d["v"] - 0.1 * np.sin(p) * x[i]})
    return state[0], state[1]["v"]


def swapped_scalars(x):
    a, b = 0.0, 1.0
    for i in range(10):
        a, b = b, a + b * x[i]
    return a, b


def part_of_run_time_length(x):
    """A vector whose length the program computes, carried through a loop."""
    n = 0
    for i in range(10):
        if x[i] > 0.5:
            n += 1
    part = x[:n]
    s = part * 0.0
    for i in range(6):
        s = np.sin(s + part) * x[i]
    return s.sum() + part[1:].sum() * n


def stack_of_run_time_length(x):
    """Parts whose lengths a value decides, and which are as long as x together."""
    n = 3
    if x[2] > 0.1:
        n = 4
    y = np.concatenate((x[:n] * x[n], np.sin(x[n:])))
    y[:-1] += np.sin(x[1:])
    np.multiply(x, y[0], out=y)
    return np.stack((y, x)).sum(axis=1) @ np.stack((x, y, y))[1:, 2]


def known_bound(x):
    """The bound of a slice in a `while` is a number that staging knows."""
    y, n = x * 1.0, 1
    if y[2] > -5.0:
        while y[0] < 0.5 and y[1] < 5.0:
            y[:n] += 0.3
        else:
            n = 0.7
    return y.sum() * y[0] * n


def known_index(x):
    """A loop reads at a place that staging knows."""
    k, s = 1, 0.0
    for y in x:
        s = np.sin(s + y * x[ORDER[k]])
    else:
        return s * x[0]
    k = 2
    return s * k


def triangular_solve(x):
    a = np.outer(x, x) + 10 * np.eye(10)
    y = np.zeros(10)
    for i in range(10):
        y[i] = (x[i] - np.sum(a[i, :i] * y[:i])) / a[i, i]
    return y


def refusals(x):
    """Errors on paths that are not taken, in branches and loops inside them."""
    y = x.copy()
    for i in range(len(x)):
        if y[i] > 50.0:
            raise ZeroDivisionError("too large")
        y[i] = y[i] * x[0] + 0.1
        if y[i] > 40.0:
            for j in range(9):
                if j == 5:
                    raise ValueError("much too large")
    return y


def endless(x):
    """A loop that only a return can end: nothing comes after it."""
    while True:
        x = 0.5 * x
        if x < 1.0:
            return x * x
        if x > 100.0:
            break
        if x > 50.0:
            return 2.0 * x
    return 3.0 * x


def endless_returns(x):
    while True:
        x = 0.5 * x
        if x < 1.0:
            return x * x
        if x > 100.0:
            return 2.0 * x


SCALAR: list[tuple[Any, float]] = [
    (branch, 2.0),
    (branch, -2.0),
    (early_return, 1.0),
    (early_return, -1.0),
    (nested_branches, 2.0),
    (nested_branches, 0.5),
    (nested_branches, -2.0),
    (nested_branches, -0.5),
    (operators, 1.0),
    (operators, -1.5),
    (operators, -0.5),
    (operators, -5.0),
    (recurrence, 0.5),
    (counted_down, 0.7),
    (halvings, 3.0),
    (newton, 2.0),
    (endless, 9.0),
    (endless_returns, 9.0),
    (endless_returns, 900.0),
]
ARRAY = [
    writes,
    overwrites,
    jumps,
    no_jump,
    returns_from_loop,
    never_returns,
    triangle,
    nested_writes,
    swapped_buffers,
    row_views,
    elimination,
    triangular_solve,
    part_of_run_time_length,
    stack_of_run_time_length,
    known_bound,
    known_index,
    nested_while,
    calls,
    closures,
    tuples,
    swapped_scalars,
    refusals,
]
ALL_ARRAYS = [*ARRAY, *COMBINATORS, *GROWING, *RECURSIVE_ARRAYS, *OBJECTS]
KEPT = [
    *SCALAR,
    *((function, 1.7) for function in RECURSIVE_SCALARS),
    *((function, X) for function in ALL_ARRAYS),
]
CASES = [*KEPT, *((function, X) for function in OPAQUE)]
