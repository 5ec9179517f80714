"""The drag coefficient of a ball, from a file of measured positions."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, special

import wengert as wg
from wengert.examples.robot.flight import drag_per_metre, path_with_drag
from wengert.examples.robot.problems import Unusable

COLUMNS = ("t", "x", "y")
FEWEST_ROWS, MOST_ROWS = 8, 1000
LONGEST_FLIGHT = 60.0
FIRST_GUESS = 0.3
TRUTH = re.compile(r"#\s*true drag coefficient\s*:\s*([0-9.eE+-]+)\s*$")


@dataclass
class Measurements:
    """Times in seconds, positions in metres, and the truth where the file states it."""

    source: str
    times: np.ndarray
    positions: np.ndarray
    true_coefficient: float | None


@dataclass
class Calibration:
    """The drag coefficient that fits best, and how well it is known."""

    measurements: Measurements
    start: np.ndarray  # x, y, vx, vy at the first time
    coefficient: float
    interval: tuple[float, float]  # 95 %
    noise: float  # standard deviation of what is left, in m
    iterations: int

    @property
    def relative_error(self) -> float | None:
        truth = self.measurements.true_coefficient
        return None if truth is None else abs(self.coefficient - truth) / truth


# -- the file ------------------------------------------------------------------------


def sample_file() -> Path:
    """The synthetic measurements that ship with the package."""
    return Path(str(resources.files("wengert.examples.data") / "throw.csv"))


def read_measurements(path: Path) -> Measurements:
    """Read a CSV file with columns t, x and y; lines that begin with # are comments.

    Raises:
        Unusable: the file is missing, or is not such a file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Unusable(f"measurements: there is no file {path}") from None
    except UnicodeDecodeError:
        raise Unusable(f"measurements: {path} is not a text file (UTF-8)") from None
    except OSError as error:
        raise Unusable(f"measurements: {path}: {error.strerror}") from None
    lines = text.splitlines()
    table = _parse(str(path), lines)
    times = table[:, 0]
    if not (np.diff(times) > 0.0).all():
        raise Unusable(f"measurements: {path}: the times in column t must increase")
    if times[-1] - times[0] > LONGEST_FLIGHT:
        raise Unusable(
            f"measurements: {path}: the times span {times[-1] - times[0]:.4g} s, and "
            f"no throw lasts {LONGEST_FLIGHT:.0f} s: column t must be in seconds"
        )
    truths = [match[1] for line in lines if (match := TRUTH.match(line))]
    truth = _number(truths[0]) if truths else None
    return Measurements(str(path), times, table[:, 1:], truth)


def _parse(name: str, lines: list[str]) -> np.ndarray:
    """The three columns, shape (rows, 3)."""
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    kept = [(n, line) for n, line in numbered if not line.lstrip().startswith("#")]
    records = list(_records(name, kept))
    header = [entry.strip() for entry in records[0][1]] if records else []
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise Unusable(
            f"measurements: {name} has no column {', '.join(missing)}: its first line "
            "must be t,x,y"
        )
    wanted = [header.index(column) for column in COLUMNS]
    rows = [_row(name, n, record, wanted) for n, record in records[1:]]
    if len(rows) < FEWEST_ROWS:
        raise Unusable(
            f"measurements: {name} has {len(rows)} rows, but a fit needs {FEWEST_ROWS}"
        )
    if len(rows) > MOST_ROWS:
        raise Unusable(
            f"measurements: {name} has {len(rows)} rows; give at most {MOST_ROWS}"
        )
    return np.array(rows)


def _records(
    name: str, lines: list[tuple[int, str]]
) -> Iterable[tuple[int, list[str]]]:
    """Line numbers and entries."""
    for number, line in lines:
        try:
            yield number, next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise Unusable(f"measurements: {name}, line {number}: {error}") from None


def _row(name: str, number: int, record: list[str], wanted: list[int]) -> list[float]:
    row = []
    for column, position in zip(COLUMNS, wanted, strict=True):
        entry = record[position].strip() if position < len(record) else ""
        value = _number(entry)
        if value is None:
            raise Unusable(
                f"measurements: {name}, line {number}: {entry!r} in column {column} is "
                "not a finite number"
            )
        row.append(value)
    return row


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# -- the fit -------------------------------------------------------------------------


def residuals(unknowns: Any, times: Any, positions: Any) -> Any:
    """Simulated minus measured positions; unknowns are x, y, vx, vy, coefficient."""
    path = path_with_drag(times, unknowns[:4], drag_per_metre(unknowns[4]))
    return np.reshape(path - positions, -1)


def calibrate(measurements: Measurements) -> Calibration:
    """Least squares for the start and the drag coefficient, with a 95 % interval.

    The Jacobian of the simulation is exact, in forward mode. The interval takes the
    residuals as independent and normal, with Student's t.

    Raises:
        Unusable: the positions are not those of a ball that air slows down.

    References:
        Seber & Wild, *Nonlinear Regression*, Wiley 2003, ch. 5.
    """
    times, positions = measurements.times, measurements.positions
    model = partial(residuals, times=times, positions=positions)
    jacobian = wg.jacobian(model, mode="forward")
    guess = np.array([*_parabola(times, positions), FIRST_GUESS])
    with np.errstate(all="ignore"):
        if not np.isfinite(model(guess)).all():
            raise Unusable(
                f"measurements: {measurements.source}: no ball flies like this; the "
                "simulation of the parabola through the positions overflows"
            )
        fit = optimize.least_squares(model, guess, jac=jacobian, x_scale="jac")
        covariance = np.linalg.pinv(fit.jac.T @ fit.jac)
    degrees = fit.fun.size - fit.x.size
    noise = math.sqrt(fit.fun @ fit.fun / degrees)
    error = noise * math.sqrt(covariance[4, 4])
    reach = float(special.stdtrit(degrees, 0.975)) * error
    coefficient = float(fit.x[4])
    if not (math.isfinite(reach) and reach < coefficient):
        raise Unusable(
            f"measurements: {measurements.source} does not determine the drag: the fit "
            f"gives a coefficient of {coefficient:.3g} +- {reach:.2g}"
        )
    interval = (coefficient - reach, coefficient + reach)
    return Calibration(measurements, fit.x[:4], coefficient, interval, noise, fit.nfev)


def _parabola(times: np.ndarray, positions: np.ndarray) -> list[float]:
    """Position and velocity at the first time, of the parabola through the points."""
    fits = [np.polyfit(times - times[0], column, 2) for column in positions.T]
    return [fits[0][2], fits[1][2], fits[0][1], fits[1][1]]
