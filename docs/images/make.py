"""Draws the pictures of the documentation: ``python docs/images/make.py``."""

from pathlib import Path

import wengert as wg
import wengert.numpy as np
from wengert.examples import pictures
from wengert.examples.applications import APPLICATIONS

FOLDER = Path(__file__).parent


def f(x1, x2):
    return x1 * x2 + np.sin(x1)


def g(x):
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


def solve(a, b):
    """Gaussian elimination of two equations, in place."""
    a[1] -= a[0] * (a[1, 0] / a[0, 0])
    return a[1, 1] * b


if __name__ == "__main__":
    wg.explain.trace(f)(2.0, 5.0).svg(FOLDER / "graph.svg")
    wg.explain.trace(solve)(np.array([[2.0, 1.0], [1.0, 3.0]]), 1.5).svg(
        FOLDER / "elimination.svg"
    )
    wg.explain.plot_step_sizes(g, 1.5, FOLDER / "steps.png")
    wg.explain.plot_modes(FOLDER / "modes.png")
    wg.explain.plot_checkpoints(1000, FOLDER / "checkpoints.png")
    pictures.draw_all(FOLDER)
    for name in ("pendulum", "whole_steps"):
        figure = APPLICATIONS[name].study().figure()
        figure.savefig(FOLDER / f"{name}.png", dpi=130)
