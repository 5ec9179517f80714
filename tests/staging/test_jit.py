"""Compiled functions: what they return, write, read and refuse."""

from __future__ import annotations

import sys
import threading
from functools import partial

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.staging.programs import CASES, X
from tests.staging.test_programs import LANE_PARAMS, LANES, MODES, assert_equal, total
from wengert._core import tree
from wengert._frontend.api import convert
from wengert.errors import ArgumentError, MutationError

PARAMS = [pytest.param(f, x, id=f"{f.__name__}-{i}") for i, (f, x) in enumerate(CASES)]


@pytest.mark.parametrize("function, x", PARAMS)
def test_value(function, x):
    assert_equal(wg.jit(function)(x), function(np.copy(x)[()]), 1e-12)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("function, x", PARAMS)
def test_derivatives(function, x, mode):
    derivative = MODES[mode]
    expected = derivative(total(convert(function, staging=False)))(x)
    assert_equal(wg.jit(derivative(total(function)))(x), expected, 1e-9)
    assert_equal(derivative(total(wg.jit(function)))(x), expected, 1e-9)


@pytest.mark.parametrize("function, x", LANE_PARAMS[::3])
def test_lanes_of_gradients(function, x):
    lanes = np.stack([x, 0.7 * np.asarray(x), -np.asarray(x) + 0.1])
    eager = wg.grad(total(convert(function, staging=False)))
    got = wg.jit(LANES["gradients of lanes"](function))(lanes)
    assert_equal(got, np.stack([eager(lane) for lane in lanes]), 1e-9)


@pytest.mark.parametrize("function, x", PARAMS[:16:3])
def test_hessians(function, x):
    expected = wg.hessian(total(convert(function, staging=False)))(x)
    assert_equal(wg.jit(wg.hessian(total(function)))(x), expected, 1e-9)


# -- arguments and results -------------------------------------------------------------


def test_a_python_float_gives_a_numpy_scalar():
    result = wg.jit(lambda x: x * 2)(3.0)
    assert type(result) is np.float64
    assert result == 6.0


def test_pytrees_go_in_and_come_out():
    def step(state, rate):
        return {"w": state["w"] - rate * state["b"], "b": (state["b"], "label", None)}

    state = {"w": np.ones(3), "b": np.arange(3.0)}
    got = wg.jit(step)(state, rate=0.5)
    assert got["b"][1:] == ("label", None)
    np.testing.assert_array_equal(got["w"], [1.0, 0.5, 0.0])


def test_arguments_are_written_to_as_in_numpy():
    def fill(x, y):
        for i in range(len(x)):
            x[i] = y[i] * 2
        return x.sum()

    x, y = np.zeros(6), np.arange(6.0)
    assert wg.jit(fill)(x, y) == 30.0
    np.testing.assert_array_equal(x, 2 * y)
    np.testing.assert_array_equal(y, np.arange(6.0))


def test_one_array_given_twice_is_one_array():
    def shift(x, y):
        for i in range(5):
            x[i + 1] = y[i] + 1
        return x

    x, plain = np.zeros(6), np.zeros(6)
    shift(plain, plain)
    wg.jit(shift)(x, x)
    np.testing.assert_array_equal(x, plain)


def test_overlapping_arguments_that_are_written_to_are_refused():
    def copy(x, y):
        x[:] = y

    x = np.zeros(6)
    with pytest.raises(MutationError, match="shares memory with another"):
        wg.jit(copy)(x[1:], x[:-1])


def writes_and_reads_a_global(x):
    x[0] = 5.0
    return TABLE[0]


def test_an_argument_that_is_also_a_global_is_refused_if_written_to():
    compiled = wg.jit(writes_and_reads_a_global)
    assert compiled(np.zeros(2)) == TABLE[0]
    with pytest.raises(MutationError, match="an array that it reads otherwise"):
        compiled(TABLE)
    assert TABLE[0] == 1.0


def test_strides_and_byte_orders():
    double = wg.jit(lambda x: x * 2)
    x = np.arange(12.0).reshape(3, 4)
    for view in (x[:, ::2], x.T, x[::-1], x[:, 0], np.asfortranarray(x)):
        np.testing.assert_array_equal(double(view), view * 2)
    swapped = x.astype(">f8")
    np.testing.assert_array_equal(double(swapped), x * 2)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int32, bool, np.complex128])
def test_dtypes(dtype):
    x = np.array([0, 1, 1, 0]).astype(dtype)
    result = wg.jit(lambda x: x + x)(x)
    assert result.dtype == (x + x).dtype
    np.testing.assert_array_equal(result, x + x)


def test_a_weak_number_keeps_float32():
    def running(x):
        s = 0.0
        for i in range(len(x)):
            s = s + x[i] * 2
        return s

    x = np.arange(8, dtype=np.float32)
    assert wg.jit(running)(x).dtype == np.float32
    assert running(x).dtype == np.float32


def test_a_condition_of_a_weak_number_may_be_reduced():
    def halvings(x):
        n = 0
        while x > 1.0:
            if not np.all(n >= 0) or np.any(n > 1000):
                raise ValueError("n")
            x = x / np.float32(2.0)
            n += 1
        return n

    assert wg.jit(halvings)(np.float32(9.0)) == 4


# -- what is compiled, and when --------------------------------------------------------


def test_a_number_of_steps_does_not_recompile():
    def power(x, n):
        y = 1.0
        for _ in range(n):
            y = y * x
        return y

    compiled = wg.jit(power)
    assert compiled(2.0, 3) == 8.0
    assert compiled(2.0, 10) == 1024.0
    assert compiled(2.0, 0) == 1.0


def test_an_integer_that_is_needed_is_part_of_the_key():
    compiled = wg.jit(lambda x, axis: np.sum(x, axis=axis))
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(compiled(x, 0), x.sum(0))
    np.testing.assert_array_equal(compiled(x, 1), x.sum(1))


def test_static_arguments():
    @wg.jit(static_argnames=("kind",))
    def apply(x, *, kind):
        return x * 2 if kind == "double" else x * 3

    assert apply(1.0, kind="double") == 2.0
    assert apply(1.0, kind="triple") == 3.0
    with pytest.raises(ArgumentError, match="static_argnames has 'sort'"):
        wg.jit(apply, static_argnames="sort")


FACTOR = 2.0
TABLE = np.array([1.0, 2.0])
SETTINGS = {"rate": 1.0}


def reads_globals(x):
    return x * FACTOR + TABLE[0] + SETTINGS["rate"]


def test_globals_are_read_at_each_call(monkeypatch):
    compiled = wg.jit(reads_globals)
    assert compiled(1.0) == 4.0
    TABLE[0] = 10.0
    try:
        assert compiled(1.0) == 13.0
    finally:
        TABLE[0] = 1.0
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert compiled(1.0) == 7.0
    monkeypatch.setitem(globals(), "TABLE", np.array([3.0, 0.0]))
    assert compiled(1.0) == 9.0
    monkeypatch.setitem(SETTINGS, "rate", 0.0)
    assert compiled(1.0) == 8.0


def indexed(x, table=TABLE):
    total = 0.0
    for i in range(6):
        total = total + x * table[i % 2]
    return total


def from_a_default(x):
    return indexed(x)


def from_a_list(x):
    for table in [TABLE][:]:
        total = indexed(x, table)
    return total


def unpacked(x):
    (table,) = [TABLE]
    return indexed(x, table)


def by_name(x):
    return indexed(x, getattr(sys.modules[__name__], "TABLE"))  # noqa: B009


@pytest.mark.parametrize(
    "function",
    [from_a_default, from_a_list, unpacked, by_name, partial(indexed, table=TABLE)],
)
def test_an_array_that_comes_another_way_is_indexed_by_a_step(function):
    compiled = wg.jit(function)
    assert compiled(1.0) == 9.0
    assert wg.jit(wg.grad(function))(1.0) == 9.0
    TABLE[0] = 10.0
    try:
        assert compiled(1.0) == 36.0
    finally:
        TABLE[0] = 1.0


def test_a_write_to_an_array_that_comes_another_way_happens_at_each_call():
    count = np.zeros(1)

    def counted(x, log=count):
        log[0] += x
        return x * log[0]

    compiled = wg.jit(counted)
    assert [compiled(1.0), compiled(1.0), compiled(2.0)] == [1.0, 2.0, 8.0]
    assert count[0] == 4.0


class Model:
    def __init__(self, w):
        self.w = w
        self.scale = 1.0

    def __call__(self, x):
        return (self.w * x).sum() * self.scale


def test_attributes_are_read_at_each_call():
    model = Model(np.array([1.0, 2.0]))
    compiled = wg.jit(model.__call__)
    x = np.ones(2)
    assert compiled(x) == 3.0
    model.w[0] = 2.0
    assert compiled(x) == 4.0
    model.scale = 10.0
    assert compiled(x) == 40.0
    model.w = np.zeros(2)
    assert compiled(x) == 0.0


def test_exceptions_arrive_as_they_are():
    def checked(x):
        for i in range(len(x)):
            if x[i] < 0:
                raise ValueError("negative")
        assert x[0] < 5, "large"
        return x.sum()

    compiled = wg.jit(checked)
    assert compiled(np.ones(6)) == 6.0
    with pytest.raises(ValueError, match="negative") as caught:
        compiled(np.array([1.0, 1.0, 1.0, -1.0, 1.0, 1.0]))
    for derivative in (wg.jit(wg.grad(checked)), wg.grad(wg.jit(checked))):
        assert list(derivative(np.ones(6))) == [1.0] * 6
        with pytest.raises(ValueError, match="negative"):
            derivative(np.array([1.0, 1.0, 1.0, -1.0, 1.0, 1.0]))
    assert "test_jit.py" in caught.value.__notes__[0]
    with pytest.raises(AssertionError, match="large"):
        compiled(np.full(6, 9.0))


def test_an_exception_is_a_new_one_each_time():
    class OutOfRange(ValueError):
        def __init__(self, limit, *, unit):
            super().__init__(f"beyond {limit} {unit}")
            self.limit = limit

    cause = KeyError("cause")

    def checked(x):
        if x > 3:
            raise OutOfRange(3, unit="m") from cause
        if x < 0:
            raise ArithmeticError
        return x

    compiled, caught = wg.jit(checked), []
    for _ in range(3):
        with pytest.raises(OutOfRange, match="beyond 3 m") as info:
            compiled(5.0)
        caught.append(info.value)
        assert info.value.limit == 3 and info.value.__cause__ is cause
        assert len(info.value.__notes__) == 1
    assert len(set(map(id, caught))) == 3
    with pytest.raises(ArithmeticError):
        compiled(-1.0)


def test_an_exception_in_a_branch_of_a_derivative():
    def checked(x):
        if x * x > 9.0:
            raise ValueError("large")
        return x * x

    for f in (wg.grad(checked), wg.grad(wg.grad(checked)), wg.hessian(checked)):
        assert wg.jit(f)(2.0) in (2.0, 4.0)
        with pytest.raises(ValueError, match="large"):
            wg.jit(f)(4.0)


def test_an_index_out_of_bounds():
    def read(x, i):
        return x[i]

    compiled = wg.jit(read)
    assert compiled(X, -1) == X[-1]
    with pytest.raises(IndexError, match="index 10 is out of bounds for axis 0"):
        compiled(X, 10)


def test_compiled_in_compiled():
    inner = wg.jit(lambda x: wnp.sin(x) * x)

    def outer(x):
        s = 0.0
        for i in range(10):
            s = s + inner(x[i])
        return s

    expected = np.sum(np.sin(X) * X)
    np.testing.assert_allclose(wg.jit(outer)(X), expected, rtol=1e-13)
    gradient = np.sin(X) + X * np.cos(X)
    np.testing.assert_allclose(wg.jit(wg.grad(outer))(X), gradient, rtol=1e-12)
    np.testing.assert_allclose(wg.grad(wg.jit(outer))(X), gradient, rtol=1e-12)


def test_threads():
    def work(x):
        s = 0.0
        for i in range(len(x)):
            s += np.sin(x[i]) * x[i]
        return s

    compiled, found = wg.jit(work), {}
    inputs = [np.linspace(0, i + 1, 500) for i in range(8)]
    compiled(inputs[0])

    def run(i):
        found[i] = [compiled(inputs[i]) for _ in range(50)]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, x in enumerate(inputs):
        np.testing.assert_allclose(found[i], work(x), rtol=1e-12)


def test_leaves_of_a_result_that_are_no_arrays():
    compiled = wg.jit(lambda x: (x, "name", 3, None))
    assert tree.leaves(compiled(1.0))[1:] == ["name", 3]


def test_a_value_equals_itself():
    """A function has a scalar and a vector form, which differ in their last bits."""

    def largest_where_large(x):
        v = np.tanh(np.cumsum(x.copy()))
        v[3:] += -0.44
        v[v > -0.5858] = np.max(v)
        return np.sum(v * -0.66)

    x = np.array([0.8328137665569992, 0.17028663015014667, -0.8388300973604597])
    x = np.concatenate([x, [0.11628003519769092, -0.03279879023400745]])
    eager = wg.grad(convert(largest_where_large, staging=False))(x)
    np.testing.assert_allclose(wg.jit(wg.grad(largest_where_large))(x), eager, 1e-12)


def test_an_index_of_each_lane_in_a_called_program():
    order = np.array([2, 0, 1])

    def chosen(x, n):
        k = 0
        while k < n and x[k] > 0.5:
            k += 1
        return x[order[k]], np.take(x, order[k])

    xs = np.array([[1.0, 0.2, 3.0], [0.1, 5.0, 6.0]])
    found = wg.vmap(wg.jit(chosen), (0, None))(xs, 2)
    expected = [chosen(x, 2) for x in xs]
    np.testing.assert_array_equal(np.transpose(found), expected)
    in_one = wg.jit(wg.vmap(wg.jit(chosen), (0, None)))(xs, 2)
    np.testing.assert_array_equal(in_one, found)


def test_an_index_that_is_one_for_all_lanes_but_carried():
    table = np.array([0, 3, 4, 1, 2])

    def chosen(x, n):
        k, c = n, 0
        while c < n:
            c += 1
            if table[1] > 2:
                k = len(x)
        return np.arange(5.0)[table[k % 5]] * x

    xs = np.ones((3, 5))
    expected = np.stack([chosen(x, 2) for x in xs])
    found = wg.vmap(wg.jit(lambda x, n: chosen(x * 1.0, n)), (0, None))(xs, 2)
    np.testing.assert_array_equal(found, expected)


def test_arrays_that_a_library_makes_are_new_at_each_call():
    @wg.jit
    def weighted(x):
        window = np.hanning(4)
        window[1] += 1
        window += 0.5
        return x * window

    for _ in range(3):
        np.testing.assert_allclose(weighted(2.0), [1.0, 4.5, 2.5, 1.0])


class _Counter:
    def __init__(self):
        self.counts = np.zeros(2)


def test_an_array_from_outside_is_written_to_whole_at_each_call():
    counter = _Counter()

    @wg.jit
    def count(x):
        counts = getattr(counter, "counts")  # noqa: B009  (no attribute to be seen)
        counts += 1
        return x * counts[0]

    assert [count(2.0) for _ in range(3)] == [2.0, 4.0, 6.0]
    np.testing.assert_array_equal(counter.counts, 3.0)
