"""Runs a benchmark by name: ``python -m benchmarks eager``."""

from __future__ import annotations

import argparse
import importlib
import os

# Before NumPy is imported, which reads them once: everybody gets a single thread.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
# XLA has threads of its own: one core for all of them.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

# Compiling is measured too: what an earlier run has compiled does not count.
os.environ["WENGERT_CACHE"] = "0"

NAMES = (
    "eager",
    "compiled",
    "slope",
    "calls",
    "compiling",
    "checkpoints",
    "ode",
    "optim",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="default: all")
    parser.add_argument(
        "--repeats", type=int, default=15, help="of which the median is taken"
    )
    parser.add_argument("--size", choices=("small", "large"), default="small")
    parser.add_argument("--only", metavar="NAME", help="of the compiled programs")
    arguments = parser.parse_args()
    for name in (arguments.name,) if arguments.name else NAMES:
        options = (arguments.size, arguments.only) if name == "compiled" else ()
        benchmark = importlib.import_module(f"benchmarks.{name}")
        benchmark.main(arguments.repeats, *options)


if __name__ == "__main__":
    main()
