"""Programs that call functions which tracing cannot see."""

from __future__ import annotations

import math

import numpy as np

import wengert as wg
import wengert.numpy as wnp

CALLS: list[float] = []  # the sums of the arguments, in order


def hidden(x):
    """The sine, by Python's own, which takes no traced value."""
    CALLS.append(float(np.sum(x)))
    values = [math.sin(v) for v in np.ravel(x)]
    return np.reshape(values, np.shape(x))[()]


sine = wg.opaque(
    hidden,
    out=lambda x: x,
    jvp=lambda primals, tangents: wnp.cos(primals[0]) * tangents[0],
    vjp=lambda primals, ct: (wnp.cos(primals[0]) * ct,),
)


def in_a_branch(x):
    if x[0] > 0:
        return sine(x) * x
    return sine(2.0 * x) + sine(x)


def in_a_loop(x):
    s = 0.0
    for i in range(10):
        s = 0.5 * s + sine(x[i] * s + 1.0) * x[i]
    return s


def in_branches_of_a_loop(x):
    s = 0.1
    for i in range(10):
        if x[i] > 0:
            s = 0.5 * s + sine(x[i] * s + 1.0) * x[i]
        else:
            s = s * x[i] * sine(s) ** 2
    return s


def in_a_loop_of_writes(x):
    y = x.copy()
    for i in range(1, 10):
        if y[i - 1] > 0.1:
            y[i] = sine(y)[i] * y[i - 1]
    return y


def in_a_loop_of_a_branch(x):
    s = 0.0
    if x[0] < 0:
        for j in range(6):
            if x[j] > s:
                s = 0.5 * s + sine(x[2] * s + 1.0) * x[j]
    return s


def in_a_scheduled_loop(x):
    s = 0.0
    for i in wg.range(10, checkpoints=2):
        s = 0.5 * s + sine(x[i] * s + 1.0) * x[i]
    return s


OPAQUE = [
    in_a_branch,
    in_a_loop,
    in_branches_of_a_loop,
    in_a_loop_of_writes,
    in_a_loop_of_a_branch,
    in_a_scheduled_loop,
]
