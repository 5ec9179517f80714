"""All four lessons in order: what ``python -m wengert robot`` computes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from wengert.examples.robot.calibration import (
    Calibration,
    Measurements,
    calibrate,
    read_measurements,
)
from wengert.examples.robot.flight import (
    drag_per_metre,
    height_at_basket,
    height_with_drag,
)
from wengert.examples.robot.inverse import Throw, solve
from wengert.examples.robot.policy import (
    ANGLES,
    DISTANCES,
    SPEEDS,
    first_layers,
    slowest_throw,
)
from wengert.examples.robot.problems import Unusable
from wengert.examples.robot.sensitivity import Sensitivity, analyse
from wengert.examples.robot.training import Problem, Training, train


@dataclass(frozen=True)
class Settings:
    """What the person chose."""

    distance: float
    height: float
    seed: int
    epochs: int
    measurements: Path
    compiled: bool = True


@dataclass
class Results:
    """What the robot learnt, and how long each lesson took, in seconds."""

    settings: Settings
    inverse: list[Throw]
    training: Training
    calibration: Calibration
    drag_training: Training
    sensitivity: Sensitivity
    seconds: dict[str, float]

    @property
    def drag(self) -> float:
        return drag_per_metre(self.calibration.coefficient)

    def flight(self, distance: Any, speed: Any, angle: Any) -> Any:
        """Height at the basket with the drag that was found."""
        return height_with_drag(distance, speed, angle, self.drag)


class Observer(Protocol):
    """Who wants to see the progress."""

    def begin(self, title: str, steps: int) -> None: ...

    def step(self) -> None: ...

    def end(self) -> None: ...


@dataclass
class Clock:
    """Runs lessons under the eyes of an observer, and keeps their times."""

    observer: Observer
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def lesson(self, name: str, title: str, steps: int = 1) -> Iterator[None]:
        self.observer.begin(title, steps)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        self.observer.end()


def prepare(settings: Settings) -> Measurements:
    """Find out what cannot work before anything is computed.

    Raises:
        Unusable: the basket cannot be reached, or the measurements cannot be read.
    """
    measurements = read_measurements(settings.measurements)
    if slowest_throw(settings.distance, settings.height) is None:
        raise Unusable(out_of_reach(settings.distance, settings.height))
    _check_range(settings.height, drag=0.0)
    return measurements


def run(settings: Settings, measurements: Measurements, observer: Observer) -> Results:
    """Calibrate the drag, and take the four lessons.

    Raises:
        Unusable: the measurements do not determine the drag, or with so much of it the
            robot cannot reach the distances that it trains for.
    """
    clock, epochs, compiled = Clock(observer), settings.epochs, settings.compiled
    with clock.lesson("calibration", "drag from measured positions"):
        calibration = calibrate(measurements)
        drag = drag_per_metre(calibration.coefficient)
        _check_range(settings.height, drag)
    with clock.lesson("inverse", "1  one basket, three methods"):
        throws = solve(settings.distance, settings.height, compiled=compiled)

    def flight(distance: Any, speed: Any, angle: Any) -> Any:
        return height_with_drag(distance, speed, angle, drag)

    layers = first_layers(np.random.default_rng(settings.seed))
    problems = [
        Problem(layers, height, settings.height, compiled=compiled)
        for height in (height_at_basket, flight)
    ]
    if compiled:
        with clock.lesson("compilation", "   compiling both flights", len(problems)):
            for problem in problems:
                problem(problem.ravel(layers))
                observer.step()
    polish = epochs // 3
    with clock.lesson("training", "2  network, without air", epochs + polish):
        free = train(
            problems[0],
            layers,
            rate=0.02,
            epochs=epochs,
            polish=polish,
            seed=settings.seed,
            watch=observer.step,
        )

    # It goes on from the network without air, so that a few epochs will do.
    few, polish = math.ceil(epochs / 15), epochs // 8
    with clock.lesson("drag_training", "3  network, with air drag", few + polish):
        in_air = train(
            problems[1],
            free.layers,
            rate=0.005,
            epochs=few,
            polish=polish,
            seed=settings.seed,
            watch=observer.step,
        )
    with clock.lesson("sensitivity", "4  sensitivity to the sensor"):
        effect = analyse(in_air.layers, flight)
    return Results(settings, throws, free, calibration, in_air, effect, clock.seconds)


def out_of_reach(distance: float, height: float) -> str:
    return (
        f"no throw of this arm ({SPEEDS[0]:g} to {SPEEDS[1]:g} m/s, "
        f"{math.degrees(ANGLES[0]):.0f} to {math.degrees(ANGLES[1]):.0f} degrees) "
        f"reaches a basket {distance:g} m away and {height:g} m high: choose another "
        "--distance or --height"
    )


def _check_range(height: float, drag: float) -> None:
    """The fastest throws must rise above the basket at both ends of the range."""
    angles = np.linspace(*ANGLES, 61)
    for distance in DISTANCES:
        away = np.full(angles.shape, distance)
        fastest = np.full(angles.shape, SPEEDS[1])
        best = float(height_with_drag(away, fastest, angles, drag).max())
        if best < height:
            raise Unusable(
                f"the robot trains for baskets {DISTANCES[0]:g} to {DISTANCES[1]:g} m "
                f"away, and with drag {drag:.3g}/m its fastest throws pass "
                f"{distance:g} m at {best:.2f} m at most: choose a --height below that"
            )
