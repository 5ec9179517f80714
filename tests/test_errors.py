"""Every `raise` of the package is hit by a call whose error is checked.

The calls are in `tests/errors`, one module for each part of the package.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil

import pytest

import tests.errors
from tests.architecture.source_files import FILES, label, syntax
from tests.errors.case import caught, raised_at

MODULES = [
    m.name for m in pkgutil.iter_modules(tests.errors.__path__) if m.name != "case"
]
TABLES = {
    name: importlib.import_module(f"tests.errors.{name}").CASES for name in MODULES
}
CASES = [
    pytest.param(case, id=f"{name}-{number}")
    for name, cases in TABLES.items()
    for number, case in enumerate(cases)
]


@pytest.mark.parametrize("case", CASES)
def test_text(case):
    error = caught(case.call)
    assert error is not None, "no error"
    case.check(error)


def _has_text(statement: ast.Raise) -> bool:
    """Not ``raise``, which passes an error on, nor an abstract method's."""
    return (
        statement.exc is not None
        and ast.unparse(statement.exc) != "NotImplementedError"
    )


# Programs that use the library; `tests/test_cli.py` does the same for them.
ON_THEIR_OWN = ("wengert/cli", "wengert/examples")


def _raises() -> dict[tuple[str, int], str]:
    """Every line of every raise statement, with where the statement begins."""
    lines = {}
    for path in FILES:
        if label(path).startswith(ON_THEIR_OWN):
            continue
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Raise) and _has_text(node):
                for line in range(node.lineno, node.end_lineno + 1):
                    lines[str(path), line] = f"{label(path)}:{node.lineno}"
    return lines


def test_every_raise_is_hit():
    raises = _raises()
    hit = set()
    for cases in TABLES.values():
        for case in cases:
            hit |= {raises.get(place) for place in raised_at(caught(case.call))}
    missing = set(raises.values()) - hit
    assert not missing, "give each a case in tests/errors:\n" + "\n".join(
        sorted(missing)
    )
