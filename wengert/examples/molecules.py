"""Thirteen atoms in motion, and a potential fitted through it.

Reduced units: a distance of sigma, a depth of epsilon and a mass are 1.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import optimize

import wengert as wg
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP = 0.005
LONG, SHORT = 10_000, 120  # steps: to see whether energy is kept, and to fit
NOISE = 1e-3  # of each measured coordinate
TRUE = np.array([1.0, 1.0])  # epsilon, sigma
MEASURED = 10  # steps from one measurement to the next


# -- the simulation ------------------------------------------------------------------


def potential(positions: Any, parameters: Any) -> Any:
    """The energy of Lennard and Jones, each pair of atoms once.

    Args:
        positions: Where the atoms are, shape (n, 3).
        parameters: Depth of the well and distance at which the energy is 0, shape (2,).

    Returns:
        The sum of ``4 epsilon ((sigma/r)^12 - (sigma/r)^6)``, a scalar.

    Example:
        >>> pair = np.array([[0.0, 0.0, 0.0], [2.0 ** (1.0 / 6.0), 0.0, 0.0]])
        >>> round(float(potential(pair, TRUE)), 12)
        -1.0
    """
    epsilon, sigma = parameters
    total = 0.0
    for i in range(1, len(positions)):
        apart = positions[:i] - positions[i]
        sixth = (sigma**2 / np.sum(apart**2, axis=1)) ** 3
        total += np.sum(4.0 * epsilon * (sixth**2 - sixth))
    return total


def force(positions: Any, parameters: Any) -> Any:
    """The negative gradient of the energy, shape (n, 3)."""
    return -wg.grad(potential)(positions, parameters)


def leapfrog(
    positions: Any, velocities: Any, parameters: Any, steps: Any, dt: Any
) -> Any:
    """One step after another: half a kick, a drift, half a kick.

    Returns:
        The path, shape (steps + 1, n, 3), and the total energies, shape (steps + 1,).
    """
    x, v = positions.copy(), velocities.copy()
    path, energies = np.zeros((steps + 1, *x.shape)), np.zeros(steps + 1)
    pull = force(x, parameters)
    for k in range(steps + 1):
        path[k] = x
        energies[k] = 0.5 * np.sum(v**2) + potential(x, parameters)
        v += 0.5 * dt * pull
        x += dt * v
        pull = force(x, parameters)
        v += 0.5 * dt * pull
    return path, energies


def cluster() -> np.ndarray:
    """An atom, and 12 around it on the corners of an icosahedron, shape (13, 3)."""
    golden = 0.5 * (1.0 + np.sqrt(5.0))
    corners = [
        np.roll([0.0, a, b * golden], k)
        for k in range(3)
        for a in (-1.0, 1.0)
        for b in (-1.0, 1.0)
    ]
    unit = np.array(corners) / np.hypot(1.0, golden)
    return np.vstack([np.zeros(3), 1.083 * unit])


# -- what is known -------------------------------------------------------------------


def force_by_hand(positions: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    epsilon, sigma = parameters
    apart = positions[:, None] - positions[None]
    squared = np.sum(apart**2, axis=2) + np.eye(len(positions))
    sixth = (sigma**2 / squared) ** 3
    scale = 24.0 * epsilon * (2.0 * sixth**2 - sixth) / squared
    np.fill_diagonal(scale, 0.0)
    return np.sum(scale[:, :, None] * apart, axis=1)


# -- the study -----------------------------------------------------------------------


class Fit(NamedTuple):
    """The parameters of each step of Gauss and Newton, and what led to them."""

    parameters: np.ndarray  # (steps, 2)
    errors: np.ndarray  # standard errors of the last ones, (2,)
    slope_error: float  # of the derivative in one direction, relative
    distances: tuple[np.ndarray, ...]  # of two atoms: first fit, last fit, measured


def study() -> Study:
    """Forces, conservation of energy, and a fit of both parameters."""
    rng = np.random.default_rng(13)
    start = cluster()
    velocities = 0.5 * rng.normal(size=start.shape)
    velocities -= velocities.mean(axis=0)
    simulate = wg.jit(leapfrog)
    _, energies = simulate(start, velocities, TRUE, LONG, STEP)
    _, finer = simulate(start, velocities, TRUE, 2 * LONG, 0.5 * STEP)
    fit = fitted(simulate, start, velocities, rng)
    shaken = start + 0.05 * rng.normal(size=start.shape)
    rows = (*_force_rows(shaken), *_energy_rows(energies, finer), *_fit_rows(fit))
    return Study(rows, functools.partial(_draw, energies, fit), (13.0, 3.8))


def _force_rows(shaken: np.ndarray) -> list[Row]:
    expected = force_by_hand(shaken, TRUE)
    error = np.max(np.abs(wg.jit(force)(shaken, TRUE) - expected))
    derivative = wg.value_and_grad(lambda flat: potential(flat.reshape(-1, 3), TRUE))
    at_rest = optimize.minimize(
        wg.jit(derivative), shaken.ravel(), jac=True, method="BFGS"
    )
    return [
        Row(
            "largest relative error of a force",
            float(error / np.max(np.abs(expected))),
            0.0,
            1e-10,
            "the force, written out by hand",
        ),
        Row(
            "energy of the cluster at rest",
            float(at_rest.fun),
            -44.326801,
            1e-6,
            "the Cambridge Cluster Database",
        ),
    ]


def _energy_rows(energies: np.ndarray, finer: np.ndarray) -> list[Row]:
    relative, tenth = energies / energies[0] - 1.0, LONG // 10
    return [
        Row(
            f"largest relative error of the energy, {LONG} steps",
            float(np.max(np.abs(relative))),
            0.0,
            5e-4,
            "conservation of energy",
        ),
        Row(
            "its drift: mean of the last tenth less the first",
            float(np.mean(relative[-tenth:]) - np.mean(relative[:tenth])),
            0.0,
            2e-5,
            "conservation of energy",
        ),
        Row(
            "its range, over that in steps half as long",
            float(np.ptp(energies) / np.ptp(finer)),
            4.0,
            0.2,
            "the order of the leapfrog, 2",
        ),
    ]


def fitted(
    simulate: Any, start: np.ndarray, velocities: np.ndarray, rng: np.random.Generator
) -> Fit:
    """Fit both parameters to noisy positions, by the Jacobian of the simulation."""

    def positions(parameters: Any) -> Any:
        path, _ = simulate(start, velocities, parameters, SHORT, STEP)
        return path[::MEASURED]

    jacobian = wg.jit(wg.jacobian(positions, mode="forward"))
    measured = positions(TRUE) + NOISE * rng.normal(size=positions(TRUE).shape)
    parameters = np.array([1.3, 0.97])
    moved = 1e-6 * np.array([0.6, -0.8])
    difference = positions(parameters + moved) - positions(parameters - moved)
    slope_error = np.max(np.abs(2.0 * jacobian(parameters) @ moved - difference))
    fits = [parameters]
    for _ in range(6):
        matrix = jacobian(fits[-1]).reshape(-1, 2)
        misfit = (positions(fits[-1]) - measured).ravel()
        fits.append(fits[-1] - np.linalg.lstsq(matrix, misfit)[0])
    return Fit(
        np.array(fits),
        NOISE * np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix))),
        float(slope_error / np.max(np.abs(difference))),
        tuple(
            np.linalg.norm(path[:, 12] - path[:, 1], axis=1)
            for path in (positions(fits[0]), positions(fits[-1]), measured)
        ),
    )


def _fit_rows(fit: Fit) -> list[Row]:
    truth = "what made the data, within 3 standard errors"
    last = fit.parameters[-1].tolist()
    (epsilon, sigma), (true_epsilon, true_sigma) = last, TRUE.tolist()
    epsilon_error, sigma_error = (3.0 * fit.errors).tolist()
    return [
        Row(
            "relative error of the derivative of the path",
            fit.slope_error,
            0.0,
            1e-7,
            "central differences",
        ),
        Row("epsilon, fitted", epsilon, true_epsilon, epsilon_error, truth),
        Row("sigma, fitted", sigma, true_sigma, sigma_error, truth),
    ]


def _draw(energies: np.ndarray, fit: Fit, figure: Figure) -> None:
    axes = axes_of(figure, 1, 3)[0]
    times = STEP * np.arange(LONG + 1)
    axes[0].plot(times, 1e4 * (energies / energies[0] - 1.0), color=BLUE, linewidth=0.3)
    label(axes[0], "time", "relative error of the energy (1e-4)")
    steps = np.arange(len(fit.parameters))
    for k, (name, color) in enumerate((("epsilon", ORANGE), ("sigma", BLUE))):
        error = np.abs(fit.parameters[:, k] - TRUE[k])
        axes[1].semilogy(steps, error, "o-", color=color, label=name)
    axes[1].set_xticks(steps)
    label(axes[1], "step of Gauss and Newton", "distance from the true parameter")
    first, last, measured = fit.distances
    times = MEASURED * STEP * np.arange(len(measured))
    axes[2].plot(times, measured, "o", color=GREY, label="measured", markersize=4)
    axes[2].plot(times, first, "--", color=ORANGE, label="with the first parameters")
    axes[2].plot(times, last, color=BLUE, label="with the fitted ones")
    label(axes[2], "time", "distance of two atoms")
