"""What derivatives of layers must preserve."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.nn.cases import LAYERS, fill, weighed
from wengert import nn

KEY = wg.random.key(3)


def both(function):
    """A function as it is, and compiled."""
    return pytest.mark.parametrize(
        "how", [lambda f: f, wg.jit], ids=["eager", "compiled"]
    )(function)


@both
def test_batch_norm_couples_samples(how):
    """Its Jacobian is that of (x - mean) / deviation, written out."""
    x, layer = fill(4, 1), nn.BatchNorm(epsilon=0.0, affine=False)
    params, state = nn.setup(KEY, layer, x)

    def normalised(x):
        return nn.apply(layer, x[:, None], params, state, training=True)[0][:, 0]

    jacobian = how(wg.jacobian(normalised))(x[:, 0])
    y, n = normalised(x[:, 0]), len(x)
    expected = (np.eye(n) - 1.0 / n - np.outer(y, y) / n) / x.std()
    np.testing.assert_allclose(jacobian, expected, atol=1e-12)
    assert np.all(np.abs(jacobian - np.diag(np.diag(jacobian))).sum(axis=1) > 0.1)


def test_batch_norm_in_use_does_not():
    x, layer = fill(4, 1), nn.BatchNorm()
    params, state = nn.setup(KEY, layer, x)
    f = lambda x: nn.apply(layer, x[:, None], params, state)[0][:, 0]
    jacobian = wg.jacobian(f)(x[:, 0])
    assert np.array_equal(jacobian, np.diag(np.diag(jacobian)))


def test_batch_norm_follows_its_batches():
    """The running statistics tend to those of the data, and have no derivative."""
    layer = nn.BatchNorm(momentum=0.5)
    x = 3.0 * fill(50, 2) + 1.0
    params, state = nn.setup(KEY, layer, x)
    for _ in range(60):
        state = nn.apply(layer, x, params, state, training=True)[1]
    np.testing.assert_allclose(state["mean"], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(state["variance"], x.var(axis=0, ddof=1), rtol=1e-12)


@both
def test_layer_norm_has_no_slope_along_shift_and_scale(how):
    """What changes neither mean nor direction of x - mean changes nothing."""
    layer, x = nn.LayerNorm(epsilon=0.0), fill(6)
    params, _ = nn.setup(KEY, layer, x)
    gradient = how(wg.grad(lambda x: weighed(nn.apply(layer, x, params)[0])))(x)
    assert np.linalg.norm(gradient) > 0.1
    assert abs(gradient @ (x - x.mean())) < 1e-13
    assert abs(gradient.sum()) < 1e-13


ATTENTIVE = [
    pytest.param(nn.encoder_block(4, 2, causal=True), lambda f: f, id="block"),
    pytest.param(
        nn.encoder_block(4, 2, causal=True, rotary=True), lambda f: f, id="rotary"
    ),
    pytest.param(nn.MultiHeadAttention(1, causal=True), wg.jit, id="compiled"),
]


@pytest.mark.parametrize(("model", "how"), ATTENTIVE)
def test_no_gradient_reaches_the_future(model, how):
    x = 2.0 * fill(2, 6, 4)
    params, state = nn.setup(KEY, model, x)

    def at_two(x):
        return np.sum(nn.apply(model, x, params, state)[0][:, 2] ** 3)

    gradient = how(wg.grad(at_two))(x)
    assert np.all(gradient[:, 3:] == 0.0)
    assert np.all(gradient[:, :3] != 0.0)
    tangent = np.zeros_like(x)
    tangent[:, 3:] = 1.0
    assert wg.jvp(at_two, (x,), (tangent,))[1] == 0.0


def test_padding_is_not_seen():
    """Whatever stands there, infinities too, nothing of it arrives."""
    q, mask = fill(3, 4), np.array([True, False, True, False])
    k, v = fill(4, 4, start=1.0), fill(4, 2, start=2.0)
    f = lambda q, k, v: np.sum(nn.attention(q, k, v, mask) ** 2)
    gradients = wg.grad(f, argnums=(1, 2))(q, k, v)
    assert all(np.all(g[~mask] == 0.0) for g in gradients)
    other = np.where(mask[:, None], v, 1e300)
    assert np.array_equal(nn.attention(q, k, v, mask), nn.attention(q, k, other, mask))


@both
def test_a_query_that_sees_nothing(how):
    q, mask = fill(3, 4), np.array([[True] * 3, [False] * 3, [True] * 3])
    f = lambda q: nn.attention(q, q, q, mask)
    assert np.all(f(q)[1] == 0.0)
    gradient = how(wg.grad(lambda q: np.sum(f(q) ** 2)))(q)
    assert np.all(np.isfinite(gradient))


@both
def test_a_shared_weight_gets_the_sum_over_its_uses(how):
    chain = nn.Chain(nn.Dense(3, bias=False), nn.tanh, nn.Dense(3, bias=False))
    model = nn.Shared(chain, {(2, "weight"): (0, "weight")})
    x = fill(5, 3)
    params, state = nn.setup(KEY, model, x)
    assert [p.shape for p in wg.tree.leaves(params)] == [(3, 3)]

    def shared(params):
        return np.sum(nn.apply(model, x, params, state)[0] ** 2)

    def apart(first, second):
        own = ({"weight": first}, (), {"weight": second})
        return np.sum(nn.apply(chain, x, own, state)[0] ** 2)

    weight = params[0]["weight"]
    total = how(wg.grad(shared))(params)[0]["weight"]
    first, second = wg.grad(apart, argnums=(0, 1))(weight, weight)
    np.testing.assert_allclose(total, first + second, rtol=1e-13)


def _direct(x, w, b, stride, pad, gap):
    """The sum of the definition, an entry at a time."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = (
        (n - gap * (k - 1) - 1) // stride + 1
        for n, k in zip(x.shape[2:], w.shape[2:], strict=True)
    )
    y = np.empty((len(x), len(w), rows, columns))
    for n, o, i, j in np.ndindex(y.shape):
        y[n, o, i, j] = b[o] + sum(
            w[o, c, k, m] * x[n, c, stride * i + gap * k, stride * j + gap * m]
            for c, k, m in np.ndindex(w.shape[1:])
        )
    return y


@both
@pytest.mark.parametrize(("stride", "pad", "gap"), [(1, 0, 1), (2, 1, 1), (1, 2, 2)])
def test_conv_is_the_direct_sum(how, stride, pad, gap):
    layer = nn.Conv(2, (3, 2), strides=stride, padding=pad, dilation=gap)
    x, params = fill(2, 3, 5, 6), {"weight": fill(2, 3, 3, 2), "bias": fill(2)}
    y, _ = how(lambda x, p: nn.apply(layer, x, p))(x, params)
    expected = _direct(x, params["weight"], params["bias"], stride, pad, gap)
    np.testing.assert_allclose(y, expected, atol=1e-12)


@both
def test_the_determinant_of_a_flow(how):
    net = nn.Chain(nn.Dense(8), nn.tanh, nn.Dense(6))
    model = nn.Chain(nn.AffineCoupling(net), nn.AffineCoupling(net, flip=True))
    x = fill(6)
    params, state = nn.setup(KEY, model, x)
    forward = lambda x: nn.apply(model, x, params, state)[0]
    jacobian = wg.jacobian(lambda x: forward(x)[0])(x)
    y, log_det = how(forward)(x)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], rtol=1e-12)
    back = how(lambda y: nn.inverse(model, y, params, state))(y)
    np.testing.assert_allclose(back, x, atol=1e-13)


SMOOTH = [
    "dense", "conv_2d", "conv_transpose_1d", "batch_norm_training",
    "layer_norm", "rms_norm", "group_norm", "gru_cell", "lstm_cell", "cross_attention",
    "graph_conv", "graph_attention", "siren", "affine_coupling", "repeat", "shared",
]  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_second_order(name):
    case = LAYERS[name]
    params, state = case.set_up()

    def total(params):
        return weighed(nn.apply(case.model, case.x, params, state, case.training)[0])

    wg.check_grads(total, (params,), order=2)
