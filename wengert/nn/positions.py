"""Where in a sequence a vector stands: sinusoidal, learned and rotary encodings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn import checks
from wengert.nn.initialisers import Initialiser, Normal
from wengert.nn.layer import Context, Layer


def angles(length: int, features: int, base: float = 1e4) -> np.ndarray:
    """``t / base^(2 i / features)`` for times t and pairs i: (length, features / 2)."""
    rates = base ** (-np.arange(0, features, 2) / features)
    return np.arange(length)[:, None] * rates


@dataclasses.dataclass(frozen=True)
class SinusoidalPositions(Layer):
    """``x[t, 2i] + sin(t / b^(2i/d))`` and ``x[t, 2i+1] + cos(t / b^(2i/d))``.

    Inputs are (batch, time, d).

    Args:
        base: The b, which bounds the longest wave.

    References:
        Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    base: float = 1e4

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        checks.axes(context, x, 2, "(..., time, features)")
        length, features = int(x.shape[-2]), int(x.shape[-1])
        angle = angles(length, features, self.base)
        both = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        table = both.reshape(length, -1)[:, :features].astype(x.dtype)
        return x + table, state


@dataclasses.dataclass(frozen=True)
class LearnedPositions(Layer):
    """``x[t] + P[t]`` with a parameter P of shape (length, features).

    Args:
        length: The longest sequence.
        features: Entries of x at a time; None: read off the sample.
        weight_init: How P begins.
    """

    length: int
    features: int | None = None
    weight_init: Initialiser = Normal(0.02)

    def __post_init__(self) -> None:
        name = "LearnedPositions"
        checks.positive(name, length=self.length, features=self.features)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        features = checks.size(context, "features", self.features, x, -1)
        shape = (self.length, features)
        return {"weight": self.weight_init(key, shape, context.dtype)}, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        shape = (self.length, self.features)
        weight = checks.parameter(context, params, "weight", shape)
        checks.axes(context, x, 2, "(..., time, features)")
        checks.features(context, x, weight.shape[1])
        time = x.shape[-2]
        if time > self.length:
            raise ShapeError(
                explain(
                    f"{context.path}: a sequence of {time}, and positions for "
                    f"{self.length}",
                    fix="make the layer with a larger length, or shorten the sequence",
                )
            )
        return x + weight[:time], state


def rotate(x: Any, base: float = 1e4) -> Any:
    """Turn the pairs ``(x_i, x_{i + d/2})`` at time t by ``t / base^(2 i / d)``.

    The product of a query and a key turned so depends on the difference of their times
    only.

    Args:
        x: Of shape (..., time, d), d even.
        base: As for `SinusoidalPositions`.

    Raises:
        ShapeError: d is odd.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> q = nn.rotate(np.ones((4, 2)))
        >>> np.allclose(q[0] @ q[1], q[2] @ q[3])
        True

    References:
        Su et al., "RoFormer: enhanced transformer with rotary position embedding",
        2021.
    """
    length, features = int(x.shape[-2]), int(x.shape[-1])
    if features % 2:
        raise ShapeError(
            explain(
                f"nn.rotate: an odd number of features, {features}",
                why="pairs of them are turned.",
                fix="choose sizes with an even number of features a head",
            )
        )
    angle = angles(length, features, base)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    a, b = x[..., : features // 2], x[..., features // 2 :]
    return wnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
