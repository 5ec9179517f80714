"""Runs a benchmark by name: ``python -m benchmarks eager``."""

from __future__ import annotations

import argparse
import importlib
import os

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
    "learning",
)


def use_cores(count: int) -> None:
    """Before NumPy is imported, which reads it once: as many threads for everybody."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(count)
    # XLA has threads of its own: as many cores for all of them.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="default: all")
    parser.add_argument(
        "--repeats", type=int, default=15, help="of which the median is taken"
    )
    parser.add_argument("--size", choices=("small", "large"), default="small")
    parser.add_argument(
        "--only", metavar="NAME", help="one benchmark, or one of the compiled programs"
    )
    parser.add_argument("--cores", type=int, default=1, help="for us and all the peers")
    arguments = parser.parse_args()
    if arguments.only in NAMES:
        arguments.name, arguments.only = arguments.only, None
    use_cores(arguments.cores)
    for name in (arguments.name,) if arguments.name else NAMES:
        options = (arguments.size, arguments.only) if name == "compiled" else ()
        benchmark = importlib.import_module(f"benchmarks.{name}")
        benchmark.main(arguments.repeats, *options)


if __name__ == "__main__":
    main()
