"""``python -m wengert examples``: small programs, and their derivatives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

import wengert as wg
from wengert.examples.gallery import EXAMPLES, Example

COLUMNS = ("first calls", "function", "with gradient", "error of the gradient")


@click.command()
@click.argument(
    "names", metavar="[NAME]...", nargs=-1, type=click.Choice(list(EXAMPLES))
)
@click.option("--list", "listed", is_flag=True, help="Say what there is, and no more.")
def examples(names: tuple[str, ...], listed: bool) -> None:
    """Differentiate programs of plain NumPy, eagerly and compiled.

    Prints how far the gradient is from one that is found by other means, and how long
    the engines take. Without a NAME it says what there is.
    """
    console = Console()
    if listed or not names:
        _list(console)
        return
    for name in names:
        _run(EXAMPLES[name], console)


def _list(console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for example in EXAMPLES.values():
        table.add_row(example.name, example.title)
    console.print(table)


def _run(example: Example, console: Console) -> None:
    known = np.asarray(example.known(*example.arguments))
    shape = " x ".join(map(str, known.shape))
    console.print(f"[bold]{example.name}[/bold]: {example.title}")
    console.print(
        f"Gradient: {shape + ' entries' if shape else 'a number'}, up to "
        f"{np.max(np.abs(known)):.4g}; known by {example.known_by}."
    )
    table = Table(box=None, pad_edge=False)
    for column in ("engine", *COLUMNS):
        table.add_column(column, justify="left" if column == "engine" else "right")
    derivative = wg.value_and_grad(example.function)
    table.add_row("eager", *_measured(example.function, derivative, example, known))
    compiled = wg.jit(example.function), wg.jit(derivative)
    table.add_row("compiled", *_measured(*compiled, example, known))
    console.print(table)
    console.print(f"{example.module.__file__}\n", soft_wrap=True, highlight=False)


def _measured(
    function: Callable[..., Any],
    derivative: Callable[..., Any],
    example: Example,
    known: np.ndarray,
) -> tuple[str, ...]:
    """The entries of a row."""
    start = time.perf_counter()
    _, gradient = derivative(*example.arguments)
    function(*example.arguments)
    first = time.perf_counter() - start
    times = [_seconds(f, example.arguments) for f in (function, derivative)]
    error = np.max(np.abs(np.asarray(gradient) - known))
    return (*map(_readable, (first, *times)), f"{error:.1e}")


def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    """The shortest of some calls, of at most half a second in all."""
    times: list[float] = []
    while len(times) < 100 and sum(times) < 0.5:
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def _readable(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
