"""Noise that keeps a model from relying on single entries."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ArgumentError
from wengert.nn.layer import Context, Layer, part


@dataclasses.dataclass(frozen=True)
class Dropout(Layer):
    """``y = m x / (1 - rate)``, m 0 with probability `rate` and else 1; y = x in use.

    The state is the key of the next mask: each call with ``training=True`` draws one,
    and returns the key of the next.

    Args:
        rate: From 0 up to, not including, 1.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> params, state = nn.setup(wg.random.key(0), nn.Dropout(0.5))
        >>> x = np.ones(1000)
        >>> y, state = nn.apply(nn.Dropout(0.5), x, params, state, training=True)
        >>> np.unique(y), bool(abs(y.mean() - 1.0) < 0.2)
        (array([0., 2.]), True)

    References:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from
        overfitting", JMLR 15, 2014.
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate < 1.0:
            raise ArgumentError(
                explain(
                    f"Dropout: rate={self.rate!r}",
                    fix="give the probability of being dropped, from 0 to below 1",
                )
            )

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        return (), {"key": key}

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        key = part(context, "state", state, "key")
        if not context.training or self.rate == 0.0:
            return x, state
        keys = wg.random.split(key)
        kept = wg.random.bernoulli(keys[1], 1.0 - self.rate, x.shape)
        y = wnp.where(kept, x * (1.0 / (1.0 - self.rate)), 0.0)
        return y, {"key": keys[0]}
