"""Normalisation of each sample by itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert.numpy as wnp
from wengert.nn import checks
from wengert.nn.layer import Context, Layer
from wengert.nn.standardise import standardise


@dataclasses.dataclass(frozen=True)
class LayerNorm(Layer):
    """``y = γ (x - mean x) / √(var x + ε) + β`` over the last axis.

    Args:
        features: Entries of the last axis; None: read off the sample.
        epsilon: Positive ε.
        affine: Whether there are γ and β; they begin with 1 and 0.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x = np.array([[1.0, 3.0], [10.0, 30.0]])
        >>> params, state = nn.setup(wg.random.key(0), nn.LayerNorm(), x)
        >>> np.round(nn.apply(nn.LayerNorm(), x, params)[0], 3)
        array([[-1.,  1.],
               [-1.,  1.]])

    References:
        Ba, Kiros & Hinton, "Layer normalization", 2016.
    """

    features: int | None = None
    epsilon: float = 1e-5
    affine: bool = True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        n = checks.size(context, "features", self.features, x, -1)
        if not self.affine:
            return (), ()
        params = {"scale": wnp.ones(n, context.dtype)}
        return {**params, "shift": wnp.zeros(n, context.dtype)}, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        checks.axes(context, x, 1, "with an axis of features")
        y = standardise(x, (-1,), self.epsilon)
        if not self.affine:
            return y, state
        scale = checks.parameter(context, params, "scale", (self.features,))
        checks.features(context, x, scale.shape[0])
        shift = checks.parameter(context, params, "shift", scale.shape)
        return y * scale + shift, state


@dataclasses.dataclass(frozen=True)
class RMSNorm(Layer):
    """``y = γ x / √(mean x² + ε)`` over the last axis.

    Args:
        features, epsilon: As for `LayerNorm`.
        affine: Whether there is a γ; it begins with 1.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x = np.array([[3.0, 4.0, 0.0, 0.0]])
        >>> params, state = nn.setup(wg.random.key(0), nn.RMSNorm(), x)
        >>> np.round(nn.apply(nn.RMSNorm(), x, params)[0], 3)
        array([[1.2, 1.6, 0. , 0. ]])

    References:
        Zhang & Sennrich, "Root mean square layer normalization", NeurIPS 2019.
    """

    features: int | None = None
    epsilon: float = 1e-6
    affine: bool = True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        n = checks.size(context, "features", self.features, x, -1)
        return ({"scale": wnp.ones(n, context.dtype)} if self.affine else ()), ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        checks.axes(context, x, 1, "with an axis of features")
        power = wnp.mean(wnp.square(x), axis=-1, keepdims=True)
        y = x / wnp.sqrt(power + self.epsilon)
        if not self.affine:
            return y, state
        scale = checks.parameter(context, params, "scale", (self.features,))
        checks.features(context, x, scale.shape[0])
        return y * scale, state
