"""Optimisers beside SciPy's: iterations, evaluations and time of a whole minimisation.

SciPy's get the same exact derivatives, compiled: `wg.scipy.optimize` is what is timed.
Both go to a gradient of 1e-6 (Newton-CG of SciPy stops by the step).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from benchmarks.optim_problems import KNOWN, Known, extended_rosenbrock, extended_start
from benchmarks.optim_regressions import NIST

SIZE = 10_000
PROBLEMS = {
    **KNOWN,
    "extended": Known(extended_rosenbrock, extended_start(SIZE), np.ones(SIZE)),
}
SCIPYS: dict[str, tuple[str, dict[str, Any]]] = {
    "bfgs": ("BFGS", {"gtol": 1e-6}),
    "l-bfgs": ("L-BFGS-B", {"gtol": 1e-6, "ftol": 0.0}),
    "newton-cg": ("Newton-CG", {"xtol": 1e-8}),
    "trust-region": ("trust-ncg", {"gtol": 1e-6}),
}


class Run(NamedTuple):
    """A way to solve a problem."""

    solve: Callable[[], Any]
    counts: Callable[[Any], tuple[int, int]]  # iterations and evaluations

    def measured(self, repeats: int) -> tuple[str, float]:
        """Its cells in the table, and the median seconds of calls but the first."""
        begin = time.process_time()
        found = self.solve()
        first, times = time.process_time() - begin, []
        for _ in range(repeats):
            begin = time.process_time()
            self.solve()
            times.append(time.process_time() - begin)
        iterations, evaluations = self.counts(found)
        each, mark = statistics.median(times), " " if found.success else "!"
        text = f"{iterations:6}{mark}{evaluations:6}{each * 1e3:8.2f}{first:8.2f}"
        return text, each


def minimizations() -> dict[str, tuple[Run, Run]]:
    """Our run and SciPy's for each problem and method."""
    runs = {}
    for name, (f, x0, _) in PROBLEMS.items():
        for method, (scipys, options) in SCIPYS.items():
            if name == "extended" and method == "bfgs":
                continue  # a matrix of 10⁸ numbers
            ours = Run(
                lambda f=f, x0=x0, m=method: wg.optim.minimize(f, x0, method=m),
                lambda r: (r.iterations, r.evaluations),
            )
            theirs = Run(
                lambda f=f, x0=x0, m=scipys, o=options: wg.scipy.minimize(
                    f, x0, method=m, options=o
                ),
                lambda r: (r.nit, r.nfev),
            )
            runs[f"{name} {method}"] = ours, theirs
    return runs


def regressions() -> dict[str, tuple[Run, Run]]:
    """The same for least squares: SciPy's ``lm`` is MINPACK's."""
    runs = {}
    for name, problem in NIST.items():
        x0, f = np.array(problem.starts[1]), problem.residuals
        ours = Run(
            lambda f=f, x0=x0: wg.optim.least_squares(f, x0),
            lambda r: (r.iterations, r.evaluations),
        )
        theirs = Run(
            lambda f=f, x0=x0: wg.scipy.least_squares(
                f, x0, method="lm", x_scale="jac"
            ),
            lambda r: (r.njev, r.nfev),
        )
        runs[f"{name} lm"] = ours, theirs
    return runs


def main(repeats: int = 15) -> None:
    print("iterations (! without success), evaluations, milliseconds of a call,")
    print("seconds of the first, and our milliseconds by theirs")
    print(f"{'':26}{'Wengert':>21}{'first':>8}{'SciPy':>21}{'first':>8}{'ratio':>9}")
    for name, runs in {**minimizations(), **regressions()}.items():
        print(f"measuring {name}", file=sys.stderr, flush=True)
        (ours, ours_each), (theirs, theirs_each) = (r.measured(repeats) for r in runs)
        print(f"{name:26}{ours}{theirs}{ours_each / theirs_each:9.3f}", flush=True)
