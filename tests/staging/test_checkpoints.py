"""Schedules of compiled loops: derivatives, steps that are run, memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import wengert as wg
from tests.staging.test_programs import LANES, MODES, assert_equal, run, total
from wengert._core import tree
from wengert._frontend.api import convert
from wengert._ir import evaluate as reference
from wengert._modes.schedule import counts
from wengert._staging.function import staged_for
from wengert.errors import CheckpointError

X = np.linspace(0.3, 1.2, 4)
PLANS = ["all", "none", 1, 3, 11, 40, wg.binomial(2), wg.binomial(4), wg.binomial(30)]
PLANS += ["100B", "1KB"]


def two_carries(checkpoints):
    """A loop in which one carry is read by later steps, and the other is not."""

    def f(x):
        s, t = x * 1.0, 0.0
        for i in wg.range(11, checkpoints=checkpoints):
            s = np.sin(s) * x + 0.1 * i
            if s[0] > 0.5:
                t = t + s.sum() * i
        return s, t

    return f


def nested(checkpoints):
    """A schedule inside a schedule, and a number of steps that is traced."""

    def f(x):
        n = 0
        while n < x.sum():
            n += 2
        table = np.zeros(12)
        for i in wg.range(n, checkpoints=checkpoints):
            for j in wg.range(1, 6, checkpoints=checkpoints):
                table[j] = np.cos(table[j - 1]) * x[j % 4] + 0.3 * i
        return table

    return f


def leaves_early(checkpoints):
    def f(x):
        y = x * 1.0
        steps = 0
        for _ in wg.range(100, checkpoints=checkpoints):
            steps += 1
            y = np.sqrt(y + 0.1 * x)
            if abs(y[0] - y[3]) < 0.01:
                break
        return y, steps

    return f


FUNCTIONS = [two_carries, nested, leaves_early]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("checkpoints", ["none", 3, wg.binomial(3), "1KB"], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_derivatives(function, checkpoints, mode):
    derivative = MODES[mode]
    expected = derivative(total(convert(function(None), staging=False)))(X)
    got = run(derivative(total(function(checkpoints))), X)
    assert_equal(got, expected, 1e-9)


def test_lanes_of_a_constant_index():
    def f(x, checkpoints):
        k, p = 1, (1.0, 2.0)
        for _ in wg.range(len(x), checkpoints=checkpoints):
            p = (np.sin(x[0]), x[k])
        else:
            return x.sum() * p[1]
        k = k

    lanes = np.linspace(0.3, 1.2, 18).reshape(3, 6)
    expected = wg.grad(lambda lanes: sum(f(x, None) for x in lanes))(lanes)
    for checkpoints in ("all", "none", 2):
        found = wg.jit(wg.vmap(wg.grad(lambda x: f(x, checkpoints))))(lanes)
        assert_equal(found, expected, 1e-12)


@pytest.mark.parametrize("checkpoints", PLANS, ids=str)
def test_compiled(checkpoints):
    f = total(two_carries(checkpoints))
    expected = wg.grad(total(convert(two_carries(None), staging=False)))(X)
    assert_equal(wg.jit(wg.grad(f))(X), expected, 1e-12)
    assert_equal(wg.grad(wg.jit(f))(X), expected, 1e-12)


@pytest.mark.parametrize("mode", LANES)
@pytest.mark.parametrize("checkpoints", ["none", 3, wg.binomial(3)], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_lanes(function, checkpoints, mode):
    lanes = np.stack([X, 0.7 * X, X[::-1]])
    plain = convert(function(None), staging=False)
    if mode == "values":
        rows = [tree.leaves(plain(lane)) for lane in lanes]
        expected = [np.stack(column) for column in zip(*rows, strict=True)]
    else:
        expected = [np.stack([wg.grad(total(plain))(lane) for lane in lanes])]
    got = run(LANES[mode](function(checkpoints)), lanes)
    assert_equal(tree.leaves(got), expected, 1e-9)


def chain(n, checkpoints):
    def f(x):
        for _ in wg.range(n, checkpoints=checkpoints):
            x = np.sin(x) + 0.5
        return x.sum()

    return f


def staged(function, *args):
    leaves, structure = tree.flatten((args, {}))
    return staged_for(function, structure, leaves)[0].program


@pytest.mark.parametrize("checkpoints", PLANS, ids=str)
@pytest.mark.parametrize("n", [5, 12, 50])
def test_steps_that_are_run(n, checkpoints, monkeypatch):
    """The theory's number: the last part of a loop is run once more at most.

    A segment saves what its pullbacks read; elsewhere a pullback is half a step again.
    """
    saves = checkpoints == "all" or isinstance(checkpoints, int)
    counted = {"sin"} if saves else {"sin", "cos"}
    steps = 0
    plain = reference.CONTROL["for"]

    def counting(op, operands, labels):
        nonlocal steps
        if counted & {e.op.name for e in op.body.equations}:
            steps += int(operands[0])
        return plain(op, operands, labels)

    monkeypatch.setitem(reference.CONTROL, "for", counting)
    reference.evaluate(staged(wg.grad(chain(n, checkpoints)), X), [X])
    expected = counts(checkpoints, n, X.nbytes).calls
    assert expected <= steps <= expected + n


def test_no_steps():
    for checkpoints in ("none", 3, wg.binomial(3)):
        f = wg.jit(wg.grad(lambda x, n, c=checkpoints: chain(n, c)(x)))
        assert_equal(f(X, 0), np.ones(4), 0.0)


def test_memory_that_is_used():
    """In states of the loop; the reference meaning holds two versions of an array."""
    x = np.linspace(0.0, 1.0, 4096)
    rows = {}
    for checkpoints in ("all", "none", 8, wg.binomial(4), f"{4 * x.nbytes}B"):
        program = staged(wg.grad(chain(64, checkpoints)), x)
        tracemalloc.start()
        reference.evaluate(program, [x])
        rows[str(checkpoints)] = tracemalloc.get_traced_memory()[1] / x.nbytes
        tracemalloc.stop()
    assert rows["all"] >= 64
    assert rows["none"] < 16
    assert rows["8"] < 2 * (8 + 8) + 16
    assert rows[str(wg.binomial(4))] < 2 * 4 + 16
    assert rows[f"{4 * x.nbytes}B"] < 2 * 4 + 16


def test_a_checkpoint_gives_its_schedule_to_the_loops_in_it():
    def f(x):
        for _ in range(50):
            x = np.sin(x) + 0.5
        return x.sum()

    outer = wg.checkpoint(f, checkpoints="none")
    assert "checkpoints='none'" in str(staged(outer, X))
    assert_equal(wg.jit(wg.grad(outer))(X), wg.grad(f)(X), 1e-12)


def test_a_budget_for_less_than_one_state():
    with pytest.raises(CheckpointError, match="one state of the loop takes 32 bytes"):
        wg.jit(wg.grad(chain(50, "10B")))(X)


def part(checkpoints):
    """A state of a length that the program computes."""

    def f(x):
        n = 0
        for i in range(8):
            if x[i] > 0.5:
                n += 1
        state = x[:n]
        for _ in wg.range(9, checkpoints=checkpoints):
            state = np.sin(state) + 0.5
        return state.sum()

    return f


def test_a_budget_for_states_of_a_length_that_is_traced():
    x = np.linspace(0.3, 1.2, 8)
    expected = wg.grad(convert(part(None), staging=False))(x)
    assert_equal(wg.jit(wg.grad(part("100B")))(x), expected, 1e-12)
    with pytest.raises(CheckpointError, match="one state of the loop takes 48 bytes"):
        wg.jit(wg.grad(part("40B")))(x)


def test_a_part_of_an_array_may_be_a_variable_of_a_loop():
    def f(x):
        y = x[1:]
        for i in range(9):
            y = y * 0.5 + i
        return y

    assert_equal(wg.jit(f)(X), f(X), 1e-14)
