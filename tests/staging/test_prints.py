"""`print` of compiled code: when it runs, as often and in the order that Python has."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.errors import StagedValueError

X = np.array([0.5, 1.5, 2.5])


def straight(x):
    print("x is", x, (x[0], [x[1], "text"]), sep=" | ", end=".\n")
    print("constant")
    return x * 2.0


def in_a_loop(x):
    s = 0.0
    for i in range(6):
        s = s * 0.5 + np.sin(x[i % 3])
        if i > 3:
            print(i, np.round(s, 3))
    print("end")
    return s


def in_a_while(x):
    y, n = x[2], 0
    while y > 0.1:
        y = y * x[0]
        n += 1
        print("step", n, y)
    return y


def scheduled(x):
    y = x[0]
    for i in wg.range(7, checkpoints=wg.binomial(2)):
        y = np.sin(y) + x[1]
        for _ in range(5):
            if i > 4:
                print("inner", i)
                y = y * 0.5
    return y


FUNCTIONS = [straight, in_a_loop, in_a_while, scheduled]
SCALED = [f for f in FUNCTIONS if f is not straight]


def printed(capsys, run, *args):
    capsys.readouterr()
    run(*args)
    return capsys.readouterr().out


@pytest.mark.parametrize("f", FUNCTIONS)
def test_each_call_prints(f, capsys):
    compiled = wg.jit(f)
    for x in (X, X * 0.5):
        assert printed(capsys, compiled, x) == printed(capsys, f, x)


@pytest.mark.parametrize("f", SCALED)
def test_a_derivative_prints_once(f, capsys):
    expected = printed(capsys, f, X)
    for derivative in (
        wg.grad(wg.jit(f)),
        wg.jit(wg.grad(f)),
        wg.jit(lambda x: wg.jvp(f, (x,), (x,))),
        wg.jit(wg.hessian(f)),
    ):
        assert printed(capsys, derivative, X) == expected


def test_each_lane_prints(capsys):
    lanes = np.stack([X, X * 0.7])
    out = printed(capsys, wg.jit(wg.vmap(wg.grad(in_a_while))), lanes)
    expected = "".join(printed(capsys, in_a_while, lane) for lane in lanes)
    assert sorted(out.splitlines()) == sorted(expected.splitlines())


def test_an_f_string_is_refused():
    def f(x):
        print(f"x = {x}")
        return x

    with pytest.raises(StagedValueError, match="is formatted while compiling") as e:
        wg.jit(f)(1.0)
    assert "print('x =', x)" in str(e.value)
