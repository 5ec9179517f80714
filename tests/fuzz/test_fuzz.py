"""Random programs compiled do what they do as they are, and so do their gradients."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import writer
from tests.fuzz.running import report, run

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"
GROUPS = 1000 if FULL else 20
SIZE = 10


@pytest.mark.parametrize("group", range(GROUPS))
def test_programs(group):
    tally = run(range(group * SIZE, (group + 1) * SIZE))
    print(tally)
    assert not tally.failures, "\n\n".join(
        report(f, seconds=10) for f in tally.failures
    )


def test_constructs():
    """A few hundred programs hold every construct that there is."""
    found = sum((writer.write(s).constructs for s in range(400)), writer.Counter())
    rare = {name: n for name, n in found.items() if n < 3}
    assert len(found) > 50 and not rare, (rare, found)
