"""cond, while_loop, fori_loop, scan, map, range: values, derivatives, errors."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._control import cond, fori_loop, map, range, scan, while_loop
from wengert.errors import (
    ArgumentError,
    CheckpointError,
    DTypeError,
    LanesDisagreeError,
    ShapeError,
    TreeError,
)

X = np.array([0.3, -0.7])


def test_cond_takes_one_branch():
    f = lambda x: cond(x > 0, lambda a, b: a * b, lambda a, b: a - b, x, 2.0)
    assert f(3.0) == 6.0 and f(-3.0) == -5.0
    assert wg.grad(f)(3.0) == 2.0 and wg.grad(f)(-3.0) == 1.0
    with pytest.raises(LanesDisagreeError, match="lanes of this batched value differ"):
        wg.vmap(f)(X)
    assert wg.map(f, X).tolist() == [0.6, -2.7]


def test_fori_loop_is_a_python_loop():
    seen = []
    out = fori_loop(2, 5, lambda i, c: seen.append(i) or (c[0] + i, c[1]), (0, "kept"))
    assert seen == [2, 3, 4] and out == (9, "kept")
    assert fori_loop(5, 2, lambda i, c: 1 / 0, "as it was") == "as it was"
    f = lambda x: fori_loop(0, 4, lambda i, y: y * x, 1.0)
    assert f(2.0) == 16.0 and wg.grad(f)(2.0) == 32.0 and wg.hessian(f)(2.0) == 48.0


def test_while_loop_runs_while_the_condition_holds():
    f = lambda x: while_loop(
        lambda s: s[0] < 50.0, lambda s: (s[0] * s[1], s[1]), (1.0, x)
    )[0]
    assert f(3.0) == 81.0 and wg.grad(f)(3.0) == 4 * 27.0
    assert while_loop(lambda c: False, lambda c: 1 / 0, 7) == 7


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_a_loop_with_outputs(reverse):
    def step(c, x):
        return c * 0.5 + x["a"], {"y": c * x["b"], "n": None}

    xs = {"a": np.arange(3.0), "b": np.arange(6.0).reshape(3, 2)}
    for checkpoints in ("all", "none", 2):
        carry, ys = scan(step, 1.0, xs, reverse=reverse, checkpoints=checkpoints)
        c, expected = 1.0, [None] * 3
        for i in reversed(builtin(3)) if reverse else builtin(3):
            expected[i] = c * xs["b"][i]
            c = c * 0.5 + xs["a"][i]
        assert carry == c and ys["n"] is None
        np.testing.assert_array_equal(ys["y"], np.stack(expected))

        def loss(xs, schedule=checkpoints):
            carry, ys = scan(step, 1.0, xs, reverse=reverse, checkpoints=schedule)
            return carry + wnp.sum(ys["y"] ** 2)

        wg_check(loss, xs)


builtin = (
    __builtins__["range"] if isinstance(__builtins__, dict) else __builtins__.range
)


def wg_check(f, x):
    from wengert._modes.check import check_grads

    check_grads(f, (x,), order=1)


def test_scan_with_a_length_and_no_steps():
    carry, ys = scan(lambda c, x: (c + 1, x), 0, length=3)
    assert carry == 3 and ys is None
    carry, ys = scan(lambda c, x: (c, c), 5.0, np.zeros((0, 2)))
    assert carry == 5.0 and ys is None


def test_map_runs_lane_by_lane():
    f = lambda x: x * x if x > 0 else -x
    assert map(f, X).tolist() == [0.09, 0.7]
    assert wg.grad(lambda x: wnp.sum(map(f, x)))(X).tolist() == [0.6, -1.0]
    tree = map(
        lambda d: {"s": d["a"].sum(), "b": d["b"]}, {"a": np.ones((2, 3)), "b": X}
    )
    assert tree["s"].tolist() == [3.0, 3.0] and tree["b"].tolist() == X.tolist()
    assert isinstance(tree["s"], np.ndarray)
    lanes = wg.vmap(lambda x: map(wnp.sin, x))(np.stack([X, X]))
    np.testing.assert_array_equal(lanes, np.sin(np.stack([X, X])))


def test_range_is_range():
    assert range(4) == builtin(4)
    assert range(1, 9, 3, unroll=True, parallel=False, checkpoints="200MB") == builtin(
        1, 9, 3
    )
    assert list(range(np.int64(2))) == [0, 1]


def test_loops_may_use_traced_integers():
    def f(x):
        n = int(x) + 1
        return fori_loop(0, n, lambda i, y: y * x, 1.0) + sum(x for _ in range(n))

    assert wg.grad(f)(2.0) == 12.0 + 3.0


@pytest.mark.parametrize(
    ("run", "error", "text"),
    [
        (
            lambda: fori_loop(0.5, 2, lambda i, c: c, 1.0),
            DTypeError,
            "fori_loop: lower is 0.5",
        ),
        (
            lambda: fori_loop(0, "2", lambda i, c: c, 1.0),
            DTypeError,
            "fori_loop: upper is '2'",
        ),
        (
            lambda: fori_loop(0, 2, lambda i, c: (c, c), 1.0),
            TreeError,
            "fori_loop: a step turned",
        ),
        (
            lambda: while_loop(lambda c: True, lambda c: (c, c), 1.0),
            TreeError,
            "while_loop: a step turned",
        ),
        (
            lambda: scan(lambda c, x: c, 1.0, X),
            ArgumentError,
            "returned float, not a pair",
        ),
        (
            lambda: scan(lambda c, x: (c, x), 1.0),
            ArgumentError,
            "number of steps is not given",
        ),
        (lambda: map(lambda x: x, ()), ArgumentError, "map: the number of steps"),
        (lambda: map(lambda x: x, 1.0), ShapeError, "xs has no leading axis"),
        (
            lambda: scan(lambda c, x: (c, x), 1.0, {"a": X, "b": np.ones(3)}),
            ShapeError,
            r"lengths differ \(xs\['a'\]: 2, xs\['b'\]: 3\)",
        ),
        (
            lambda: scan(lambda c, x: ((c[0], (c, c)), x), (1.0, 2.0), X),
            TreeError,
            "scan: a step turned",
        ),
        (
            lambda: map(lambda x: x if x > 0 else (x, x), X),
            TreeError,
            "map: step 1 returned the structure",
        ),
        (
            lambda: map(lambda x: np.ones(1 if x > 0 else 2), X),
            ShapeError,
            r"map: step 1 returned the shape \(2,\), step 0 \(1,\)",
        ),
        (lambda: range(), ArgumentError, "range: 0 bounds"),
        (lambda: range(1, 2, 0), ArgumentError, "the step is 0"),
        (lambda: range(2.5), DTypeError, "range: bound 0 is 2.5"),
        (lambda: range(2, unroll=1), ArgumentError, "range: unroll=1"),
        (lambda: range(2, parallel="yes"), ArgumentError, "range: parallel='yes'"),
        (lambda: range(2, checkpoints="some"), CheckpointError, "checkpoints='some'"),
        (
            lambda: wg.grad(
                lambda x: fori_loop(0, 3, lambda i, c: (c, c), x, checkpoints="none")
            )(1.0),
            TreeError,
            "fori_loop: step 0 turned a carry of structure",
        ),
    ],
)
def test_errors(run, error, text):
    with pytest.raises(error, match=text) as e:
        run()
    assert "test_control.py" in str(e.value) and "Fix: " in str(e.value)
