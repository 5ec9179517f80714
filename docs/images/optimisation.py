"""The picture of docs/optimisation.md."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import wengert as wg

COLORS = {
    "bfgs": "#2f6db5",
    "l-bfgs": "#d9782d",
    "newton-cg": "#3a9166",
    "trust-region": "#8a4fa8",
}


def rosenbrock(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def extended(x):
    return np.sum(100.0 * (x[1::2] - x[0::2] ** 2) ** 2 + (1.0 - x[0::2]) ** 2)


def draw(folder: Path) -> None:
    """Paths, gradients by iteration, and iterations by start."""
    figure = Figure(figsize=(13.0, 4.0), layout="constrained")
    paths, norms, starts = figure.subplots(1, 3)
    _paths(paths)
    _norms(norms)
    _starts(figure, starts)
    figure.savefig(folder / "optimisation.png", dpi=130)


def _valley(ax):
    u, v = np.meshgrid(np.linspace(-2.0, 2.0, 300), np.linspace(-1.0, 3.0, 300))
    levels = np.geomspace(0.3, 2500.0, 10)
    ax.contour(u, v, rosenbrock(np.stack([u, v])), levels, colors="#cccccc")
    ax.plot(1.0, 1.0, "k*", markersize=10)
    ax.set(xlabel="x[0]", ylabel="x[1]", xlim=(-2, 2), ylim=(-1, 3))


def _paths(ax):
    _valley(ax)
    for method in ("bfgs", "trust-region"):
        path = [np.array([-1.2, 1.0])]
        keep = lambda x, value: path.append(x)
        wg.optim.minimize(rosenbrock, path[0], method=method, callback=keep)
        label = f"{method}, {len(path) - 1} iterations"
        ax.plot(*np.transpose(path), "o-", ms=3, color=COLORS[method], label=label)
    ax.set_title("the way to the minimum", loc="left", fontsize=10)
    ax.legend(frameon=False, fontsize=9, loc="upper center")


def _norms(ax):
    start = np.tile([-1.2, 1.0], 5000)
    for method in ("l-bfgs", "newton-cg", "trust-region"):
        found = wg.optim.minimize(extended, start, method=method)
        ax.semilogy(found.history.gradient_norm, color=COLORS[method], label=method)
    ax.axhline(1e-6, color="#888888", linestyle=":")
    ax.set(xlabel="iteration", ylabel="largest entry of the gradient")
    ax.set_title("10 000 variables", loc="left", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9)


def _starts(figure, ax):
    u, v = np.meshgrid(np.linspace(-2.0, 2.0, 200), np.linspace(-1.0, 3.0, 200))
    points = np.stack([u.ravel(), v.ravel()], axis=1)
    solve = lambda x0: wg.optim.minimize(rosenbrock, x0).iterations
    counts = wg.vmap(solve)(points).reshape(u.shape)
    image = ax.imshow(counts, origin="lower", extent=(-2, 2, -1, 3), cmap="viridis")
    ax.set(xlabel="x0[0]", ylabel="x0[1]", aspect="auto")
    ax.set_title("iterations of bfgs from 40 000 starts", loc="left", fontsize=10)
    figure.colorbar(image, ax=ax)
