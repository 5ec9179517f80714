"""Initial value problems: a solve, its gradient, and the same solve by SciPy.

Both are compiled functions; the backward pass is the gradient less the solve. The
methods and tolerances are the same in SciPy, whose right-hand side is Python's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

import wengert as wg

WANTED = 5.0  # the backward pass, in solves


def lotka_volterra(t: Any, y: Any, p: Any) -> Any:
    return np.array(
        [p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]]
    )


def robertson(t: Any, y: Any, k: Any) -> Any:
    a, b, c = k[0] * y[0], k[1] * y[1] ** 2, k[2] * y[1] * y[2]
    return np.array([c - a, a - b - c, b])


def network(t: Any, y: Any, weights: Any) -> Any:
    for w, b in weights[:-1]:
        y = np.tanh(w @ y + b)
    w, b = weights[-1]
    return w @ y + b


def _weights() -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = [(32, 2), (32, 32), (2, 32)]
    return [(0.3 * rng.normal(size=s), np.zeros(s[0])) for s in shapes]


class Row(NamedTuple):
    """A line of the table."""

    name: str
    f: Callable[..., Any]
    y0: Any
    t: Any
    p: Any
    options: dict[str, Any]
    scipy: str | None = None  # the method of the same name


LV = (
    lotka_volterra,
    np.ones(2),
    np.linspace(0.0, 20.0, 21),
    np.array([1.5, 1.0, 3.0, 1.0]),
)
STIFF = (
    robertson,
    np.array([1.0, 0.0, 0.0]),
    np.array([0.0, 0.4, 40.0, 4000.0]),
    np.array([0.04, 3e7, 1e4]),
)
NEURAL = (network, np.ones(2), np.linspace(0.0, 10.0, 3), _weights())
TIGHT = {"rtol": 1e-8, "atol": 1e-8}
IMPLICIT = {"method": "kvaerno5", "rtol": 1e-8, "atol": 1e-12}
ROWS = (
    Row("prey, dopri5", *LV, {"method": "dopri5", **TIGHT}, "RK45"),
    Row("  continuous", *LV, {"method": "dopri5", "derivative": "continuous", **TIGHT}),
    Row("  forward", *LV, {"method": "dopri5", "derivative": "forward", **TIGHT}),
    Row("  binomial(20)", *LV, {"checkpoints": wg.binomial(20), **TIGHT}),
    Row("prey, tsit5", *LV, TIGHT),
    Row("prey, rk4", *LV, {"method": "rk4", "steps": 20}),
    Row("Robertson, kvaerno5", *STIFF, IMPLICIT, "Radau"),
    Row("  continuous", *STIFF, {"derivative": "continuous", **IMPLICIT}),
    Row("network, tsit5", *NEURAL, {"rtol": 1e-6}, "RK45"),
    Row("  continuous", *NEURAL, {"rtol": 1e-6, "derivative": "continuous"}),
)


def _median(run: Callable[[], Any], repeats: int) -> float:
    """Milliseconds of processor time of a call."""
    run()
    calls, times = 1, []
    while True:
        begin = time.process_time()
        for _ in range(calls):
            run()
        spent = time.process_time() - begin
        if spent > 0.01:
            break
        calls *= 4
    for _ in range(repeats):
        begin = time.process_time()
        for _ in range(calls):
            run()
        times.append((time.process_time() - begin) / calls * 1e3)
    return statistics.median(times)


def _scipys(row: Row) -> Any:
    """SciPy's solve, on a right-hand side without the tree of arguments."""
    options = {"method": row.scipy, "t_eval": row.t, "args": (row.p,)}
    tolerances = {k: v for k, v in row.options.items() if k in ("rtol", "atol")}
    return solve_ivp(row.f, (row.t[0], row.t[-1]), row.y0, **options, **tolerances)


def main(repeats: int = 15) -> None:
    print(f"{'':22}{'solve, ms':>10}{'gradient':>10}{'backward':>10}{'SciPy':>10}")
    for row in ROWS:
        loss = lambda p, row=row: np.sum(
            wg.ode.solve(row.f, row.y0, row.t, (p,), **row.options).y ** 2
        )
        solve, gradient = wg.jit(loss), wg.jit(wg.value_and_grad(loss))
        primal = _median(lambda solve=solve, row=row: solve(row.p), repeats)
        both = _median(lambda g=gradient, row=row: g(row.p), repeats)
        backward = both / primal - 1.0
        scipy = ""
        if row.scipy is not None:
            spent = _median(lambda row=row: _scipys(row), max(3, repeats // 5))
            scipy = f"{spent:10.1f}"
        mark = "*" if backward > WANTED else " "
        print(
            f"{row.name:22}{primal:10.3f}{both:10.3f}{backward:9.1f}{mark}{scipy}",
            flush=True,
        )
