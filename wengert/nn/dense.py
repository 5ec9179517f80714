"""The affine map."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
from wengert.nn import checks
from wengert.nn.initialisers import Initialiser, glorot_uniform, zeros
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class Dense(Layer):
    """``y = W x + b`` on the last axis, with any number of axes before.

    Args:
        outputs: Entries of y.
        inputs: Entries of x; None: read off the sample.
        bias: Whether there is a b.
        weight_init, bias_init: How W, of shape (outputs, inputs), and b begin.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> params, state = nn.setup(wg.random.key(0), nn.Dense(2, inputs=3))
        >>> nn.apply(nn.Dense(2), np.ones((7, 5, 3)), params, state)[0].shape
        (7, 5, 2)
    """

    outputs: int
    inputs: int | None = None
    bias: bool = True
    weight_init: Initialiser = glorot_uniform
    bias_init: Initialiser = zeros

    def __post_init__(self) -> None:
        checks.positive("Dense", outputs=self.outputs, inputs=self.inputs)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        inputs = checks.size(context, "inputs", self.inputs, x, -1)
        for_weight, for_bias = wg.random.split(key)
        shape = (self.outputs, inputs)
        params = {"weight": self.weight_init(for_weight, shape, context.dtype)}
        if self.bias:
            params["bias"] = self.bias_init(for_bias, (self.outputs,), context.dtype)
        return params, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        shape = (self.outputs, self.inputs)
        weight = checks.parameter(context, params, "weight", shape)
        checks.features(context, x, weight.shape[1])
        y = x @ weight.T
        if self.bias:
            y = y + checks.parameter(context, params, "bias", (self.outputs,))
        return y, state
