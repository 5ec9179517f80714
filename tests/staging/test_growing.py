"""Lists that grow in compiled code, seen from outside of the program."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

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


def test_an_entry_that_is_written_to_is_not_the_array_that_was_appended():
    def written_through(x):
        row, rows = x[:3] * 2.0, []
        for i in range(5):
            rows.append(row * i)
        rows[1][0] = 7.0
        last = rows[-1]
        last += 1.0
        return np.array(rows)

    def by_hand(x):
        rows = np.array([x[:3] * 2.0 * i for i in range(5)])
        rows[1, 0] = 7.0
        rows[-1] += 1.0
        return rows

    np.testing.assert_allclose(wg.jit(written_through)(X), by_hand(X))


@pytest.mark.parametrize("compiled", [lambda f: wg.jit(wg.vmap(f)), wg.vmap])
def test_lanes_of_lists_with_lengths_of_their_own(compiled):
    def total(x):
        xs = kept(x)
        return sum(xs) / (1 + len(xs))

    lanes = np.stack([X * k - 1.0 for k in range(6)])
    function = compiled(total if compiled is not wg.vmap else wg.jit(total))
    np.testing.assert_allclose(function(lanes), [total(x) for x in lanes])
