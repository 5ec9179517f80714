"""Random programs find bugs that are planted in the compiler."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.planted import PLANTS, programs_until_found

FULL = os.environ.get("WENGERT_FULL_TESTS") == "1"


@pytest.mark.skipif(not FULL, reason="hundreds of programs for each bug")
@pytest.mark.parametrize("name", PLANTS)
def test_found(name):
    n = programs_until_found(PLANTS[name], 2000)
    print(f"{name}: found after {n} programs")
    assert n is not None


def test_one_is_found():
    """Without the wait: a wrong sign is seen at once."""
    assert programs_until_found(PLANTS["wrong sign of subtract"], 30) is not None
