"""Draws of NumPy's and Python's own generators: constant, or refused."""

from __future__ import annotations

import random

import numpy as np
import pytest

import wengert as wg
from wengert.errors import CheckpointError, StagedValueError

RNG = np.random.default_rng(7)
DRAWS = {
    "generator": lambda x: x * RNG.normal(),
    "legacy": lambda x: x * np.random.normal(),
    "function": lambda x: x * np.random.sample(),
    "bits": lambda x: x * RNG.bit_generator.random_raw(),
    "python": lambda x: x * random.random(),
    "python's method": lambda x: x * random.gauss(0.0, 1.0),
}
draws = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@draws
def test_a_draw_is_constant_eagerly(draw):
    value, slope = wg.value_and_grad(draw)(2.0)
    assert np.isclose(value, 2.0 * slope, rtol=1e-15)
    assert wg.grad(draw)(2.0) != slope
    assert wg.jvp(draw, (2.0,), (1.0,))[1] != slope


@draws
def test_a_draw_is_refused_while_compiling(draw):
    for transformed in (wg.jit(draw), wg.jit(wg.grad(draw)), wg.grad(wg.jit(draw))):
        with pytest.raises(StagedValueError, match=r"Fix: draw with wg\.random"):
            transformed(2.0)


@draws
def test_a_draw_is_refused_in_a_checkpointed_function(draw):
    with pytest.raises(CheckpointError, match=r"Fix: draw with wg\.random"):
        wg.grad(wg.checkpoint(draw))(2.0)
    with pytest.raises(CheckpointError, match=r"Fix: draw with wg\.random"):
        wg.grad(lambda x: wg.fori_loop(0, 9, lambda _, s: draw(s), x, checkpoints=2))(
            2.0
        )


@draws
def test_a_checkpointed_function_that_runs_once_may_draw(draw):
    assert wg.checkpoint(draw)(2.0) != wg.checkpoint(draw)(2.0)
    assert wg.jvp(wg.checkpoint(draw), (2.0,), (1.0,))[1] != 0


def test_a_draw_that_does_not_show_is_refused_too():
    """The value is 0 whatever is drawn, the derivative is not."""
    with pytest.raises(CheckpointError, match=r"Generator\.normal is called"):
        wg.grad(wg.checkpoint(lambda x: (x - 2.0) * RNG.normal()))(2.0)


def test_the_state_is_not_set_while_compiling():
    with pytest.raises(StagedValueError, match=r"numpy\.random\.seed is called"):
        wg.jit(lambda x: (np.random.seed(0), x)[1])(1.0)


def test_keys_work_where_draws_are_refused():
    key = wg.random.key(0)
    noisy = lambda x: x * wg.random.normal(key)
    slope = wg.grad(noisy)(2.0)
    assert wg.grad(wg.checkpoint(noisy))(2.0) == slope
    assert wg.jit(wg.grad(wg.checkpoint(noisy)))(2.0) == slope
