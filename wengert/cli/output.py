"""Where pictures go, seen to before anything is computed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click


def need_matplotlib() -> None:
    """Say how to install it, if it cannot be imported."""
    try:
        import matplotlib.axes
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise click.UsageError(
            f"the pictures need matplotlib, which cannot be imported ({error}): "
            "python -m pip install 'wengert[plot]'"
        ) from None


@contextlib.contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Tell in one line that what an option names cannot be written."""
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"{option} {path}: {error.strerror or error}") from None


def make_writable(folder: Path) -> None:
    """Make a folder, and see to it that it can be written to: else an `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".writable"
    probe.touch()
    probe.unlink()
