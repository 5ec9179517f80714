"""Runs a benchmark by name: ``python -m benchmarks eager``."""

from __future__ import annotations

import argparse
import importlib
import os

# Before NumPy is imported, which reads them once: everybody gets a single thread.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

NAMES = ("eager",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument(
        "--repeats", type=int, default=15, help="of which the median is taken"
    )
    arguments = parser.parse_args()
    importlib.import_module(f"benchmarks.{arguments.name}").main(arguments.repeats)


if __name__ == "__main__":
    main()
