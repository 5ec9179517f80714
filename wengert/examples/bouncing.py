"""A ball bouncing on a floor, from one impact to the next.

When the ball hits the floor depends on how it was dropped, and so does how often. A
simulation in steps of one length, which turns the velocity round in the step that would
go through the floor, has a gradient without the change of the time of impact: wrong,
however short the steps are (Hu et al., *DiffTaichi*, ICLR 2020).
"""

from __future__ import annotations

from typing import Any

import numpy as np

GRAVITY = 9.81
AT_REST = 1e-3  # an impact slower than this is the last, in m/s


def height(start: Any, restitution: Any, time: Any) -> Any:
    """Height of a ball some time after it was dropped.

    Args:
        start: The height from which it is dropped, a scalar.
        restitution: Speed after an impact over the speed before it, from 0 to 1.
        time: When to look.

    Returns:
        The height, a scalar; 0 if the ball has come to rest.

    Example:
        >>> float(height(4.905, 0.5, 1.0)), round(float(height(4.905, 0.5, 1.5)), 5)
        (0.0, 1.22625)
    """
    above, velocity = start, 0.0
    while True:
        speed = np.sqrt(velocity**2 + 2.0 * GRAVITY * above)
        fall = (velocity + speed) / GRAVITY
        if fall >= time:
            return above + velocity * time - 0.5 * GRAVITY * time**2
        time = time - fall
        above, velocity = 0.0, restitution * speed
        if velocity < AT_REST:
            return 0.0


def height_in_steps(start: Any, restitution: Any, time: Any, steps: int = 2000) -> Any:
    """The same in steps of one length: right heights, and a wrong derivative."""
    above, velocity = start, 0.0
    dt = time / steps
    for _ in range(steps):
        velocity = velocity - GRAVITY * dt
        if above + velocity * dt < 0.0:
            velocity = -restitution * velocity
        above = above + velocity * dt
    return above
