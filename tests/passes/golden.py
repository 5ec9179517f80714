"""Programs as they should be."""

from __future__ import annotations

from inspect import cleandoc

from wengert._ir.program import Program
from wengert._ir.verify import verify


def assert_text(program: Program, expected: str) -> None:
    assert str(verify(program)) == cleandoc(expected)
