"""How long a step is: error norm, PI controller, first step."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.ode.steps import Slope

SAFETY = 0.9
SMALLEST, LARGEST = 0.2, 10.0  # factors between steps
PROPORTIONAL, INTEGRAL = 0.4, 0.3
_FLOOR = 1e-20  # of a mean square: below it the derivative of a norm is taken as 0


def norm(x: Any, scale: Any) -> Any:
    """Root mean square of the entries, each in units of its scale."""
    return np.sqrt(np.maximum(np.mean(np.abs(x / scale) ** 2), _FLOOR))


def scale_of(y0: Any, y1: Any, rtol: Any, atol: Any) -> Any:
    """The error that is allowed in each entry of the state."""
    return atol + rtol * np.maximum(np.abs(y0), np.abs(y1))


def factor(ratio: Any, before: Any, order: int) -> Any:
    """By what to multiply the step after errors of `ratio`, and `before` in the last.

    A proportional-integral controller: steps change smoothly. Errors are in units of
    what is allowed; `order` is that of the embedded method.

    References:
        Gustafsson, Lundh & Söderlind, "A PI stepsize control for the numerical solution
        of ordinary differential equations", BIT 28, 1988.
    """
    k = order + 1
    power = -(PROPORTIONAL + INTEGRAL) / k
    wanted = SAFETY * ratio**power * before ** (PROPORTIONAL / k)
    return np.clip(wanted, SMALLEST, LARGEST)


def first_step(
    f: Slope, t: Any, y: Any, slope: Any, span: Any, scale: Any, order: int
) -> Any:
    """A length for the first step, from the first two derivatives of the solution.

    References:
        Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, II.4.
    """
    size, speed = norm(y, scale), norm(slope, scale)
    length = np.abs(span)
    if size < 1e-5 or speed < 1e-5:
        h = 1e-6 * length
    else:
        h = np.minimum(0.01 * size / speed, length)
    forward = np.sign(span) * h
    bent = norm(f(t + forward, y + forward * slope) - slope, scale) / h
    largest = np.maximum(speed, bent)
    if largest <= 1e-15:
        wanted = np.maximum(1e-6 * length, 1e-3 * h)
    else:
        wanted = (0.01 / largest) ** (1.0 / (order + 1))
    return np.minimum(np.minimum(100.0 * h, wanted), length)
