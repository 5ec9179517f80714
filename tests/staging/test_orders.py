"""The order of arrays in memory: compiled reshapes are views where NumPy's are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert._core.op import OPS
from wengert._ops.families import Sample
from wengert._staging import orders
from wengert.errors import MutationError, StagedValueError

X = np.arange(1.0, 7.0).reshape(2, 3)
SQUARE = np.arange(1.0, 10.0).reshape(3, 3)


def in_order(x: np.ndarray) -> bool:
    pairs = zip(x.strides, x.strides[1:], x.shape, x.shape[1:], strict=False)
    return x.size == 0 or all(a >= b or not b or 1 in (n, m) for a, b, n, m in pairs)


@pytest.mark.parametrize("op", list(OPS), ids=lambda op: op.name)
def test_operations_keep_c_order(op):
    """But for those with a rule of their own."""
    rng = np.random.default_rng(0)
    for sample in op.samples:
        if op in orders._RULES or not isinstance(sample, Sample):
            continue
        operands = [
            rng.uniform(0.2, 0.8, o) if isinstance(o, tuple) else o
            for o in sample.operands
        ]
        assert all(in_order(np.asarray(o)) for o in operands)
        found = op.evaluate(*operands, **sample.params)
        for out in found if op.multiple else (found,):
            assert op.name == "broadcast_to" or in_order(np.asarray(out))


def filled(y: Any, how: Any = lambda y: y.reshape(-1)) -> Any:
    z = how(y)
    z[1] = 100.0
    return y


MAY_BE_COPIES = {
    "elementwise": lambda x: filled(x.T * 2),
    "fortran": lambda x: filled(np.asfortranarray(x)),
    "copy": lambda x: filled(np.copy(x.T), np.ravel),
    "where": lambda x: filled(np.where(x.T > 2, x.T, 0.0)),
    "like": lambda x: filled(np.zeros_like(x.T)),
    "sum": lambda x: filled(np.ones((3, 4)).T @ x.T),
    "columns": lambda x: filled(x[:, np.array([2, 0])] + 0),
    "to Fortran order": lambda x: filled(np.reshape(x, (3, 2), order="F") + 0),
    "contiguous": lambda x: filled(x.T * 2, lambda y: np.ascontiguousarray(y)[0]),
    "of a view": lambda x: filled((x.T * 2)[1:]),
}
CERTAIN = {
    "fresh": lambda x: filled(x * 2),
    "rows": lambda x: filled(x[np.array([1, 0])]),
    "view": lambda x: filled(x.T),
    "view of fresh": lambda x: filled((x + 1).T),
    "copied": lambda x: filled((x.T * 2).copy()),
    "written": lambda x: filled(written(np.zeros((3, 2)), x.T)),
    "like": lambda x: filled(np.ones_like(x)),
    "contiguous": lambda x: filled(np.ascontiguousarray(x)),
    "ones": lambda x: filled(x.T * 2, lambda y: y.reshape(3, 1, 2)[:, 0]),
    "column": lambda x: filled((x.T * 2)[:, 0], lambda y: y.reshape(3, 1)[:, 0]),
    "broadcast": lambda x: filled(np.ones((2, 3)) * x[:, :1]),
    "read": lambda x: (x.T * 2).reshape(-1) + 1,
    "written and left": lambda x: dropped((x.T * 2).reshape(-1)),
}


def written(y: Any, x: Any) -> Any:
    y[...] = x
    return y


def dropped(z: Any) -> Any:
    z[0] = 5.0
    return z


@pytest.mark.parametrize("name", MAY_BE_COPIES)
def test_a_write_that_may_be_seen_by_another_name_is_refused(name):
    f = MAY_BE_COPIES[name]
    for g in (wg.jit(f), wg.jit(wg.grad(lambda x: f(x).sum()))):
        with pytest.raises(MutationError, match="may have changed"):
            g(X.copy())


@pytest.mark.parametrize("name", CERTAIN)
def test_reshapes_that_are_certain(name):
    f = CERTAIN[name]
    np.testing.assert_array_equal(wg.jit(f)(X.copy()), f(X.copy()))
    eager = wg.vjp(f, X)[1](np.ones_like(f(X.copy())))[0]
    compiled = wg.jit(lambda x: wg.vjp(f, x)[1](np.ones_like(f(X.copy())))[0])
    np.testing.assert_array_equal(compiled(X), eager)


@pytest.mark.parametrize("x", [np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]])
def test_arguments_in_another_order(x):
    def f(x):
        return x.reshape(-1) * 2

    def g(x):
        return filled(x) * 1

    f, compiled = wg.jit(f), wg.jit(g)
    np.testing.assert_array_equal(f(x), f(X))
    np.testing.assert_array_equal(compiled(X.copy()), g(X.copy()))
    with pytest.raises(MutationError, match="may have changed"):
        compiled(x.copy(order="K") if x.flags.fnc else x)
    np.testing.assert_array_equal(compiled(X.copy()), g(X.copy()))


def test_loops_that_keep_the_order():
    def f(x):
        y = np.zeros((3, 3))
        for i in range(len(x) * 2):
            filled(y)[i // 2, 0] += x[0, 0] * i
            y = y * 2 + x
        return y

    np.testing.assert_array_equal(wg.jit(f)(SQUARE), f(SQUARE))


def test_loops_that_change_the_order():
    def f(x):
        y = np.zeros((3, 3))
        for i in range(len(x) * 2):
            z = y.reshape(-1)
            z[i] = 1.0
            y = y.T * 2 + x[0, 0]
        return y

    with pytest.raises(MutationError, match="'y'"):
        wg.jit(f)(SQUARE)


def test_what_a_loop_and_a_branch_leave():
    def looped(x):
        y = x * 1
        for i in range(len(x) * 2):
            y = y.T * i
        return filled(y)

    def branched(x):
        y = x.T * 2 if x[0, 0] > 0 else x * 2
        return filled(y)

    for f in (looped, branched):
        with pytest.raises(MutationError, match="may have changed"):
            wg.jit(f)(SQUARE)


def test_orders_that_are_asked_for():
    for order in ("A", "K"):

        def f(x, order=order):
            return (x * 2).ravel(order)

        def g(x, order=order):
            return (x.T * 2).flatten(order)

        np.testing.assert_array_equal(wg.jit(f)(X), f(X))
        with pytest.raises(StagedValueError, match="order of an array in memory"):
            wg.jit(g)(X)


def test_results_of_calls_within_a_recursive_function():
    def f(s, n, written=False):
        if n <= 0:
            return (np.ones((2, 3)) * s).T
        y = f(s * 2, n - 1, True)
        if written:
            z = y.reshape(-1)
            z[0] = 100.0
        return y * 1.0

    with pytest.raises(MutationError, match="may have changed"):
        wg.jit(f)(1.0, 3)
