"""Memory and time of the gradient of a long loop, by how many states it stores."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

import wengert as wg

STEPS, SIZE = 20_000, 1000
SCHEDULES = {
    "every residual": None,
    "all": "all",
    "100 segments": 100,
    "binomial(100)": wg.binomial(100),
    "binomial(20)": wg.binomial(20),
    '"2MB"': "2MB",
}


def settled(x: Any, steps: int, checkpoints: Any) -> Any:
    for _ in wg.range(steps, checkpoints=checkpoints):
        x = x + 0.01 * np.sin(x)
    return np.sum(x)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def one(name: str, repeats: int) -> None:
    """A line of the table; in a process of its own, whose peak memory is its own."""
    schedule = SCHEDULES[name]
    gradient = wg.jit(wg.grad(lambda x, n: settled(x, n, schedule)))
    x = np.linspace(0.1, 1.0, SIZE)
    gradient(x, 2)  # the memory of the compiler is spent before the measurement
    before, times = _peak_bytes(), []
    for _ in range(max(3, repeats // 5)):
        begin = time.process_time()
        gradient(x, STEPS)
        times.append(time.process_time() - begin)
    memory = (_peak_bytes() - before) / 2**20
    print(f"{name:20}{statistics.median(times):10.2f}{memory:10.1f}", flush=True)


def main(repeats: int = 15) -> None:
    print(
        f"{STEPS} steps of {SIZE} numbers, {8 * SIZE * STEPS / 2**20:.0f} MB of states"
    )
    print(f"{'checkpoints':20}{'seconds':>10}{'MB':>10}")
    for name in SCHEDULES:
        code = f"from benchmarks.checkpoints import one; one({name!r}, {repeats})"
        subprocess.run([sys.executable, "-c", code], check=True)
