"""Lesson 4: what errors of the sensor and of the arm do to the throw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy

import wengert as wg
from wengert import uncertainty
from wengert.examples.robot.policy import DISTANCES, Layer, throw
from wengert.examples.robot.training import Flight

SENSOR_ERROR = 0.05
SENSITIVE = 1.25  # times the median over all distances
# Standard deviations of independent errors, in m, m/s and radians.
SPREADS = {"distance": SENSOR_ERROR, "speed": 0.05, "angle": 0.01}
SAMPLES = 4000


@dataclass
class Budget:
    """How uncertain the height at a basket is, and by which of `SPREADS`."""

    distance: float
    std: float  # in m, by derivatives
    sampled: float  # the same of random throws
    ranked: list[uncertainty.Ranked]  # the worst first


@dataclass
class Sensitivity:
    """Changes caused by a sensor that reads `SENSOR_ERROR` too far, shapes (n,)."""

    distances: numpy.ndarray
    speed: numpy.ndarray  # in m/s
    angle: numpy.ndarray  # in radians
    landing: numpy.ndarray  # where it comes down through the basket's height, in m
    height: numpy.ndarray  # at which it passes the basket, in m
    linear_error: float  # most that `height` differs from throws with the wrong reading
    budgets: list[Budget]

    def quantities(self) -> dict[str, numpy.ndarray]:
        return {
            "speed": self.speed,
            "angle": self.angle,
            "landing": self.landing,
            "height": self.height,
        }

    def sensitive(self, quantity: str) -> list[tuple[float, float]]:
        """Intervals of distances where a quantity changes much more than elsewhere."""
        size = numpy.abs(self.quantities()[quantity])
        high = numpy.flatnonzero(size > SENSITIVE * numpy.median(size))
        runs = numpy.split(high, numpy.flatnonzero(numpy.diff(high) > 1) + 1)
        return [
            (float(self.distances[run[0]]), float(self.distances[run[-1]]))
            for run in runs
            if len(run)
        ]


def analyse(layers: list[Layer], flight: Flight, count: int = 81) -> Sensitivity:
    """Derivatives of the network and of the flight, times the error of the sensor."""
    distances = numpy.linspace(*DISTANCES, count)
    jacobian = wg.vmap(wg.jacobian(lambda d: throw(layers, d)))
    speed_slope, angle_slope = jacobian(distances)
    speed, angle = throw(layers, distances)
    # Every ball flies alone, so one pullback of ones holds all the partial derivatives.
    height, pullback = wg.vjp(flight, distances, speed, angle)
    by_distance, by_speed, by_angle = pullback(numpy.ones(count))
    rise = SENSOR_ERROR * (by_speed * speed_slope + by_angle * angle_slope)
    thrown = flight(distances, *throw(layers, distances + SENSOR_ERROR)) - height
    return Sensitivity(
        distances,
        SENSOR_ERROR * speed_slope,
        SENSOR_ERROR * angle_slope,
        # On the way down the path is a line of slope `by_distance` < 0.
        -rise / by_distance,
        rise,
        float(numpy.max(numpy.abs(thrown - rise))),
        [budget(layers, flight, d) for d in numpy.linspace(*DISTANCES, 3)],
    )


def budget(layers: list[Layer], flight: Flight, distance: float) -> Budget:
    """Which error matters most for a basket at this distance."""

    def height(errors: Any) -> Any:
        reading, speed_error, angle_error = errors
        speed, angle = throw(layers, distance + reading)
        away = numpy.full(reading.shape, distance)
        return flight(away, speed + speed_error, angle + angle_error)

    mean, std = numpy.zeros((len(SPREADS), 1)), numpy.array([*SPREADS.values()])
    cov = numpy.diag(std**2)
    found = uncertainty.propagate(height, mean, cov)
    errors = std * numpy.random.default_rng(0).normal(size=(SAMPLES, len(std)))
    return Budget(
        float(distance),
        float(found.std[0]),
        float(numpy.std(height(errors.T))),
        uncertainty.rank(height, mean, cov, inputs=[*SPREADS]),
    )
