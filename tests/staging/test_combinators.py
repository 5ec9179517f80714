"""Combinators in compiled code: one region each, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.staging.programs import X
from wengert._staging import function
from wengert.errors import DTypeError, JoinError, MutationError, TreeError


def test_a_loop_is_one_equation():
    def counted(x):
        return wg.fori_loop(0, 1000, lambda i, y: y * x[i % 10], 1.0)

    def mapped(x):
        return wg.map(lambda v: v if v > 0 else -v, x)

    for f in (counted, mapped):
        text = str(wg.program(f)(X))
        assert text.count("= for(") == 1 and text.count("multiply(") <= 1


def test_functions_without_source():
    space = {"wg": wg, "np": np}
    exec(
        "step = lambda i, y: np.sin(y)\nf = lambda x: wg.fori_loop(0, 50, step, x)",
        space,
    )
    np.testing.assert_allclose(
        wg.jit(lambda x: space["f"](x))(0.5), space["f"](0.5), rtol=1e-14
    )


def test_a_number_of_steps_does_not_recompile(monkeypatch):
    runs = []
    stage = function.stage_function
    monkeypatch.setattr(
        function, "stage_function", lambda *args: runs.append(1) or stage(*args)
    )

    @wg.jit
    def f(x, n):
        return wg.scan(lambda c, _: (c * x, c), 1.0, length=n)

    for n in (5, 9, 0):
        carry, ys = f(2.0, n)
        assert carry == 2.0**n
        np.testing.assert_array_equal(ys, 2.0 ** np.arange(n))
    assert len(runs) == 1


def test_what_is_refused():
    seen = []
    with pytest.raises(MutationError, match="a list reached by 'seen'"):
        wg.jit(lambda x: wg.fori_loop(0, 9, lambda i, y: seen.append(i) or y, x))(1.0)
    with pytest.raises(TreeError, match="fori_loop: a step turned"):
        wg.jit(lambda x: wg.fori_loop(0, 9, lambda i, y: (y, y), x))(1.0)
    with pytest.raises(DTypeError, match="fori_loop: upper is 2.5"):
        wg.jit(lambda x: wg.fori_loop(0, 2.5, lambda i, y: y, x))(1.0)
    with pytest.raises(JoinError, match="output of a step"):
        wg.jit(lambda x: wg.scan(lambda c, v: (c, "text"), 0.0, x))(X)
