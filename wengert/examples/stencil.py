"""Heat in a plate: an explicit finite-volume solver on a five-point stencil.

Written as one would write it in NumPy, and differentiable with respect to the
temperatures and to the conductivity in every cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def face_conductivity(k: Any) -> tuple[Any, Any]:
    """Harmonic means over the faces between neighbours in each direction.

    Args:
        k: Conductivity of each cell, shape (rows, columns).

    Returns:
        Arrays of shapes (rows - 1, columns) and (rows, columns - 1).
    """
    down = 2.0 * k[1:] * k[:-1] / (k[1:] + k[:-1])
    right = 2.0 * k[:, 1:] * k[:, :-1] / (k[:, 1:] + k[:, :-1])
    return down, right


def heat(u0: Any, k: Any, source: Any, steps: int, dt: float = 0.2) -> Any:
    """Temperatures after some explicit steps of the heat equation.

    The left edge is held at its first temperatures, the right one loses heat to the
    surroundings at temperature 0, the upper and the lower one are insulated.

    Args:
        u0: Temperatures at the start, shape (rows, columns).
        k: Conductivity of each cell, the same shape, positive.
        source: Heat released in each cell per unit of time, the same shape.
        steps: How many steps to take.
        dt: Length of a step; stable up to about 0.25 / max(k).

    Returns:
        The temperatures, shape (rows, columns).

    Example:
        >>> import numpy as np
        >>> plate = np.zeros((3, 4))
        >>> plate[:, 0] = 1.0
        >>> heat(plate, np.ones((3, 4)), np.zeros((3, 4)), steps=1)[1].tolist()
        [1.0, 0.2, 0.0, 0.0]
    """
    down, right = face_conductivity(k)
    u = u0.copy()
    new = np.empty_like(u)
    held = u[:, 0].copy()
    for _ in range(steps):
        new[:] = u
        flux = down * (u[1:] - u[:-1])
        new[:-1] += dt * flux
        new[1:] -= dt * flux
        flux = right * (u[:, 1:] - u[:, :-1])
        new[:, :-1] += dt * flux
        new[:, 1:] -= dt * flux
        new += dt * source
        new[:, -1] *= 1.0 - 0.1 * dt
        new[:, 0] = held
        u, new = new, u
    return u
