"""A warm plate: how well each part of it conducts.

Poisson's equation on a square with cold edges, on 64 x 64 cells, by a sparse
factorisation. The gradient in the conductivities of all 4096 cells is that of the
implicit function theorem: one more solution, with the factors that are there already.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import coo_matrix

import wengert as wg
from wengert import implicit
from wengert.examples.study import Row, Study, axes_of

CELLS = 64
NOISE = 3e-4  # of a measured temperature, of which the highest is about 0.07
EVERY = 2  # there is a sensor in one of so many cells, both ways
STIFFNESS = 100.0  # of the penalty on differences between neighbours


def places(cells: int) -> Any:
    """The matrix of the equations, with ones: each cell and its neighbours."""
    numbers = np.arange(cells * cells).reshape(cells, cells)
    own = numbers.ravel()
    left, right = numbers[:, :-1].ravel(), numbers[:, 1:].ravel()
    above, below = numbers[:-1].ravel(), numbers[1:].ravel()
    rows = np.concatenate([own, left, right, above, below])
    columns = np.concatenate([own, right, left, below, above])
    return coo_matrix((np.ones(len(rows)), (rows, columns)))


def temperatures(logarithms: Any, matrix: Any) -> Any:
    """Temperatures of a plate with cold edges that is warmed evenly, in its cells.

    Args:
        logarithms: Those of the conductivities of the cells, shape (n, n).
        matrix: ``places(n)``.

    Returns:
        The temperatures, shape (n, n).

    Example:
        >>> import numpy as np
        >>> warm = temperatures(np.zeros((16, 16)), places(16))
        >>> bool(abs(warm.max() - 0.0737) < 1e-3)  # a series: 0.07367
        True
    """
    cells = len(logarithms)
    k = np.exp(logarithms)
    across = 2.0 / (1.0 / k[:, :-1] + 1.0 / k[:, 1:])
    along = 2.0 / (1.0 / k[:-1] + 1.0 / k[1:])
    total = np.zeros((cells, cells))
    total[:, :-1] += across
    total[:, 1:] += across
    total[:-1] += along
    total[1:] += along
    total[0] += 2.0 * k[0]
    total[-1] += 2.0 * k[-1]
    total[:, 0] += 2.0 * k[:, 0]
    total[:, -1] += 2.0 * k[:, -1]
    sides = np.ravel(across), np.ravel(across), np.ravel(along), np.ravel(along)
    entries = np.concatenate([np.ravel(total), *(-side for side in sides)])
    warming = np.full(cells * cells, 1.0 / cells**2)
    found = implicit.linear_solve(matrix, warming, data=entries)
    return np.reshape(found, (cells, cells))


def truth(cells: int) -> np.ndarray:
    """A part that conducts well and one that does not, as logarithms."""
    x, y = np.meshgrid(*[(np.arange(cells) + 0.5) / cells] * 2)
    good = np.exp(-(((x - 0.3) / 0.15) ** 2) - ((y - 0.35) / 0.2) ** 2)
    bad = np.exp(-(((x - 0.7) / 0.15) ** 2) - ((y - 0.65) / 0.15) ** 2)
    return 1.2 * good - 1.0 * bad


def study() -> Study:
    """Recover the conductivities from noisy temperatures."""
    matrix, exact = places(CELLS), truth(CELLS)
    rng = np.random.default_rng(2)
    sensors = (slice(EVERY // 2, None, EVERY),) * 2
    seen = temperatures(exact, matrix)[sensors]
    seen = seen + NOISE * rng.normal(size=seen.shape)

    def misfit(logarithms: Any) -> Any:
        field = np.reshape(logarithms, (CELLS, CELLS))
        gaps = (temperatures(field, matrix)[sensors] - seen) / NOISE
        rough = np.sum(np.diff(field, axis=0) ** 2) + np.sum(np.diff(field) ** 2)
        return 0.5 * np.sum(gaps**2) + 0.5 * STIFFNESS * rough

    step = wg.value_and_grad(misfit)
    start = np.zeros(CELLS * CELLS)
    run = minimize(step, start, jac=True, method="L-BFGS-B", options={"maxiter": 150})
    found = run.x.reshape(CELLS, CELLS)
    along = rng.normal(size=start.size) / CELLS
    ahead, behind = (misfit(start + h * along) for h in (1e-5, -1e-5))
    slope = float((ahead - behind) / 2e-5)
    gaps = (temperatures(found, matrix)[sensors] - seen) / NOISE
    rows = (
        Row(
            "slope of the misfit along a direction",
            float(step(start)[1] @ along),
            slope,
            1e-6 * abs(slope),
            "differences",
        ),
        Row(
            "sensors' residual over their noise",
            float(np.sqrt(np.mean(gaps**2))),
            1.0,
            0.2,
            "discrepancy",
        ),
        Row(
            "error of the logarithms over their size",
            float(np.linalg.norm(found - exact) / np.linalg.norm(exact)),
            0.0,
            0.25,
            "the true conductivities",
        ),
    )
    return Study(rows, partial(_draw, exact, found, seen), (13.0, 3.8))


def _draw(exact: np.ndarray, found: np.ndarray, seen: np.ndarray, figure: Any) -> None:
    panels = (
        ("temperatures, measured", seen, None),
        ("conductivity, recovered", np.exp(found), np.exp(exact).max()),
        ("conductivity, true", np.exp(exact), np.exp(exact).max()),
    )
    for ax, (title, field, top) in zip(axes_of(figure, 1, 3)[0], panels, strict=True):
        ax.grid(False)
        extent = (0, CELLS, 0, CELLS)
        image = ax.imshow(field, vmin=0.0, vmax=top, origin="lower", extent=extent)
        ax.set(title=title, xlabel="cell", ylabel="cell")
        figure.colorbar(image, ax=ax, shrink=0.85)
