"""``python -m tests.fuzz --programs 10000 --seed 1``: check random programs."""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
from contextlib import nullcontext

from tests.fuzz.fences import fenced
from tests.fuzz.planted import programs_until_found
from tests.fuzz.plants import PLANTS
from tests.fuzz.running import Tally, report, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    parser.add_argument("--shrink", type=float, default=60, help="seconds a failure")
    parser.add_argument(
        "--planted", nargs="*", metavar="BUG", help="find planted bugs, or these"
    )
    parser.add_argument(
        "--fenced", action="store_true", help="stop where memory is left (Linux)"
    )
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.programs)
    if given.planted is not None:
        return find_planted(seeds, given.planted or list(PLANTS))
    start = time.monotonic()

    told = 0

    def progress(tally: Tally) -> None:
        nonlocal told
        for failure in tally.failures[told:]:
            told += 1
            print(f"seed {failure.seed} fails: {failure.outcome.failure}", flush=True)
        if tally.programs % 50 == 0:
            rate = tally.programs / (time.monotonic() - start)
            print(
                f"{tally.programs} programs, {rate:.1f} a second, "
                f"{100 * tally.refused_share:.1f} % refused, "
                f"{len(tally.failures)} failures",
                flush=True,
            )

    faulthandler.enable()
    with fenced() if given.fenced else nullcontext() as fences:
        tally = run(seeds, given.seconds, progress, given.failures)
        print(tally)
        for failure in tally.failures:
            print("\n" + report(failure, seconds=given.shrink), flush=True)
    if fences is not None:
        print(f"{fences.used} blocks with fences, {fences.damaged} damaged")
    return 1 if tally.failures or (fences is not None and fences.damaged) else 0


def find_planted(seeds: range, names: list[str]) -> int:
    """Print after how many programs each bug that is planted gives wrong numbers."""
    plants = {name: PLANTS[name] for name in names}
    found = programs_until_found(
        plants, seeds, lambda name, n: print(f"{n:5} {name}", flush=True)
    )
    missed = [name for name in plants if name not in found]
    print(f"{len(found)} of {len(plants)} found", *missed, sep="\n  not found: ")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
