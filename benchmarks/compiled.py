"""Compiled programs and their gradients, beside those who can express them.

Wengert and Numba compile the same NumPy source; the other peers' versions are in
`compiled_jax`, `compiled_torch`, `compiled_autograd` and `compiled_casadi`. Values and
gradients are compared before anything is timed; peers run in turn, round after round;
the median round counts, in processor time of the one core that all have, so that other
work on the machine counts little. Rows that miss a target come first.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from benchmarks.compiled_programs import PROGRAMS, Program, slope_of

Runs = dict[str, Callable[[], Any]]
PEERS = ("numba", "jax", "torch", "autograd", "casadi")
SLOW = 0.5  # seconds of one call, above which a round is one call and rounds are few


class Ratio(NamedTuple):
    """A column: whose time is divided by whose, and the largest that is wanted."""

    name: str
    kind: str
    peer: str
    target: float | None = None

    def of(self, medians: dict[tuple[str, str], float]) -> float | None:
        ours = medians["wengert", self.kind]
        other = "primal" if self.peer == "wengert" else self.kind
        theirs = medians.get((self.peer, other))
        return None if theirs is None else ours / theirs

    def missed(self, medians: dict[tuple[str, str], float]) -> bool:
        found = self.of(medians)
        return found is not None and self.target is not None and found > self.target


RATIOS = (
    Ratio("g/p", "gradient", "wengert", 4.0),
    Ratio("p/numba", "primal", "numba", 1.3),
    Ratio("g/jax", "gradient", "jax", 1.0),
    Ratio("g/torch", "gradient", "torch", 0.01),
    Ratio("p/jax", "primal", "jax"),
    Ratio("g/casadi", "gradient", "casadi"),
    Ratio("g/autogr", "gradient", "autograd"),
)


def _module(name: str) -> Any:
    """A peer, or None and the reason printed."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name} is skipped: {error}. Install it with: pip install {name}")
        return None
    if name == "numba":
        return importlib.import_module("numba")
    return importlib.import_module(f"benchmarks.compiled_{name}")


def _numba_runs(numba: Any, program: Program, args: tuple[Any, ...]) -> Runs:
    """The primal only. Helpers of the program are compiled with it."""
    space = dict(program.fun.__globals__)
    if "slope_of" in program.fun.__code__.co_names:
        space["slope_of"] = numba.njit(slope_of)
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
    for name, peer in peers.items():
        if name == "numba":
            runs[name] = _numba_runs(peer, program, args)
        elif program.name in peer.PROGRAMS and size in peer.SIZES:
            runs[name] = peer.runs(program.name, args)
    return runs


def _flat(result: Any) -> np.ndarray:
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(np.asarray(x)) for x in parts])


def _seconds(run: Callable[[], Any], calls: int = 1) -> float:
    begin = time.process_time()
    for _ in range(calls):
        run()
    return (time.process_time() - begin) / calls


def _timed(run: Callable[[], Any]) -> float:
    """Seconds a call; the first, with the caches of the peer before, does not count."""
    once = _seconds(run)
    return once if once > SLOW else _seconds(run, max(1, min(20, int(2e-3 / once))))


def measure(
    runs: dict[str, Runs], repeats: int
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Median seconds by peer and kind, and of Wengert's first calls."""
    first = {kind: _seconds(run) for kind, run in runs["wengert"].items()}
    expected = {kind: _flat(run()) for kind, run in runs["wengert"].items()}
    pairs = [((p, k), run) for p, kinds in runs.items() for k, run in kinds.items()]
    slow = set()
    for (peer, kind), run in pairs:
        begin = time.process_time()
        np.testing.assert_allclose(
            _flat(run()), expected[kind], rtol=1e-6, atol=1e-9, err_msg=peer
        )
        if time.process_time() - begin > SLOW:
            slow.add((peer, kind))
    times: dict[tuple[str, str], list[float]] = {key: [] for key, _ in pairs}
    for number in range(repeats):
        for key, run in pairs:
            if number < 3 or key not in slow:
                times[key].append(_timed(run))
    return {key: statistics.median(t) for key, t in times.items()}, first


def _row(name: str, medians: dict[tuple[str, str], float], first: Any) -> str:
    cells = []
    for ratio in RATIOS:
        found = ratio.of(medians)
        mark = "*" if ratio.missed(medians) else " "
        cells.append(f"{'-':>9} " if found is None else f"{found:9.3f}{mark}")
    return (
        f"{name:15}{medians['wengert', 'primal'] * 1e6:11.1f}"
        f"{medians['wengert', 'gradient'] * 1e6:12.1f} {''.join(cells)}"
        f"{first['primal']:8.2f}{first['gradient']:8.2f}"
    )


def main(repeats: int = 15, size: str = "small", only: str | None = None) -> None:
    peers = {name: found for name in PEERS if (found := _module(name)) is not None}
    rows = []
    for program in PROGRAMS:
        if only in (None, program.name):
            print(f"measuring {program.name}", file=sys.stderr, flush=True)
            medians, first = measure(_all_runs(program, size, peers), repeats)
            missed = sum(ratio.missed(medians) for ratio in RATIOS)
            rows.append((-missed, medians, _row(program.name, medians, first)))
    _report(size, sorted(rows, key=lambda row: row[0]))


def _report(size: str, rows: list[Any]) -> None:
    print(f"{size}; microseconds; ratios are ours/theirs; first calls in seconds")
    targets = [f"{r.name} <= {r.target:g}" for r in RATIOS if r.target is not None]
    print(f"* misses a target: {', '.join(targets)}")
    heads = "".join(f"{r.name:>9} " for r in RATIOS)
    print(f"{'':15}{'primal':>11}{'gradient':>12} {heads}{'1st p':>8}{'1st g':>8}")
    for _, _, row in rows:
        print(row)
    for ratio in RATIOS:
        found = [x for _, m, _ in rows if (x := ratio.of(m)) is not None]
        if found:
            worst, middle = max(found), statistics.median(found)
            print(f"{ratio.name:>10}: median {middle:.3f}, largest {worst:.3f}")
