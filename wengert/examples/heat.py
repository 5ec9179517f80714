"""A rod heated at one end: when, from sensors inside.

Temperatures inside the rod forget quickly what happened at its end, so that small
errors of the sensors are large errors of what is inferred. The inverse problem is
linear: its Jacobian comes from the simulation, and how much the history is smoothed
from the discrepancy principle (the sensors are met as well as they measure, and no
better; Morozov, 1966). The measurements are made with another scheme on a finer grid.

Lengths are in rods, times in diffusion times (length squared over diffusivity).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import brentq

import wengert as wg
from wengert.examples.study import BLUE, GREEN, GREY, ORANGE, Row, Study, axes_of, label

END = 0.5
SENSORS = np.array([0.2, 0.4])
NOISE = 0.02
CELLS, STEPS, KNOTS = 40, 100, 51


def explicit(boundary: Any, cells: int, end: float = END) -> Any:
    """Temperatures of a rod, cold at first, of which one end is heated, one kept cold.

    Args:
        boundary: Temperatures of the end at equidistant times from 0 to `end`, shape
            (steps + 1,); a step may be as long as half the square of a cell.
        cells: How many cells the rod has.
        end: When the simulation ends.

    Returns:
        The temperatures inside and at both ends, shape (steps + 1, cells + 1).

    Example:
        >>> import numpy as np
        >>> float(explicit(np.ones(1001), 10)[-1, 5].round(3))
        0.495
    """
    steps = len(boundary) - 1
    weight = end / steps * cells**2
    rod = np.zeros((steps + 1, cells + 1))
    rod[:, 0] = boundary
    for n in range(steps):
        bend = rod[n, 2:] - 2.0 * rod[n, 1:-1] + rod[n, :-2]
        rod[n + 1, 1:-1] = rod[n, 1:-1] + weight * bend
    return rod


def crank_nicolson(boundary: Any, cells: int, end: float = END) -> Any:
    """The same by the trapezoidal rule, which is stable whatever the step is."""
    steps = len(boundary) - 1
    half = 0.5 * end / steps * cells**2
    rod = np.zeros((steps + 1, cells + 1))
    rod[:, 0] = boundary
    for n in range(steps):
        old = rod[n]
        right = old[1:-1] + half * (old[2:] - 2.0 * old[1:-1] + old[:-2])
        right[0] += half * rod[n + 1, 0]
        rod[n + 1, 1:-1] = tridiagonal(-half, 1.0 + 2.0 * half, right)
    return rod


def tridiagonal(beside: Any, diagonal: Any, right: Any) -> Any:
    """Solution for a matrix with two numbers on three diagonals, by elimination."""
    x, ratio, pivot = right.copy(), np.zeros(len(right)), diagonal
    x[0] = x[0] / pivot
    for i in range(1, len(x)):
        ratio[i - 1] = beside / pivot
        pivot = diagonal - beside * ratio[i - 1]
        x[i] = (x[i] - beside * x[i - 1]) / pivot
    for i in range(len(x) - 2, -1, -1):
        x[i] -= ratio[i] * x[i + 1]
    return x


def cooled(
    diffusivity: Any, steps: int, cells: int = 100, checkpoints: Any = None
) -> Any:
    """The middle of a rod that is cooled at both ends, after a tenth of a time.

    checkpoints: which states reverse mode keeps, see `wg.range`: of 10⁵ steps all of
    them are 81 MB, and `wg.binomial(30)` computes every step at most three times more.
    """
    rod = np.sin(np.pi * np.arange(cells + 1) / cells)
    weight = 0.1 * diffusivity / steps * cells**2
    for _ in wg.range(steps, checkpoints=checkpoints):
        rod[1:-1] += weight * (rod[2:] - 2.0 * rod[1:-1] + rod[:-2])
    return rod[cells // 2]


def readings(knots: Any, scheme: Any, cells: int, steps: int, every: int) -> Any:
    """What the sensors show, for a history that is linear between its knots."""
    rod = scheme(hats(steps + 1) @ knots, cells)
    return rod[every::every, np.round(SENSORS * cells).astype(int)]


def hats(times: int) -> np.ndarray:
    """The matrix that interpolates between the knots at equidistant times."""
    places = np.linspace(0.0, KNOTS - 1.0, times)
    return np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(KNOTS)))


def truth() -> np.ndarray:
    """The history that is to be found: a pulse, and a switch that stays on."""
    t = np.linspace(0.0, END, KNOTS)
    return np.exp(-(((t - 0.12) / 0.04) ** 2)) + 0.6 / (1.0 + np.exp((0.3 - t) / 0.01))


def heated_for(time: float, place: float) -> float:
    """The temperature where the end has temperature 1 for a time, as a series."""
    n = np.arange(1, 200)
    waves = np.sin(n * np.pi * place) * np.exp(-((n * np.pi) ** 2) * time) / n
    return float(1.0 - place - 2.0 / np.pi * waves.sum())


def study() -> Study:
    """Recover the history of the heated end."""
    model = partial(readings, scheme=crank_nicolson, cells=CELLS, steps=STEPS, every=1)
    fine = partial(readings, scheme=explicit, cells=100, steps=12_500, every=125)
    exact = truth()
    measured = wg.jit(fine)(exact)
    measured = measured + NOISE * np.random.default_rng(3).normal(size=measured.shape)
    influence = wg.jit(wg.jacobian(model))(exact).reshape(-1, KNOTS)
    found, residual = inverse(influence, measured.ravel())
    rough = np.linalg.lstsq(influence, measured.ravel(), rcond=None)[0]
    errors = [float(np.sqrt(np.mean((x - exact) ** 2))) for x in (found, rough)]

    def at_a_sensor(knots: Any) -> Any:
        return model(knots)[-1, 0]

    effect = wg.jit(wg.grad(at_a_sensor))(exact)
    slope = wg.jit(wg.grad(partial(cooled, steps=100_000, checkpoints=wg.binomial(30))))
    rows = (
        Row(
            "slope in the diffusivity, through 100 000 steps",
            float(slope(1.0)),
            float(-0.1 * np.pi**2 * np.exp(-0.1 * np.pi**2)),
            1e-3,
            "the decay of a sine",
        ),
        Row(
            "effect of all that the end was heated",
            float(effect.sum()),
            heated_for(END, SENSORS[0]),
            2e-3,
            "the series for a constant temperature",
        ),
        Row("sensors' residual over their noise", residual, 1.0, 0.2, "discrepancy"),
        Row(
            "error of the history over the unsmoothed one's",
            errors[0] / errors[1],
            0.0,
            0.5,
            f"the true history: errors {errors[0]:.3f} and {errors[1]:.3f}",
        ),
    )
    draw = partial(_draw, exact, found, rough, measured, effect)
    return Study(rows, draw, (13.0, 4.0))


def inverse(influence: np.ndarray, measured: np.ndarray) -> tuple[np.ndarray, float]:
    """The smoothed history, and the residual of the sensors over their noise."""
    bends = np.diff(np.eye(KNOTS), 2, axis=0)

    def smoothed(weight: float) -> np.ndarray:
        matrix = np.vstack([influence / NOISE, weight * bends])
        right = np.concatenate([measured / NOISE, np.zeros(len(bends))])
        return np.linalg.lstsq(matrix, right, rcond=None)[0]

    def residual(logarithm: float) -> float:
        gap = influence @ smoothed(np.exp(logarithm)) - measured
        return float(np.sqrt(np.mean(gap**2)) / NOISE)

    # Half of what smoothing takes from the fit is noise that the history would follow.
    best = brentq(lambda x: residual(x) - 1.0, np.log(1e-2), np.log(1e5), xtol=1e-3)
    return smoothed(np.exp(best)), residual(best)


def _draw(
    exact: np.ndarray,
    found: np.ndarray,
    rough: np.ndarray,
    measured: np.ndarray,
    effect: np.ndarray,
    figure: Any,
) -> None:
    left, middle, right = axes_of(figure, 1, 3)[0]
    t = np.linspace(0.0, END, KNOTS)
    left.plot(t, rough, color=GREY, linewidth=0.8, label="without smoothing")
    left.plot(t, exact, color=BLUE, label="true")
    left.plot(t, found, color=ORANGE, label="recovered")
    left.set_ylim(-0.7, 2.0)
    label(left, "time", "temperature of the heated end")
    times = np.linspace(0.0, END, len(measured) + 1)[1:]
    for column, place, color in zip(measured.T, SENSORS, (GREEN, ORANGE), strict=True):
        middle.plot(times, column, ".", color=color, label=f"sensor at {place:g}")
    label(middle, "time", "temperature inside")
    right.plot(t, effect, color=BLUE)
    label(right, "time of heating", "effect on the first sensor's last reading")
