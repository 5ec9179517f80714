"""Many programs: what came of them, and a report of each failure."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import wengert as wg
from tests.fuzz.checks import Outcome, check
from tests.fuzz.programs import inputs, load
from tests.fuzz.shrink import shrink
from tests.fuzz.writer import Written, write


class Failure(NamedTuple):
    """A program that fails, and how."""

    seed: int
    written: Written
    outcome: Outcome


class Tally:
    """What came of some programs."""

    def __init__(self) -> None:
        self.programs = 0
        self.checks: Counter[str] = Counter()
        self.refused: dict[str, list[int]] = {}  # seeds by reason
        self.constructs: Counter[str] = Counter()
        self.failures: list[Failure] = []

    def add(self, seed: int) -> Outcome:
        written = write(seed)
        outcome = check(written.text, written.length, seed)
        self.programs += 1
        self.constructs += written.constructs
        self.checks.update(outcome.ran)
        if outcome.refused:
            self.refused.setdefault(reason(outcome.refused), []).append(seed)
        if outcome.failure:
            self.failures.append(Failure(seed, written, outcome))
        return outcome

    @property
    def refused_share(self) -> float:
        return sum(map(len, self.refused.values())) / max(1, self.programs)

    def __str__(self) -> str:
        parts = [
            f"{self.programs} programs, {len(self.failures)} failures, "
            f"{100 * self.refused_share:.1f} % refused",
            "checks: " + _listed(self.checks),
            "constructs: " + _listed(self.constructs),
        ]
        refused = sorted(self.refused.items(), key=lambda item: -len(item[1]))
        parts += [
            f"refused {len(seeds)}: {text} (seeds {', '.join(map(str, seeds[:5]))})"
            for text, seeds in refused
        ]
        return "\n".join(parts)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common())


def reason(text: str) -> str:
    """The first line of an error, without the names and numbers of one program."""
    first = text.splitlines()[0]
    first = re.sub(r"\(at .*\)", "(at ..)", first)
    return re.sub(r"'\w+'|\b\d+\b|\d+\.\d+|<.*>", "..", first)[:110]


def run(
    seeds: Iterable[int],
    seconds: float = float("inf"),
    progress: Callable[[Tally], None] | None = None,
    most_failures: int = 5,
) -> Tally:
    """Check the programs of some seeds, until time or patience is at an end."""
    tally, end = Tally(), time.monotonic() + seconds
    for seed in seeds:
        tally.add(seed)
        if progress is not None:
            progress(tally)
        if time.monotonic() > end or len(tally.failures) >= most_failures:
            break
    return tally


def report(failure: Failure, *, smaller: bool = True, seconds: float = 60) -> str:
    """The program, made smaller, with its inputs, the difference and the IR."""
    seed, written, outcome = failure
    text, end = written.text, time.monotonic() + seconds

    def fails(candidate: str) -> bool:
        if time.monotonic() > end:
            return False
        found = check(candidate, written.length, seed)
        same_error = found.detail.split(":")[0] == outcome.detail.split(":")[0]
        return found.failure == outcome.failure and same_error

    if smaller:
        text = shrink(text, fails)
        outcome = check(text, written.length, seed)
    given = inputs(seed, written.length, 3)
    parts = [
        f"seed {seed}, {outcome.failure}: {outcome.detail}",
        text,
        *(f"inputs: {one}" for one in given),
        _shown_program(text, seed, written.length),
    ]
    return "\n".join(parts)


def _shown_program(text: str, seed: int, length: int) -> str:
    given = inputs(seed, length, 1)[0]
    try:
        function = load(text, f"report {seed}").function
        return str(wg.program(function)(given.x, given.a, given.n))
    except Exception as error:
        return f"no program: {error}"
