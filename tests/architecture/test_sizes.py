"""Files and functions stay small enough to be read."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source_files import FILES, ROOT, label, syntax

FILE_LINES = 600
FUNCTION_LINES = 60  # without the docstring


def _body_lines(function: ast.FunctionDef) -> int:
    total = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        total -= first.end_lineno - first.lineno + 1
    return total


@pytest.mark.parametrize("path", FILES, ids=label)
def test_sizes(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES, f"{lines} lines"
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.FunctionDef):
            assert _body_lines(node) <= FUNCTION_LINES, (node.name, _body_lines(node))


TEXTS = [
    path
    for folder in ("wengert", "tests", "docs", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".md")
]
MARKS = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]


@pytest.mark.parametrize("mark", MARKS)
def test_what_is_left_to_do_has_an_issue(mark):
    """A note of work to come has the form MARK(#12)."""
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            assert mark not in line or f"{mark}(#" in line, (label(path), line)
