"""Errors of the examples and of the command line: one line each."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from unittest import mock

import click
import numpy as np

import wengert.examples.elimination as elimination
from tests.errors.case import program
from wengert.cli import main
from wengert.cli.robot import robot
from wengert.examples.robot.calibration import calibrate, read_measurements
from wengert.examples.robot.problems import Unusable

HEADER = "t,x,y\n"
ROWS = "".join(f"{0.1 * i},{i},{i}\n" for i in range(8))


def reading(content):
    """Reads a file of measurements of this content."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "throw.csv"
            path.write_bytes(
                content if isinstance(content, bytes) else content.encode()
            )
            return calibrate(read_measurements(path))

    return call


def command(*arguments):
    return lambda: robot.main(list(arguments), standalone_mode=False)


def _again():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "results.json").touch()
        robot.main(["--out", folder], standalone_mode=False)


def _without_matplotlib():
    with mock.patch.dict(sys.modules, {"matplotlib.figure": None}):
        robot.main([], standalone_mode=False)


MEASUREMENTS = [
    program(
        lambda: read_measurements(Path("none.csv")),
        Unusable,
        "there is no file none.csv",
    ),
    program(lambda: read_measurements(Path("/")), Unusable, "measurements: /: "),
    program(reading(b"\xff\xfe\x00"), Unusable, "is not a text file (UTF-8)"),
    program(reading("a,b\n1,2\n"), Unusable, "has no column t, x, y", "must be t,x,y"),
    program(reading(HEADER + "0,0,0\n"), Unusable, "has 1 rows, but a fit needs "),
    program(reading(HEADER + ROWS * 20000), Unusable, " rows; give at most "),
    program(reading(HEADER + '"a"b,1,2\n'), Unusable, "line 2: "),
    program(
        reading(HEADER + "0,zero,0\n"), Unusable, "line 2: 'zero' in column x is not"
    ),
    program(
        reading(HEADER + ROWS + ROWS), Unusable, "the times in column t must increase"
    ),
    program(
        reading(HEADER + ROWS.replace(",", "00,", 1).replace("0.7", "7000")),
        Unusable,
        "column t must be in seconds",
    ),
    program(
        reading(HEADER + "".join(f"{0.1 * i},{i % 2},{i % 3}\n" for i in range(8))),
        Unusable,
        "does not determine the drag",
    ),
]

COMMAND = [
    program(
        command("--height", "99"),
        click.UsageError,
        "reaches a basket",
        "choose another",
    ),
    program(
        command("--height", "9", "--distance", "3"),
        click.UsageError,
        "choose a --height",
    ),
    program(
        command("--out", "/dev/null/robot"), click.UsageError, "--out /dev/null/robot: "
    ),
    program(
        lambda: _again(), click.UsageError, "holds results.json already", "--force"
    ),
    program(
        lambda: _without_matplotlib(),
        click.UsageError,
        "the pictures need matplotlib",
        "python -m pip install 'wengert[plot]'",
    ),
    program(lambda: main(["robot", "--distance", "-1"]), SystemExit, "2"),
]

EXAMPLES = [
    program(
        lambda: elimination.solve(np.zeros((2, 2)), np.ones(2)),
        ZeroDivisionError,
        "the matrix is singular: no pivot in column 0",
    ),
]

CASES = [*MEASUREMENTS, *COMMAND, *EXAMPLES]
