"""Saved functions: what a new process loads is what was compiled here."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError, FileError

X = np.random.default_rng(0).normal(size=(4, 6))
Y = np.array([0, 1, 2, 0])
MODEL = nn.Chain(nn.Dense(8), nn.tanh, nn.Dense(3))
SHIFT = np.arange(3, dtype=np.float32)


def _loss(params, x, y):
    return nn.cross_entropy(nn.apply(MODEL, x, params, ((), (), ()))[0] + SHIFT, y)


def _params(dtype=np.float64):
    return nn.setup(wg.random.key(0), MODEL, X, dtype=dtype)[0]


def _same(a, b, tolerance=0.0):
    found, structure = wg.tree.leaves(a), wg.tree.leaves(b)
    assert len(found) == len(structure)
    for x, y in zip(found, structure, strict=True):
        assert type(x) is type(y)
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=0)


_LOADING = """
import sys
import numpy as np
import wengert as wg
from wengert._backend import compiler

def refused(*_, **__):
    raise AssertionError("the compiler was run")

compiler.object_code = compiler._optimise = refused
given = np.load(sys.argv[2])
f = wg.export.load(sys.argv[1])
params = (
    {"weight": given["w0"], "bias": given["b0"]},
    (),
    {"weight": given["w1"], "bias": given["b1"]},
)
value, gradient = f(params, given["x"], given["y"])
leaves = wg.tree.leaves(gradient)
np.savez(sys.argv[3], value=value, **{f"g{i}": g for i, g in enumerate(leaves)})
"""


def test_a_new_process_runs_it_without_source_or_compiler(tmp_path):
    params, f = _params(), wg.value_and_grad(_loss)
    wg.export.save(tmp_path / "f.wengert", f, params, X, Y)
    first, _, second = params
    arrays = {"w0": first["weight"], "b0": first["bias"]}
    arrays |= {"w1": second["weight"], "b1": second["bias"]}
    np.savez(tmp_path / "given.npz", x=X, y=Y, **arrays)
    names = ["f.wengert", "given.npz", "found.npz"]
    subprocess.run(
        [sys.executable, "-c", _LOADING, *(str(tmp_path / n) for n in names)],
        check=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        },
    )
    found = np.load(tmp_path / "found.npz")
    value, gradient = wg.jit(f)(params, X, Y)
    assert found["value"] == value
    for i, expected in enumerate(wg.tree.leaves(gradient)):
        np.testing.assert_array_equal(found[f"g{i}"], expected)


def test_a_training_step_of_any_batch(tmp_path):
    params, opt = _params(), wg.optim.adam(1e-2)

    def step(params, state, x, y):
        value, gradient = wg.value_and_grad(_loss)(params, x, y)
        updates, state = opt.update(gradient, state, params)
        return wg.optim.apply_updates(params, updates), state, value

    state, path = opt.init(params), tmp_path / "step.wengert"
    others = [(params, state, X[:3], Y[:3])]
    wg.export.save(path, step, params, state, X, Y, others=others)
    loaded, jitted = wg.export.load(path), wg.jit(step)
    for n in (4, 2, 3):
        args = params, state, X[:n], Y[:n]
        _same(loaded(*args), jitted(*args), 1e-13)
    assert type(loaded(*args)[1][0]) is type(state[0])


def test_float32_stays(tmp_path):
    params, x = _params(np.float32), X.astype(np.float32)
    path = tmp_path / "f.wengert"
    wg.export.save(path, wg.value_and_grad(_loss), params, x, Y)
    found = wg.export.load(path)(params, x, Y)
    assert {a.dtype for a in wg.tree.leaves(found)} == {np.dtype(np.float32)}
    _same(found, wg.jit(wg.value_and_grad(_loss))(params, x, Y))


@dataclasses.dataclass
class Point:
    x: float
    y: float


class Pair(NamedTuple):
    a: float
    b: object


def test_trees_come_back_by_their_fields(tmp_path):
    def f(point, pair, option, nothing):
        return {1: Pair(point.x * pair.a, [point.y]), "o": (option, nothing, 2 > 1)}

    path = tmp_path / "f.wengert"
    args = Point(2.0, np.ones(2)), Pair(3.0, ()), "yes", None
    wg.export.save(path, f, *args)
    found = wg.export.load(path)(*args)
    assert found[1].a == 6.0 and type(found[1]).__name__ == "Pair"
    assert found["o"] == ("yes", None, True)
    np.testing.assert_array_equal(found[1].b[0], np.ones(2))


def _writes(x, n):
    if n < 0:
        raise ValueError(f"n is {n}, and x[0] is {x[0]:.1f}")
    for i in range(n):
        x[i] += 1.0
    return x.sum()


def test_arguments_are_written_to_and_checks_are_made(tmp_path):
    path, x = tmp_path / "f.wengert", np.zeros(3)
    wg.export.save(path, _writes, np.zeros(3), 1)
    f = wg.export.load(path)
    assert f(x, 2) == 2.0
    np.testing.assert_array_equal(x, [1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match=r"n is -1, and x\[0\] is 1.0") as found:
        f(x, -1)
    assert "test_saved.py" in found.value.__notes__[0]
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        f(x, 7)


def test_an_exception_of_the_users_comes_back_as_the_class_above_it(tmp_path):
    class Negative(ArithmeticError):
        pass

    def f(x):
        if x < 0.0:
            raise Negative(f"{x} is negative")
        return np.sqrt(x)

    wg.export.save(tmp_path / "f", f, 1.0)
    with pytest.raises(ArithmeticError, match="-4.0 is negative") as found:
        wg.export.load(tmp_path / "f")(-4.0)
    assert type(found.value) is ArithmeticError


def test_numbers_and_orders(tmp_path):
    def f(x, n, z):
        return x.ravel() * n + z.real, z * 1j, np.float32(n) * 2

    args = np.arange(6.0).reshape(2, 3), 3, 1.0 + 2.0j
    wg.export.save(tmp_path / "f", f, *args)
    loaded = wg.export.load(tmp_path / "f")
    _same(loaded(*args), wg.jit(f)(*args))
    _same(loaded(np.asfortranarray(args[0]), 3, 1j), wg.jit(f)(args[0], 3, 1j))


@pytest.mark.parametrize("at", [0, 25, 60, 400, -1])
def test_one_bit_of_the_file_is_noticed(tmp_path, at):
    path = tmp_path / "f"
    wg.export.save(path, np.sin, 1.0)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="damaged"):
        wg.export.load(path)


def test_a_file_that_is_cut_off_is_noticed(tmp_path):
    path = tmp_path / "f"
    wg.export.save(path, np.sin, 1.0)
    content = path.read_bytes()
    for size in (0, 10, 30, 52, 60, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(FileError, match="damaged"):
            wg.export.load(path)


def test_built_in_values_are_compared(tmp_path):
    wg.export.save(tmp_path / "f", lambda x, p: x**2 if p else x, 3.0, True)
    f = wg.export.load(tmp_path / "f")
    assert f(3.0, True) == 9.0
    with pytest.raises(ArgumentError, match="built in"):
        f(3.0, False)
