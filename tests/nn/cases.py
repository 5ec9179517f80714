"""Layers and losses with inputs and parameters, for comparison with PyTorch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import nn


def fill(*shape: int, start: float = 0.0) -> np.ndarray:
    """Numbers without a pattern that a layer could meet."""
    n = int(np.prod(shape))
    return np.sin(1.7 * np.arange(n) ** 1.1 + start).reshape(shape)


class Case(NamedTuple):
    """A model and an input; floats of the input are differentiated too."""

    model: Any
    x: Any
    training: bool = False

    def set_up(self) -> tuple[Any, Any]:
        """Parameters, of which every one is something else, and the state."""
        params, state = nn.setup(wg.random.key(0), self.model, self.x)
        leaves = iter(range(1000))
        return wg.tree.map(
            lambda p: 0.5 * fill(*p.shape, start=next(leaves) + 0.5), params
        ), state


def weighed(y: Any) -> Any:
    """One number that depends on every entry of what a layer returns."""
    total = 0.0
    for i, leaf in enumerate(wg.tree.leaves(y)):
        total = total + np.sum(leaf * fill(*leaf.shape, start=i + 0.25))
    return total


SEQUENCE = fill(2, 5, 4)
IMAGES = fill(2, 4, 6, 5)
TOKENS = np.array([[1, 4, 1], [0, 2, 4]])
EDGES = np.array([[0, 1, 1, 2, 3, 3, 0], [1, 0, 2, 1, 0, 2, 2]])
NODES = fill(5, 4)
MASK = np.array([[True] * 5, [True, True, True, False, False]])

LAYERS = {
    "dense": Case(nn.Dense(3), SEQUENCE),
    "dense_without_bias": Case(nn.Dense(3, bias=False), fill(2, 4)),
    "conv_1d": Case(nn.Conv(3, 3, strides=2, padding=1), fill(2, 4, 7)),
    "conv_2d": Case(nn.Conv(4, (3, 2), padding=(1, 0), groups=2), IMAGES),
    "conv_2d_dilated": Case(nn.Conv(3, 2, strides=(1, 2), dilation=(2, 1)), IMAGES),
    "conv_2d_same": Case(nn.Conv(3, (3, 4), padding="same"), IMAGES),
    "conv_3d": Case(nn.Conv(2, 2, padding=1), fill(1, 2, 3, 4, 2)),
    "conv_transpose_1d": Case(
        nn.ConvTranspose(4, 3, strides=2, padding=1, output_padding=1, groups=2),
        fill(2, 4, 5),
    ),
    "conv_transpose_2d": Case(
        nn.ConvTranspose(3, (3, 2), strides=(2, 1), dilation=(1, 2)), fill(1, 2, 3, 4)
    ),
    "conv_transpose_3d": Case(nn.ConvTranspose(2, 2, strides=2), fill(1, 2, 2, 3, 2)),
    "max_pool": Case(nn.MaxPool((3, 2), strides=2, padding=(1, 0)), IMAGES),
    "average_pool": Case(nn.AveragePool(2, strides=(1, 2), padding=1), IMAGES),
    "global_average_pool": Case(nn.global_average_pool, IMAGES),
    "global_max_pool": Case(nn.global_max_pool, IMAGES),
    "adaptive_average_pool": Case(nn.AdaptiveAveragePool((4, 2)), IMAGES),
    "adaptive_max_pool": Case(nn.AdaptiveMaxPool((4, 2)), IMAGES),
    "batch_norm": Case(nn.BatchNorm(), IMAGES),
    "batch_norm_training": Case(nn.BatchNorm(), IMAGES, training=True),
    "layer_norm": Case(nn.LayerNorm(), SEQUENCE),
    "rms_norm": Case(nn.RMSNorm(), SEQUENCE),
    "group_norm": Case(nn.GroupNorm(2), IMAGES),
    "embedding": Case(nn.Embedding(5, 3), TOKENS),
    "rnn": Case(nn.Recurrent(nn.RNNCell(3)), SEQUENCE),
    "lstm": Case(nn.Recurrent(nn.LSTMCell(3)), SEQUENCE),
    "gru": Case(nn.Recurrent(nn.GRUCell(3)), SEQUENCE),
    "lstm_reverse": Case(nn.Recurrent(nn.LSTMCell(3), reverse=True), SEQUENCE),
    "gru_cell": Case(nn.GRUCell(3), (fill(2, 4), (fill(2, 3),))),
    "lstm_cell": Case(nn.LSTMCell(3), (fill(2, 4), (fill(2, 3), fill(2, 3)))),
    "self_attention": Case(nn.MultiHeadAttention(2), (SEQUENCE, MASK)),
    "causal_attention": Case(nn.MultiHeadAttention(2, causal=True), SEQUENCE),
    "cross_attention": Case(nn.CrossAttention(2), (fill(2, 3, 4), fill(2, 5, 6), MASK)),
    "encoder_block": Case(nn.encoder_block(4, 2, 6), (SEQUENCE, MASK)),
    "encoder_block_norm_last": Case(
        nn.encoder_block(4, 2, 6, causal=True, activation=nn.relu, norm_first=False),
        SEQUENCE,
    ),
    "decoder_block": Case(
        nn.decoder_block(4, 2, 6), (fill(2, 3, 4), fill(2, 5, 4, start=2.0), MASK)
    ),
    "rotary_attention": Case(nn.MultiHeadAttention(1, rotary=True), SEQUENCE),
    "sinusoidal_positions": Case(nn.SinusoidalPositions(), fill(2, 5, 3)),
    "learned_positions": Case(nn.LearnedPositions(7), SEQUENCE),
    "graph_conv": Case(nn.GraphConv(3), (NODES, EDGES)),
    "graph_attention": Case(nn.GraphAttention(4, heads=2), (NODES, EDGES)),
    "message_passing": Case(
        nn.MessagePassing(nn.Chain(nn.Dense(3), nn.tanh), nn.Dense(2), "mean"),
        (NODES, EDGES, fill(7, 2)),
    ),
    "siren": Case(nn.Siren(3), SEQUENCE),
    "fourier_features": Case(nn.FourierFeatures(3), SEQUENCE),
    "affine_coupling": Case(
        nn.Chain(
            nn.AffineCoupling(nn.Dense(4)), nn.AffineCoupling(nn.Dense(6), flip=True)
        ),
        fill(3, 5),
    ),
    "chain": Case(
        nn.Chain(
            nn.Residual(nn.Dense(6), shortcut=nn.Dense(6, bias=False)),
            nn.Parallel(nn.tanh, nn.Dense(2), combine=nn.concatenated),
        ),
        SEQUENCE,
    ),
    "repeat": Case(nn.Repeat(nn.Chain(nn.Dense(4), nn.tanh), 3), SEQUENCE),
    "repeat_shared": Case(
        nn.Repeat(nn.Chain(nn.Dense(4), nn.tanh), 3, shared=True), SEQUENCE
    ),
    "shared": Case(
        nn.Shared(
            nn.Chain(nn.Embedding(5, 3), nn.Dense(5, bias=False)),
            {(1, "weight"): (0, "weight")},
        ),
        TOKENS,
    ),
}

NUMBERS = np.array([-30.0, -2.5, -1.1, -0.3, 0.2, 0.9, 1.1, 3.5, 40.0])
ACTIVATIONS = {
    name: Case(getattr(nn, name), NUMBERS)
    for name in (
        "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "sigmoid", "silu",
        "softplus", "mish", "tanh", "softsign", "hard_tanh",
    )
}  # fmt: skip
ACTIVATIONS |= {
    name: Case(getattr(nn, name), fill(3, 4))
    for name in ("softmax", "log_softmax", "glu")
}

LOGITS = 3.0 * fill(3, 2, 4)
PROBABILITIES = np.exp(fill(3, 2, 4, start=1.0))
PROBABILITIES /= PROBABILITIES.sum(axis=-1, keepdims=True)
LOSSES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "squared_error": (nn.squared_error, (fill(3, 4), fill(3, 4, start=1.0))),
    "absolute_error": (nn.absolute_error, (fill(3, 4), fill(3, 4, start=1.0))),
    "huber": (nn.huber, (3.0 * fill(3, 4), fill(3, 4, start=1.0))),
    "cross_entropy": (nn.cross_entropy, (LOGITS, np.array([[0, 3], [1, 1], [2, 0]]))),
    "cross_entropy_of_probabilities": (nn.cross_entropy, (LOGITS, PROBABILITIES)),
    "binary_cross_entropy": (
        nn.binary_cross_entropy,
        (40.0 * fill(3, 4), np.abs(fill(3, 4, start=1.0))),
    ),
    "cosine_loss": (nn.cosine_loss, (fill(3, 4), fill(3, 4, start=1.0))),
    "kl_divergence": (nn.kl_divergence, (LOGITS, PROBABILITIES)),
    "info_nce": (nn.info_nce, (fill(5, 3), fill(5, 3, start=1.0))),
    "contrastive": (
        nn.contrastive,
        (fill(4, 3), fill(4, 3, start=0.2), np.array([1.0, 0.0, 0.0, 1.0])),
    ),
}
