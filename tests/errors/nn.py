"""Errors of the networks: what does not fit a layer, which is named with its place."""

from __future__ import annotations

import numpy as np

import wengert as wg
from tests.errors.case import Case, case
from wengert import nn
from wengert.errors import ArgumentError, DTypeError, ShapeError, TreeError

KEY = wg.random.key(0)


def _setup(model, *shape):
    return nn.setup(KEY, model, np.ones(shape))


def _apply(model, sample, x, training=False):
    params, state = nn.setup(KEY, model, sample)
    return nn.apply(model, x, params, state, training)


MODEL = nn.Chain(nn.Dense(4), nn.relu, nn.Residual(nn.Chain(nn.Dense(4))))
SET_UP = nn.setup(KEY, MODEL, np.ones((2, 3)))

PLACES: list[Case] = [
    case(
        lambda: _apply(MODEL, np.ones((2, 3)), np.ones((2, 5))),
        ShapeError,
        "Chain[0].Dense: expected an input of shape (..., 3), got (2, 5)",
    ),
    case(
        lambda: _setup(nn.Chain(nn.Dense(4), nn.Dense(2, inputs=5)), 2, 3),
        ShapeError,
        "Chain[1].Dense: expected an input of shape (..., 5), got (2, 4)",
    ),
    case(
        lambda: wg.jit(lambda x: nn.apply(MODEL, x, *SET_UP))(np.ones((2, 5))),
        ShapeError,
        "Chain[0].Dense: expected an input of shape (..., 3), got (2, 5)",
    ),
    case(
        lambda: nn.setup(KEY, MODEL),
        ArgumentError,
        "Chain[0].Dense: the number of inputs is neither stated nor to be read off",
    ),
    case(
        lambda: _setup(nn.Chain(nn.Dense(4), nn.Residual(nn.Dense(3))), 2, 3),
        ShapeError,
        "Chain[1].Residual: (2, 4) + (2, 3)",
        "shortcut",
    ),
    case(
        lambda: nn.apply(MODEL, np.ones((2, 3)), ({}, ())),
        TreeError,
        "Chain: 3 layers, and parameters for 2",
    ),
    case(
        lambda: nn.apply(MODEL, np.ones((2, 3)), ({}, (), ()), ((), (), ())),
        TreeError,
        "Chain[0].Dense: expected parameters with 'weight', got []",
    ),
    case(
        lambda: nn.apply(nn.Dense(2), np.ones((1, 3)), {"weight": np.ones((3, 2))}),
        ShapeError,
        "Dense: expected the parameter 'weight' of shape (2, ...), got (3, 2)",
    ),
    case(
        lambda: _setup(nn.Shared(MODEL, {(2, "scale"): (0, "weight")}), 2, 3),
        TreeError,
        "Shared: the parameters have no place (2, 'scale')",
    ),
]

SIZES: list[Case] = [
    case(lambda: nn.Dense(0), ArgumentError, "Dense: outputs=0"),
    case(lambda: nn.Chain(nn.Dense), ArgumentError, "nn: expected a layer"),
    case(lambda: nn.Dropout(1.0), ArgumentError, "Dropout: rate=1.0"),
    case(
        lambda: nn.VarianceScaling(1.0, "both", "normal"),
        ArgumentError,
        "VarianceScaling: fan='both'",
        "choose one of 'in', 'out', 'average'",
    ),
    case(
        lambda: nn.he_normal(KEY, (3,), float),
        ShapeError,
        "nn: an array of shape (3,) has no fan-in",
    ),
    case(
        lambda: _setup(nn.GroupNorm(3), 2, 4, 5),
        ShapeError,
        "GroupNorm: 4 channels in 3 equal parts",
    ),
]

INPUTS: list[Case] = [
    case(
        lambda: _setup(nn.Conv(3, 3), 2, 4),
        ShapeError,
        "Conv: expected an array (batch, channels, *space), got shape (2, 4)",
    ),
    case(
        lambda: _setup(nn.Conv(3, (3, 3)), 2, 4, 5),
        ShapeError,
        "Conv: expected (batch, channels, *space) with 2 spatial axes, got (2, 4, 5)",
    ),
    case(
        lambda: _setup(nn.Chain(nn.MaxPool(3)), 2, 4, 2),
        ShapeError,
        "Chain[0].MaxPool: a window of (3,) does not fit into (2,)",
    ),
    case(
        lambda: _apply(nn.BatchNorm(), np.ones((2, 3)), np.ones((1, 3)), training=True),
        ShapeError,
        "BatchNorm: an input of shape (1, 3) has one number a channel",
    ),
    case(
        lambda: _setup(nn.Embedding(3, 2), 2),
        DTypeError,
        "Embedding: expected integers as places in the table, got float64",
    ),
    case(
        lambda: _apply(
            nn.LSTMCell(3), np.ones((2, 4)), (np.ones((2, 4)), (np.ones((2, 5)),))
        ),
        ShapeError,
        "LSTMCell: expected a carry of 2 arrays of shape (2, 3), got [(2, 5)]",
    ),
    case(
        lambda: nn.attention(np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 4))),
        ShapeError,
        "nn.attention: expected (..., queries, d)",
        "got (2, 3), (2, 4), (2, 4)",
    ),
    case(
        lambda: _setup(nn.MultiHeadAttention(2, rotary=True), 1, 2, 6),
        ShapeError,
        "nn.rotate: an odd number of features, 3",
    ),
    case(
        lambda: _setup(nn.Chain(nn.GraphConv(3)), 2, 4),
        ShapeError,
        "Chain[0].GraphConv: expected (x, edges)",
        "got (2, 4)",
        "given=True",
    ),
    case(
        lambda: _setup(nn.AffineCoupling(nn.Dense(3)), 2, 4),
        ShapeError,
        "AffineCoupling: expected the net to return an array of shape (2, 4), got "
        "(2, 3)",
    ),
    case(
        lambda: nn.inverse(nn.Chain(nn.relu), np.ones(2), ((),), ((),)),
        ArgumentError,
        "Chain[0].relu: the layer has no inverse",
    ),
    case(
        lambda: _setup(nn.LearnedPositions(4), 1, 5, 6),
        ShapeError,
        "LearnedPositions: a sequence of 5, and positions for 4",
    ),
]

LOSSES: list[Case] = [
    case(
        lambda: nn.squared_error(np.ones((3, 1)), np.ones(3)),
        ShapeError,
        "nn.squared_error: predictions of shape (3, 1) and targets of shape (3,)",
        "predictions[:, 0]",
    ),
    case(
        lambda: nn.cross_entropy(np.ones((3, 2)), np.array([[1], [0], [1]])),
        ShapeError,
        "nn.cross_entropy: logits of shape (3, 2) and integer targets of shape (3, 1)",
    ),
]

CASES = PLACES + SIZES + INPUTS + LOSSES
