"""The results of the robot as a page of text."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console
from rich.table import Table

from wengert.examples.robot.inverse import ALPHA, TOLERANCE
from wengert.examples.robot.lesson import Results
from wengert.examples.robot.policy import DISTANCES
from wengert.examples.robot.sensitivity import (
    SENSITIVE,
    SENSOR_ERROR,
    SPREADS,
)
from wengert.examples.robot.training import Training


def show(results: Results, console: Console) -> None:
    """Print what each lesson taught."""
    settings = results.settings
    _heading(
        console,
        f"1  One basket, {settings.distance:g} m away and {settings.height:g} m high",
    )
    console.print(_methods(results))
    console.print(
        f"Each minimises |y(T) - h|² + {ALPHA:g} v²: the second term costs some "
        "millimetres, and buys the slowest throw. Calls are of the loss with its "
        f"gradient; + marks a method that was stopped before |grad| was {TOLERANCE:g}."
    )
    _heading(console, "2  A network for all distances, without air")
    _show_training(results.training, console, results.seconds["training"])
    _heading(console, "3  With air drag")
    _show_calibration(results, console)
    console.print("The network goes on from where it was without air.")
    _show_training(results.drag_training, console, results.seconds["drag_training"])
    _heading(
        console, f"4  What a sensor that reads {100 * SENSOR_ERROR:g} cm too far does"
    )
    _show_sensitivity(results, console)
    console.print(f"\n{_duration(results)}")


def _duration(results: Results) -> str:
    text = f"{sum(results.seconds.values()):.1f} s in all"
    if results.settings.compiled:
        return f"{text}, {results.seconds['compilation']:.1f} s of it to compile."
    return f"{text}."


def _heading(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def _methods(results: Results) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    for column in "steps calls loss |grad| miss speed angle".split():
        table.add_column(column, justify="right")
    for found in results.inverse:
        run = found.descent
        table.add_row(
            run.name,
            f"{run.iterations}{'' if run.converged else '+'}",
            str(run.evaluations),
            f"{run.losses[-1]:.6f}",
            f"{run.gradient_norm:.1e}",
            f"{1000 * found.miss:.2f} mm",
            f"{found.speed:.3f} m/s",
            f"{math.degrees(found.angle):.2f}°",
        )
    return table


def _show_training(run: Training, console: Console, seconds: float) -> None:
    phases = ", then ".join(
        f"{descent.name} {descent.iterations}: loss {descent.losses[0]:.3g} to "
        f"{descent.losses[-1]:.3g}"
        for descent in run.descents
    )
    console.print(f"{phases}; {1000.0 * seconds / run.epochs:.2f} ms an epoch.")
    worst = run.unseen[np.argmax(np.abs(run.misses))]
    console.print(
        f"Worst miss at {len(run.unseen)} unseen distances, {DISTANCES[0]:g} to "
        f"{DISTANCES[1]:g} m: [bold]{100 * run.worst_miss:.2f} cm[/bold] at "
        f"{worst:.2f} m (mean {100 * np.mean(np.abs(run.misses)):.2f} cm)."
    )


def _show_calibration(results: Results, console: Console) -> None:
    found = results.calibration
    low, high = found.interval
    line = (
        f"Drag coefficient from {len(found.measurements.times)} positions: "
        f"[bold]{found.coefficient:.4f}[/bold] (95 %: {low:.4f} to {high:.4f}; "
        f"{1000 * found.noise:.1f} mm of noise)"
    )
    if found.relative_error is not None:
        truth = found.measurements.true_coefficient
        line += f"; the file states {truth:g}, {100 * found.relative_error:.2f} % away"
    console.print(line + ".")


def _show_sensitivity(results: Results, console: Console) -> None:
    effect = results.sensitivity
    table = Table(box=None, pad_edge=False)
    columns = ("distance", "speed", "angle", "landing point", "height at basket")
    for column in columns:
        table.add_column(column, justify="right")
    for i in range(0, len(effect.distances), (len(effect.distances) - 1) // 4):
        table.add_row(
            f"{effect.distances[i]:.0f} m",
            f"{100 * effect.speed[i]:+.2f} cm/s",
            f"{math.degrees(effect.angle[i]):+.3f}°",
            f"{100 * effect.landing[i]:+.2f} cm",
            f"{100 * effect.height[i]:+.2f} cm",
        )
    console.print(table)
    console.print(
        f"Too near does the opposite; throws with the wrong reading differ from these "
        f"derivatives by {1000 * effect.linear_error:.1f} mm at most."
    )
    console.print(f"Sensitive distances, {100 * SENSITIVE - 100:g} % above the median:")
    for quantity, values in effect.quantities().items():
        runs = [f"{a:.1f} to {b:.1f} m" for a, b in effect.sensitive(quantity)]
        where = " and ".join(runs) if runs else "everywhere alike"
        most = effect.distances[np.argmax(np.abs(values))]
        console.print(f"  {quantity}: {where} (most at {most:.1f} m)")
    console.print(
        f"With errors of {100 * SPREADS['distance']:g} cm in the reading, "
        f"{100 * SPREADS['speed']:g} cm/s and {math.degrees(SPREADS['angle']):.2g}° in "
        "the throw (standard deviations):"
    )
    for found in effect.budgets:
        shares = [f"{r.name} {100 * r.share:.0f} %" for r in found.ranked]
        console.print(
            f"  {found.distance:.0f} m: height ±{100 * found.std:.1f} cm, by "
            f"{', '.join(shares)} (±{100 * found.sampled:.1f} cm in random throws)"
        )
