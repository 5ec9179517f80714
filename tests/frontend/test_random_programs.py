"""Random programs do converted what they do as they are."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.frontend import random_programs
from wengert._frontend.api import convert, runtime_for
from wengert._frontend.runtime import Plain

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"
GROUPS = 200 if FULL else 4
SIZE = 15  # programs in a group; program n of group g has the seed g * SIZE + n
ARGUMENTS = ((0, 1), (2, -1), (3, 3))


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("group", range(GROUPS))
def test_same_trace(group):
    for seed in range(group * SIZE, (group + 1) * SIZE):
        program = random_programs.load(seed)
        for staging in (False, True):
            converted = convert(program, staging)
            assert converted is not program, seed
            for arguments in ARGUMENTS:
                expected = random_programs.trace(program, *arguments)
                assert random_programs.trace(converted, *arguments) == expected, seed


class Watching(Plain):
    """Checks that each construct rebinds the names that it says, and no others."""

    def __init__(self):
        self.wrong = []

    def watch(self, written, functions, run):
        cells = {
            name: cell
            for f in functions
            if f is not None
            for name, cell in zip(
                f.__code__.co_freevars, f.__closure__ or (), strict=True
            )
        }
        self.wrong += set(written) - set(cells)
        before = {name: content(cell) for name, cell in cells.items()}
        try:
            return run()
        finally:
            self.wrong += (
                name
                for name, cell in cells.items()
                if content(cell) is not before[name] and name not in written
            )

    def if_(self, test, then, orelse, written, rest):
        run = super().if_
        return self.watch(
            written,
            (then, orelse, rest),
            lambda: run(test, then, orelse, written, rest),
        )

    def for_(self, iterable, body, orelse, written, rest):
        run = super().for_
        return self.watch(
            written,
            (body, orelse, rest),
            lambda: run(iterable, body, orelse, written, rest),
        )

    def while_(self, test, body, orelse, written, rest):
        run = super().while_
        return self.watch(
            written,
            (test, body, orelse, rest),
            lambda: run(test, body, orelse, written, rest),
        )


def content(cell):
    try:
        return cell.cell_contents
    except ValueError:
        return "unbound"


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_written_names():
    runtime = runtime_for(Watching, True)
    for seed in range(GROUPS * SIZE):
        program = random_programs.load(seed)
        converted = convert(program, True, Watching)
        expected = random_programs.trace(program, 2, 1)
        assert random_programs.trace(converted, 2, 1) == expected, seed
        assert runtime.wrong == [], seed


def test_programs_do_something():
    """Most programs run for a while, and end in every way."""
    ends = Counter()
    for seed in range(400):
        program = random_programs.load(seed)
        notes = random_programs.trace(program, 2, 1)
        ends[notes[-2][0] if "Stopped" not in notes[-2][1] else "stopped"] += 1
        ends["noted"] += len(notes) > 4
    assert min(ends["returned"], ends["raised"]) > 80 and ends["noted"] > 80, ends
