"""``python -m wengert examples``: programs and applications with known results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from wengert.cli.comparison import compare_application, compare_example
from wengert.cli.output import make_writable, need_matplotlib, writing
from wengert.examples.applications import APPLICATIONS, LEARNING, SIMULATIONS
from wengert.examples.gallery import EXAMPLES, Program

AGREED, MISSED = 0, 1
GROUPS: dict[str, Mapping[str, Program]] = {
    "Programs, and their gradients": EXAMPLES,
    "Simulations, and what is known of them": SIMULATIONS,
    "Models, and what they learn from real data": LEARNING,
}


@click.command()
@click.argument(
    "names",
    metavar="[NAME]...",
    nargs=-1,
    type=click.Choice([*EXAMPLES, *APPLICATIONS]),
)
@click.option("--list", "listed", is_flag=True, help="Say what there is, and no more.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File for the picture of a NAME, or folder for those of several.",
)
def examples(names: tuple[str, ...], listed: bool, picture: Path | None) -> int:
    """Differentiate programs of plain NumPy, and compare with what is known.

    Of a program it prints how far the gradient is from one that is found by other
    means, and how long the engines take; of an application what it found, beside what
    is known of it. The exit code is 1 if they differ. Without a NAME it says what there
    is.
    """
    console = Console()
    if picture is not None and (listed or not names):
        raise click.UsageError("--picture needs a NAME, and no --list.")
    if listed or not names:
        _list(console)
        return AGREED
    files = {} if picture is None else _picture_files(names, picture)
    agreed = [_show(name, files.get(name), console) for name in names]
    return AGREED if all(agreed) else MISSED


def _list(console: Console) -> None:
    for title, programs in GROUPS.items():
        console.print(f"[bold]{title}[/bold]")
        table = Table(box=None, pad_edge=False, show_header=False)
        for program in programs.values():
            table.add_row(f"  {program.name}", program.title)
        console.print(table)


def _show(name: str, file: Path | None, console: Console) -> bool:
    """Compare a program with what is known of it, and draw it if there is a file."""
    draw: Callable[[], Any]
    if name in APPLICATIONS:
        study = compare_application(APPLICATIONS[name], console)
        agrees, draw = study.agrees, study.figure
    else:
        agrees = compare_example(EXAMPLES[name], console)
        draw = functools.partial(_draw_example, name)
    if file is not None:
        with writing("--picture", file):
            draw().savefig(file, dpi=130)
        console.print(f"Written: {file}", soft_wrap=True, highlight=False)
    console.print()
    return agrees


# -- pictures ------------------------------------------------------------------------


def _pictures() -> dict[str, Callable[[], Any]]:
    """What draws examples, by their names; most have no picture."""
    from wengert.examples.pictures import PICTURES

    return {Path(file).stem: draw for file, draw in PICTURES.items()}


def _draw_example(name: str) -> Any:
    return _pictures()[name]()


def _picture_files(names: tuple[str, ...], picture: Path) -> dict[str, Path]:
    """The file for each name, in a folder that can be written to."""
    need_matplotlib()
    drawn = [*_pictures(), *APPLICATIONS]
    for name in names:
        if name not in drawn:
            raise click.UsageError(
                f"--picture: {name} has none; these have: {', '.join(drawn)}."
            )
    if not picture.suffix or picture.is_dir():
        with writing("--picture", picture):
            make_writable(picture)
        return {name: picture / f"{name}.png" for name in names}
    if len(set(names)) > 1:
        raise click.UsageError(
            f"--picture {picture} is one file, for {len(set(names))} pictures: give a "
            "folder."
        )
    _check_format(picture)
    with writing("--picture", picture):
        make_writable(picture.parent)
    return {names[0]: picture}


def _check_format(picture: Path) -> None:
    from matplotlib.figure import Figure

    formats = Figure().canvas.get_supported_filetypes()
    if picture.suffix[1:].lower() not in formats:
        raise click.UsageError(
            f"--picture {picture}: the format is none of {', '.join(sorted(formats))}."
        )
