"""Lesson 1: how to throw into one basket, found by going downhill."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy

import wengert as wg
from wengert.examples.robot.flight import height_at_basket
from wengert.examples.robot.minimise import (
    Descent,
    adam,
    gradient_descent,
    quasi_newton,
)
from wengert.examples.robot.policy import within_limits

ALPHA = 1e-3  # weight of the squared speed: of all throws that hit, prefer the gentle
TOLERANCE = 1e-6


@dataclass
class Throw:
    """A throw that a method found, and how it got there."""

    descent: Descent
    speed: float
    angle: float
    miss: float


def loss(raw: Any, distance: float, height: float) -> Any:
    """|y(T) - h|^2 + alpha v^2 of the throw that `raw`, shape (2,), stands for."""
    speed, angle = within_limits(raw)
    miss = height_at_basket(distance, speed, angle) - height
    return miss**2 + ALPHA * speed**2


def solve(distance: float, height: float, *, compiled: bool = True) -> list[Throw]:
    """The same problem from the same start by each of the three methods."""
    function = wg.value_and_grad(partial(loss, distance=distance, height=height))
    if compiled:
        function = wg.jit(function)
    start = numpy.zeros(2)
    descents = [
        gradient_descent(function, start, iterations=3000, tolerance=TOLERANCE),
        adam(function, start, rate=0.2, iterations=1500, tolerance=TOLERANCE),
        quasi_newton(
            function, start, method="BFGS", iterations=200, tolerance=TOLERANCE
        ),
    ]
    throws = []
    for descent in descents:
        speed, angle = (float(x) for x in within_limits(descent.point))
        miss = abs(float(height_at_basket(distance, speed, angle)) - height)
        throws.append(Throw(descent, speed, angle, miss))
    return throws
