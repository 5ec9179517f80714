"""Programs whose lists grow, or whose arrays change their length, in compiled loops."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def appended(x):
    xs = []
    for i in range(10):
        xs.append(x[i] * x[0])
    return np.array(xs)


def appended_where(x):
    xs = []
    for i in range(10):
        if x[i] > 0:
            xs.append(x[i] * x[i])
        elif x[i] < -0.2:
            xs += [x[i], 2.0]
    return sum(xs), len(xs), np.array(xs).sum() / len(xs)


def appended_until(x):
    xs = [x[0] + 3.0]
    while xs[-1] > 0.1:
        xs.append(np.sin(xs[-1]) * 0.7)
    return xs[0] * xs[-2], max(xs)


def list_of_run_time_length(x):
    xs = [1, x[1]]
    for i in range(10):
        if x[i] > 0.5:
            xs.append(x[i] * xs[-1])
            continue
        if x[i] > 2.2:
            break
    return np.array(xs)


def pairs(x):
    xs = []
    for i in range(10):
        for j in range(i):
            if x[i] * x[j] > 0.2:
                xs.append(x[i] * x[j])
    s = 0.0
    for k, v in enumerate(xs):
        s = s + k * v * v
    return s


def stack(x):
    xs = [0.1]
    for v in x:
        if v > 1.0:
            xs.append(v + xs[-1])
        elif len(xs) > 1:
            xs.pop()
    return xs.pop() * len(xs), np.sum(xs)


def states(x):
    y = x.copy()
    ys = []
    for _ in range(6):
        y = 0.9 * y + np.sin(y)
        ys.append(y)
    ys[2][3] = 0.5 * x[0]
    return np.stack(ys), ys[-1] * np.stack(ys, axis=1)[:, 0], np.concatenate(ys)


def record(xs, v):
    xs.append(v)
    xs.extend([v * v, 1.0])


def recorded(x):
    xs = []
    for i in range(6):
        record(xs, x[i])
    return np.array(xs)


def in_a_branch(x):
    xs = [x[0], x[1]]
    if x[2] > 0:
        xs.append(x[2] * x[0])
    return sum(xs) * len(xs)


def bisected(x):
    """Adaptive quadrature, with the intervals to do on a stack."""
    todo = [(x[0], x[9])]
    total = 0.0
    while todo:
        a, b = todo.pop()
        middle = 0.5 * (a + b)
        ends = 0.5 * (np.sin(a) + np.sin(b)) * (b - a)
        if abs(ends - np.sin(middle) * (b - a)) < 0.05:
            total += ends
        else:
            todo.append((a, middle))
            todo.append((middle, b))
    return total


@dataclass
class Log:
    """What has happened."""

    times: list = field(default_factory=list)
    values: list = field(default_factory=list)


def logged(x):
    log = Log(times=[], values=[])
    now = 0.0
    while now < 3.0:
        now += 0.2 + x[1] * x[1]
        log.times.append(now)
        if np.cos(now) > 0:
            log.values.append(np.cos(now) * x[2])
    return log.times[-1] + sum(log.times) * sum(log.values)


def sorted_apart(x):
    low, high = parts = [[] for _ in range(2)]
    for i in range(10):
        if x[i] > 1:
            high.append(x[i])
        else:
            low.append(-x[i])
    return sum(low) * len(high) + sum(parts[1])


def entries_assigned(x):
    xs = []
    for i in range(8):
        xs.append(x[i])
        xs[i // 2] = xs[i // 2] * x[i + 1]
        xs[-1] += 1.0
    return np.array(xs), np.asarray(xs[2:4])


def cleared(x):
    xs = []
    total = 0.0
    for i in range(10):
        xs.append(x[i])
        if sum(xs) > 1.0:
            total = total + sum(xs) * xs[0]
            xs.clear()
    return total


def extended(x):
    xs = [1.0]
    for i in range(5):
        xs.extend(x[i : i + 3] * i)
    ys = xs.copy()
    ys.append(x[0])
    return np.array(xs), np.array(ys + [2.0])


def integers_at_first(x):
    n = np.arange(10)
    m = k = 0
    for i in range(6):
        if i > 2:
            n, m = n[1:] * 0.5, m + x[i]
        else:
            n, m = n[1:] + 1, m + 1
        for _ in range(2 * i):
            k = k + m if k > 1 else k + 1
    return n * x[0], m, k * x[1]


def ends_dropped(x):
    s = 0.0
    for i in range(6):
        s = s + (i + 1) * np.sum(x * x)
        x = x[:-1]
    return s, x


def lengthened(x):
    y = x[:1].copy()
    for i in range(1, 9):
        y = np.concatenate([y, np.sin(y[-1:]) * x[i], [x[i] * y[0]]])
    return y


def thinned(x):
    steps = 0
    while len(x) > 2:
        x = x[x > 1.1 * np.mean(x) - 0.2] * 1.2
        steps += 1
    return np.sum(x) * steps, len(x)


def thinned_to_run_time_length(x):
    y = x * x
    for _ in range(3):
        y = y[y > 0.8 * np.mean(y)] + x[0]
    return y


def either_end(x):
    y = np.cos(x)
    for i in range(7):
        if x[0] + 0.2 * i > 0.25:
            x, y = x[1:], y[1:] * x[1:]
        else:
            x, y = x[:-1], y[:-1] + x[0]
    return np.sum(x * y) * len(x)


def corner_of_a_table(x):
    a = x[:, None] * np.sin(x)
    s = 0.0
    while a.shape[0] > 3:
        s = s + a[0, -1] * a[1, 1]
        a = a[1:, :-1] * a[-1, 0]
    return s + np.sum(a)


def differences(x):
    """The alternating sum of the first differences of every order."""
    sign, s = 1.0, 0.0
    for _ in range(10):
        s = s + sign * x[0]
        sign = -sign
        x = x[1:] - x[:-1]
    return s


def shrinking_inside(x):
    total = 0.0
    for i in range(6):
        y = x * i
        while len(y) > 4 and y[0] * y[1] < 30.0:
            y = y[1:] * 1.3
            total = total + y[0] * x[i]
    return total


GROWING = [
    appended,
    appended_where,
    appended_until,
    list_of_run_time_length,
    pairs,
    stack,
    states,
    recorded,
    in_a_branch,
    bisected,
    logged,
    sorted_apart,
    entries_assigned,
    cleared,
    extended,
    integers_at_first,
    ends_dropped,
    lengthened,
    thinned,
    thinned_to_run_time_length,
    either_end,
    corner_of_a_table,
    differences,
    shrinking_inside,
]
