"""The examples in the docstrings of the package run."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.architecture.source_files import FILES, module_name

MODULES = [module_name(path) for path in FILES if path.name != "__main__.py"]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    module = importlib.import_module(name)
    failures, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failures == 0
