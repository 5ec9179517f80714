"""Random programs find bugs that are planted in the compiler."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.planted import programs_until_found
from tests.fuzz.plants import PLANTS

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"


@pytest.mark.skipif(not FULL, reason="hundreds of programs for each bug")
def test_all_are_found():
    found = programs_until_found(PLANTS, range(2000))
    assert not set(PLANTS) - set(found), found


def test_some_are_found():
    """Without the wait: a wrong sign is seen at once."""
    names = ["wrong sign of subtract", "branches swapped"]
    found = programs_until_found({n: PLANTS[n] for n in names}, range(30))
    assert set(found) == set(names)
