"""Setting up and applying: sizes, dtypes, states, batches and the table of layers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import wengert as wg
from tests.nn.cases import ACTIVATIONS, EDGES, LAYERS, LOSSES, NODES, TOKENS, fill
from wengert import nn

KEY = wg.random.key(5)
MODELS = LAYERS | ACTIVATIONS


def _equal(found, expected, **tolerance):
    for x, y in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, **tolerance)


def _as(dtype, tree):
    return wg.tree.map(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x, tree)


def _floats(tree):
    return {x.dtype for x in wg.tree.leaves(tree) if x.dtype.kind == "f"}


# -- dtypes ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_float32_stays_float32(name):
    case = MODELS[name]
    x = _as(np.float32, case.x)
    params, state = nn.setup(KEY, case.model, x, np.float32)
    assert _floats((params, state)) <= {np.dtype(np.float32)}

    def total(params):
        y, after = nn.apply(case.model, x, params, state, case.training)
        return sum(np.sum(leaf) for leaf in wg.tree.leaves(y)), (y, after)

    gradient, results = wg.grad(total, has_aux=True)(params)
    assert _floats((gradient, results)) == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", ["lstm", "conv_2d", "batch_norm_training"])
def test_float32_stays_float32_compiled(name):
    case = MODELS[name]
    x = _as(np.float32, case.x)
    params, state = nn.setup(KEY, case.model, x)
    run = wg.jit(lambda x, p, s: nn.apply(case.model, x, p, s, case.training))
    assert _floats(run(x, params, state)) == {np.dtype(np.float32)}
    _equal(run(x, params, state), run.__wrapped__(x, params, state), atol=2e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_float32(name):
    loss, arguments = LOSSES[name]
    arguments = [_as(np.float32, x) for x in arguments]
    value, gradient = wg.value_and_grad(loss)(*arguments)
    assert _floats([value, gradient]) == {np.dtype(np.float32)}


# -- batches --------------------------------------------------------------------------

PER_SAMPLE = [n for n in MODELS if n not in ("batch_norm_training", "repeat_shared")]


@pytest.mark.parametrize("name", PER_SAMPLE)
def test_vmap_of_apply(name):
    """Lanes of inputs and parameters are what each of them is alone."""
    case = MODELS[name]
    params, state = case.set_up()
    lanes = [case.x, wg.tree.map(lambda x: x[::-1].copy(), case.x)]
    others = [params, wg.tree.map(lambda p: 0.5 * p, params)]
    if isinstance(case.x, tuple) and case.x[-1] is EDGES:
        lanes[1] = (case.x[0][::-1].copy(), EDGES)
    stacked = [
        wg.tree.map(lambda *leaves: np.stack(leaves), *x) for x in (lanes, others)
    ]
    run = lambda x, p: nn.apply(case.model, x, p, state)[0]
    expected = [run(x, p) for x, p in zip(lanes, others, strict=True)]
    found = wg.vmap(run)(*stacked)
    for i in range(2):
        _equal(wg.tree.map(lambda y: y[i], found), expected[i], atol=1e-12)


def test_an_ensemble():
    """Several models are one, whose parameters have one more axis."""
    model = nn.Chain(nn.Dense(4), nn.tanh, nn.Dense(1))
    x = fill(6, 3)
    setup = lambda key: nn.setup(key, model, x)[0]
    params = wg.vmap(setup)(wg.random.split(KEY, 3))
    y = wg.jit(wg.vmap(lambda p: nn.apply(model, x, p, ((), (), ()))[0]))(params)
    assert y.shape == (3, 6, 1)
    assert np.all(y[0] != y[1])


def test_another_length_of_the_batch():
    model = nn.Chain(
        nn.Conv(2, 3, padding=1), nn.BatchNorm(), nn.MaxPool(2), nn.flatten, nn.Dense(2)
    )
    params, state = nn.setup(KEY, model, fill(4, 1, 6))
    run = wg.jit(lambda x, p, s: nn.apply(model, x, p, s, training=True))
    for n in (4, 3, 7):
        x = fill(n, 1, 6)
        _equal(run(x, params, state), run.__wrapped__(x, params, state), atol=1e-12)


# -- state ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", [lambda f: f, wg.jit], ids=["eager", "compiled"])
def test_dropout(how):
    model, x = nn.Chain(nn.Dropout(0.25), nn.Dropout(0.5)), np.ones((40, 50))
    params, state = nn.setup(KEY, model, x)
    train = how(lambda x, s: nn.apply(model, x, params, s, training=True))
    first, after = train(x, state)
    again, _ = train(x, state)
    second, _ = train(x, after)
    assert np.array_equal(first, again) and not np.array_equal(first, second)
    assert set(np.unique(first)) == {0.0, 1.0 / 0.375}
    assert abs(first.mean() - 1.0) < 0.1
    in_use, unchanged = nn.apply(model, x, params, state)
    assert np.array_equal(in_use, x)
    _equal(unchanged, state)
    slope = how(wg.grad(lambda x: np.sum(train(x, state)[0])))(x)
    assert np.array_equal(slope, first)


def test_a_sequence_in_parts():
    cell = nn.LSTMCell(3)
    whole, parts = nn.Recurrent(cell), nn.Recurrent(cell, stateful=True)
    x = fill(2, 6, 4)
    params, state = nn.setup(KEY, parts, x)
    first, state = nn.apply(parts, x[:, :2], params, state)
    second, state = nn.apply(parts, x[:, 2:], params, state)
    expected, _ = nn.apply(whole, x, params)
    _equal(np.concatenate([first, second], axis=1), expected, atol=1e-15)
    last, _ = nn.apply(nn.Recurrent(cell, last=True), x, params)
    _equal(last, expected[:, -1])


def test_a_cell_step_by_step():
    cell = nn.GRUCell(3)
    x = fill(2, 4, 5)
    params, _ = nn.setup(KEY, cell, x[:, 0])
    expected, _ = nn.apply(nn.Recurrent(cell), x, params)
    carry = cell.start(x)
    for t in range(4):
        (y, carry), _ = nn.apply(cell, (x[:, t], carry), params)
        _equal(y, expected[:, t], atol=1e-15)


# -- setting up -----------------------------------------------------------------------


def test_the_same_key_sets_up_the_same():
    model = nn.Chain(nn.Dense(3), nn.Dense(3), nn.Dropout())
    one, two = (nn.setup(KEY, model, fill(1, 3)) for _ in range(2))
    _equal(one, two)
    assert not np.array_equal(one[0][0]["weight"], one[0][1]["weight"])


def test_stated_sizes_need_no_sample():
    model = nn.Chain(
        nn.Embedding(10, 4), nn.Recurrent(nn.GRUCell(5, 4)), nn.LayerNorm(5),
        nn.Residual(nn.Dense(5, 5)), nn.Repeat(nn.Dense(5, 5), 2), nn.Dense(10, 5),
    )  # fmt: skip
    stated = nn.setup(KEY, model)
    _equal(stated, nn.setup(KEY, model, TOKENS))


def test_compiled_setup():
    model = nn.Chain(nn.Conv(3, 3), nn.flatten, nn.Dense(2), nn.Dropout())
    x = fill(1, 2, 5)
    _equal(wg.jit(lambda key: nn.setup(key, model, x))(KEY), nn.setup(KEY, model, x))


INITIALISERS = {
    nn.glorot_uniform: 2.0 / 900, nn.glorot_normal: 2.0 / 900,
    nn.he_uniform: 2.0 / 300, nn.he_normal: 2.0 / 300,
    nn.lecun_uniform: 1.0 / 300, nn.lecun_normal: 1.0 / 300,
    nn.fan_in_uniform: 1.0 / 900, nn.VarianceScaling(1.0, "out", "truncated"): 1 / 600,
    nn.Normal(0.3): 0.09, nn.Uniform(0.3): 0.03, nn.TruncatedNormal(0.3): 0.09,
    nn.Orthogonal(2.0): 4.0 / 300,
}  # fmt: skip


@pytest.mark.parametrize("init", INITIALISERS, ids=repr)
def test_variances(init):
    for dtype in (np.float64, np.float32):
        w = init(KEY, (200, 100, 3), dtype)
        assert w.shape == (200, 100, 3) and w.dtype == dtype
        # The deviation of the variance of 60 000 numbers is at most 0.6 % of it.
        assert abs(w.var() / INITIALISERS[init] - 1.0) < 0.03
        assert abs(w.mean()) < 5.0 * w.std() / np.sqrt(w.size)


def test_truncated_normal_is_truncated():
    w = nn.TruncatedNormal(1.0)(KEY, (10000,), np.float64)
    assert 2.2 < np.abs(w).max() < 2.0 / 0.8796


def test_orthogonal():
    tall, wide = (nn.Orthogonal()(KEY, shape, float) for shape in ((7, 3), (3, 2, 4)))
    np.testing.assert_allclose(tall.T @ tall, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(
        wide.reshape(3, 8) @ wide.reshape(3, 8).T, np.eye(3), atol=1e-14
    )


# -- containers -----------------------------------------------------------------------


def test_what_is_given_goes_to_the_layers_that_take_it():
    model = nn.Chain(
        nn.GraphConv(4), nn.relu, nn.Residual(nn.GraphAttention(4)),
        nn.Repeat(nn.GraphConv(4), 2), nn.Dense(2), given=True,
    )  # fmt: skip
    params, state = nn.setup(KEY, model, (NODES, EDGES))
    run = lambda x: nn.apply(model, x, params, state)[0]
    expected = run((NODES, EDGES))
    assert expected.shape == (5, 2)
    _equal(wg.jit(run)((NODES, EDGES)), expected, atol=1e-12)
    alone = run((NODES, EDGES[:, :0]))
    changed = np.abs(alone - expected).max(axis=1) > 1e-6
    assert changed.tolist() == [True, True, True, False, False]  # who receives


def test_aggregates_of_messages():
    x, edges = np.array([[1.0], [2.0], [4.0]]), np.array([[0, 2], [1, 1]])
    for name, expected in {"sum": 5.0, "mean": 2.5, "max": 4.0}.items():
        layer = nn.MessagePassing(lambda m: m[:, :1], lambda u: u[:, 1:], name)
        y, _ = nn.apply(layer, (x, edges), ((), ()), ((), ()))
        assert y[:, 0].tolist() == [0.0, expected, 0.0]


def test_a_layer_of_ones_own():
    @dataclasses.dataclass(frozen=True)
    class Twice(nn.Layer):
        inner: nn.Layer

        def setup(self, key, x, context):
            return context.setup(".inner", self.inner, key, x)[:2]

        def apply(self, x, params, state, context):
            y, state = context.apply(".inner", self.inner, x, params, state)
            return 2.0 * y, state

    model = nn.Chain(Twice(nn.Dense(3)))
    params, state = nn.setup(KEY, model, fill(2, 4))
    y, _ = nn.apply(model, fill(2, 4), params, state)
    _equal(y, 2.0 * fill(2, 4) @ params[0]["weight"].T)
    with pytest.raises(wg.errors.ShapeError, match=r"Chain\[0\]\.Twice\.inner\.Dense"):
        nn.apply(model, fill(2, 5), params, state)


# -- the table ------------------------------------------------------------------------


def test_summary():
    block = nn.encoder_block(8, 2, 16)
    model = nn.Chain(nn.Embedding(20, 8), nn.Repeat(block, 2), nn.Dense(20, bias=False))
    model = nn.Shared(model, {(2, "weight"): (0, "weight")})
    table = nn.summary(model, TOKENS)
    params, _ = nn.setup(KEY, model, TOKENS)
    assert table.parameters == sum(x.size for x in wg.tree.leaves(params))
    assert table.size == 8 * table.parameters
    paths = [line.path for line in table.lines]
    assert paths[0] == "Shared.Chain[0].Embedding"
    assert "Shared.Chain[1].Repeat[1].Chain[1].Residual.Chain[1].Dense" in paths
    assert table.lines[0].output == "(2, 3, 8)"
    # The shared weight stands with both of its layers, and counts once.
    assert sum(line.parameters for line in table.lines) == table.parameters + 160
    assert "160" in str(table) and "Embedding" in str(table)


def test_summary_without_a_sample():
    table = nn.summary(nn.Chain(nn.Dense(100, 3000), nn.relu), dtype=np.float32)
    assert [line.output for line in table.lines] == ["", ""]
    assert "300,100 parameters, 1.2 MB" in str(table)
