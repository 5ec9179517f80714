"""Nanoseconds per operation of the eager engine, gradient included, beside its peers.

Each program is written once for all namespaces, and differentiated as each peer's users
do it. An operation is one that the program applies: the time of a value with its
gradient is divided by their number. Peers run in turn, round after round, so that the
machine's moods meet all of them; the median round counts.
"""

from __future__ import annotations

import importlib
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
import wengert.numpy as wnp

STEPS = 500
PEERS = ("wengert", "autograd", "torch")
Run = Callable[[], Any]


class Program(NamedTuple):
    """A program: the operations that it applies, and how each peer runs it.

    A run returns the gradients, so that the peers can be compared.
    """

    name: str
    operations: int
    runs: dict[str, Run]


def _peer(name: str) -> Any:
    """A peer's module, or None and the reason printed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"{name} is skipped: {error}. Install it with: pip install '.[bench]'")
        return None


# -- the programs ----------------------------------------------------------------------


def horner(s: Any, x: Any) -> Any:
    """Two operations a step."""
    for _ in range(STEPS):
        s = s * x + x
    return s


def pendulum(angle: Any, speed: Any, xp: Any) -> Any:
    """Five operations a step: a pendulum, by symplectic Euler steps."""
    for _ in range(STEPS):
        speed = speed - 0.01 * xp.sin(angle)
        angle = angle + 0.01 * speed
    return angle


def loss(parameters: Any, x: Any, y: Any, xp: Any) -> Any:
    """Eleven operations: a network 64 -> 64 -> 64 -> 64 on a batch of 16."""
    (w1, b1), (w2, b2), (w3, b3) = parameters
    hidden = xp.tanh(x @ w1 + b1)
    hidden = xp.tanh(hidden @ w2 + b2)
    return xp.mean((hidden @ w3 + b3 - y) ** 2)


# -- how the peers run them ------------------------------------------------------------


def _gradient(grad: Any, fun: Callable[..., Any], *args: Any) -> Run:
    """A gradient in all arguments, of Wengert's or autograd's kind."""
    gradient = grad(fun, tuple(range(len(args))))
    return lambda: gradient(*args)


def _torch_gradient(torch: Any, fun: Callable[..., Any], *args: Any) -> Run:
    def run() -> Any:
        inputs = [
            torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in args
        ]
        fun(*inputs).backward()
        return [x.grad for x in inputs]

    return run


def _loops(autograd: Any, torch: Any) -> list[Program]:
    v8, v64 = np.linspace(0.1, 0.9, 8), np.linspace(0.1, 0.9, 64)
    programs = []
    for name, args in (
        ("scalar", (0.5, 0.9)),
        ("8-vector", (v8, v8)),
        ("64-vector", (v64, v64)),
    ):
        end = (lambda s: s) if name == "scalar" else (lambda s: s.sum())
        for program, operations, body in (
            ("s = s * x + x", 2, lambda s, x, _, end=end: end(horner(s, x))),
            ("pendulum", 5, lambda s, x, xp, end=end: end(pendulum(s, x, xp))),
        ):
            runs = {
                "wengert": _gradient(wg.grad, lambda s, x, f=body: f(s, x, wnp), *args)
            }
            if autograd:
                anp = autograd.numpy
                runs["autograd"] = _gradient(
                    autograd.grad, lambda s, x, f=body, xp=anp: f(s, x, xp), *args
                )
            if torch:
                runs["torch"] = _torch_gradient(
                    torch, lambda s, x, f=body: f(s, x, torch), *args
                )
            programs.append(Program(f"{name}, {program}", operations * STEPS, runs))
    return programs


def _network(autograd: Any, torch: Any) -> Program:
    """A step of gradient descent; two operations for the update of each parameter."""
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(64, 64)) / 8.0, np.zeros(64)) for _ in range(3)]
    x, y = rng.normal(size=(16, 64)), rng.normal(size=(16, 64))

    def descend(grad: Any, xp: Any) -> Run:
        gradient = grad(lambda parameters: loss(parameters, x, y, xp))

        def run() -> Any:
            pairs = zip(layers, gradient(layers), strict=True)
            return [(w - 0.1 * dw, b - 0.1 * db) for (w, b), (dw, db) in pairs]

        return run

    runs = {"wengert": descend(wg.grad, wnp)}
    if autograd:
        runs["autograd"] = descend(autograd.grad, autograd.numpy)
    if torch:
        runs["torch"] = _torch_network(torch, layers, x, y)
    return Program("64-wide MLP step", 11 + 2 * 6, runs)


def _torch_network(torch: Any, layers: Any, x: Any, y: Any) -> Run:
    tensors = [
        tuple(torch.tensor(p, requires_grad=True) for p in layer) for layer in layers
    ]
    flat = [p for layer in tensors for p in layer]
    tx, ty = torch.tensor(x), torch.tensor(y)

    def run() -> Any:
        gradients = torch.autograd.grad(loss(tensors, tx, ty, torch), flat)
        with torch.no_grad():
            return [p - 0.1 * d for p, d in zip(flat, gradients, strict=True)]

    return run


# -- measurement and report ------------------------------------------------------------


def _flat(result: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(x)) for x in wg.tree.leaves(result)])


def measure(program: Program, repeats: int) -> dict[str, float]:
    """Nanoseconds per operation of each peer, after a check that all agree."""
    expected = _flat(program.runs["wengert"]())
    for name, run in program.runs.items():
        np.testing.assert_allclose(_flat(run()), expected, rtol=1e-9, err_msg=name)
    times: dict[str, list[float]] = {name: [] for name in program.runs}
    for _ in range(repeats):
        for name, run in program.runs.items():
            calls = 20 if program.operations < STEPS else 1
            begin = time.perf_counter_ns()
            for _ in range(calls):
                run()
            times[name].append((time.perf_counter_ns() - begin) / calls)
    return {
        name: statistics.median(t) / program.operations for name, t in times.items()
    }


def main(repeats: int = 15) -> None:
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one thread")
    autograd, torch = _peer("autograd"), _peer("torch")
    if autograd:
        importlib.import_module("autograd.numpy")
    if torch:
        torch.set_num_threads(1)
    print(
        f"ns per operation, gradient included, median of {repeats}; ratio: ours/theirs"
    )
    print(
        f"{'':28}"
        + "".join(f"{name:>10}" for name in PEERS)
        + f"{'/autograd':>11}{'/torch':>8}"
    )
    for program in (*_loops(autograd, torch), _network(autograd, torch)):
        result = measure(program, repeats)
        cells = [f"{result[p]:10.0f}" if p in result else f"{'-':>10}" for p in PEERS]
        ratios = [
            f"{result['wengert'] / result[p]:{width}.2f}"
            if p in result
            else f"{'-':>{width}}"
            for p, width in (("autograd", 11), ("torch", 8))
        ]
        print(f"{program.name:28}" + "".join(cells) + "".join(ratios), flush=True)
