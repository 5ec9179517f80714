"""The training steps of `benchmarks.learning` in JAX, compiled, with Optax."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

KEY = jax.random.key(0)


def _dense(key: Any, n: int, m: int) -> Any:
    return {"w": jax.random.normal(key, (n, m)) / n**0.5, "b": jnp.zeros(m)}


def _apply(p: Any, x: Any) -> Any:
    return x @ p["w"] + p["b"]


def _dropped(key: Any, x: Any, rate: float) -> Any:
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


# -- images ---------------------------------------------------------------------------


def _mlp() -> Any:
    a, b, c = jax.random.split(KEY, 3)
    return [_dense(a, 64, 128), _dense(b, 128, 64), _dense(c, 64, 10)]


def mlp(params: Any, x: Any, key: Any) -> Any:
    y = jax.nn.relu(_apply(params[0], x.reshape(len(x), -1)))
    y = jax.nn.relu(_apply(params[1], _dropped(key, y, 0.2)))
    return _apply(params[2], y)


def _cnn() -> Any:
    keys = jax.random.split(KEY, 4)
    sizes = [(16, 1), (32, 16), (64, 32)]
    kernels = [
        {
            "w": 0.1 * jax.random.normal(k, (*s, 3, 3)),
            "b": jnp.zeros((s[0], 1, 1)),
        }
        for k, s in zip(keys, sizes, strict=False)
    ]
    return [*kernels, _dense(keys[3], 1024, 10)]


def _convolved(p: Any, x: Any) -> Any:
    y = lax.conv_general_dilated(x, p["w"], (1, 1), "SAME")
    return jax.nn.relu(y + p["b"])


def cnn(params: Any, x: Any, key: Any) -> Any:
    y = _convolved(params[1], _convolved(params[0], x))
    whole, window = (1, 1, 2, 2), (1, 1, 2, 2)
    y = lax.reduce_window(y, -jnp.inf, lax.max, whole, window, "VALID")
    y = _convolved(params[2], y).reshape(len(x), -1)
    return _apply(params[3], _dropped(key, y, 0.3))


# -- characters -----------------------------------------------------------------------


def _lstm(count: int) -> Any:
    a, b, c = jax.random.split(KEY, 3)
    return {
        "embedding": jax.random.normal(a, (count, 64)),
        "gates": _dense(b, 64 + 128, 4 * 128),
        "scores": _dense(c, 128, count),
    }


def lstm(params: Any, x: Any, key: Any) -> Any:
    w, b = params["gates"]["w"], params["gates"]["b"]
    inputs = params["embedding"][x] @ w[:64] + b

    def cell(carry: Any, given: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(given + h @ w[64:], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((2, len(x), 128))
    _, hidden = lax.scan(cell, (start[0], start[1]), inputs.swapaxes(0, 1))
    return _apply(params["scores"], hidden.swapaxes(0, 1))


def _norm() -> Any:
    return {"scale": jnp.ones(64), "shift": jnp.zeros(64)}


def _normed(p: Any, x: Any) -> Any:
    return jax.nn.standardize(x, epsilon=1e-5) * p["scale"] + p["shift"]


def _transformer(count: int, length: int) -> Any:
    keys = jax.random.split(KEY, 11)

    def block(k: Any) -> Any:
        return {
            "norms": [_norm(), _norm()],
            "qkv": _dense(k[0], 64, 192),
            "out": _dense(k[1], 64, 64),
            "inner": [_dense(k[2], 64, 256), _dense(k[3], 256, 64)],
        }

    return {
        "embedding": jax.random.normal(keys[0], (count, 64)),
        "positions": 0.02 * jax.random.normal(keys[1], (length, 64)),
        "blocks": [block(keys[2:6]), block(keys[6:10])],
        "norm": _norm(),
        "scores": _dense(keys[10], 64, count),
    }


def transformer(params: Any, x: Any, key: Any) -> Any:
    y = params["embedding"][x] + params["positions"]
    for p in params["blocks"]:
        z = _apply(p["qkv"], _normed(p["norms"][0], y))
        q, k, v = (u.reshape(*x.shape, 4, 16) for u in jnp.split(z, 3, axis=-1))
        z = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        y = y + _apply(p["out"], z.reshape(y.shape))
        z = _apply(p["inner"][0], _normed(p["norms"][1], y))
        y = y + _apply(p["inner"][1], jax.nn.gelu(z, approximate=False))
    return _apply(params["scores"], _normed(params["norm"], y))


# -- steps ----------------------------------------------------------------------------


def step(name: str, task: Any) -> Any:
    from benchmarks.learning import COUNT

    start, model = {
        "MLP": (_mlp, mlp),
        "CNN": (_cnn, cnn),
        "LSTM": (lambda: _lstm(COUNT), lstm),
        "transformer": (lambda: _transformer(COUNT, task.x.shape[-1]), transformer),
    }[name]
    clip = (optax.clip_by_global_norm(1.0),) if task.clips else ()
    optimiser = optax.chain(*clip, optax.adam(1e-3))

    def loss(params: Any, key: Any, x: Any, targets: Any) -> Any:
        scores = model(params, x, key)
        each = optax.softmax_cross_entropy_with_integer_labels(scores, targets)
        return each.mean()

    def train(params: Any, opt_state: Any, key: Any, x: Any, targets: Any) -> Any:
        key, own = jax.random.split(key)
        value, grads = jax.value_and_grad(loss)(params, own, x, targets)
        updates, opt_state = optimiser.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, key, value

    compiled = jax.jit(train, donate_argnums=(0, 1, 2))
    params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float32), start())
    held = [params, optimiser.init(params), jax.random.key(1)]
    x, targets = jnp.asarray(task.x), jnp.asarray(task.targets)

    def run() -> None:
        *held[:], value = compiled(*held, x, targets)
        value.block_until_ready()
        jax.block_until_ready(held[0])

    return run
