"""Two moons, as the image of a normal distribution.

Points on two half circles that interlock, moved by normal noise. Affine couplings
(Dinh, Sohl-Dickstein & Bengio, ICLR 2017) learn a map from these points to a normal
distribution by maximum likelihood; then the density is known everywhere, and points are
drawn by the inverse map. Since the moons' own density is an integral along the half
circles, it is known what no model can go below: their entropy.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.learning.training import Learner, epoch_of, learner
from wengert.examples.study import BLUE, GREEN, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOISE, POINTS, HELD_OUT = 0.1, 8192, 5000
EPOCHS, BATCH, COUPLINGS = 200, 256, 8
SIDE, CELLS = 3.0, 300  # half a side of the square of the integral; cells along one


# -- the moons -----------------------------------------------------------------------


def half_circles(angles: Any) -> Any:
    """Points (2, n, 2) of both half circles, whose common mean is 0."""
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.stack([upper, [1.0, 0.5] - upper]) - [0.5, 0.25]


def draw(key: Any, n: int) -> np.ndarray:
    """Points (n, 2) of the moons."""
    for_angle, for_moon, for_noise = wg.random.split(key, 3)
    angles = wg.random.uniform(for_angle, (n,), high=np.pi)
    moon = wg.random.integers(for_moon, 0, 2, (n,))
    noise = NOISE * wg.random.normal(for_noise, (n, 2))
    found: np.ndarray = half_circles(angles)[moon, np.arange(n)] + noise
    return found


@wg.jit
def log_mixture(x: Any, centres: Any, width: Any) -> Any:
    """The log-density at points (n, 2) of equal round Gaussians around centres."""
    found = np.empty(len(x))
    for i in range(len(x)):
        exponents = -0.5 * np.sum((x[i] - centres) ** 2, axis=1) / width**2
        largest = np.max(exponents)
        found[i] = largest + np.log(np.mean(np.exp(exponents - largest)))
    return found - np.log(2.0 * np.pi * width**2)


def true_log_density(x: np.ndarray) -> np.ndarray:
    """Of the moons at points (n, 2): the integral over the angle, by midpoints."""
    angles = (np.arange(250) + 0.5) * np.pi / 250
    centres = half_circles(angles).reshape(-1, 2)
    found: np.ndarray = log_mixture(x, centres, NOISE)
    return found


def gaussians_nats(seen: np.ndarray, unseen: np.ndarray) -> float:
    """Minus the mean log-density at unseen points of the Gaussian that fits best."""
    covariance = np.cov(seen.T)
    apart = unseen - seen.mean(axis=0)
    squares = np.sum(apart @ np.linalg.inv(covariance) * apart, axis=1)
    volume = np.linalg.slogdet(2.0 * np.pi * covariance)[1]
    return float(0.5 * (np.mean(squares) + volume))


def kernels_nats(seen: np.ndarray, unseen: np.ndarray) -> float:
    """The same of a Gaussian around each point, of the width best for the unseen."""
    return -float(np.mean(log_mixture(unseen, seen, 0.04)))


# -- the flow ------------------------------------------------------------------------


def flow(couplings: int = COUPLINGS) -> nn.Layer:
    """Each coupling moves one coordinate by what the other says, in turns."""
    net = nn.Chain(nn.Dense(32), nn.silu, nn.Dense(32), nn.silu, nn.Dense(2))
    return nn.Chain(*(nn.AffineCoupling(net, i % 2 == 1) for i in range(couplings)))


class Flow(NamedTuple):
    """A flow that has learnt, and what a point took in each epoch, in nats."""

    model: nn.Layer
    learnt: Learner
    losses: np.ndarray

    def log_density(self, x: Any) -> np.ndarray:
        """At points (n, 2)."""
        found: np.ndarray = _density(self.model)(
            x, self.learnt.params, self.learnt.state
        )
        return found

    def draw(self, key: Any, n: int) -> np.ndarray:
        """Points (n, 2)."""
        z = wg.random.normal(key, (n, 2))
        found: np.ndarray = nn.inverse(
            self.model, z, self.learnt.params, self.learnt.state
        )
        return found


def log_density(model: nn.Layer, x: Any, params: Any, state: Any) -> Any:
    """Of points (..., 2), by the change of variables."""
    (z, log_determinant), _ = nn.apply(model, x, params, state)
    normal = -0.5 * np.sum(z**2, axis=-1) - np.log(2.0 * np.pi)
    return normal + log_determinant


@functools.cache
def _density(model: nn.Layer) -> Any:
    return wg.jit(functools.partial(log_density, model))


def train(model: nn.Layer, seen: np.ndarray, epochs: int, seed: int = 0) -> Flow:
    """Maximise the likelihood of the points."""

    def loss(params: Any, state: Any, key: Any, points: Any) -> Any:
        return -np.mean(log_density(model, points, params, state)), state

    steps = epochs * (len(seen) // BATCH)
    rate = wg.optim.warmup_cosine_decay_schedule(0.0, 1e-2, steps // 20, steps)
    optimiser = wg.optim.chain(wg.optim.clip_by_global_norm(1.0), wg.optim.adam(rate))
    epoch, key = epoch_of(loss, optimiser, BATCH), wg.random.key(seed)
    found, losses = learner(key, model, seen[:2], optimiser), []
    for i in range(epochs):
        found, nats = epoch(found, wg.random.fold_in(key, i), seen)
        losses.append(float(nats))
    return Flow(model, found, np.array(losses))


def determinants_apart(found: Flow, x: np.ndarray) -> float:
    """How far the log-determinants at points (n, 2) are from those of Jacobians."""
    params, state = found.learnt.params, found.learnt.state

    @wg.jit
    def both(x: Any) -> Any:
        def mapped(point: Any) -> Any:
            return nn.apply(found.model, point, params, state)[0]

        matrices = wg.vmap(wg.jacobian(lambda point: mapped(point)[0]))(x)
        return mapped(x)[1], np.linalg.slogdet(matrices)[1]

    added_up, by_jacobian = both(x)
    return float(np.max(np.abs(added_up - by_jacobian)))


# -- the study -----------------------------------------------------------------------


def square() -> tuple[np.ndarray, np.ndarray]:
    """Midpoints along a side of the square, and the points (n, 2) in all cells."""
    side = SIDE * (2.0 * np.arange(CELLS) + 1.0 - CELLS) / CELLS
    return side, np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


class Found(NamedTuple):
    """What the picture shows."""

    losses: np.ndarray
    density: np.ndarray
    unseen: np.ndarray
    drawn: np.ndarray
    nats: dict[str, float]


def study(
    couplings: int = COUPLINGS, epochs: int = EPOCHS, within: float = 0.05
) -> Study:
    """Train a flow, and compare its density with the moons'."""
    for_seen, for_unseen, for_drawn = wg.random.split(wg.random.key(1), 3)
    seen, unseen = draw(for_seen, POINTS), draw(for_unseen, HELD_OUT)
    found = train(flow(couplings), seen, epochs)
    drawn = found.draw(for_drawn, HELD_OUT)
    nats = {
        "the moons' density": -float(np.mean(true_log_density(unseen))),
        "the flow": -float(np.mean(found.log_density(unseen))),
        "kernels": kernels_nats(seen, unseen),
        "a Gaussian": gaussians_nats(seen, unseen),
    }
    beyond = np.mean(found.log_density(drawn) - true_log_density(drawn))
    density = found.log_density(square()[1])
    mass = (2.0 * SIDE) ** 2 * np.mean(np.exp(density))
    rows = (
        Row(
            "nats of a point held out",
            nats["the flow"],
            nats["the moons' density"],
            within,
            "the density they were drawn from",
        ),
        Row(
            "divergence of drawn points from the moons, nats",
            float(beyond),
            0.0,
            2.0 * within,
            "the moons' density",
        ),
        Row(
            "log-determinant: largest difference",
            determinants_apart(found, unseen[:1000]),
            0.0,
            1e-12,
            "Jacobian matrices",
        ),
        Row("integral of the density", float(mass), 1.0, 1e-3, "it is a density"),
    )
    shown = Found(found.losses, density, unseen[:2000], drawn[:2000], nats)
    return Study(rows, functools.partial(_draw, shown), (13.0, 7.4))


def _draw(found: Found, figure: Figure) -> None:
    (true, learnt), (points, curve) = axes_of(figure, 2, 2)
    side, at = square()
    densities = (
        (true, "the moons' log-density", true_log_density(at)),
        (learnt, "the flow's log-density", found.density),
    )
    for ax, title, values in densities:
        shown = values.reshape(CELLS, CELLS)
        mesh = ax.pcolormesh(side, side, shown, vmin=-12.0, vmax=1.0, rasterized=True)
        ax.set_title(title, fontsize=10)
        figure.colorbar(mesh, ax=ax, shrink=0.8)
    points.plot(*found.unseen.T, ".", ms=2, color=BLUE, label="the moons")
    points.plot(*found.drawn.T, ".", ms=2, color=ORANGE, label="drawn from the flow")
    for ax in (true, learnt, points):
        ax.set(xlim=(-2.2, 2.2), ylim=(-1.5, 1.5), aspect="equal")
    curve.plot(found.losses, color=ORANGE, label="the flow, while it learns")
    colors = {"the moons' density": GREEN, "kernels": BLUE, "a Gaussian": GREY}
    for name, color in colors.items():
        curve.axhline(found.nats[name], color=color, label=name)
    curve.set_ylim(0.9, 2.0)
    label(points, "", "")
    label(curve, "epoch", "nats of a point")
