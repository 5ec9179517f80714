"""Random programs find bugs that are planted in the compiler."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.found import FOUND
from tests.fuzz.planted import programs_until_found
from tests.fuzz.plants import PLANTS

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"


@pytest.mark.skipif(not FULL, reason="hundreds of programs for each bug")
def test_all_are_found():
    found = programs_until_found(PLANTS, range(2000))
    assert not set(PLANTS) - set(found), found


@pytest.mark.parametrize("name", PLANTS)
def test_found_again(name):
    """Without the search: by the program that has found it, or one of the next."""
    first = FOUND[name] - 1
    assert programs_until_found({name: PLANTS[name]}, range(first, first + 10))
