"""Draws the pictures of the documentation: ``python docs/images/make.py``."""

from pathlib import Path

import matplotlib.pyplot as plt
import optimisation
import training

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


def plot_implicit(file):
    """Errors of a fit by gradient descent, and of its derivative, by its steps."""
    rng = np.random.default_rng(0)
    design, answers = rng.normal(size=(30, 20)), rng.normal(size=30)
    normal, rhs = design.T @ design, design.T @ answers
    rate = 1.0 / np.linalg.eigvalsh(normal)[-1]
    exact = lambda s: np.linalg.solve(normal + s * np.eye(20), rhs)
    objective = lambda w, s, n: np.sum((design @ w - answers) ** 2) + s * w @ w

    def descended(s, n):
        w = np.zeros(20)
        for _ in range(n):
            w = w - rate * (normal @ w - rhs + s * w)
        return w

    decorate = wg.implicit.custom_argmin(objective, accuracy=np.inf)
    ways = {
        "the fit": (lambda f: f, descended, "0.6"),
        "its derivative, by the steps": (wg.jacobian, descended, "tab:red"),
        "its derivative, by the equation": (
            wg.jacobian,
            decorate(descended),
            "tab:blue",
        ),
    }
    strength, counts = 0.5, [1, 2, 4, 8, *range(15, 600, 15)]
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for name, (of, f, colour) in ways.items():
        wanted = of(exact)(strength)
        off = [of(lambda s, n=n: f(s, n))(strength) - wanted for n in counts]
        errors = [np.linalg.norm(x) / np.linalg.norm(wanted) for x in off]
        axes.semilogy(counts, errors, color=colour, label=name)
    axes.set(xlabel="steps of gradient descent", ylabel="relative error")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150)


def plot_ode(file):
    """Populations with a sensitivity, and how two adjoints come together."""
    field = lambda t, y, a: np.array([a * y[0] - y[0] * y[1], y[0] * y[1] - 3.0 * y[1]])
    times, start = np.linspace(0.0, 8.0, 300), np.array([1.0, 1.0])
    populations = lambda a: wg.ode.solve(field, start, times, (a,), rtol=1e-8).y
    y, slope = wg.jvp(populations, (1.5,), (1.0,))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for k, (name, colour) in enumerate(
        [("prey", "tab:blue"), ("predators", "tab:red")]
    ):
        left.plot(times, y[:, k], color=colour, label=name)
        moved = y[:, k] + 0.05 * slope[:, k]
        left.plot(times, moved, "--", color=colour, linewidth=1)
    left.plot([], [], "--", color="0.4", label="growth 0.05 larger, to first order")
    left.set(xlabel="time", ylabel="population", ylim=(0.0, 9.5))
    left.legend(frameon=False, fontsize=9, loc="upper left")

    def gap(method, steps):
        found = [
            wg.grad(
                lambda a, derivative=derivative: wg.ode.solve(
                    field,
                    start,
                    [0.0, 3.0],
                    (a,),
                    method=method,
                    steps=steps,
                    derivative=derivative,
                ).y[-1, 0]
            )(1.5)
            for derivative in ("discrete", "continuous")
        ]
        return abs(found[0] - found[1])

    counts = [25, 50, 100, 200, 400]
    for method, order, colour in (("heun", 2, "tab:green"), ("rk4", 4, "tab:orange")):
        gaps = [gap(method, n) for n in counts]
        right.loglog(counts, gaps, "o-", color=colour, label=method)
        line = gaps[-1] * (counts[-1] / np.array(counts)) ** order
        right.loglog(counts, line, ":", color="0.5", label=f"order {order}")
    right.set_xticks(counts, map(str, counts))
    right.minorticks_off()
    right.set(xlabel="steps", ylabel="discrete − continuous gradient")
    right.legend(frameon=False, fontsize=9)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=130)


if __name__ == "__main__":
    plot_implicit(FOLDER / "implicit.png")
    wg.explain.trace(f)(2.0, 5.0).svg(FOLDER / "graph.svg")
    wg.explain.trace(solve)(np.array([[2.0, 1.0], [1.0, 3.0]]), 1.5).svg(
        FOLDER / "elimination.svg"
    )
    wg.explain.plot_step_sizes(g, 1.5, FOLDER / "steps.png")
    wg.explain.plot_modes(FOLDER / "modes.png")
    wg.explain.plot_checkpoints(1000, FOLDER / "checkpoints.png")
    pictures.draw_all(FOLDER)
    optimisation.draw(FOLDER)
    training.draw(FOLDER)
    for name in (
        "epidemic",
        "heat",
        "conductivity",
        "hybrid",
        "pendulum",
        "whole_steps",
        "digits",
        "characters",
        "photograph",
        "autoencoder",
        "moons",
    ):
        figure = APPLICATIONS[name].study().figure()
        figure.savefig(FOLDER / f"{name}.png", dpi=130)
    plot_ode(FOLDER / "ode.png")
