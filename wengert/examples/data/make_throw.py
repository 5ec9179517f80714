"""Make the sample: ``python -m wengert.examples.data.make_throw > throw.csv``.

The flight is integrated by SciPy, not by the steps that the calibration fits with.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from wengert.examples.robot.flight import GRAVITY, drag_per_metre

DRAG_COEFFICIENT = 0.47
NOISE = 0.004
SEED = 2026


def sample() -> str:
    """The text of ``throw.csv``."""
    drag = drag_per_metre(DRAG_COEFFICIENT)

    def slope(_t: float, state: np.ndarray) -> list[float]:
        _, _, vx, vy = state
        speed = np.hypot(vx, vy)
        return [vx, vy, -drag * speed * vx, -drag * speed * vy - GRAVITY]

    times = np.arange(61) / 40.0
    angle = np.radians(40.0)
    start = [0.0, 0.0, 13.0 * np.cos(angle), 13.0 * np.sin(angle)]
    flight = solve_ivp(slope, (0.0, 2.0), start, t_eval=times, rtol=1e-10, atol=1e-12)
    noise = np.random.default_rng(SEED).normal(scale=NOISE, size=(2, len(times)))
    x, y = flight.y[:2] + noise
    lines = [
        "# Synthetic, not measured: made by wengert.examples.data.make_throw.",
        "# A tennis ball thrown at 13 m/s and 40 degrees, 40 positions a second.",
        f"# Noise: normal, standard deviation {NOISE} m in x and in y; seed: {SEED}.",
        f"# true drag coefficient: {DRAG_COEFFICIENT}",
        "t,x,y",
    ]
    rows = [f"{a:.3f},{b:.5f},{c:.5f}" for a, b, c in zip(times, x, y, strict=True)]
    return "\n".join([*lines, *rows, ""])


if __name__ == "__main__":
    print(sample(), end="")
