"""Reference values of the layers, activations and losses, by PyTorch.

``python -m tests.reference.nn`` writes `nn.json`: for each case of `tests/nn/cases.py`
what the layer returns, and the gradients of a weighed sum of it with respect to the
inputs and the parameters, in float64, to 13 digits.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F

import wengert as wg
from tests.nn.cases import ACTIVATIONS, LAYERS, LOSSES, fill

FILE = Path(__file__).with_suffix(".json")


def _recurrent(kind, reverse=False):
    def run(p, x):
        module = kind(x.shape[-1], 3, batch_first=True).double()
        x = x.flip(1) if reverse else x
        y = torch.func.functional_call(module, _recurrent_weights(p), (x,))[0]
        return y.flip(1) if reverse else y

    return run


def _recurrent_weights(p, suffix="_l0"):
    zeros = torch.zeros_like(p["bias"])
    if "hidden_bias" in p:
        zeros = torch.cat([zeros[:6], p["hidden_bias"]])
    return {
        f"weight_ih{suffix}": p["input"],
        f"weight_hh{suffix}": p["hidden"],
        f"bias_ih{suffix}": p["bias"],
        f"bias_hh{suffix}": zeros,
    }


def _gru_cell(p, x):
    x, (h,) = x
    module = torch.nn.GRUCell(4, 3).double()
    h = torch.func.functional_call(module, _recurrent_weights(p, ""), (x, h))
    return h, (h,)


def _lstm_cell(p, x):
    x, carry = x
    module = torch.nn.LSTMCell(4, 3).double()
    h, c = torch.func.functional_call(module, _recurrent_weights(p, ""), (x, carry))
    return h, (h, c)


def _attention_weights(p, prefix=""):
    names = ("query", "key", "value")
    one = {
        f"{prefix}in_proj_bias": torch.cat([p[n]["bias"] for n in names]),
        f"{prefix}out_proj.weight": p["output"]["weight"],
        f"{prefix}out_proj.bias": p["output"]["bias"],
    }
    if p["query"]["weight"].shape == p["key"]["weight"].shape:
        weight = torch.cat([p[n]["weight"] for n in names])
        return {**one, f"{prefix}in_proj_weight": weight}
    for short, name in zip("qkv", names, strict=True):
        one[f"{prefix}{short}_proj_weight"] = p[name]["weight"]
    return one


def _causal(n):
    return torch.ones(n, n, dtype=torch.bool).triu(1)


def _attend(p, q, kv, mask=None, causal=False):
    features = {"kdim": kv.shape[-1], "vdim": kv.shape[-1]}
    module = torch.nn.MultiheadAttention(4, 2, batch_first=True, **features).double()
    how = {
        "key_padding_mask": None if mask is None else ~mask,
        "attn_mask": _causal(q.shape[1]) if causal else None,
    }
    weights = _attention_weights(p)
    return torch.func.functional_call(module, weights, (q, kv, kv), how)[0]


def _norm(prefix, p):
    return {f"{prefix}.weight": p["scale"], f"{prefix}.bias": p["shift"]}


def _linear(prefix, p):
    return {f"{prefix}.weight": p["weight"], f"{prefix}.bias": p["bias"]}


def _encoder_block(p, x):
    (x, mask), (attend, dense) = x, (p[0][0], p[1][0])
    module = torch.nn.TransformerEncoderLayer(
        4, 2, 6, 0.0, "gelu", batch_first=True, norm_first=True
    ).double()
    weights = {
        **_norm("norm1", attend[0]),
        **_attention_weights(attend[1], "self_attn."),
        **_norm("norm2", dense[0]),
        **_linear("linear1", dense[1]),
        **_linear("linear2", dense[3]),
    }
    how = {"src_key_padding_mask": ~mask}
    return torch.func.functional_call(module, weights, (x,), how)


def _encoder_block_norm_last(p, x):
    module = torch.nn.TransformerEncoderLayer(
        4, 2, 6, 0.0, "relu", batch_first=True, norm_first=False
    ).double()
    weights = {
        **_attention_weights(p[0][0][0], "self_attn."),
        **_norm("norm1", p[1]),
        **_linear("linear1", p[2][0][0]),
        **_linear("linear2", p[2][0][2]),
        **_norm("norm2", p[3]),
    }
    how = {"src_mask": _causal(x.shape[1])}
    return torch.func.functional_call(module, weights, (x,), how)


def _decoder_block(p, x):
    x, memory, mask = x
    itself, other, dense = p[0][0], p[1][0], p[2][0]
    module = torch.nn.TransformerDecoderLayer(
        4, 2, 6, 0.0, "gelu", batch_first=True, norm_first=True
    ).double()
    weights = {
        **_norm("norm1", itself[0]),
        **_attention_weights(itself[1], "self_attn."),
        **_norm("norm2", other[0]),
        **_attention_weights(other[1], "multihead_attn."),
        **_norm("norm3", dense[0]),
        **_linear("linear1", dense[1]),
        **_linear("linear2", dense[3]),
    }
    how = {"tgt_mask": _causal(x.shape[1]), "memory_key_padding_mask": ~mask}
    return torch.func.functional_call(module, weights, (x, memory), how)


def _conv(function, **how):
    return lambda p, x: function(x, p["weight"], p["bias"], **how)


def _batch_norm(p, x, training=False):
    mean, variance = torch.zeros(4).double(), torch.ones(4).double()
    return F.batch_norm(x, mean, variance, p["scale"], p["shift"], training)


def _rotary(p, x):
    q, k, v = (F.linear(x, **p[name]) for name in ("query", "key", "value"))
    times, rates = torch.arange(5).double(), 1e4 ** -torch.tensor([0.0, 0.5]).double()
    turns = torch.polar(torch.ones(5, 2).double(), torch.outer(times, rates))

    def turned(x):
        z = torch.complex(x[..., :2], x[..., 2:]) * turns
        return torch.cat([z.real, z.imag], -1)

    y = F.scaled_dot_product_attention(turned(q), turned(k), v)
    return F.linear(y, **p["output"])


def _positions(p, x):
    rates = 1e4 ** -torch.tensor([0, 2 / 3], dtype=torch.float64)
    turns = torch.outer(torch.arange(5).double(), rates)
    table = torch.stack([turns.sin(), turns.cos()], -1).flatten(1)
    return x + table[:, :3]


def _adjacency(edges):
    """With itself, receivers in rows."""
    matrix = torch.eye(5).double()
    matrix[edges[1], edges[0]] = 1.0
    return matrix


def _graph_conv(p, x):
    x, matrix = x[0], _adjacency(x[1])
    share = matrix.sum(1) ** -0.5
    return (share[:, None] * matrix * share) @ x @ p["weight"].T + p["bias"]


def _graph_attention(p, x):
    x, matrix = x[0], _adjacency(x[1])
    h = (x @ p["weight"].T).reshape(5, 2, 2)
    sent, received = (h * p["sender"]).sum(-1), (h * p["receiver"]).sum(-1)
    scores = F.leaky_relu(received[:, None] + sent[None], 0.2)
    scores = scores.masked_fill(matrix[..., None] == 0, -torch.inf)
    y = torch.einsum("rsh,shd->rhd", scores.softmax(1), h)
    return y.flatten(1) + p["bias"]


def _message_passing(p, x):
    x, (senders, receivers), features = x
    (message, _), update = p
    pairs = torch.cat([x[senders], x[receivers], features], -1)
    messages = F.linear(pairs, **message).tanh()
    index = receivers[:, None].expand_as(messages)
    zeros = torch.zeros(5, 3).double()
    arrived = zeros.scatter_reduce(0, index, messages, "mean", include_self=False)
    return F.linear(torch.cat([x, arrived], -1), **update)


def _fourier(p, x):
    case = LAYERS["fourier_features"]
    turns = 2 * torch.pi * x @ _tensor(case.set_up()[1]["frequencies"]).T
    return torch.cat([turns.cos(), turns.sin()], -1)


def _coupling(p, x):
    first, second = x[:, :3], x[:, 3:]
    raw, shift = F.linear(first, **p[0]).split(2, -1)
    scale = 2 * torch.tanh(raw / 2)
    second = second * scale.exp() + shift
    x, total = torch.cat([first, second], -1), scale.sum(-1)
    first, second = x[:, :3], x[:, 3:]
    raw, shift = F.linear(second, **p[1]).split(3, -1)
    scale = 2 * torch.tanh(raw / 2)
    return torch.cat([first * scale.exp() + shift, second], -1), total + scale.sum(-1)


def _chain(p, x):
    (dense, shortcut), (_, other) = p
    x = F.linear(x, **dense) + F.linear(x, **shortcut)
    return torch.cat([x.tanh(), F.linear(x, **other)], -1)


def _repeat(p, x):
    for weight, bias in zip(p[0]["weight"], p[0]["bias"], strict=True):
        x = F.linear(x, weight, bias).tanh()
    return x


def _repeat_shared(p, x):
    for _ in range(3):
        x = F.linear(x, **p[0]).tanh()
    return x


TORCH_LAYERS = {
    "dense": lambda p, x: F.linear(x, p["weight"], p["bias"]),
    "dense_without_bias": lambda p, x: F.linear(x, p["weight"]),
    "conv_1d": _conv(F.conv1d, stride=2, padding=1),
    "conv_2d": _conv(F.conv2d, padding=(1, 0), groups=2),
    "conv_2d_dilated": _conv(F.conv2d, stride=(1, 2), dilation=(2, 1)),
    "conv_2d_same": _conv(F.conv2d, padding="same"),
    "conv_3d": _conv(F.conv3d, padding=1),
    "conv_transpose_1d": _conv(
        F.conv_transpose1d, stride=2, padding=1, output_padding=1, groups=2
    ),
    "conv_transpose_2d": _conv(F.conv_transpose2d, stride=(2, 1), dilation=(1, 2)),
    "conv_transpose_3d": _conv(F.conv_transpose3d, stride=2),
    "max_pool": lambda p, x: F.max_pool2d(x, (3, 2), 2, (1, 0)),
    "average_pool": lambda p, x: F.avg_pool2d(x, 2, (1, 2), 1),
    "global_average_pool": lambda p, x: x.mean((2, 3)),
    "global_max_pool": lambda p, x: x.amax((2, 3)),
    "adaptive_average_pool": lambda p, x: F.adaptive_avg_pool2d(x, (4, 2)),
    "adaptive_max_pool": lambda p, x: F.adaptive_max_pool2d(x, (4, 2)),
    "batch_norm": _batch_norm,
    "batch_norm_training": lambda p, x: _batch_norm(p, x, training=True),
    "layer_norm": lambda p, x: F.layer_norm(x, (4,), p["scale"], p["shift"]),
    "rms_norm": lambda p, x: F.rms_norm(x, (4,), p["scale"], 1e-6),
    "group_norm": lambda p, x: F.group_norm(x, 2, p["scale"], p["shift"]),
    "embedding": lambda p, x: F.embedding(x, p["weight"]),
    "rnn": _recurrent(torch.nn.RNN),
    "lstm": _recurrent(torch.nn.LSTM),
    "gru": _recurrent(torch.nn.GRU),
    "lstm_reverse": _recurrent(torch.nn.LSTM, reverse=True),
    "gru_cell": _gru_cell,
    "lstm_cell": _lstm_cell,
    "self_attention": lambda p, x: _attend(p, x[0], x[0], x[1]),
    "causal_attention": lambda p, x: _attend(p, x, x, causal=True),
    "cross_attention": lambda p, x: _attend(p, *x),
    "encoder_block": _encoder_block,
    "encoder_block_norm_last": _encoder_block_norm_last,
    "decoder_block": _decoder_block,
    "rotary_attention": _rotary,
    "sinusoidal_positions": _positions,
    "learned_positions": lambda p, x: x + p["weight"][:5],
    "graph_conv": _graph_conv,
    "graph_attention": _graph_attention,
    "message_passing": _message_passing,
    "siren": lambda p, x: torch.sin(30 * F.linear(x, **p)),
    "fourier_features": _fourier,
    "affine_coupling": _coupling,
    "chain": _chain,
    "repeat": _repeat,
    "repeat_shared": _repeat_shared,
    "shared": lambda p, x: p[0]["weight"][x] @ p[0]["weight"].T,
}

TORCH_ACTIVATIONS = {
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hard_tanh": F.hardtanh,
    "softmax": lambda x: F.softmax(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -1),
}


def _activation(name):
    return TORCH_ACTIVATIONS.get(name) or getattr(F, name)


def _info_nce(x, y):
    z = F.normalize(x) @ F.normalize(y).T / 0.1
    right = torch.arange(len(z))
    return (F.cross_entropy(z, right) + F.cross_entropy(z.T, right)) / 2


def _contrastive(x, y, same):
    d = F.pairwise_distance(x, y, eps=0.0)
    return (same * d**2 + (1 - same) * F.relu(1 - d) ** 2).mean()


TORCH_LOSSES = {
    "squared_error": F.mse_loss,
    "absolute_error": F.l1_loss,
    "huber": F.huber_loss,
    "cross_entropy": lambda z, t: F.cross_entropy(z.flatten(0, 1), t.flatten()),
    "cross_entropy_of_probabilities": lambda z, t: F.cross_entropy(
        z.flatten(0, 1), t.flatten(0, 1)
    ),
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "cosine_loss": lambda x, y: (1 - F.cosine_similarity(x, y)).mean(),
    "kl_divergence": lambda z, t: F.kl_div(
        F.log_softmax(z, -1).flatten(0, 1), t.flatten(0, 1), reduction="batchmean"
    ),
    "info_nce": _info_nce,
    "contrastive": _contrastive,
}


def _tensor(x):
    tensor = torch.from_numpy(x.copy())
    return tensor.requires_grad_(tensor.is_floating_point())


def _gradients(value, tree):
    """Gradients of the leaves that have one."""
    leaves = [x for x in wg.tree.leaves(tree) if x.requires_grad]
    if not leaves:
        return []
    return [_numbers(g) for g in torch.autograd.grad(value, leaves, retain_graph=True)]


def _numbers(x):
    return [float(f"{v:.13g}") for v in x.detach().flatten().tolist()]


def _layer(case, run):
    x = wg.tree.map(_tensor, case.x)
    params = wg.tree.map(_tensor, case.set_up()[0])
    leaves = wg.tree.leaves(run(params, x))
    total = sum(
        (y * torch.from_numpy(fill(*y.shape, start=i + 0.25))).sum()
        for i, y in enumerate(leaves)
    )
    return {
        "y": [_numbers(y) for y in leaves],
        "x": _gradients(total, x),
        "params": _gradients(total, params),
    }


def _loss(arguments, run):
    arguments = [_tensor(x) for x in arguments]
    value = run(*arguments)
    return {"y": _numbers(value), "x": _gradients(value, arguments[0])}


def reference():
    """All values, by kind and name."""
    return {
        "layers": {n: _layer(case, TORCH_LAYERS[n]) for n, case in LAYERS.items()},
        "activations": {
            name: _layer(case, lambda p, x: _activation(name)(x))
            for name, case in ACTIVATIONS.items()
        },
        "losses": {n: _loss(x, TORCH_LOSSES[n]) for n, (_, x) in LOSSES.items()},
    }


if __name__ == "__main__":
    lines = []
    for kind, cases in reference().items():
        rows = (f"  {json.dumps(n)}: {json.dumps(v)}" for n, v in cases.items())
        lines.append(f" {json.dumps(kind)}: {{\n" + ",\n".join(rows) + "\n }")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
