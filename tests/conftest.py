"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wengert._core.interp import CURRENT, EVALUATE


@pytest.fixture(autouse=True)
def no_leaked_interpreter() -> Iterator[None]:
    """After a test no transformation is running, whatever it raised."""
    assert CURRENT.get() is EVALUATE
    yield
    assert CURRENT.get() is EVALUATE
