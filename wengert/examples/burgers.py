"""A wave that steepens: its first state, from two later ones.

Burgers' equation, in finite volumes. What flows through each face is taken from one
cell and added to the next, in place; slopes inside the cells are limited by branches,
so that fronts stay sharp and the scheme has kinks, at which it has subgradients (van
Leer, 1979). The observations come from a grid four times finer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize

import wengert as wg
from wengert.examples.study import BLUE, GREEN, GREY, ORANGE, Row, Study, axes_of, label

CELLS, COURANT = 100, 0.4  # of a wave of speed 1
TIMES = (0.15, 0.3)  # the front would be vertical at 1 / pi
NOISE = 0.005


def limited(before: Any, here: Any, after: Any) -> Any:
    """The smaller of two slopes; none at an extremum (minmod)."""
    left, right = here - before, after - here
    if left * right <= 0.0:
        return 0.0
    return left if abs(left) < abs(right) else right


def flow(left: Any, right: Any) -> Any:
    """What flows through a face between two states (Godunov)."""
    if left > right:
        return 0.5 * max(left, -right) ** 2
    if left > 0.0:
        return 0.5 * left**2
    return 0.5 * right**2 if right < 0.0 else 0.0


def changes(state: Any) -> Any:
    """What each cell of a ring gains in a unit of time, in cells, shape (cells,)."""
    cells = len(state)
    gained, slope = np.zeros(cells), np.zeros(cells)
    for i in range(cells):
        slope[i] = limited(state[i - 1], state[i], state[(i + 1) % cells])
    for i in range(cells):
        face = flow(state[i - 1] + 0.5 * slope[i - 1], state[i] - 0.5 * slope[i])
        gained[i - 1] -= face
        gained[i] += face
    return gained


def advance(state: Any, time: float) -> Any:
    """The state of a ring of length 1 after a time, by Heun's method.

    Example:
        >>> import numpy as np
        >>> bool(np.all(advance(np.full(8, 0.3), 0.5) == 0.3))
        True
    """
    cells = len(state)
    steps = int(np.ceil(time * cells / COURANT))
    rate = time * cells / steps
    for _ in range(steps):
        half = state + rate * changes(state)
        state = 0.5 * (state + half + rate * changes(half))
    return state


def first_state(cells: int) -> np.ndarray:
    """Means over the cells of a sine and of its double frequency."""
    ends = np.linspace(0.0, 2.0 * np.pi, cells + 1)
    rise = np.diff(-0.4 * np.cos(ends) - 0.05 * np.cos(2.0 * ends + 1.0))
    return 0.2 + rise / np.diff(ends)


def study() -> Study:
    """Recover the first state from noisy observations at two times."""
    exact = first_state(CELLS)
    fine = wg.jit(advance, static_argnames="time")
    rng = np.random.default_rng(5)
    observed = [
        fine(first_state(4 * CELLS), time=t).reshape(CELLS, 4).mean(axis=1)
        + NOISE * rng.normal(size=CELLS)
        for t in TIMES
    ]

    def misfit(state: Any) -> Any:
        """Squared gaps in units of the noise, and a little roughness."""
        total = 0.5 * np.sum(((np.roll(state, -1) - state) / 0.05) ** 2)
        now, earlier = state, 0.0
        for time, seen in zip(TIMES, observed, strict=True):
            now = advance(now, time - earlier)
            total, earlier = total + 0.5 * np.sum(((now - seen) / NOISE) ** 2), time
        return total

    step = wg.jit(wg.value_and_grad(misfit))
    run = minimize(
        step, np.full(CELLS, 0.2), jac=True, method="L-BFGS-B", options={"maxiter": 400}
    )
    along = rng.normal(size=CELLS) / np.sqrt(CELLS)
    ahead, behind = (step(exact + h * along)[0] for h in (1e-7, -1e-7))
    total = wg.jit(wg.grad(lambda state: np.sum(advance(state, TIMES[-1]))))
    rows = (
        Row(
            "effect of a cell on the sum of all, least",
            float(np.min(total(exact))),
            1.0,
            1e-12,
            "conservation",
        ),
        Row(
            "slope of the misfit along a direction",
            float(step(exact)[1] @ along),
            float((ahead - behind) / 2e-7),
            1e-3 * abs(float(ahead - behind) / 2e-7),
            "differences",
        ),
        Row(
            "error of the recovered state, root mean square",
            float(np.sqrt(np.mean((run.x - exact) ** 2))),
            0.0,
            0.02,
            f"the true state, of amplitude {np.ptp(exact) / 2:.2f}",
        ),
    )
    draw = partial(_draw, exact, np.asarray(run.x), observed)
    return Study(rows, draw)


def _draw(
    exact: np.ndarray, found: np.ndarray, observed: list[np.ndarray], figure: Any
) -> None:
    left, right = axes_of(figure, 1, 2)[0]
    places = (np.arange(CELLS) + 0.5) / CELLS
    for seen, time, color in zip(observed, TIMES, (GREEN, ORANGE), strict=True):
        left.plot(places, seen, ".", color=color, label=f"observed at {time:g}")
    left.plot(places, exact, color=GREY, label="first, unknown")
    label(left, "place", "speed")
    right.plot(places, exact, color=GREY, label="true first state")
    right.plot(places, found, "--", color=BLUE, label="recovered")
    label(right, "place", "speed")
