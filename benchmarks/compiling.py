"""Seconds of compiling, and how often: by steps, by source, by lengths of arguments."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from wengert._backend import cache

LINES = 300
X = np.linspace(0.1, 1.0, 40)


def repeated(steps: int) -> Callable[[Any], Any]:
    def fun(x):
        for _ in range(steps):
            x = np.sin(x) * 0.5 + x
        return x

    return fun


def doubled(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = 2.0 * y[i - 1] * x[i]
    return np.sum(y)


def long_solver(directory: str) -> Any:
    """A function of 300 lines in a loop, each of which writes into an array."""
    lines = ["import numpy as np", "", "def solver(x):", "    y = x.copy()"]
    lines += ["    for i in range(1, len(x)):"]
    lines += [
        f"        y[i] = y[i] * 0.5 + np.sin(y[i - 1] + {k % 7})" for k in range(LINES)
    ]
    path = Path(directory) / "long_solver.py"
    path.write_text("\n".join([*lines, "    return np.sum(y)", ""]))
    spec = importlib.util.spec_from_file_location("long_solver", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.solver


def _first_call(make: Callable[[], Any], x: Any) -> float:
    fun = make()
    begin = time.process_time()
    fun(x)
    return time.process_time() - begin


def _report(name: str, repeats: int, make: Callable[[], Any], x: Any) -> None:
    times = [_first_call(make, x) for _ in range(max(3, repeats // 3))]
    least, middle = min(times), statistics.median(times)
    print(f"{name:44}{least:8.2f}{middle:8.2f}", flush=True)


def compilations(fun: Callable[..., Any], arguments: Sequence[Any]) -> int:
    """How many programs calls with these arguments compile."""
    count, compiled = 0, cache.compile_staged

    def counting(program: Any) -> Any:
        nonlocal count
        count += 1
        return compiled(program)

    cache.compile_staged = counting
    try:
        function = wg.jit(fun)
        for x in arguments:
            function(x)
    finally:
        cache.compile_staged = compiled
    return count


def main(repeats: int = 15) -> None:
    print(f"{'the first call, s of processor time':44}{'least':>8}{'median':>8}")
    for steps in (10**2, 10**6):
        name = f"gradient of a loop of {steps} steps"
        _report(
            name, repeats, lambda n=steps: wg.jit(wg.value_and_grad(repeated(n))), 0.3
        )
    with tempfile.TemporaryDirectory() as directory:
        solver = long_solver(directory)
        for name, f in (("", solver), ("gradient of ", wg.value_and_grad(solver))):
            name += f"a solver of {LINES} lines"
            _report(name, repeats, lambda f=f: wg.jit(f), X)
    print(f"\n{'programs that are compiled':44}{'number':>8}")
    lengths = [np.linspace(0.1, 1.0, n) for n in range(20, 120)]
    numbers = [float(n) for n in range(100)]
    gradient = wg.value_and_grad(doubled)
    print(f"{'100 lengths of an argument':44}{compilations(gradient, lengths):8}")
    print(f"{'100 values of a number':44}{compilations(lambda x: x * x, numbers):8}")
