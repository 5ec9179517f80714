"""What programs and applications give, printed beside what is known of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

import wengert as wg
from wengert.examples.applications import Application
from wengert.examples.gallery import Example, Program
from wengert.examples.study import Study


def _head(program: Program, console: Console) -> None:
    console.print(f"[bold]{program.name}[/bold]: {program.title}")


def _foot(program: Program, console: Console) -> None:
    console.print(str(program.module.__file__), soft_wrap=True, highlight=False)


def _table(*columns: str, left: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right")
    return table


# -- applications --------------------------------------------------------------------


def compare_application(application: Application, console: Console) -> Study:
    """Print what it finds, row by row."""
    _head(application, console)
    start = time.perf_counter()
    study = application.study()
    seconds = time.perf_counter() - start
    table = _table("quantity", "found", "known", "by", left=("quantity", "by"))
    for row in study.rows:
        known_by = Text(row.known_by)
        if not row.agrees:
            known_by = Text(f"missed by more than {row.within:.1g}! ", "bold red")
            known_by.append(row.known_by, "not bold default")
        numbers = f"{row.found:.8g}", f"{row.known:.8g}"
        table.add_row(Text(row.quantity), *numbers, known_by)
    console.print(table)
    console.print(f"{seconds:.1f} s, to compile included.")
    _foot(application, console)
    return study


# -- examples ------------------------------------------------------------------------


def compare_example(example: Example, console: Console) -> bool:
    """Print how far the gradient is from the known one; whether it is near enough."""
    _head(example, console)
    known = np.asarray(example.known(*example.arguments))
    shape = " x ".join(map(str, known.shape))
    largest = float(np.max(np.abs(known)))
    console.print(
        f"Gradient: {shape + ' entries' if shape else 'a number'}, up to "
        f"{largest:.4g}; known by {example.known_by}."
    )
    columns = "first calls", "function", "with gradient", "error of the gradient"
    table = _table("engine", *columns, left=("engine",))
    derivative = wg.value_and_grad(example.function)
    engines = {
        "eager": (example.function, derivative),
        "compiled": (wg.jit(example.function), wg.jit(derivative)),
    }
    errors = []
    for engine, (function, gradient) in engines.items():
        times, error = _measured(function, gradient, example, known)
        table.add_row(engine, *map(_readable, times), f"{error:.1e}")
        errors.append(error)
    console.print(table)
    _foot(example, console)
    return all(error <= example.tolerance * max(1.0, largest) for error in errors)


def _measured(
    function: Callable[..., Any],
    derivative: Callable[..., Any],
    example: Example,
    known: np.ndarray,
) -> tuple[list[float], float]:
    """Times of the first calls, of the function and with gradient; the error."""
    start = time.perf_counter()
    _, gradient = derivative(*example.arguments)
    function(*example.arguments)
    first = time.perf_counter() - start
    times = [_seconds(f, example.arguments) for f in (function, derivative)]
    return [first, *times], float(np.max(np.abs(np.asarray(gradient) - known)))


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
