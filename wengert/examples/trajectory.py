"""A trajectory buffer filled in a loop: a planet's orbit by the leapfrog method."""

from __future__ import annotations

from typing import Any

import numpy as np


def orbit(position: Any, velocity: Any, steps: int, dt: float = 0.05) -> Any:
    """Positions of a planet around a sun of unit strength at the origin.

    Args:
        position: Where it starts, shape (2,).
        velocity: How it starts, shape (2,).
        steps: How many steps to take.
        dt: Length of a step.

    Returns:
        The positions, shape (steps + 1, 2), the start included.

    Example:
        >>> import numpy as np
        >>> path = orbit(np.array([1.0, 0.0]), np.array([0.0, 1.0]), steps=63, dt=0.1)
        >>> bool(abs(np.hypot(*path[-1]) - 1.0) < 0.01)  # a circle, nearly closed
        True
    """
    path = np.zeros((steps + 1, 2), dtype=position.dtype)
    path[0] = position
    velocity = velocity.copy()
    for i in range(steps):
        velocity += 0.5 * dt * pull(path[i])
        path[i + 1] = path[i] + dt * velocity
        velocity += 0.5 * dt * pull(path[i + 1])
    return path


def pull(position: Any) -> Any:
    """Acceleration by gravity at a position, shape (2,)."""
    return -position / np.sqrt(position[0] ** 2 + position[1] ** 2) ** 3
