"""Normalisation of groups of channels."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import wengert.numpy as wnp
from wengert.nn import checks
from wengert.nn.layer import Context, Layer
from wengert.nn.standardise import standardise


@dataclasses.dataclass(frozen=True)
class GroupNorm(Layer):
    """``y = γ (x - μ) / √(σ² + ε) + β``, μ and σ² over a group's channels and space.

    Inputs are (batch, channels, *space). One group is layer normalisation over
    everything, as many groups as channels is instance normalisation.

    Args:
        groups: Number of groups, which divides that of channels.
        channels: Entries of axis 1; None: read off the sample.
        epsilon: Positive ε.
        affine: Whether there are γ and β, one for each channel; they begin with 1, 0.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> params, state = nn.setup(wg.random.key(0), nn.GroupNorm(2), x)
        >>> np.round(nn.apply(nn.GroupNorm(2), x, params)[0].reshape(-1), 3)
        array([-1.,  1., -1.,  1.])

    References:
        Wu & He, "Group normalization", ECCV 2018.
    """

    groups: int
    channels: int | None = None
    epsilon: float = 1e-5
    affine: bool = True

    def __post_init__(self) -> None:
        checks.positive("GroupNorm", groups=self.groups, channels=self.channels)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        n = checks.size(context, "channels", self.channels, x, 1)
        checks.divides(context, "channels", self.groups, n)
        if not self.affine:
            return (), ()
        params = {"scale": wnp.ones(n, context.dtype)}
        return {**params, "shift": wnp.zeros(n, context.dtype)}, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        checks.axes(context, x, 2, "(batch, channels, *space)")
        batch, channels, *space = x.shape
        checks.divides(context, "channels", self.groups, channels)
        within = (channels // self.groups) * math.prod(space)
        grouped = wnp.reshape(x, (batch, self.groups, within))
        y = wnp.reshape(standardise(grouped, (-1,), self.epsilon), x.shape)
        if not self.affine:
            return y, state
        scale = checks.parameter(context, params, "scale", (self.channels,))
        checks.features(context, x, scale.shape[0], axis=1)
        shift = checks.parameter(context, params, "shift", scale.shape)
        along = (-1, *(1 for _ in space))
        return y * scale.reshape(along) + shift.reshape(along), state
