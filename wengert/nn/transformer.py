"""The blocks that transformers are made of, written as chains of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.nn.activations import gelu
from wengert.nn.chain import Chain
from wengert.nn.dense import Dense
from wengert.nn.dropout import Dropout
from wengert.nn.layer import Layer
from wengert.nn.layer_norm import LayerNorm
from wengert.nn.multi_head import CrossAttention, MultiHeadAttention
from wengert.nn.residual import Residual


def _added(
    *layers: Any, features: int, dropout: float, norm_first: bool, given: bool = False
) -> list[Layer]:
    """``x + f(norm(x))``, or ``norm(x + f(x))``, with dropout at the end of f."""
    drop = (Dropout(dropout),) if dropout else ()
    norm = LayerNorm(features)
    if norm_first:
        return [Residual(Chain(norm, *layers, *drop, given=given))]
    return [Residual(Chain(*layers, *drop, given=given)), norm]


def encoder_block(
    features: int,
    heads: int,
    inner: int | None = None,
    *,
    causal: bool = False,
    rotary: bool = False,
    dropout: float = 0.0,
    activation: Callable[[Any], Any] = gelu,
    norm_first: bool = True,
) -> Chain:
    """A block of a transformer: self-attention, then two dense layers, each added to x.

    It takes x of shape (batch, time, features), or ``(x, mask)`` with a mask as for
    `MultiHeadAttention`, and keeps the shape of x: ``nn.Repeat(nn.encoder_block(...),
    12)`` is a deep one. With ``causal=True`` it is the block of a language model.

    Args:
        features: Entries of x at a time.
        heads: Number of heads of the attention.
        inner: Entries between the two dense layers; None: four times `features`.
        causal, rotary: As for `MultiHeadAttention`.
        dropout: Rate at which what is added is dropped.
        activation: Between the two dense layers.
        norm_first: ``x + f(norm(x))``; otherwise ``norm(x + f(x))``, as first
            published.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Repeat(nn.encoder_block(8, 2, causal=True), 3)
        >>> params, state = nn.setup(wg.random.key(0), model, np.ones((1, 5, 8)))
        >>> nn.apply(model, np.ones((2, 5, 8)), params, state)[0].shape
        (2, 5, 8)

    References:
        Vaswani et al., "Attention is all you need", NeurIPS 2017; Xiong et al., "On
        layer normalization in the transformer architecture", ICML 2020.
    """
    how: Any = {"features": features, "dropout": dropout, "norm_first": norm_first}
    attend = MultiHeadAttention(heads, features, causal, rotary)
    dense = _dense(features, inner, activation)
    return Chain(*_added(attend, given=True, **how), *_added(*dense, **how), given=True)


def decoder_block(
    features: int,
    heads: int,
    inner: int | None = None,
    *,
    memory: int | None = None,
    rotary: bool = False,
    dropout: float = 0.0,
    activation: Callable[[Any], Any] = gelu,
    norm_first: bool = True,
) -> Chain:
    """Causal self-attention, attention to a memory, and two dense layers.

    It takes ``(x, memory)`` or ``(x, memory, mask)`` as `CrossAttention` does, and
    keeps the shape of x. In a chain with ``given=True`` every block gets the memory.

    Args:
        features, heads, inner, rotary, dropout, activation, norm_first: As for
            `encoder_block`.
        memory: Features of the memory; None: as many as x has, or as the sample says.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x, memory = np.ones((2, 5, 8)), np.ones((2, 7, 8))
        >>> model = nn.Chain(nn.decoder_block(8, 2), nn.Dense(3), given=True)
        >>> params, state = nn.setup(wg.random.key(0), model, (x, memory))
        >>> nn.apply(model, (x, memory), params, state)[0].shape
        (2, 5, 3)
    """
    how: Any = {"features": features, "dropout": dropout, "norm_first": norm_first}
    itself = MultiHeadAttention(heads, features, True, rotary)
    other = CrossAttention(heads, features, memory)
    dense = _dense(features, inner, activation)
    return Chain(
        *_added(itself, **how),
        *_added(other, given=True, **how),
        *_added(*dense, **how),
        given=True,
    )


def _dense(
    features: int, inner: int | None, activation: Callable[[Any], Any]
) -> tuple[Any, ...]:
    inner = inner or 4 * features
    return Dense(inner, features), activation, Dense(features, inner)
