"""Loops that write one element of an n-vector per step: cost per element."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

import numpy as np

import wengert as wg

SIZES = (10**2, 10**3, 10**4, 10**5, 10**6)


def writes(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + np.sin(x[i])
    return np.sum(y * y)


def nonlinear(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = np.sin(y[i - 1]) * y[i]
    return np.sum(y * y)


PROGRAMS = {"linear": writes, "nonlinear": nonlinear}


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def one(name: str, n: int, repeats: int) -> None:
    """A line of the table; in a process of its own, whose peak memory is its own."""
    fun = PROGRAMS[name]
    # The memory of the compiler itself is spent before the measurement.
    wg.jit(wg.value_and_grad(fun))(np.linspace(0.0, 1.0, 10))
    before = _peak_bytes()
    x = np.linspace(0.0, 1.0, n)
    begin = time.perf_counter()
    wg.jit(wg.value_and_grad(fun))(x)
    first = time.perf_counter() - begin
    times = []
    gradient = wg.jit(wg.value_and_grad(fun))
    gradient(x)
    for _ in range(repeats):
        begin = time.perf_counter()
        gradient(x)
        times.append(time.perf_counter() - begin)
    each = statistics.median(times) / n
    memory = (_peak_bytes() - before) / n
    compiling = first - statistics.median(times)
    cells = f"{each * 1e9:16.1f}{memory:18.1f}{compiling:14.2f}"
    print(f"{name:10}{n:9}{cells}", flush=True)


def main(repeats: int = 15) -> None:
    heads = f"{'ns per element':>16}{'bytes per element':>18}{'compile, s':>14}"
    print(f"{'writes':10}{'n':>9}{heads}")
    for name in PROGRAMS:
        for n in SIZES:
            code = f"from benchmarks.slope import one; one({name!r}, {n}, {repeats})"
            subprocess.run([sys.executable, "-c", code], check=True)
