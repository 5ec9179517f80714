"""Every public name has a docstring, and those of `wengert` an example that runs."""

from __future__ import annotations

import importlib
import inspect

import pytest

import wengert as wg
import wengert.errors
import wengert.numpy as wnp
from tests.architecture.source_files import FILES, module_name

# Public names without an example; the list may only shrink.
WITHOUT_EXAMPLE: set[str] = set()


def _public(module):
    # Not by getattr: that of `wengert.numpy` falls back on NumPy's, whose order varies.
    for name in sorted(vars(module).get("__all__", [])):
        value = getattr(module, name)
        if callable(value):
            yield name, value


WENGERT = [(f"wengert.{name}", value) for name, value in _public(wg)]
ERRORS = [
    (f"wengert.errors.{name}", value)
    for name, value in vars(wengert.errors).items()
    if inspect.isclass(value) and value is not wengert.errors.WengertError
]
NUMPY = [
    (f"{module}.{name}", value)
    for module in map(module_name, FILES)
    if module.startswith("wengert.numpy")
    for name, value in _public(importlib.import_module(module))
]


def _by_name(names):
    return pytest.mark.parametrize(
        ("name", "value"), [pytest.param(*item, id=item[0]) for item in names]
    )


@_by_name(WENGERT + ERRORS)
def test_public_names_have_an_example(name, value):
    documentation = inspect.getdoc(value) or ""
    assert documentation
    assert (">>> " in documentation) != (name in WITHOUT_EXAMPLE), name


@_by_name(NUMPY)
def test_functions_of_numpy_are_documented(name, value):
    assert value.__doc__, name


def test_functions_of_numpy_are_found_by_numpys_names():
    assert {"sin", "sum", "reshape", "where"} <= set(dir(wnp))


@pytest.mark.parametrize(
    "name", sorted(set(map(module_name, FILES)) - {"wengert.__main__"})
)
def test_modules_have_a_docstring(name):
    assert importlib.import_module(name).__doc__
