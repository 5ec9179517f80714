"""``python -m tests.fuzz --programs 10000 --seed 1``: check random programs."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.running import Tally, report, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    given = parser.parse_args()
    start = time.monotonic()

    def progress(tally: Tally) -> None:
        if tally.programs % 50 == 0:
            rate = tally.programs / (time.monotonic() - start)
            print(
                f"{tally.programs} programs, {rate:.1f} a second, "
                f"{100 * tally.refused_share:.1f} % refused, "
                f"{len(tally.failures)} failures",
                flush=True,
            )

    seeds = range(given.seed, given.seed + given.programs)
    tally = run(seeds, given.seconds, progress, given.failures)
    print(tally)
    for failure in tally.failures:
        print("\n" + report(failure), flush=True)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
