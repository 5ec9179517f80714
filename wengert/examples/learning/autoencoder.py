"""Digits made of a few numbers, by a variational autoencoder.

A network, the decoder, says what an image looks like that comes from a few normal
numbers z, up to normal noise of one width: p(x | z) = N(decoder(z), s^2 I). Another,
the encoder, says which z an image may come from, q(z | x), and both learn to raise a
lower bound of log p(x) (Kingma & Welling, ICLR 2014). With linear networks this is
probabilistic principal component analysis (Tipping & Bishop 1999), whose log p(x) is
known exactly: for that the noise is normal. It is what other networks have to beat with
as many numbers, and what the bounds are checked by.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import logsumexp, ndtri

import wengert as wg
from wengert import nn
from wengert.examples.learning.digits import digits
from wengert.examples.learning.training import Learner, epoch_of
from wengert.examples.study import BLUE, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZES, EPOCHS, BATCH, DRAWS = (2, 8), 100, 64, 500
GROUPS = (1, 2, 5, 10, 20, 50, 100, 250, DRAWS)  # weights that make a bound
PIXELS = 64
LOG_2PI = np.log(2.0 * np.pi)


@functools.cache
def images() -> tuple[np.ndarray, np.ndarray]:
    """Those to learn from, and those held out: (n, 64), from 0 to 1."""
    seen, unseen = digits()
    return seen.images.reshape(-1, PIXELS), unseen.images.reshape(-1, PIXELS)


# -- the model -----------------------------------------------------------------------


class Autoencoder(NamedTuple):
    """Networks from an image to the mean and log-variance of q, and from z to it."""

    encoder: nn.Layer
    decoder: nn.Layer
    size: int  # of z

    def setup(self, key: Any, dtype: Any = np.float32) -> Any:
        """Parameters to begin with."""
        for_encoder, for_decoder = wg.random.split(key)
        x, z = np.zeros((1, PIXELS)), np.zeros((1, self.size))
        return {
            "encoder": nn.setup(for_encoder, self.encoder, x, dtype)[0],
            "decoder": nn.setup(for_decoder, self.decoder, z, dtype)[0],
            "log_noise": np.asarray(-1.5, dtype),
        }

    def encoded(self, params: Any, x: Any) -> tuple[Any, Any]:
        """The mean and the log-variance (n, size) of q(z | x)."""
        both = _applied(self.encoder, params["encoder"], x)
        return both[:, : self.size], both[:, self.size :]

    def decoded(self, params: Any, z: Any) -> Any:
        """The mean (n, 64) of p(x | z)."""
        return _applied(self.decoder, params["decoder"], z)

    def log_likelihood(self, params: Any, x: Any, z: Any) -> Any:
        """log p(x | z), (n,)."""
        s = params["log_noise"]
        apart = (x - self.decoded(params, z)) * np.exp(-s)
        return -0.5 * np.sum(apart**2, axis=1) - PIXELS * (s + 0.5 * LOG_2PI)


def _applied(model: nn.Layer, params: Any, x: Any) -> Any:
    """What a model without state makes of x."""
    return nn.apply(model, x, params, ((),) * len(params))[0]


def networks(size: int) -> Autoencoder:
    """For `size` numbers: two hidden layers each."""

    def dense(outputs: int) -> list[Any]:
        hidden = [nn.Dense(128), nn.silu]
        return [*hidden, *hidden, nn.Dense(outputs)]

    encoder, decoder = nn.Chain(*dense(2 * size)), nn.Chain(*dense(PIXELS), nn.sigmoid)
    return Autoencoder(encoder, decoder, size)


# -- its bounds ----------------------------------------------------------------------


def drawn(mean: Any, log_variance: Any, key: Any) -> Any:
    """z of q, as a function of its mean and variance that has derivatives."""
    normal = wg.random.normal(key, mean.shape, mean.dtype)
    return mean + np.exp(0.5 * log_variance) * normal


def bound(model: Autoencoder, params: Any, key: Any, x: Any) -> Any:
    """The mean of E_q[log p(x | z)] - KL(q(z | x), p(z)), by one draw for each image.

    No image has a larger log p(x).
    """
    mean, log_variance = model.encoded(params, x)
    z = drawn(mean, log_variance, key)
    likelihood = np.mean(model.log_likelihood(params, x, z))
    return likelihood - nn.kl_normal(mean, log_variance)


def log_weight(model: Autoencoder, params: Any, key: Any, x: Any) -> Any:
    """log of p(x, z) / q(z | x), (n,), at a draw of q: its mean is the bound above."""
    mean, log_variance = model.encoded(params, x)
    z = drawn(mean, log_variance, key)
    standard = (z - mean) ** 2 * np.exp(-log_variance)
    return model.log_likelihood(params, x, z) - 0.5 * np.sum(
        z**2 - standard - log_variance, axis=1
    )


@functools.cache
def weigher(model: Autoencoder) -> Any:
    """``weigh(params, keys, x)``: log-weights (draws, n), compiled."""

    @wg.jit
    def weigh(params: Any, keys: Any, x: Any) -> Any:
        found = np.empty((len(keys), len(x)))
        for i in range(len(keys)):
            found[i] = log_weight(model, params, keys[i], x)
        return found

    return weigh


def weighted_bound(log_weights: np.ndarray, k: int) -> np.ndarray:
    """log p(x) by k weights at a time, (n,): below it in the mean, and rising with k.

    log_weights: (draws, n), where k divides the draws.

    Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016.
    """
    groups = log_weights.reshape(-1, k, log_weights.shape[1])
    found: np.ndarray = np.mean(logsumexp(groups, axis=1) - np.log(k), axis=0)
    return found


# -- linear networks -----------------------------------------------------------------


class Components(NamedTuple):
    """Probabilistic principal components of most likelihood."""

    mean: np.ndarray  # (64,)
    axes: np.ndarray  # (64, size), orthonormal
    variances: np.ndarray  # (size,), along them
    noise: float  # variance in all other directions

    @property
    def loadings(self) -> np.ndarray:
        """W (64, size) of p(x | z) = N(W z + mean, noise I)."""
        found: np.ndarray = self.axes * np.sqrt(self.variances - self.noise)
        return found

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """log p(x), (n,): exact."""
        covariance = self.loadings @ self.loadings.T + self.noise * np.eye(
            len(self.axes)
        )
        apart = x - self.mean
        squares = np.sum(apart @ np.linalg.inv(covariance) * apart, axis=1)
        found: np.ndarray = -0.5 * squares
        return found - 0.5 * np.linalg.slogdet(2.0 * np.pi * covariance)[1]

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """The images of the plane of the components that are nearest."""
        found: np.ndarray = self.mean + (x - self.mean) @ self.axes @ self.axes.T
        return found

    def autoencoder(self) -> tuple[Autoencoder, Any]:
        """The same as a linear autoencoder whose q(z | x) is exact."""
        size = len(self.variances)
        back = self.loadings.T / self.variances[:, None]
        spread = np.log(self.noise / self.variances)
        encoder = {
            "weight": np.concatenate([back, np.zeros_like(back)]),
            "bias": np.concatenate([-back @ self.mean, spread]),
        }
        decoder = {"weight": self.loadings, "bias": self.mean}
        model = Autoencoder(
            nn.Chain(nn.Dense(2 * size)), nn.Chain(nn.Dense(PIXELS)), size
        )
        return model, {
            "encoder": (encoder,),
            "decoder": (decoder,),
            "log_noise": 0.5 * np.log(self.noise),
        }


def components(x: np.ndarray, size: int) -> Components:
    """Of images (n, 64): Tipping & Bishop 1999, equations 14 and 15."""
    mean = x.mean(axis=0, dtype=float)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    rest = len(mean) - size
    return Components(
        mean, vectors[:, rest:], values[rest:], float(values[:rest].mean())
    )


# -- training ------------------------------------------------------------------------


class Trained(NamedTuple):
    """An autoencoder after training, and the mean bound of each epoch."""

    model: Autoencoder
    params: Any
    bounds: np.ndarray

    def reconstructed(self, x: np.ndarray) -> np.ndarray:
        """Images (n, 64) through the middle of q(z | x)."""
        z, _ = self.model.encoded(self.params, x)
        found: np.ndarray = self.model.decoded(self.params, z)
        return found

    def log_weights(self, x: np.ndarray, draws: int) -> np.ndarray:
        """(draws, n) of images (n, 64)."""
        keys = wg.random.split(wg.random.key(2), draws)
        found: np.ndarray = weigher(self.model)(self.params, keys, x)
        return found


def train(model: Autoencoder, epochs: int = EPOCHS, seed: int = 0) -> Trained:
    """Raise the bound of the images to learn from."""

    def loss(params: Any, state: Any, key: Any, x: Any) -> Any:
        return -bound(model, params, key, x), state

    seen, key = images()[0], wg.random.key(seed)
    rate = wg.optim.cosine_decay_schedule(4e-3, epochs * (len(seen) // BATCH))
    optimiser = wg.optim.adamw(rate, weight_decay=1e-2)
    epoch, params = epoch_of(loss, optimiser, BATCH), model.setup(key)
    found, bounds = Learner(params, (), optimiser.init(params)), []
    for i in range(epochs):
        found, value = epoch(found, wg.random.fold_in(key, i), seen)
        bounds.append(-float(value))
    return Trained(model, found.params, np.array(bounds))


# -- what has been learnt ------------------------------------------------------------


@functools.cache
def integrator(model: Autoencoder) -> Any:
    """``integrate(params, line, x)``: log p(x), (n,), for a z of two numbers.

    By the rectangle rule over the square of points along a line, compiled.
    """

    @wg.jit
    def integrate(params: Any, line: Any, x: Any) -> Any:
        log_cell = 2.0 * np.log(line[1] - line[0])
        found = np.full(len(x), -np.inf)
        for i in range(len(line)):
            z = np.stack([np.full_like(line, line[i]), line], axis=1)
            prior = -0.5 * np.sum(z**2, axis=1) - LOG_2PI + log_cell
            y, s = model.decoded(params, z), params["log_noise"]
            squares = (
                np.sum(x**2, axis=1)[:, None] - 2.0 * x @ y.T + np.sum(y**2, axis=1)
            )
            joint = prior - 0.5 * squares * np.exp(-2.0 * s)
            found = np.logaddexp(found, logsumexp(joint, axis=1))
        return found - PIXELS * (s + 0.5 * LOG_2PI)

    return integrate


def integrated(found: Trained, x: np.ndarray, points: int = 300) -> np.ndarray:
    """log p(x) of images (n, 64), by numerical integration over the two numbers."""
    line, params = np.linspace(-6.0, 6.0, points), found.params
    params = wg.tree.map(lambda p: np.asarray(p, float), params)
    log_p: np.ndarray = integrator(found.model)(params, line, x.astype(float))
    return log_p


class Compared(NamedTuple):
    """Autoencoder and principal components of one size, on the images held out."""

    found: Trained
    linear: Components
    log_weights: np.ndarray

    @property
    def log_density(self) -> np.ndarray:
        """log p(x) by all the weights, (n,)."""
        return weighted_bound(self.log_weights, len(self.log_weights))

    def rows(self, x: np.ndarray) -> tuple[Row, ...]:
        ours, theirs = self.log_density, self.linear.log_density(x)
        errors = [
            float(np.mean((x - y) ** 2))
            for y in (self.found.reconstructed(x), self.linear.nearest(x))
        ]
        size, by = self.found.model.size, "principal components"
        nats = f"{ours.mean():.1f} against {theirs.mean():.1f} nats"
        return (
            Row(
                f"{size} numbers: images that are likelier than by components ({nats})",
                float(np.mean(ours > theirs)),
                1.0,
                0.25,
                by,
            ),
            Row(
                f"{size} numbers: square error of images, of that by components",
                errors[0] / errors[1],
                0.0,
                0.8,
                by,
            ),
            self._linear_row(x),
        )

    def _linear_row(self, x: np.ndarray) -> Row:
        """Where q is exact each weight is p(x), whatever the draw."""
        model, params = self.linear.autoencoder()
        keys = wg.random.split(wg.random.key(3), 3)
        weights = weigher(model)(params, keys, x.astype(float))
        return Row(
            f"{model.size} numbers, linear: largest distance of weights from p(x)",
            float(np.max(np.abs(weights - self.linear.log_density(x)))),
            0.0,
            1e-10,
            "its matrix",
        )


def compared(size: int, epochs: int) -> Compared:
    """Train, and measure on the images held out."""
    seen, unseen = images()
    found = train(networks(size), epochs)
    return Compared(found, components(seen, size), found.log_weights(unseen, DRAWS))


def bound_rows(found: Compared, x: np.ndarray) -> tuple[Row, ...]:
    """What must hold of the bounds, by log p(x) integrated over two numbers."""
    exact, weights = integrated(found.found, x), found.log_weights
    model, params = found.found.model, found.found.params
    keys = wg.random.split(wg.random.key(4), DRAWS)
    bounds = wg.jit(wg.vmap(lambda k, p, x: bound(model, p, k, x), (0, None, None)))
    means = bounds(keys, params, x), weights.mean(axis=1)
    errors = [np.std(each) / np.sqrt(DRAWS) for each in means]
    return (
        Row(
            "bound with the divergence as a formula, nats",
            float(np.mean(means[0])),
            float(np.mean(means[1])),
            4.0 * float(np.hypot(*errors)),
            "a mean of weights",
        ),
        Row(
            "images whose bound is above log p(x)",
            float(np.sum(weights.mean(axis=0) > exact)),
            0.0,
            0.0,
            "numerical integration",
        ),
        Row(
            f"log p(x) by {DRAWS} weights: median distance, nats",
            float(np.median(np.abs(found.log_density - exact))),
            0.0,
            0.5,
            "numerical integration",
        ),
    )


def study(sizes: tuple[int, ...] = SIZES, epochs: int = EPOCHS) -> Study:
    """Train autoencoders of some sizes, the first of them 2; measured held out."""
    unseen = images()[1]
    runs = {size: compared(size, epochs) for size in sizes}
    rows = [row for run in runs.values() for row in run.rows(unseen)]
    rows += bound_rows(runs[2], unseen)
    return Study(tuple(rows), functools.partial(_draw, runs), (13.0, 8.2))


# -- its picture ---------------------------------------------------------------------


def tiles(x: Any, columns: int) -> np.ndarray:
    """Images (n, 64) beside and below each other, as one."""
    grid = np.reshape(x, (-1, columns, 8, 8))
    padded = np.pad(grid, ((0, 0), (0, 0), (1, 0), (1, 0)))
    return padded.transpose(0, 2, 1, 3).reshape(len(grid) * 9, columns * 9)


def _draw(runs: dict[int, Compared], figure: Figure) -> None:
    (plane, chart, samples), (again, bounds, epochs) = axes_of(figure, 2, 3)
    _draw_plane(runs[2].found, plane, chart)
    largest = runs[max(runs)]
    size = largest.found.model.size
    z = wg.random.normal(wg.random.key(5), (96, size))
    _show(samples, tiles(largest.found.model.decoded(largest.found.params, z), 12))
    samples.set_title(f"drawn: {size} normal numbers each", fontsize=10)
    _draw_again(largest, again)
    for (k, run), color in zip(runs.items(), (ORANGE, BLUE), strict=False):
        means = [weighted_bound(run.log_weights, n).mean() for n in GROUPS]
        bounds.semilogx(GROUPS, means, "o-", color=color, label=f"{k} numbers")
        linear = run.linear.log_density(images()[1]).mean()
        bounds.axhline(linear, color=color, ls="--", label=f"{k} components")
        epochs.plot(run.found.bounds, color=color, label=f"{k} numbers")
    exact = integrated(runs[2].found, images()[1]).mean()
    bounds.axhline(exact, color=ORANGE, ls=":", label="2 numbers, integrated")
    label(bounds, "weights for each image", "log p(x) held out, nats")
    bounds.legend(frameon=False, fontsize=9, loc=(0.45, 0.43))
    label(epochs, "epoch", "bound while it learns, nats")


def _show(ax: Axes, picture: np.ndarray) -> None:
    ax.imshow(picture, cmap="gray_r", vmin=0.0, vmax=1.0)
    ax.set_axis_off()


def _draw_plane(found: Trained, plane: Axes, chart: Axes) -> None:
    """What each place of the plane of two numbers looks like, and who lives where."""
    line = ndtri((np.arange(14) + 0.5) / 14)  # as dense as the numbers are
    z = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
    _show(plane, tiles(found.model.decoded(found.params, z), len(line)))
    plane.set_title("images made of two numbers", fontsize=10)
    unseen = digits()[1]
    at, _ = found.model.encoded(found.params, images()[1])
    for digit in range(10):
        x, y = at[unseen.labels == digit].T
        chart.scatter(x, y, 60, color=f"C{digit}", marker=f"${digit}$", lw=0.3)
    chart.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
    label(chart, "the two numbers of images held out", "")


def _draw_again(run: Compared, ax: Axes) -> None:
    """Some images held out, and what is left of them."""
    size, rows = run.found.model.size, []
    for some in images()[1][:36].reshape(3, 12, PIXELS):
        versions = some, run.found.reconstructed(some), run.linear.nearest(some)
        rows += [*(tiles(x, 12) for x in versions), np.zeros((3, 108))]
    _show(ax, np.concatenate(rows))
    ax.set_title(
        f"held out; by {size} numbers; by {size} principal components", fontsize=10
    )
