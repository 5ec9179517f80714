"""Transposed convolutions, which make space larger."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert.nn import checks, windows
from wengert.nn.initialisers import Initialiser, glorot_uniform, zeros
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class ConvTranspose(Layer):
    """``y[n,o,q] = b[o] + Σ W[c,o,k] x[n,c,p]``, over all ``s p + d k - padding = q``.

    The transpose of `Conv` with the same kernel and settings ("deconvolution"). Each
    spatial axis gets ``(space - 1) s - 2 padding + d (window - 1) + 1`` entries, and
    those that `output_padding` adds.

    Args:
        outputs, window, inputs, strides, dilation, groups, bias: As for `Conv`.
        padding: As for `Conv`, in numbers; it takes entries from the result.
        output_padding: Entries to add at the end of each axis, fewer than the stride.
        weight_init, bias_init: How W, of shape (inputs, outputs / groups, *window),
            and b begin.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> layer = nn.ConvTranspose(1, (2, 2), strides=2)
        >>> params, state = nn.setup(wg.random.key(0), layer, np.ones((1, 4, 3, 3)))
        >>> nn.apply(layer, np.ones((5, 4, 3, 3)), params, state)[0].shape
        (5, 1, 6, 6)
    """

    outputs: int
    window: int | tuple[int, ...]
    inputs: int | None = None
    strides: Any = 1
    padding: Any = 0
    output_padding: Any = 0
    dilation: Any = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initialiser = glorot_uniform
    bias_init: Initialiser = zeros

    def __post_init__(self) -> None:
        sizes = {"outputs": self.outputs, "inputs": self.inputs, "groups": self.groups}
        checks.positive("ConvTranspose", **sizes)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        if x is not None:
            windows.images(context, x)
        inputs = checks.size(context, "input channels", self.inputs, x, 1)
        checks.divides(context, "input channels", self.groups, inputs)
        checks.divides(context, "output channels", self.groups, self.outputs)
        window = windows.window_of(context, self.window, x)
        shape = (inputs, self.outputs // self.groups, *window)
        for_weight, for_bias = wg.random.split(key)
        params = {"weight": self.weight_init(for_weight, shape, context.dtype)}
        if self.bias:
            params["bias"] = self.bias_init(for_bias, (self.outputs,), context.dtype)
        return params, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        window = windows.over(context, self.window, x)
        shape = (None, self.outputs // self.groups, *window)
        weight = checks.parameter(context, params, "weight", shape)
        checks.features(context, x, weight.shape[0], axis=1)
        how = (self.strides, self.padding, self.dilation, self.groups)
        y = wnp.conv_transpose(x, weight, *how, self.output_padding)
        if self.bias:
            bias = checks.parameter(context, params, "bias", (self.outputs,))
            y = y + bias.reshape(-1, *(1 for _ in window))
        return y, state
