"""Lists that grow in compiled code, seen from outside of the program."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.errors import StagedValueError

X = np.linspace(-0.3, 2.4, 10)


def kept(x):
    xs = []
    for v in x:
        if v > 0:
            xs.append(v)
    return xs


def test_a_list_that_has_grown_is_returned_as_an_array():
    found = wg.jit(kept)(X)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, kept(X))
    assert wg.jit(kept)(-np.ones(10)).shape == (0,)


def test_entries_that_are_tuples_are_returned_as_a_tuple_of_arrays():
    def events(x):
        found = []
        for i in range(10):
            if x[i] > 1:
                found.append((i, {"size": x[i]}))
        return found

    numbers, sizes = wg.jit(events)(X)
    assert numbers.tolist() == [5, 6, 7, 8, 9]
    np.testing.assert_array_equal(sizes["size"], X[5:])


def test_a_list_of_known_length_stays_a_list():
    def four(x):
        xs = []
        for i in range(4):
            xs.append(x[i])
        return xs, [x[0], [xs[1]]]

    found = wg.jit(four)(X)
    assert found == (list(X[:4]), [X[0], [X[1]]])
    assert type(found[0]) is type(found[1][1]) is list


def test_the_dtype_is_that_of_numpy_array():
    def mixed(x, first, second):
        xs = [first]
        for _ in range(10):
            xs.append(second)
        return np.array(xs)

    x32 = np.float32(0.1)
    for first, second in [(1, 0.5), (True, 2), (x32, x32), (0.5, x32), (1, 1j)]:
        found = wg.jit(mixed)(X, first, second)
        expected = mixed(X, first, second)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_staging_anew_changes_nothing_else(capsys):
    counts = {"calls": 0}

    def noted(x):
        xs, ys = [], []
        for i in range(10):
            print("step", i)
            xs.append(x[i])
            if x[i] > 1:
                ys.append(xs[-1])
        return sum(xs) + len(ys)

    assert wg.jit(noted)(X) == pytest.approx(noted(X))
    out = capsys.readouterr().out.splitlines()
    assert out[:10] == out[10:] == [f"step {i}" for i in range(10)]
    assert counts == {"calls": 0}


def test_code_of_the_user_cannot_catch_the_signal_of_a_list_that_grows():
    def guarded(x):
        xs = []
        for i in range(10):
            try:
                xs.append(x[i])
            except Exception:
                xs = None
        return np.array(xs)

    np.testing.assert_array_equal(wg.jit(guarded)(X), X)


def test_a_number_of_entries_does_not_recompile():
    kept_sum = wg.jit(lambda x: sum(kept(x)))
    for n in (5, 7, 11, 400):
        x = np.sin(np.arange(n) + 1.0)
        assert kept_sum(x) == pytest.approx(sum(kept(x)))


def test_an_array_that_is_appended_may_be_written_to_by_no_one():
    def written_afterwards(x):
        row, rows = np.zeros(3), []
        for _ in range(10):
            rows.append(row)
        row[0] = 1.0
        return np.array(rows)

    with pytest.raises(wg.errors.MutationError, match="a write to another one"):
        wg.jit(written_afterwards)(X)


def through_an_index(rows):
    rows[1][0] = 7.0
    return np.array(rows)


def through_a_name(rows):
    last = rows[-1]
    last += 1.0
    return np.array(rows)


def through_a_slice(rows):
    rows[1:][0][0] = 7.0
    return np.array(rows)


def through_a_copy(rows):
    others = rows.copy()
    others[0][0] = 7.0
    return np.array(rows)


def through_what_was_popped_of_a_copy(rows):
    others = rows.copy()
    others.pop()[0] = 7.0
    return np.array(rows)


@pytest.mark.parametrize(
    "write",
    [
        through_an_index,
        through_a_name,
        through_a_slice,
        through_a_copy,
        through_what_was_popped_of_a_copy,
    ],
)
def test_a_write_to_an_array_in_a_list_is_refused(write):
    def written(x):
        rows = []
        for i in range(5):
            rows.append(x[:3] * i)
        return write(rows)

    with pytest.raises(wg.errors.MutationError, match="a write to another one"):
        wg.jit(written)(X)


def test_an_entry_that_was_read_stays_what_it_was():
    def read(x):
        rows = []
        for i in range(5):
            rows.append(x[:3] * i)
        first, last = rows[0], rows[-1]
        rows[0] = last * 2.0
        rows.pop()
        rows.append(first + 1.0)
        return first, last, np.array(rows)

    def by_hand(x):
        rows = [x[:3] * i for i in range(5)]
        first, last = rows[0], rows[-1]
        return first, last, np.array([last * 2.0, *rows[1:-1], first + 1.0])

    for got, expected in zip(wg.jit(read)(X), by_hand(X), strict=True):
        np.testing.assert_allclose(got, expected)


@pytest.mark.parametrize("compiled", [lambda f: wg.jit(wg.vmap(f)), wg.vmap])
def test_lanes_of_lists_with_lengths_of_their_own(compiled):
    def total(x):
        xs = kept(x)
        return sum(xs) / (1 + len(xs))

    lanes = np.stack([X * k - 1.0 for k in range(6)])
    function = compiled(total if compiled is not wg.vmap else wg.jit(total))
    np.testing.assert_allclose(function(lanes), [total(x) for x in lanes])


def test_a_list_of_numbers_is_read_at_a_place_that_the_program_finds():
    def events(rates, horizon):
        times = [0.1 / rates[0], 0.2 / rates[1], 0.5 / rates[2]]
        now, cost = 0.0, 0.0
        while now < horizon:
            k = int(np.argmin(np.array(times)))
            now = times[k]
            cost += now * rates[k]
            times[k] = now + 1.0 / rates[k] ** (1 + 0.1 * k)
        return cost

    rates = np.array([1.0, 1.3, 0.8])
    assert wg.jit(events)(rates, 20.0) == events(rates, 20.0)
    found = wg.jit(wg.grad(events))(rates, 20.0)
    expected = wg.grad(events)(rates, 20.0)  # the first is 0 but for rounding
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_list_that_is_only_read_keeps_its_length():
    def f(x, k):
        steps = [x, 2.0 * x, x * x]
        total = steps[k] + steps[-k]
        for step in steps:
            total += step
        return total * len(steps)

    for k in (0, 2):
        assert wg.jit(f)(1.5, k) == f(1.5, k)
    for k in (3, -4):
        with pytest.raises(IndexError, match="list index out of range"):
            wg.jit(f)(1.5, k)


def test_a_list_of_other_things_is_not_read_at_such_a_place():
    def f(x, i):
        return [np.sin, np.cos][int(i)](x)

    with pytest.raises(StagedValueError, match="is needed while compiling"):
        wg.jit(f)(1.5, 1.0)
