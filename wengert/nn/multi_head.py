"""Attention by several heads at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert.nn import checks
from wengert.nn.attention import attention
from wengert.nn.initialisers import Initialiser, glorot_uniform, zeros
from wengert.nn.layer import Context, Layer, part
from wengert.nn.positions import rotate


def split_heads(x: Any, heads: int) -> Any:
    """(batch, time, heads * d) -> (batch, heads, time, d)."""
    batch, time, features = x.shape
    x = wnp.reshape(x, (batch, time, heads, features // heads))
    return wnp.transpose(x, (0, 2, 1, 3))


def join_heads(x: Any) -> Any:
    """(batch, heads, time, d) -> (batch, time, heads * d)."""
    batch, heads, time, features = x.shape
    x = wnp.transpose(x, (0, 2, 1, 3))
    return wnp.reshape(x, (batch, time, heads * features))


def pairs(mask: Any) -> Any:
    """A mask (batch, keys) or (batch, queries, keys) as one for all heads."""
    if mask is None:
        return None
    return mask[:, None, None, :] if len(mask.shape) == 2 else mask[:, None]


def attention_setup(
    heads: int, features: int, memory: int, draw: Initialiser, key: Any, dtype: Any
) -> dict[str, Any]:
    """Parameters: W and b of queries, keys and values, and of the output."""
    keys = wg.random.split(key, 4)
    inputs = {"query": features, "key": memory, "value": memory, "output": features}
    params = {}
    for own, (name, count) in zip(keys, inputs.items(), strict=True):
        weight = draw(own, (features, count), dtype)
        params[name] = {"weight": weight, "bias": zeros(own, (features,), dtype)}
    return params


def project(name: str, x: Any, params: Any, context: Context) -> Any:
    """``W x + b`` of one of the four maps."""
    own = part(context, "parameters", params, name)
    weight = checks.parameter(context, own, "weight", (None, None))
    checks.features(context, x, weight.shape[1])
    return x @ weight.T + checks.parameter(context, own, "bias", (weight.shape[0],))


@dataclasses.dataclass(frozen=True)
class MultiHeadAttention(Layer):
    """``W_o [head_1, ..., head_h] + b_o``, a head `attention` of its part of Q, K, V.

    ``Q = W_q x + b_q`` and so on. The input is x of shape (batch, time, features), or
    ``(x, mask)``: booleans (batch, keys), True where a key is there and no padding, or
    (batch, queries, keys), True where a query may see a key.

    Args:
        heads: Number of heads, which divides that of features.
        features: Of x and of the result; None: read off the sample.
        causal: Whether a query sees the keys up to its own time only.
        rotary: Whether queries and keys are turned by their times, see `rotate`.
        weight_init: How the four W, of shape (features, features), begin.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> layer, x = nn.MultiHeadAttention(2, causal=True), np.ones((1, 5, 4))
        >>> params, state = nn.setup(wg.random.key(0), layer, x)
        >>> nn.apply(layer, x, params)[0].shape
        (1, 5, 4)

    References:
        Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """

    heads: int
    features: int | None = None
    causal: bool = False
    rotary: bool = False
    weight_init: Initialiser = glorot_uniform

    def __post_init__(self) -> None:
        sizes = {"heads": self.heads, "features": self.features}
        checks.positive("MultiHeadAttention", **sizes)

    @property
    def takes_given(self) -> bool:
        return True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        n = checks.size(context, "features", self.features, x, -1)
        checks.divides(context, "features", self.heads, n)
        draw, dtype = self.weight_init, context.dtype
        return attention_setup(self.heads, n, n, draw, key, dtype), ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        x, mask = x if isinstance(x, tuple) else (x, None)
        checks.axes(context, x, 3, "(batch, time, features)")
        q, k, v = (
            split_heads(project(name, x, params, context), self.heads)
            for name in ("query", "key", "value")
        )
        if self.rotary:
            q, k = rotate(q), rotate(k)
        y = join_heads(attention(q, k, v, pairs(mask), self.causal))
        return project("output", y, params, context), state


@dataclasses.dataclass(frozen=True)
class CrossAttention(Layer):
    """`MultiHeadAttention` whose keys and values come from a memory.

    The input is ``(x, memory)`` or ``(x, memory, mask)``: x of shape (batch, time,
    features), the memory (batch, keys, its features), and the mask as there.

    Args:
        heads, features, weight_init: As for `MultiHeadAttention`.
        memory: Features of the memory; None: read off the sample, or if there is no
            sample, as many as x has.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> layer, x = nn.CrossAttention(2), (np.ones((1, 5, 4)), np.ones((1, 7, 6)))
        >>> params, state = nn.setup(wg.random.key(0), layer, x)
        >>> nn.apply(layer, x, params)[0].shape
        (1, 5, 4)
    """

    heads: int
    features: int | None = None
    memory: int | None = None
    weight_init: Initialiser = glorot_uniform

    def __post_init__(self) -> None:
        sizes = {"heads": self.heads, "features": self.features, "memory": self.memory}
        checks.positive("CrossAttention", **sizes)

    @property
    def takes_given(self) -> bool:
        return True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        main, memory = (None, None) if x is None else x[:2]
        n = checks.size(context, "features", self.features, main, -1)
        m = n if memory is None else int(memory.shape[-1])
        checks.divides(context, "features", self.heads, n)
        draw, dtype = self.weight_init, context.dtype
        return attention_setup(self.heads, n, self.memory or m, draw, key, dtype), ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        main, memory, mask = (*x, None)[:3]
        for array in (main, memory):
            checks.axes(context, array, 3, "(batch, time, features)")
        q = split_heads(project("query", main, params, context), self.heads)
        k = split_heads(project("key", memory, params, context), self.heads)
        v = split_heads(project("value", memory, params, context), self.heads)
        y = join_heads(attention(q, k, v, pairs(mask)))
        return project("output", y, params, context), state
