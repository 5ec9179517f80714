"""Networks of sines, whose derivatives are networks of the same kind."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert.nn import checks
from wengert.nn.initialisers import Initialiser, Uniform, zeros
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class Siren(Layer):
    """``y = sin(ω (W x + b))`` on the last axis.

    W begins uniform, within ``1 / inputs`` in the first layer and within ``√(6 /
    inputs) / ω`` in the others: what the sines are taken of then has variance 1 at
    every depth. For images and fields as functions of coordinates: a chain of these,
    and a `Dense` at its end.

    Args:
        outputs: Entries of y.
        inputs: Entries of x; None: read off the sample.
        omega: The ω: how fast the functions vary that the first layer begins with.
        first: Whether x are coordinates and not the output of such a layer.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Chain(nn.Siren(32, first=True), nn.Siren(32), nn.Dense(3))
        >>> x = np.linspace(-1.0, 1.0, 20).reshape(10, 2)
        >>> params, state = nn.setup(wg.random.key(0), model, x)
        >>> nn.apply(model, x, params, state)[0].shape
        (10, 3)

    References:
        Sitzmann et al., "Implicit neural representations with periodic activation
        functions", NeurIPS 2020.
    """

    outputs: int
    inputs: int | None = None
    omega: float = 30.0
    first: bool = False

    def __post_init__(self) -> None:
        checks.positive("Siren", outputs=self.outputs, inputs=self.inputs)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        inputs = checks.size(context, "inputs", self.inputs, x, -1)
        bound = 1.0 / inputs if self.first else math.sqrt(6.0 / inputs) / self.omega
        draw: Initialiser = Uniform(bound)
        weight = draw(key, (self.outputs, inputs), context.dtype)
        return {"weight": weight, "bias": zeros(key, (self.outputs,), weight.dtype)}, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        shape = (self.outputs, self.inputs)
        weight = checks.parameter(context, params, "weight", shape)
        bias = checks.parameter(context, params, "bias", (self.outputs,))
        checks.features(context, x, weight.shape[1])
        return wnp.sin(self.omega * (x @ weight.T + bias)), state


@dataclasses.dataclass(frozen=True)
class FourierFeatures(Layer):
    """``y = (cos(2π B x), sin(2π B x))`` with a random B that is not learnt.

    B, of shape (count, inputs), is in the state; its entries are normal, of standard
    deviation `scale`.

    Args:
        count: Rows of B; y has twice as many entries.
        scale: How fast the waves vary with x.
        inputs: Entries of x; None: read off the sample.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Chain(nn.FourierFeatures(16, scale=3.0), nn.Dense(1))
        >>> params, state = nn.setup(wg.random.key(0), model, np.ones((1, 2)))
        >>> params[0], state[0]["frequencies"].shape, params[1]["weight"].shape
        ((), (16, 2), (1, 32))

    References:
        Tancik et al., "Fourier features let networks learn high frequency functions in
        low dimensional domains", NeurIPS 2020.
    """

    count: int
    scale: float = 1.0
    inputs: int | None = None

    def __post_init__(self) -> None:
        checks.positive("FourierFeatures", count=self.count, inputs=self.inputs)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        inputs = checks.size(context, "inputs", self.inputs, x, -1)
        shape = (self.count, inputs)
        draw = wg.random.normal(key, shape, context.dtype)
        return (), {"frequencies": self.scale * draw}

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        shape = (self.count, self.inputs)
        frequencies = checks.parameter(context, state, "frequencies", shape)
        checks.features(context, x, frequencies.shape[1])
        angle = (2.0 * math.pi) * (x @ frequencies.T)
        return wnp.concatenate([wnp.cos(angle), wnp.sin(angle)], axis=-1), state
