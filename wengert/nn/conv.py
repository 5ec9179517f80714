"""Convolutions over any number of spatial axes."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert.nn import checks, windows
from wengert.nn.initialisers import Initialiser, glorot_uniform, zeros
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class Conv(Layer):
    """``y[n,o,p] = b[o] + Σ_{c,k} W[o,c,k] x[n,c, s p + d k - padding]``.

    Inputs are (batch, channels, *space) with one, two, three or more spatial axes.

    Args:
        outputs: Channels of y.
        window: Entries of the kernel along each spatial axis; an int: the same along
            all axes of the sample.
        inputs: Channels of x; None: read off the sample.
        strides: Step s of the window: an int, or one for each spatial axis.
        padding: Zeros around x: an int, an int or a pair (before, after) for each
            spatial axis, "valid" (none) or "same" (y is as long as x / strides).
        dilation: Distance d of the entries of x that neighbours in the window meet.
        groups: Groups of channels that are convolved on their own.
        bias: Whether there is a b.
        weight_init, bias_init: How W, of shape (outputs, inputs / groups, *window),
            and b begin.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> layer = nn.Conv(4, (3, 3), strides=2, padding="same")
        >>> params, state = nn.setup(wg.random.key(0), layer, np.ones((1, 1, 8, 8)))
        >>> nn.apply(layer, np.ones((5, 1, 8, 8)), params, state)[0].shape
        (5, 4, 4, 4)

    References:
        Dumoulin & Visin, "A guide to convolution arithmetic for deep learning",
        arXiv:1603.07285, 2016.
    """

    outputs: int
    window: int | tuple[int, ...]
    inputs: int | None = None
    strides: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initialiser = glorot_uniform
    bias_init: Initialiser = zeros

    def __post_init__(self) -> None:
        sizes = {"outputs": self.outputs, "inputs": self.inputs, "groups": self.groups}
        checks.positive("Conv", **sizes)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        if x is not None:
            windows.images(context, x)
        inputs = checks.size(context, "input channels", self.inputs, x, 1)
        checks.divides(context, "input channels", self.groups, inputs)
        checks.divides(context, "output channels", self.groups, self.outputs)
        window = windows.window_of(context, self.window, x)
        shape = (self.outputs, inputs // self.groups, *window)
        for_weight, for_bias = wg.random.split(key)
        params = {"weight": self.weight_init(for_weight, shape, context.dtype)}
        if self.bias:
            params["bias"] = self.bias_init(for_bias, (self.outputs,), context.dtype)
        return params, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        window = windows.over(context, self.window, x)
        shape = (self.outputs, None, *window)
        weight = checks.parameter(context, params, "weight", shape)
        checks.features(context, x, weight.shape[1] * self.groups, axis=1)
        windows.fits(context, x, window, self.padding, self.dilation)
        how = (self.strides, self.padding, self.dilation, self.groups)
        y = wnp.conv(x, weight, *how)
        if self.bias:
            bias = checks.parameter(context, params, "bias", (self.outputs,))
            y = y + bias.reshape(-1, *(1 for _ in window))
        return y, state
