"""Pictures of what the robot learnt; needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wengert.examples.robot.flight import path_with_drag
from wengert.examples.robot.lesson import Results
from wengert.examples.robot.policy import throw
from wengert.examples.robot.sensitivity import SENSOR_ERROR

BLUE, ORANGE, GREEN, GREY = "#2f6db5", "#d9782d", "#3a9166", "#888888"
LIMIT = 0.02  # the miss that the robot must stay below, in m


def draw_all(results: Results, folder: Path) -> None:
    """Write every picture of `PICTURES` into a folder."""
    for name, draw in PICTURES.items():
        figure = draw(results)
        figure.savefig(folder / name, dpi=150)


def _figure(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple[Figure, Any]:
    """A figure that needs no window, and its axes in an array."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="#e4e4e4", linewidth=0.7)
        ax.set_axisbelow(True)
    return figure, axes


# -- trajectories --------------------------------------------------------------------


def trajectories(results: Results) -> Figure:
    figure, axes = _figure(1, 2, (12.0, 4.6), width_ratios=(1.25, 1.0))
    _draw_throws(axes[0, 0], results)
    _draw_measurements(axes[0, 1], results)
    return figure


def _path(speed: float, angle: float, drag: float, distance: float) -> np.ndarray:
    """The flight up to a distance, shape (n, 2)."""
    start = np.array([0.0, 0.0, speed * np.cos(angle), speed * np.sin(angle)])
    times = np.linspace(0.0, 2.5 * distance / start[2], 250)
    path = path_with_drag(times, start, drag)
    last = int(np.searchsorted(path[:, 0], distance))
    end = [distance, np.interp(distance, path[:, 0], path[:, 1])]
    return np.vstack([path[:last], end])


def _draw_throws(ax: Axes, results: Results) -> None:
    height = results.settings.height
    baskets = np.linspace(2.0, 10.0, 5)
    speeds, angles = throw(results.drag_training.layers, baskets)
    label_air, label_free = "with air drag", "the same throw without air"
    for distance, speed, angle in zip(baskets, speeds, angles, strict=True):
        in_air = _path(speed, angle, results.drag, distance)
        free = _path(speed, angle, 0.0, distance)
        ax.plot(*free.T, "--", color=GREY, linewidth=1.0, label=label_free)
        ax.plot(*in_air.T, color=BLUE, linewidth=1.8, label=label_air)
        label_air = label_free = "_"
    best, chosen = results.inverse[-1], results.settings.distance
    alone = _path(best.speed, best.angle, 0.0, chosen)
    ax.plot(*alone.T, color=GREEN, linewidth=1.8, label="lesson 1: one basket, no air")
    ax.plot(
        [*baskets, chosen],
        np.full(len(baskets) + 1, height),
        "o",
        color=ORANGE,
        markersize=8,
        label="basket",
    )
    ax.set(xlabel="distance (m)", ylabel="height (m)")
    ax.set_title("Throws of the trained network")
    ax.set_ylim(0.0, 1.35 * ax.get_ylim()[1])
    ax.legend(frameon=False, loc="upper left", ncols=2)


def _draw_measurements(ax: Axes, results: Results) -> None:
    found = results.calibration
    times = found.measurements.times
    x, y = found.measurements.positions.T
    fit = path_with_drag(times, found.start, results.drag)
    free_fall = path_with_drag(times, found.start, 0.0)
    ax.plot(x, y, "o", color=ORANGE, markersize=3.5, label="measured")
    ax.plot(*fit.T, color=BLUE, linewidth=1.6, label="fit with drag")
    ax.plot(*free_fall.T, "--", color=GREY, linewidth=1.0, label="same start, no air")
    low, high = found.interval
    ax.set(xlabel="distance (m)", ylabel="height (m)")
    ax.set_title(
        f"Drag coefficient {found.coefficient:.3f}  (95 %: {low:.3f} to {high:.3f})"
    )
    ax.set_ylim(top=1.35 * float(free_fall[:, 1].max()))
    ax.legend(frameon=False, loc="upper left", ncols=3)


# -- loss ----------------------------------------------------------------------------


def loss(results: Results) -> Figure:
    figure, axes = _figure(1, 2, (12.0, 4.4))
    _draw_descents(axes[0, 0], results)
    _draw_training(axes[0, 1], results)
    return figure


def _draw_descents(ax: Axes, results: Results) -> None:
    runs = [found.descent for found in results.inverse]
    lowest = min(min(run.losses) for run in runs)
    for run, colour in zip(runs, (ORANGE, GREEN, BLUE), strict=True):
        above = np.maximum(np.array(run.losses) - lowest, 1e-16)
        ax.loglog(np.arange(1, len(above) + 1), above, color=colour, label=run.name)
    ax.set(xlabel="iteration", ylabel="loss above the lowest")
    ax.set_title(f"One basket at {results.settings.distance:g} m")
    ax.legend(frameon=False)


def _draw_training(ax: Axes, results: Results) -> None:
    runs = (
        ("without air", results.training, BLUE),
        ("with air drag", results.drag_training, ORANGE),
    )
    for label, run, colour in runs:
        losses = np.concatenate([descent.losses for descent in run.descents])
        ax.semilogy(losses, color=colour, label=label)
        switch = len(run.descents[0].losses)
        if len(run.descents) > 1:
            ax.plot(switch, losses[switch], "o", color=colour, markersize=6)
    ax.plot([], [], "o", color=GREY, markersize=6, label="Adam hands over to L-BFGS")
    ax.set(xlabel="iteration", ylabel="loss (m²)")
    ax.set_title("Training the network (the floor is the α v² of the throws)")
    ax.legend(frameon=False)


# -- misses and sensitivity ----------------------------------------------------------


def misses(results: Results) -> Figure:
    figure, axes = _figure(1, 1, (9.0, 4.2))
    ax = axes[0, 0]
    runs = (
        ("without air", results.training, BLUE),
        ("with air drag", results.drag_training, ORANGE),
    )
    for label, run, colour in runs:
        ax.plot(run.unseen, 1000.0 * run.misses, ".-", color=colour, label=label)
    ax.axhline(1000.0 * LIMIT, color=GREY, linestyle="--", label="goal: below 2 cm")
    ax.axhline(-1000.0 * LIMIT, color=GREY, linestyle="--")
    ax.set(xlabel="distance (m)", ylabel="height above the basket's centre (mm)")
    ax.set_title("Misses at distances that the network never saw")
    ax.set_ylim(top=1.35 * ax.get_ylim()[1])
    ax.legend(frameon=False, loc="upper center", ncols=3)
    return figure


def sensitivity(results: Results) -> Figure:
    effect = results.sensitivity
    figure, axes = _figure(4, 1, (9.0, 9.6), sharex=True)
    panels = (
        ("speed", 100.0 * effect.speed, "speed (cm/s)", BLUE),
        ("angle", np.degrees(effect.angle), "angle (degrees)", GREEN),
        ("landing", 100.0 * effect.landing, "landing point (cm)", ORANGE),
        ("height", 100.0 * effect.height, "height at basket (cm)", ORANGE),
    )
    for ax, (quantity, values, label, colour) in zip(axes[:, 0], panels, strict=True):
        ax.axhline(0.0, color=GREY, linewidth=0.8)
        ax.plot(effect.distances, values, color=colour, label="reads too far")
        ax.plot(effect.distances, -values, "--", color=colour, label="reads too near")
        for begin, end in effect.sensitive(quantity):
            ax.axvspan(begin, end, color="#f3e3b3", alpha=0.5, label="sensitive")
        ax.set_ylabel(label)
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=4)
    axes[-1, 0].set_xlabel("distance of the basket (m)")
    figure.suptitle(
        f"What ±{100.0 * SENSOR_ERROR:g} cm in the distance sensor does to the throw"
    )
    return figure


PICTURES: dict[str, Callable[[Results], Figure]] = {
    "trajectories.png": trajectories,
    "loss.png": loss,
    "misses.png": misses,
    "sensitivity.png": sensitivity,
}
