"""``python -m wengert robot``: a robot that learns to throw into a basket."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from wengert.cli.output import make_writable, need_matplotlib
from wengert.cli.summary import show
from wengert.examples.robot import lesson, report
from wengert.examples.robot.calibration import sample_file
from wengert.examples.robot.problems import Unusable

RESULTS = "results.json"


class Number(click.ParamType):
    """A finite number with a lower bound; ``FloatRange`` would let NaN pass."""

    name = "number"

    def __init__(self, least: float, *, strictly: bool) -> None:
        self.least, self.strictly = least, strictly

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number.", param, ctx)
        fits = number > self.least if self.strictly else number >= self.least
        if not (fits and math.isfinite(number)):
            bound = "above" if self.strictly else "of at least"
            self.fail(
                f"it must be a finite number {bound} {self.least:g}, not {value}.",
                param,
                ctx,
            )
        return number


@click.command()
@click.option(
    "--distance",
    type=Number(0.0, strictly=True),
    default=5.0,
    show_default=True,
    help="How far away the one basket of lesson 1 is, in m.",
)
@click.option(
    "--height",
    type=Number(0.0, strictly=False),
    default=1.0,
    show_default=True,
    help="How high all baskets are, in m.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the network's first weights.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=1500,
    show_default=True,
    help="Steps of Adam without air; the other phases scale with it.",
)
@click.option(
    "--measurements",
    type=click.Path(path_type=Path),
    help="CSV file with columns t,x,y (s, m, m).  [default: a synthetic sample]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("robot-results"),
    show_default=True,
    help="Directory for results.json and the pictures.",
)
@click.option(
    "--eager",
    is_flag=True,
    help="Train without compiling: the same numbers, more slowly.",
)
@click.option("--force", is_flag=True, help="Overwrite results that are there.")
def robot(
    distance: float,
    height: float,
    seed: int,
    epochs: int,
    measurements: Path | None,
    out: Path,
    eager: bool,
    force: bool,
) -> None:
    """Learn to throw a ball into a basket, by gradients through the physics.

    Solves for one basket with three methods, trains a network for all distances without
    air, calibrates the drag from measured positions, trains with air drag through a
    Runge-Kutta simulation, and tells how sensitive the throws are to the sensor.
    """
    settings = lesson.Settings(
        distance,
        height,
        seed,
        epochs,
        measurements or sample_file(),
        compiled=not eager,
    )
    need_matplotlib()
    from wengert.examples.robot import plots

    try:
        measured = lesson.prepare(settings)
        _prepare_folder(out, (RESULTS, *plots.PICTURES), force)
        with Bars() as bars:
            results = lesson.run(settings, measured, bars)
            bars.begin("pictures", 1)
            text = json.dumps(report.as_json(results), indent=2, allow_nan=False)
            (out / RESULTS).write_text(text + "\n", encoding="utf-8")
            plots.draw_all(results, out)
            bars.end()
    except Unusable as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror or error}") from None
    show(results, Console())
    click.echo(f"Written to {out}: {', '.join((RESULTS, *plots.PICTURES))}")


def _prepare_folder(out: Path, names: tuple[str, ...], force: bool) -> None:
    """Make the directory, and see to it that nothing in it would be lost."""
    taken = [name for name in names if (out / name).exists()]
    if taken and not force:
        raise Unusable(
            f"{out} holds {', '.join(taken)} already: give --force to overwrite, or "
            "another --out"
        )
    make_writable(out)


class Bars:
    """Progress bars on stderr, one for each lesson."""

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("{task.description:<30}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self.task = TaskID(0)

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def begin(self, title: str, steps: int) -> None:
        self.task = self.progress.add_task(title, total=steps)

    def step(self) -> None:
        self.progress.advance(self.task)

    def end(self) -> None:
        total = self.progress.tasks[self.task].total
        self.progress.update(self.task, completed=total)
