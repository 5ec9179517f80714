"""Layers over the edges of a graph.

Nodes are an array (nodes, features), edges integers of shape (2, edges): the senders,
and the receivers. What goes both ways is two edges. In a chain with ``given=True`` the
edges go to every layer of a graph: ``nn.Chain(nn.GraphConv(16), nn.relu,
nn.GraphConv(2), given=True)`` takes ``(x, edges)``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn import checks
from wengert.nn.activations import leaky_relu
from wengert.nn.initialisers import Initialiser, glorot_uniform, zeros
from wengert.nn.layer import Context, Layer, apart, as_layer
from wengert.nn.segments import (
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
)


def graph(context: Context, x: Any) -> tuple[Any, Any, Any]:
    """``(nodes, senders, receivers)`` of the input ``(x, edges)`` of a layer."""
    shapes: Any = _shapes(x)[:2] if isinstance(x, tuple) else ()
    if list(map(len, shapes)) != [2, 2] or shapes[1][0] != 2:
        raise ShapeError(
            explain(
                f"{context.path}: expected (x, edges) of shapes (nodes, features) and "
                f"(2, edges), got {_shapes(x)}",
                fix="pass the edges beside x; in a chain of layers, "
                "nn.Chain(..., given=True)",
            )
        )
    nodes, edges = x[:2]
    checks.integers(context, "edges", edges)
    return nodes, edges[0], edges[1]


def _shapes(x: Any) -> Any:
    return tuple(map(_shapes, x)) if isinstance(x, tuple) else tuple(np.shape(x))


@dataclasses.dataclass(frozen=True)
class GraphConv(Layer):
    """``y_r = b + Σ_s W x_s / √(d_s d_r)``, over the senders s of r and r itself.

    The degree d counts the edges that a node receives, and itself. The input is ``(x,
    edges)``.

    Args:
        outputs: Entries of y at a node.
        inputs: Entries of x at a node; None: read off the sample.
        weight_init: How W, of shape (outputs, inputs), begins.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x, edges = np.eye(3), np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> params, state = nn.setup(wg.random.key(0), nn.GraphConv(4), (x, edges))
        >>> nn.apply(nn.GraphConv(4), (x, edges), params)[0].shape
        (3, 4)

    References:
        Kipf & Welling, "Semi-supervised classification with graph convolutional
        networks", ICLR 2017.
    """

    outputs: int
    inputs: int | None = None
    weight_init: Initialiser = glorot_uniform

    def __post_init__(self) -> None:
        checks.positive("GraphConv", outputs=self.outputs, inputs=self.inputs)

    @property
    def takes_given(self) -> bool:
        return True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        inputs = checks.size(context, "inputs", self.inputs, x, -1)
        weight = self.weight_init(key, (self.outputs, inputs), context.dtype)
        return {"weight": weight, "bias": zeros(key, (self.outputs,), weight.dtype)}, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        nodes, senders, receivers = graph(context, x)
        shape = (self.outputs, self.inputs)
        weight = checks.parameter(context, params, "weight", shape)
        bias = checks.parameter(context, params, "bias", (self.outputs,))
        checks.features(context, nodes, weight.shape[1])
        count = nodes.shape[0]
        ones = wnp.ones(receivers.shape, nodes.dtype)
        share = 1.0 / wnp.sqrt(1.0 + segment_sum(ones, receivers, count))
        h = (nodes @ weight.T) * share[:, None]
        y = (h + segment_sum(h[senders], receivers, count)) * share[:, None]
        return y + bias, state


@dataclasses.dataclass(frozen=True)
class GraphAttention(Layer):
    """``y_r = b + Σ_s α_sr W x_s``, ``α = softmax_s(leaky_relu(a·W x_s + c·W x_r))``.

    The sums are over the senders s of r and r itself; each head has its own W, a and c,
    and its part of y. The input is ``(x, edges)``.

    Args:
        outputs: Entries of y at a node, a multiple of `heads`.
        heads: Number of heads.
        inputs: Entries of x at a node; None: read off the sample.
        slope: Of the leaky relu.
        weight_init: How W, of shape (outputs, inputs), a and c, begin.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x, edges = np.eye(3), np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> layer = nn.GraphAttention(4, heads=2)
        >>> params, state = nn.setup(wg.random.key(0), layer, (x, edges))
        >>> nn.apply(layer, (x, edges), params)[0].shape
        (3, 4)

    References:
        Veličković et al., "Graph attention networks", ICLR 2018.
    """

    outputs: int
    heads: int = 1
    inputs: int | None = None
    slope: float = 0.2
    weight_init: Initialiser = glorot_uniform

    def __post_init__(self) -> None:
        sizes = {"outputs": self.outputs, "heads": self.heads, "inputs": self.inputs}
        checks.positive("GraphAttention", **sizes)

    @property
    def takes_given(self) -> bool:
        return True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        inputs = checks.size(context, "inputs", self.inputs, x, -1)
        checks.divides(context, "outputs", self.heads, self.outputs)
        keys = wg.random.split(key, 3)
        draw, dtype = self.weight_init, context.dtype
        each = (self.heads, self.outputs // self.heads)
        return {
            "weight": draw(keys[0], (self.outputs, inputs), dtype),
            "sender": draw(keys[1], each, dtype),
            "receiver": draw(keys[2], each, dtype),
            "bias": zeros(key, (self.outputs,), dtype),
        }, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        nodes, senders, receivers = graph(context, x)
        count, each = nodes.shape[0], (self.heads, self.outputs // self.heads)
        shape = (self.outputs, self.inputs)
        weight = checks.parameter(context, params, "weight", shape)
        bias = checks.parameter(context, params, "bias", (self.outputs,))
        a = checks.parameter(context, params, "sender", each)
        c = checks.parameter(context, params, "receiver", each)
        checks.features(context, nodes, weight.shape[1])
        own = wnp.arange(count)
        senders = wnp.concatenate([senders, own])
        receivers = wnp.concatenate([receivers, own])
        h = wnp.reshape(nodes @ weight.T, (count, *each))
        sent, received = wnp.sum(a * h, axis=-1), wnp.sum(c * h, axis=-1)
        scores = leaky_relu(sent[senders] + received[receivers], self.slope)
        alpha = segment_softmax(scores, receivers, count)
        y = segment_sum(alpha[:, :, None] * h[senders], receivers, count)
        return wnp.reshape(y, (count, self.outputs)) + bias, state


AGGREGATES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sum": segment_sum,
    "mean": segment_mean,
    "max": segment_max,
}


@dataclasses.dataclass(frozen=True, init=False)
class MessagePassing(Layer):
    """``y_r = update(x_r, Σ_s message(x_s, x_r, e_sr))``, over the senders s of r.

    Both are layers on the last axis, in which what they take is joined. The input is
    ``(x, edges)``, or ``(x, edges, e)`` with features e of shape (edges, features).

    Args:
        message: A layer, or a function of one array.
        update: Likewise.
        aggregate: "sum", or "mean" or "max" in its place; 0 where no edge arrives.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> x, edges = np.eye(3), np.array([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> layer = nn.MessagePassing(nn.Chain(nn.Dense(8), nn.relu), nn.Dense(4))
        >>> params, state = nn.setup(wg.random.key(0), layer, (x, edges))
        >>> nn.apply(layer, (x, edges), params, state)[0].shape
        (3, 4)

    References:
        Gilmer et al., "Neural message passing for quantum chemistry", ICML 2017.
    """

    message: Layer
    update: Layer
    aggregate: str

    def __init__(self, message: Any, update: Any, aggregate: str = "sum") -> None:
        checks.chosen("MessagePassing", "aggregate", aggregate, tuple(AGGREGATES))
        object.__setattr__(self, "message", as_layer(message))
        object.__setattr__(self, "update", as_layer(update))
        object.__setattr__(self, "aggregate", aggregate)

    @property
    def takes_given(self) -> bool:
        return True

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        first, second = wg.random.split(key)
        sample = None if x is None else self._pairs(x, context)
        p, s, messages = context.setup(".message", self.message, first, sample)
        if messages is not None:
            sample = self._arrived(x, messages, context)
        q, t, _ = context.setup(".update", self.update, second, sample)
        return (p, q), (s, t)

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        p, q = apart(context, "parameters", params, 2)
        s, t = apart(context, "state", state, 2)
        pairs = self._pairs(x, context)
        messages, s = context.apply(".message", self.message, pairs, p, s)
        arrived = self._arrived(x, messages, context)
        y, t = context.apply(".update", self.update, arrived, q, t)
        return y, (s, t)

    def _pairs(self, x: Any, context: Context) -> Any:
        """What there is of each edge: (x_s, x_r, e_sr)."""
        nodes, senders, receivers = graph(context, x)
        return wnp.concatenate([nodes[senders], nodes[receivers], *x[2:]], axis=-1)

    def _arrived(self, x: Any, messages: Any, context: Context) -> Any:
        """What there is at each node: (x_r, the sum of its messages)."""
        nodes, _, receivers = graph(context, x)
        total = AGGREGATES[self.aggregate](messages, receivers, nodes.shape[0])
        return wnp.concatenate([nodes, total], axis=-1)
