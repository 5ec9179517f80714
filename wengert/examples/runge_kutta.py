"""An ordinary differential equation in steps that adapt.

The formulas are those of Bogacki & Shampine, *A 3(2) pair of Runge-Kutta formulas*,
Applied Mathematics Letters 2, 1989. A step whose estimated error is too large is
rejected, and tried again at a smaller length. The lengths depend on what is
differentiated; up to the tolerance the derivative is that of the exact solution all the
same (Eberhard & Bischof, *Automatic differentiation of numerical integration
algorithms*, Mathematics of Computation 68, 1999).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0


def integrate(
    slope: Callable[[Any], Any], y: Any, end: float, tolerance: float = 1e-8
) -> Any:
    """The solution of ``y' = slope(y)`` at a time, from `y` at time 0.

    Args:
        slope: The right-hand side: a state in, its time derivative out.
        y: The state at the start, shape (n,).
        end: When to stop.
        tolerance: Of the estimated error of a step, absolute and relative.

    Returns:
        The state at `end`, shape (n,), and the numbers of accepted and rejected steps.

    Example:
        >>> y, accepted, rejected = integrate(lambda y: -y, np.ones(1), 1.0, 1e-6)
        >>> bool(abs(y[0] - np.exp(-1.0)) < 1e-5), int(accepted), int(rejected)
        (True, 23, 1)
    """
    time, step = 0.0, 0.1 * end
    accepted = rejected = 0
    k1 = slope(y)
    while time < end:
        step = min(step, end - time)
        k2 = slope(y + 0.5 * step * k1)
        k3 = slope(y + 0.75 * step * k2)
        new = y + step / 9.0 * (2.0 * k1 + 3.0 * k2 + 4.0 * k3)
        k4 = slope(new)
        error = step / 72.0 * (-5.0 * k1 + 6.0 * k2 + 8.0 * k3 - 9.0 * k4)
        size = np.max(np.abs(error) / (1.0 + np.abs(new))) / tolerance
        if size <= 1.0:
            time, y, k1 = time + step, new, k4
            accepted += 1
        else:
            rejected += 1
        step *= min(GROW, max(SHRINK, SAFETY / max(size, 1e-10) ** (1.0 / 3.0)))
    return y, accepted, rejected


def van_der_pol(y: Any, damping: Any) -> Any:
    """Slope of an oscillator that is slow for long and then fast, shape (2,)."""
    return np.stack([y[1], damping * (1.0 - y[0] ** 2) * y[1] - y[0]])
