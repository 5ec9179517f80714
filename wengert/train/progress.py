"""What a training shows: a line in the terminal, and TensorBoard's event files."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wengert.explain._optional import library

_PAUSE = 0.1  # seconds between two changes of the line


class Line:
    """A line with a bar, the loss and the rate; `steps` is 0 where it is not known."""

    def __init__(self, bar: Any, task: Any, epochs: int) -> None:
        self.bar, self.task, self.epochs = bar, task, epochs
        self.shown = self.begun = time.perf_counter()
        self.steps = 0

    def begin(self, epoch: int, steps: int | None) -> None:
        text = f"epoch {epoch + 1}/{self.epochs}"
        self.bar.reset(self.task, total=steps, description=text, loss="", rate="")
        self.begun, self.steps = time.perf_counter(), 0

    def step(self, batch: int, loss: Any) -> None:
        self.steps += 1
        now = time.perf_counter()
        if now - self.shown > _PAUSE:
            self.shown = now
            rate = f"{self.steps / (now - self.begun):.0f} steps/s"
            text = f"loss {float(loss):.4g}"
            self.bar.update(self.task, completed=batch, loss=text, rate=rate)

    def end(self, record: dict[str, float]) -> None:
        words = [f"{k} {v:.4g}" for k, v in record.items() if k not in _COUNTS]
        text = f"epoch {record['epoch']}/{self.epochs}: {', '.join(words)}"
        self.bar.console.print(text, highlight=False)


_COUNTS = ("epoch", "steps")


class NoLine:
    """Shows nothing."""

    def begin(self, epoch: int, steps: int | None) -> None:
        pass

    def step(self, batch: int, loss: Any) -> None:
        pass

    def end(self, record: dict[str, float]) -> None:
        pass


@contextmanager
def line(shown: bool | None, epochs: int) -> Iterator[Line | NoLine]:
    """The line of a training; None: if the output is a terminal."""
    if not (sys.stdout.isatty() if shown is None else shown):
        yield NoLine()
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[loss]}"),
        TextColumn("{task.fields[rate]}"),
    ]
    with Progress(*columns, transient=True) as bar:
        yield Line(bar, bar.add_task("", total=None, loss="", rate=""), epochs)


class Board:
    """Event files for TensorBoard."""

    def __init__(self, folder: Any, steps: int) -> None:
        module = library("tensorboardX", "train.fit", "train")
        # What a run that was killed has written of later steps is not shown.
        self._writer = module.SummaryWriter(str(folder), purge_step=steps + 1)

    def step(self, steps: int, loss: Any) -> None:
        self._writer.add_scalar("loss/step", float(loss), steps)

    def end(self, record: dict[str, float]) -> None:
        for name, value in record.items():
            if name not in _COUNTS:
                self._writer.add_scalar(f"{name}/epoch", value, record["steps"])
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class NoBoard:
    """Writes nothing."""

    def step(self, steps: int, loss: Any) -> None:
        pass

    def end(self, record: dict[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def board(folder: Any, steps: int) -> Iterator[Board | NoBoard]:
    """Event files in a folder, or None; `steps`: how many there have been."""
    made = NoBoard() if folder is None else Board(folder, steps)
    try:
        yield made
    finally:
        made.close()
