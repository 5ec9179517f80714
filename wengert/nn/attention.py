"""Attention: each query gets a mean of the values, weighed by how keys answer it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError


def attention(
    queries: Any, keys: Any, values: Any, mask: Any = None, causal: bool = False
) -> Any:
    """``softmax(Q Kᵀ / √d) V``, scaled dot-product attention.

    A pair that the mask excludes has weight 0, and no derivative goes through it: both
    exactly. A query with no key that it may see gets 0.

    Args:
        queries: Of shape (..., queries, d).
        keys: Of shape (..., keys, d).
        values: Of shape (..., keys, e).
        mask: Booleans that broadcast to (..., queries, keys): True where a query may
            see a key.
        causal: Whether a query sees the keys up to its own place only; the last query
            and the last key are at one place.

    Returns:
        Array of shape (..., queries, e).

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> q, v = np.zeros((2, 1)), np.array([[1.0], [3.0]])
        >>> nn.attention(q, q, v, causal=True)
        array([[1.],
               [2.]])

    References:
        Vaswani et al., "Attention is all you need", NeurIPS 2017.
    """
    _check(queries, keys, values)
    scores = queries @ wnp.swapaxes(keys, -1, -2) / math.sqrt(queries.shape[-1])
    allowed = _allowed(queries.shape[-2], keys.shape[-2], mask, causal)
    if allowed is None:
        return wnp.softmax(scores, axis=-1) @ values
    return _masked_softmax(scores, allowed) @ values


def _allowed(queries: Any, keys: Any, mask: Any, causal: bool) -> Any:
    """Which pairs there are; None: all."""
    if not causal:
        return mask
    places = wnp.arange(queries)[:, None] + (keys - queries)
    past = wnp.arange(keys)[None, :] <= places
    return past if mask is None else wnp.logical_and(past, mask)


def _masked_softmax(scores: Any, allowed: Any) -> Any:
    scores = wnp.where(allowed, scores, -np.inf)
    top = wg.stop_gradient(wnp.max(scores, axis=-1, keepdims=True))
    top = wnp.where(top == -np.inf, 0.0, top)  # the maximum of none
    weights = wnp.exp(scores - top)
    total = wnp.sum(weights, axis=-1, keepdims=True)
    return weights / wnp.where(total == 0.0, 1.0, total)


def _check(queries: Any, keys: Any, values: Any) -> None:
    shapes = [tuple(x.shape) for x in (queries, keys, values)]
    if min(map(len, shapes)) < 2 or (
        shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]
    ):
        raise ShapeError(
            explain(
                "nn.attention: expected (..., queries, d), (..., keys, d) and "
                f"(..., keys, e), got {', '.join(map(str, shapes))}",
                fix="give queries and keys as many entries, and a value for each key",
            )
        )
