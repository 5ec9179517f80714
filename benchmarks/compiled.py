"""Compiled programs and their gradients, beside Numba, JAX and PyTorch.

Wengert and Numba compile the same NumPy source; JAX's is in `compiled_jax`. Values and
gradients are compared before anything is timed; peers run in turn, round after round;
the median round counts.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.compiled_programs import PROGRAMS, Program

Runs = dict[str, Callable[[], Any]]


def _peer(name: str) -> Any:
    """A peer's module, or None and the reason printed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"{name} is skipped: {error}. Install it with: pip install {name}")
        return None


def _torch_recurrence(torch: Any, x: float, n: int) -> Runs:
    def value(t: Any) -> Any:
        s = torch.tensor(0.5, dtype=torch.float64)
        for _ in range(n):
            s = s * t + 0.1 * torch.sin(s)
        return s

    def gradient() -> Any:
        t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        result = value(t)
        return result.detach(), torch.autograd.grad(result, t)[0]

    return {
        "primal": lambda: value(torch.tensor(x, dtype=torch.float64)),
        "gradient": gradient,
    }


def _numba_runs(numba: Any, program: Program, args: tuple[Any, ...]) -> Runs:
    """The primal only. Helpers of the program are compiled with it."""
    space = dict(program.fun.__globals__)
    if "slope_of" in program.fun.__code__.co_names:
        space["slope_of"] = numba.njit(space["slope_of"])
    fun = numba.njit(type(program.fun)(program.fun.__code__, space))
    return {"primal": lambda: fun(*args)}


def _all_runs(program: Program, size: str, peers: dict[str, Any]) -> dict[str, Runs]:
    args = program.inputs(program.sizes[size])
    primal = wg.jit(program.fun)
    gradient = wg.jit(wg.value_and_grad(program.fun))
    runs: dict[str, Runs] = {
        "wengert": {
            "primal": lambda: primal(*args),
            "gradient": lambda: gradient(*args),
        }
    }
    if peers["numba"]:
        runs["numba"] = _numba_runs(peers["numba"], program, args)
    if peers["jax"]:
        ours = importlib.import_module("benchmarks.compiled_jax")
        if program.name in ours.PROGRAMS:
            runs["jax"] = ours.runs(program.name, args)
    if peers["torch"] and program.name == "recurrence" and size == "small":
        runs["torch"] = _torch_recurrence(peers["torch"], *args)
    return runs


def _flat(result: Any) -> np.ndarray:
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(np.asarray(x)) for x in parts])


def _seconds(run: Callable[[], Any], calls: int = 1) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - begin) / calls


def _timed(run: Callable[[], Any]) -> float:
    """Seconds a call; the first, with the caches of the peer before, does not count."""
    once = _seconds(run)
    return _seconds(run, max(1, min(20, int(2e-3 / once))))


def measure(
    runs: dict[str, Runs], repeats: int
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Median seconds by peer and kind, and of Wengert's first calls."""
    first = {kind: _seconds(run) for kind, run in runs["wengert"].items()}
    expected = {kind: _flat(run()) for kind, run in runs["wengert"].items()}
    pairs = [((p, k), run) for p, kinds in runs.items() for k, run in kinds.items()]
    for (peer, kind), run in pairs:
        np.testing.assert_allclose(
            _flat(run()), expected[kind], rtol=1e-6, atol=1e-9, err_msg=peer
        )
    times: dict[tuple[str, str], list[float]] = {key: [] for key, _ in pairs}
    for _ in range(repeats):
        for key, run in pairs:
            times[key].append(_timed(run))
    return {key: statistics.median(t) for key, t in times.items()}, first


def _ratio(ours: float, theirs: float | None) -> str:
    return f"{'-':>9}" if theirs is None else f"{ours / theirs:9.3f}"


def _row(name: str, medians: dict[tuple[str, str], float], first: Any) -> str:
    primal = medians["wengert", "primal"]
    gradient = medians["wengert", "gradient"]
    return (
        f"{name:22}{primal * 1e6:11.1f}{gradient * 1e6:12.1f}{gradient / primal:8.2f}"
        + _ratio(primal, medians.get(("numba", "primal")))
        + _ratio(primal, medians.get(("jax", "primal")))
        + _ratio(gradient, medians.get(("jax", "gradient")))
        + _ratio(gradient, medians.get(("torch", "gradient")))
        + f"{first['primal']:8.2f}{first['gradient']:8.2f}"
    )


def main(repeats: int = 15, size: str = "small", only: str | None = None) -> None:
    peers = {name: _peer(name) for name in ("numba", "jax", "torch")}
    if peers["torch"]:
        peers["torch"].set_num_threads(1)
    print(f"{size}; microseconds; ratios are ours/theirs; first calls in seconds")
    print(
        f"{'':22}{'primal':>11}{'gradient':>12}{'g/p':>8}{'p/numba':>9}{'p/jax':>9}"
        f"{'g/jax':>9}{'g/torch':>9}{'1st p':>8}{'1st g':>8}"
    )
    for program in PROGRAMS:
        if only in (None, program.name):
            medians, first = measure(_all_runs(program, size, peers), repeats)
            print(_row(program.name, medians, first), flush=True)
