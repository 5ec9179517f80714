"""Collects the pages of documentation: each is one test, its blocks run in order."""

from __future__ import annotations

import atexit
import doctest
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.example import SybilFailure
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent
BLOCKS = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS), SkipParser()],
    path=str(ROOT),
)


class Page(pytest.File):
    """A page of documentation."""

    def collect(self) -> Iterator[pytest.Item]:
        yield PageItem.from_parent(self, name="page")


class PageItem(pytest.Item):
    """The Python blocks of a page, which share one namespace."""

    def runtest(self) -> None:
        for example in BLOCKS.parse(self.path).examples():
            example.evaluate()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        if isinstance(excinfo.value, SybilFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, str(self.path.relative_to(ROOT))


def pytest_configure() -> None:
    """What tests compile is not kept: nothing is read from the user's home."""
    directory = tempfile.mkdtemp(prefix="wengert-tests-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ["WENGERT_CACHE_DIR"] = directory


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Page | None:
    if file_path.suffix == ".md":
        return Page.from_parent(parent, path=file_path)
    return None
