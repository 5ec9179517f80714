"""What is around the native code: a call of small arguments, and the first call."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import wengert as wg

X = np.array([0.5, -1.0, 2.0])
CALLS = {
    "three arrays": (lambda a, b, c: a * b + c, (X, X + 1, X + 2)),
    "three numbers": (lambda a, b, c: a * b + c, (0.5, 1.5, 2.5)),
    "a gradient": (wg.grad(lambda a, b, c: np.sum(a * b + c)), (X, 1.5, 2.5)),
}
BATCH = 20  # calls; short, so that some are not interrupted


def oscillators(theta, start, steps):
    """Coupled and damped, by the classical Runge-Kutta method."""
    stiffness, cubic, damping = theta[0], theta[1], theta[2]
    y = start.copy()
    v = np.zeros(len(start))
    h = 0.01
    energy = 0.0
    largest = 0.0
    falls = 0
    for _ in range(steps):
        k1 = v
        l1 = -stiffness * y - cubic * y**3 - damping * v
        y2 = y + 0.5 * h * k1
        k2 = v + 0.5 * h * l1
        l2 = -stiffness * y2 - cubic * y2**3 - damping * k2
        y3 = y + 0.5 * h * k2
        k3 = v + 0.5 * h * l2
        l3 = -stiffness * y3 - cubic * y3**3 - damping * k3
        y4 = y + h * k3
        k4 = v + h * l3
        l4 = -stiffness * y4 - cubic * y4**3 - damping * k4
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        v = v + h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
        kinetic = 0.5 * np.sum(v * v)
        potential = np.sum(0.5 * stiffness * y * y + 0.25 * cubic * y**4)
        total = kinetic + potential
        energy += total
        if total > largest:
            largest = total
        else:
            falls += 1
        for i in range(1, len(y)):
            difference = y[i] - y[i - 1]
            if difference > 0:
                y[i] = y[i] - 0.001 * difference
            else:
                y[i] = y[i] + 0.002 * difference
        pause = 0.0
        rounds = 0
        while pause < 1.0 and rounds < 20:
            pause = pause + 0.1 + 0.01 * np.sin(y[0])
            rounds += 1
        energy += 0.001 * pause
    return energy + largest + np.sum(np.tanh(y))


def first_call() -> None:
    """Print the seconds of a process's first call, imports excluded."""
    import wengert._backend.cache  # noqa: F401

    args = (np.array([1.0, 0.1, 0.2]), np.linspace(0.0, 1.0, 8), 20)
    begin = time.perf_counter()
    wg.jit(wg.grad(oscillators))(*args)
    print(time.perf_counter() - begin)


def _first_call(cache: str) -> float:
    code = "from benchmarks.calls import first_call; first_call()"
    environment = {**os.environ, "WENGERT_CACHE": "1", "WENGERT_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def main(repeats: int = 15) -> None:
    print(f"{'a call, us':20}{'least':>8}{'median':>8}")
    for name, (f, args) in CALLS.items():
        compiled, times = wg.jit(f), []
        compiled(*args)
        for _ in range(100 * repeats):
            begin = time.perf_counter()
            for _ in range(BATCH):
                compiled(*args)
            times.append((time.perf_counter() - begin) / BATCH * 1e6)
        print(f"{name:20}{min(times):8.1f}{statistics.median(times):8.1f}")
    print(f"\n{'the first call, s':20}{'least':>8}{'median':>8}")
    for name in ("empty cache", "filled cache"):
        times = []
        for _ in range(max(3, repeats // 3)):
            with tempfile.TemporaryDirectory() as cache:
                if name == "filled cache":
                    _first_call(cache)
                times.append(_first_call(cache))
        print(f"{name:20}{min(times):8.2f}{statistics.median(times):8.2f}", flush=True)
