"""Neural networks: layers as plain descriptors, with explicit parameters and state."""

from wengert.nn.activations import (
    elu,
    gelu,
    gelu_tanh,
    glu,
    hard_tanh,
    leaky_relu,
    log_softmax,
    mish,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from wengert.nn.attention import attention
from wengert.nn.batch_norm import BatchNorm
from wengert.nn.chain import Chain
from wengert.nn.conv import Conv
from wengert.nn.conv_transpose import ConvTranspose
from wengert.nn.coupling import AffineCoupling, inverse
from wengert.nn.cross_entropy import cross_entropy, kl_divergence, kl_normal
from wengert.nn.dense import Dense
from wengert.nn.dropout import Dropout
from wengert.nn.embedding import Embedding
from wengert.nn.graphs import GraphAttention, GraphConv, MessagePassing
from wengert.nn.group_norm import GroupNorm
from wengert.nn.gru import GRUCell
from wengert.nn.initialisers import (
    Constant,
    Normal,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    fan_in_uniform,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    ones,
    zeros,
)
from wengert.nn.layer import Context, Function, Layer, apply, setup
from wengert.nn.layer_norm import LayerNorm, RMSNorm
from wengert.nn.losses import (
    absolute_error,
    binary_cross_entropy,
    huber,
    squared_error,
)
from wengert.nn.lstm import LSTMCell
from wengert.nn.multi_head import CrossAttention, MultiHeadAttention
from wengert.nn.parallel import Parallel, concatenated
from wengert.nn.pooling import (
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    AveragePool,
    MaxPool,
    flatten,
    global_average_pool,
    global_max_pool,
)
from wengert.nn.positions import LearnedPositions, SinusoidalPositions, rotate
from wengert.nn.recurrent import Cell, Recurrent
from wengert.nn.repeat import Repeat
from wengert.nn.residual import Residual
from wengert.nn.rnn import RNNCell
from wengert.nn.segments import segment_max, segment_mean, segment_softmax, segment_sum
from wengert.nn.shared import Shared
from wengert.nn.similarity import (
    contrastive,
    cosine_loss,
    cosine_similarity,
    info_nce,
)
from wengert.nn.siren import FourierFeatures, Siren
from wengert.nn.summary import Summary, summary
from wengert.nn.transformer import decoder_block, encoder_block

__all__ = [
    "AdaptiveAveragePool",
    "AdaptiveMaxPool",
    "AffineCoupling",
    "AveragePool",
    "BatchNorm",
    "Cell",
    "Chain",
    "Constant",
    "Context",
    "Conv",
    "ConvTranspose",
    "CrossAttention",
    "Dense",
    "Dropout",
    "Embedding",
    "FourierFeatures",
    "Function",
    "GRUCell",
    "GraphAttention",
    "GraphConv",
    "GroupNorm",
    "LSTMCell",
    "Layer",
    "LayerNorm",
    "LearnedPositions",
    "MaxPool",
    "MessagePassing",
    "MultiHeadAttention",
    "Normal",
    "Orthogonal",
    "Parallel",
    "RMSNorm",
    "RNNCell",
    "Recurrent",
    "Repeat",
    "Residual",
    "Shared",
    "SinusoidalPositions",
    "Siren",
    "Summary",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "absolute_error",
    "apply",
    "attention",
    "binary_cross_entropy",
    "concatenated",
    "contrastive",
    "cosine_loss",
    "cosine_similarity",
    "cross_entropy",
    "decoder_block",
    "elu",
    "encoder_block",
    "fan_in_uniform",
    "flatten",
    "gelu",
    "gelu_tanh",
    "global_average_pool",
    "global_max_pool",
    "glorot_normal",
    "glorot_uniform",
    "glu",
    "hard_tanh",
    "he_normal",
    "he_uniform",
    "huber",
    "info_nce",
    "inverse",
    "kl_divergence",
    "kl_normal",
    "leaky_relu",
    "lecun_normal",
    "lecun_uniform",
    "log_softmax",
    "mish",
    "ones",
    "relu",
    "rotate",
    "segment_max",
    "segment_mean",
    "segment_softmax",
    "segment_sum",
    "selu",
    "setup",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "squared_error",
    "summary",
    "tanh",
    "zeros",
]
