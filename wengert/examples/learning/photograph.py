"""A photograph as a function of its coordinates.

A network of sines (Sitzmann et al., NeurIPS 2020) learns the brightness of a flower, a
photograph that comes with scikit-learn: its middle, 384 x 384 pixels, reduced to
96 x 96 by the means of 4 x 4. What has been learnt is smooth, and its gradient is
exact; it is shown beside the differences of neighbouring pixels, of which it was told
nothing.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn
from wengert.examples.study import Row, Study, axes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE, REDUCED, STEPS = 96, 4, 500
MODEL = nn.Chain(nn.Siren(96, first=True), nn.Siren(96), nn.Siren(96), nn.Dense(1))
STATELESS = ((), (), (), ())


def photograph() -> np.ndarray:
    """The brightness (96, 96), from -1 to 1, float32, rows downwards."""
    from sklearn.datasets import load_sample_image

    colours = load_sample_image("flower.jpg") / 255.0
    size = SIDE * REDUCED
    top, left = ((length - size) // 2 for length in colours.shape[:2])
    middle = colours[top : top + size, left : left + size].mean(axis=2)
    blocks = middle.reshape(SIDE, REDUCED, SIDE, REDUCED)
    reduced: np.ndarray = 2.0 * blocks.mean(axis=(1, 3)) - 1.0
    return reduced.astype(np.float32)


def places() -> np.ndarray:
    """The middle of every pixel: (96 * 96, 2), downwards and rightwards, -1 to 1."""
    line = (np.arange(SIDE) + 0.5) * (2.0 / SIDE) - 1.0
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    return grid.reshape(-1, 2).astype(np.float32)


def brightness(params: Any, at: Any) -> Any:
    """The network's picture at places (n, 2)."""
    return nn.apply(MODEL, at, params, STATELESS)[0][:, 0]


class Fitted(NamedTuple):
    """The parameters of a network, and its mean square error before every step."""

    params: Any
    errors: np.ndarray


def fit(picture: np.ndarray, seed: int = 0, steps: int = STEPS) -> Fitted:
    """Train on all pixels at once; the training is one native call."""
    optimiser = wg.optim.adam(wg.optim.cosine_decay_schedule(1e-3, steps))

    def loss(params: Any, at: Any, seen: Any) -> Any:
        return nn.squared_error(brightness(params, at), seen)

    @wg.jit
    def train(params: Any, at: Any, seen: Any) -> Fitted:
        opt_state, errors = optimiser.init(params), np.empty(steps)
        for i in range(steps):
            errors[i], grads = wg.value_and_grad(loss)(params, at, seen)
            updates, opt_state = optimiser.update(grads, opt_state, params)
            params = wg.optim.apply_updates(params, updates)
        return Fitted(params, errors)

    at = places()
    params, _ = nn.setup(wg.random.key(seed), MODEL, at[:1])
    found: Fitted = train(params, at, picture.ravel())
    return found


@wg.jit
def slopes(params: Any, at: Any) -> Any:
    """The gradient of the picture at places (n, 2), in units of their coordinates."""
    return wg.grad(lambda at: np.sum(brightness(params, at)))(at)


def quality(seen: Any, learnt: Any) -> float:
    """The ratio of peak signal to noise, in decibels; the range is 2."""
    return float(10.0 * np.log10(4.0 / np.mean((seen - learnt) ** 2)))


def differences(picture: Any) -> Any:
    """Central differences of the pixels, (96, 96, 2), in the same units."""
    return np.stack(np.gradient(picture, 2.0 / SIDE), axis=-1)


def differs(params: Any, at: Any, width: float = 1e-5) -> float:
    """How far the gradient is from central differences of the network, in float64.

    The largest distance, as a share of the largest slope.
    """
    params, at = wg.tree.map(lambda x: np.asarray(x, float), (params, at[::50]))
    exact, value = slopes(params, at), wg.jit(brightness)
    steps = width * np.eye(2)
    apart = [value(params, at + h) - value(params, at - h) for h in steps]
    found = np.stack(apart, axis=-1) / (2.0 * width)
    return float(np.max(np.abs(exact - found)) / np.max(np.abs(exact)))


def study(steps: int = STEPS, at_least: float = 30.0, within: float = 0.25) -> Study:
    """Learn the photograph, and compare its gradient with the pixels' differences."""
    seen, at = photograph(), places()
    found = fit(seen, steps=steps)
    learnt = np.asarray(wg.jit(brightness)(found.params, at)).reshape(SIDE, SIDE)
    exact = np.asarray(slopes(found.params, at)).reshape(SIDE, SIDE, 2)
    pixels = differences(seen)
    inner = np.s_[1:-1, 1:-1]
    alike = np.corrcoef(exact[inner].ravel(), pixels[inner].ravel())[0, 1]
    decibels = quality(seen, learnt)
    rows = (
        Row(
            f"root mean square error, of the range ({decibels:.1f} dB)",
            10.0 ** (-decibels / 20.0),
            0.0,
            10.0 ** (-at_least / 20.0),
            "the photograph",
        ),
        Row(
            "gradient: its largest distance from differences of the network",
            differs(found.params, at),
            0.0,
            1e-5,
            "differences",
        ),
        Row(
            "gradient: correlation with differences of the pixels",
            float(alike),
            1.0,
            within,
            "the photograph",
        ),
    )
    return Study(
        rows,
        functools.partial(_draw, seen, learnt, exact, pixels, decibels),
        (11.0, 6.4),
    )


def _draw(
    seen: Any, learnt: Any, exact: Any, pixels: Any, decibels: float, figure: Figure
) -> None:
    steep = np.percentile(np.linalg.norm(pixels, axis=-1), 99)
    panels = (
        ("the photograph", seen, 1.0),
        (f"the network: {decibels:.1f} dB", learnt, 1.0),
        ("their difference, 10 times", 10.0 * (learnt - seen), 1.0),
        ("steepness: differences of pixels", np.linalg.norm(pixels, axis=-1), steep),
        ("steepness: exact gradient", np.linalg.norm(exact, axis=-1), steep),
        ("rightwards: exact gradient", exact[..., 1], steep),
    )
    for ax, (title, image, most) in zip(
        axes_of(figure, 2, 3).flat, panels, strict=True
    ):
        least = 0.0 if title.startswith("steepness") else -most
        ax.imshow(image, cmap="gray", vmin=least, vmax=most)
        ax.set_title(title, fontsize=10)
        ax.set_axis_off()
