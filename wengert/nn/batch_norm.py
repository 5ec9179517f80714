"""Normalisation by the statistics of the batch."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn import checks
from wengert.nn.layer import Context, Layer, part
from wengert.nn.standardise import moments


@dataclasses.dataclass(frozen=True)
class BatchNorm(Layer):
    """``y = γ (x - μ) / √(σ² + ε) + β``, for each channel.

    When training, μ and σ² are mean and variance over the batch and the other axes;
    derivatives go through them, so that each output depends on every sample. The state
    follows them, ``running <- momentum running + (1 - momentum) batch``, with the
    estimate of the variance that divides by n - 1. Otherwise they are the running ones.

    Args:
        channels: Entries of the axis of channels; None: read off the sample.
        axis: Which axis that is.
        momentum: What the running statistics keep of themselves in a step.
        epsilon: Positive ε.
        affine: Whether there are γ and β; they begin with 1 and 0.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x = np.array([[1.0], [3.0]])
        >>> params, state = nn.setup(wg.random.key(0), nn.BatchNorm(), x)
        >>> y, state = nn.apply(nn.BatchNorm(), x, params, state, training=True)
        >>> np.round(y[:, 0], 3), np.round(state["mean"], 3)
        (array([-1.,  1.]), array([0.2]))

    References:
        Ioffe & Szegedy, "Batch normalization", ICML 2015.
    """

    channels: int | None = None
    axis: int = 1
    momentum: float = 0.9
    epsilon: float = 1e-5
    affine: bool = True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        n = checks.size(context, "channels", self.channels, x, self.axis)
        ones, zeros = wnp.ones(n, context.dtype), wnp.zeros(n, context.dtype)
        params = {"scale": ones, "shift": zeros} if self.affine else ()
        return params, {"mean": zeros.copy(), "variance": ones.copy()}

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        mean, variance = (part(context, "state", state, k) for k in STATISTICS)
        checks.features(context, x, mean.shape[0], self.axis)
        axis = self.axis % len(x.shape)
        others = tuple(a for a in range(len(x.shape)) if a != axis)
        along = tuple(-1 if a == axis else 1 for a in range(len(x.shape)))
        if context.training:
            count = math.prod(x.shape[a] for a in others)
            _check_count(context, x, count)
            centre, spread = moments(x, others)
            state = self._followed(state, centre, spread, count)
        else:
            centre, spread = mean.reshape(along), variance.reshape(along)
        y = (x - centre) / wnp.sqrt(spread + self.epsilon)
        if self.affine:
            scale = checks.parameter(context, params, "scale", mean.shape)
            shift = checks.parameter(context, params, "shift", mean.shape)
            y = y * scale.reshape(along) + shift.reshape(along)
        return y, state

    def _followed(self, state: Any, mean: Any, variance: Any, count: Any) -> Any:
        keep = self.momentum
        unbiased = variance.reshape(-1) * (count / (count - 1))
        now = {"mean": mean.reshape(-1), "variance": unbiased}
        return {k: keep * state[k] + (1.0 - keep) * now[k] for k in STATISTICS}


STATISTICS = ("mean", "variance")


def _check_count(context: Context, x: Any, count: Any) -> None:
    if count < 2:
        raise ShapeError(
            explain(
                f"{context.path}: an input of shape {tuple(x.shape)} has one number a "
                "channel",
                why="a single number has no variance.",
                fix="train with larger batches",
            )
        )
