"""Layers, activations and losses against PyTorch, in value and gradient."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from tests.nn.cases import ACTIVATIONS, LAYERS, LOSSES, weighed
from wengert import nn

FILE = Path(__file__).parents[1] / "reference" / "nn.json"
REFERENCE = json.loads(FILE.read_text(encoding="utf-8"))
MODELS = LAYERS | ACTIVATIONS
EXPECTED = REFERENCE["layers"] | REFERENCE["activations"]


def _floats(tree):
    return [x for x in wg.tree.leaves(tree) if x.dtype.kind == "f"]


def _equal(found, expected):
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.ravel(x), y, rtol=1e-10, atol=1e-10)


def value_and_gradients(case):
    """What a layer returns, and the gradients by its floats and its parameters."""
    params, state = case.set_up()
    leaves, given = wg.tree.ravel(case.x)

    def total(params, numbers):
        y, _ = nn.apply(case.model, given(numbers), params, state, case.training)
        return weighed(y), y

    argnums = (0, 1) if _floats(case.x) else 0
    gradient = wg.grad(total, argnums, has_aux=True)
    return gradient, (params, leaves), given


# Compiled with their gradients these take as long as all the others together.
LARGE = (
    "self_attention", "cross_attention", "rotary_attention", "encoder_block",
    "encoder_block_norm_last", "decoder_block",
)  # fmt: skip


@pytest.mark.parametrize("name", ["cross_attention", "encoder_block"])
def test_values_compiled(name):
    case = LAYERS[name]
    params, state = case.set_up()
    compiled = wg.jit(lambda x, p, s: nn.apply(case.model, x, p, s)[0])
    _equal([compiled(case.x, params, state)], EXPECTED[name]["y"])


@pytest.mark.parametrize(
    ("name", "how"),
    [pytest.param(n, lambda f: f, id=f"{n}-eager") for n in MODELS]
    + [pytest.param(n, wg.jit, id=f"{n}-compiled") for n in MODELS if n not in LARGE],
)
def test_layers(name, how):
    case, expected = MODELS[name], EXPECTED[name]
    gradient, arguments, given = value_and_gradients(case)
    gradients, y = how(gradient)(*arguments)
    by_params, by_x = gradients if _floats(case.x) else (gradients, None)
    _equal(wg.tree.leaves(y), expected["y"])
    _equal(wg.tree.leaves(by_params), expected["params"])
    if by_x is not None:
        _equal(_floats(given(by_x)), expected["x"])


@pytest.mark.parametrize("how", [lambda f: f, wg.jit], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, how):
    loss, arguments = LOSSES[name]
    value, gradient = how(wg.value_and_grad(loss))(*arguments)
    _equal([value, gradient], [REFERENCE["losses"][name][k][0] for k in ("y", "x")])


def test_all_of_the_reference_is_compared():
    assert set(EXPECTED) == set(MODELS)
    assert set(REFERENCE["losses"]) == set(LOSSES)
