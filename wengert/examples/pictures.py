"""Pictures of three examples; needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import wengert as wg
from wengert.examples import bouncing, cheapest_path, runge_kutta

BLUE, ORANGE, GREEN, GREY = "#2f6db5", "#d9782d", "#3a9166", "#888888"


def draw_all(folder: Path) -> None:
    """Write every picture of `PICTURES` into a folder."""
    for name, draw in PICTURES.items():
        draw().savefig(folder / name, dpi=130)


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure that needs no window, and its axes in an array."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _label(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(color="#e4e4e4", linewidth=0.7)
    if len(ax.lines) > 1:
        ax.legend(frameon=False, fontsize=9)


# -- the ball ------------------------------------------------------------------------


def bounces() -> Figure:
    """Heights at one time, and their derivatives, over where the ball is dropped."""
    figure, axes = _figure(1, 2, (11.0, 4.2))
    starts = np.linspace(0.6, 1.8, 601)
    curves = [
        (bouncing.height, "from impact to impact", BLUE, "-"),
        (bouncing.height_in_steps, "in 2000 steps of one length", ORANGE, "--"),
    ]
    for function, label, color, line in curves:
        derivative = wg.value_and_grad(lambda h, f=function: f(h, 0.85, 2.0))
        heights, slopes = wg.jit(wg.vmap(derivative))(starts)
        axes[0, 0].plot(starts, heights, line, color=color, label=label)
        axes[0, 1].plot(starts, slopes, line, color=color, label=label)
    exact = np.array([bouncing.height(h, 0.85, 2.0) for h in starts])
    middles, differences = 0.5 * (starts[1:] + starts[:-1]), np.diff(exact)
    axes[0, 1].plot(
        middles[::20],
        (differences / np.diff(starts))[::20],
        "o",
        color=GREY,
        markersize=3.5,
        label="differences",
    )
    _label(axes[0, 0], "dropped from (m)", "height after 2 s (m)")
    _label(axes[0, 1], "dropped from (m)", "derivative of that height")
    return figure


# -- the path ------------------------------------------------------------------------


def landscape(rows: int = 60, columns: int = 140) -> np.ndarray:
    """Smooth costs: hills at random places."""
    rng = np.random.default_rng(12)
    y, x = np.mgrid[:rows, :columns]
    cost = np.full((rows, columns), 0.3)
    for _ in range(60):
        cy, cx, width = rng.uniform((0, 0, 4), (rows, columns, 9))
        cost += np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2.0 * width**2))
    return cost


def paths() -> Figure:
    """The gradients of the least total and of two soft ones, over the costs."""
    figure, axes = _figure(3, 1, (7.5, 9.0))
    cost = landscape()
    gradients = [
        (wg.grad(cheapest_path.cheapest), "the gradient of the least total: the path"),
        *(
            (
                wg.grad(lambda c, t=t: cheapest_path.soft(c, t)),
                f"of the soft minimum at temperature {t:g}",
            )
            for t in (0.1, 0.5)
        ),
    ]
    for ax, (gradient, title) in zip(axes.flat, gradients, strict=True):
        visits = wg.jit(gradient)(cost)
        ax.imshow(cost, cmap="Greys", origin="lower", alpha=0.75)
        shade = np.sqrt(np.clip(visits, 0.0, 1.0))
        ones = np.ones_like(cost)
        ax.imshow(ones, cmap=ListedColormap([ORANGE]), origin="lower", alpha=shade)
        ax.set_title(title, fontsize=10, loc="left")
        ax.set_axis_off()
    return figure


# -- the oscillator ------------------------------------------------------------------


def steps() -> Figure:
    """Van der Pol's oscillator: the solution, its sensitivity, and the steps taken."""
    figure, axes = _figure(1, 3, (13.0, 3.8))
    times = np.linspace(0.05, 16.0, 600)

    def at(damping: Any, end: Any) -> Any:
        start = np.array([2.0, 0.0])
        y, accepted, rejected = runge_kutta.integrate(
            lambda y: runge_kutta.van_der_pol(y, damping), start, end, 1e-5
        )
        return y[0], accepted, rejected

    def all_of(damping: Any, end: Any) -> Any:
        (y, accepted, rejected), (change, _, _) = wg.jvp(
            lambda d: at(d, end), (damping,), (1.0,)
        )
        return y, change, accepted, rejected

    found = wg.jit(wg.vmap(all_of, in_axes=(None, 0)))(3.0, times)
    position, sensitivity, accepted, rejected = found
    axes[0, 0].plot(times, position, color=BLUE)
    axes[0, 1].plot(times, sensitivity, color=ORANGE)
    axes[0, 2].plot(times, accepted, color=GREEN, label="accepted steps")
    axes[0, 2].plot(times, rejected, color=GREY, label="rejected steps")
    _label(axes[0, 0], "time", "position")
    _label(axes[0, 1], "time", "its derivative by the damping")
    _label(axes[0, 2], "until time", "count")
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "bouncing.png": bounces,
    "cheapest_path.png": paths,
    "runge_kutta.png": steps,
}
