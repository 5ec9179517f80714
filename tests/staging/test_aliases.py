"""Arrays of which the run decides whether they are one: right, or refused."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.errors import MutationError

X = np.arange(1.0, 4.0)


def bound_in_a_branch(x, a):
    v, p = x.copy(), x * 2
    if a > 0:
        v = p
    v[0] = 7.0
    return p


def bound_in_a_loop(x, a):
    v, p = x.copy(), x * 2
    for _ in range(6):
        v = p
    v[0] = a
    return p


def bound_in_a_branch_of_a_loop(x, a):
    v, p = x.copy(), x * 2
    for i in range(6):
        v[0] += 1.0
        if a * i > 0.5:
            v = p
    return p


def start_written(x, a):
    y = x * 2
    start = y
    for _ in range(6):
        start[0] += a
        y = y + start[1]
    return y


def written_and_start_read(x, a):
    y = x * 2
    start = y
    for _ in range(6):
        y[0] += a
        y = y + start[0]
    return y


def view_of_the_start_written(x, a):
    y = x * 2
    view = y[1:]
    for _ in range(6):
        s = y[1] + a
        y = y + s
        view[0] = s
    return y


def perhaps_the_start_written(x, a):
    y = x * 2
    start = y
    for i in range(6):
        if i * a > 1.5:
            y = start
        y[0] = 1.0
        y = y + start[0]
    return y


def perhaps_no_step(x, a):
    y = x * 2
    start, s = y, a
    while s < 1.0:
        y, s = y + start, s + 0.1
    y[0] = 1.0
    return y * start


def followed_by_the_next_step(x, a):
    v, q, s = x.copy(), x * 2, a
    for _ in range(6):
        q[0] += 1.0
        s += v[0]
        v = q
    return s


def bound_after_the_write(x, a):
    best, now = x.copy(), x * 2
    for i in range(6):
        now[0] += 1.0
        if a * i > 0.5:
            best = now
    return best


def chosen_view_written(x, a):
    m = np.outer(x, x)
    row = m[0] if a > 0 else m[1]
    row[0] = 9.0
    return m


def base_of_a_chosen_view_written(x, a):
    m = np.outer(x, x)
    row = m[0] if a > 0 else m[1]
    m[0, 0], m[1, 0] = 9.0, 8.0
    return row


def two_names_in_one_branch(x, a):
    if a > 0:
        u = w = x * 2
    else:
        u, w = x * 3, x * 4
    u[0] = 5.0
    return w


def rebound_with_an_alias_outside(x, a):
    y = x.copy()
    z = y
    for _ in range(6):
        if a < 0:
            y = y + 1.0
        y[0] = 5.0
    return z


def _doubled_if_negative(x, a):
    if a < 0:
        x = x * 2
    x[0] = 3.0
    return x


def written_by_a_callee(x, a):
    y = x * 1.0
    return _doubled_if_negative(y, a) + y


def returned_by_a_callee(x, a):
    def larger(u, v):
        for i in range(3):
            if u[i] * a > v[i]:
                return u
        return v

    y, z = x * 2, x * 3
    larger(y, z)[0] = 0.5
    return y + z


def lost_on_one_path_and_used(x, a):
    y, z = x.copy(), x * 2
    t = y if a < 0.5 else z
    if a > 0:
        t[0] = 1.0
    return z


def written_on_either_path(x, a):
    y, z = x.copy(), x * 2
    t = y if a < 0.5 else z
    if a > 0.9:
        t[0] = 1.0
        s = t[0]
    else:
        t[0] = 2.0
        s = z[0]
    return s * x


def written_through_a_view(x, a):
    """The loop reads an array by a name that is bound anew behind it."""
    v = x.copy()
    w = v[1:]
    for _ in range(6):
        w[0] = np.mean(v) + a
    else:
        v = v.copy()
    return v


def _first_raised(v):
    v[0] += 1.0
    return v[0]


def written_in_the_condition(x, a):
    v = x.copy()
    while _first_raised(v) < a + 5.0:
        pass
    return v


def test_the_condition_of_a_loop_may_write():
    expected = written_in_the_condition(X.copy(), 0.7)
    found = wg.jit(written_in_the_condition)(X.copy(), 0.7)
    np.testing.assert_array_equal(found, expected)


REFUSED = [
    written_through_a_view,
    lost_on_one_path_and_used,
    written_on_either_path,
    bound_in_a_branch,
    bound_in_a_loop,
    bound_in_a_branch_of_a_loop,
    followed_by_the_next_step,
    perhaps_no_step,
    start_written,
    written_and_start_read,
    view_of_the_start_written,
    perhaps_the_start_written,
    bound_after_the_write,
    chosen_view_written,
    base_of_a_chosen_view_written,
    two_names_in_one_branch,
    rebound_with_an_alias_outside,
    _doubled_if_negative,
    written_by_a_callee,
    returned_by_a_callee,
]


@pytest.mark.parametrize("function", REFUSED)
def test_a_write_that_may_reach_two_names_is_refused(function):
    with pytest.raises(MutationError, match=r"copy\(\)"):
        wg.jit(function)(X.copy(), 0.7)


def new_in_a_branch(x, a):
    y = x.copy()
    if a > 0:
        y = y * 2
    y[0] = 3.0
    return y


def new_in_a_branch_of_a_loop(x, a):
    y = x.copy()
    for i in range(6):
        if a * i > 0.3:
            y = y + 1.0
        y[i % 3] = 5.0
    return y


def swapped_in_a_branch(x, a):
    u, v = x.copy(), x * 2
    if a > 0:
        u, v = v, u
    u[0] = 7.0
    return u - v


def gone_before_the_write(x, a):
    y, s = x.copy(), 0.0
    if a > 0:
        t = y if a > 1 else x
        s += t[0]
    y[0] = 3.0
    return y * s


def rows_by_one_name(x, a):
    m, s = np.outer(x, x), 0.0
    for i in range(3):
        row = m[i]
        s += np.sum(row) * a
    m[0] = s
    for i in range(3):
        row = m[i]
        row[1:] *= a
    return m


def buffers(x, a):
    old, new = x.copy(), np.zeros(3)
    for i in range(6):
        for j in range(3):
            new[j] = old[j] * a + i
        old, new = new, old
    return old


def best_of_many(x, a):
    best, now = x.copy(), x * 2
    for i in range(6):
        now = np.sin(now) + 0.1 * i
        if np.sum(now) > a * np.sum(best):
            best = now
    best[0] = 0.0
    return best


def read_in_a_branch_and_rebound(x, a):
    y = x.copy()
    z = y
    for i in range(6):
        if a * i > 0.3:
            a = a + y[0]
        y = np.sin(y) * a
    return y + z


def view_rebound(x, a):
    y = x.copy()
    w = y[1:]
    for _ in range(6):
        w = np.sin(w) * a
    return w * y[0]


def starting_value_read(x, a):
    y = x * 2
    start = y
    for _ in range(6):
        y = y + a * np.sin(start)
    return y - start[1]


def items_of_what_it_rebinds(x, a):
    y, total = x * 2, 0.0
    for i, item in enumerate(y):
        y = np.sin(y) * item + i
        for _ in range(2):
            total = total + a * item * y[0]
    return y * total


def start_read_after_a_write(x, a):
    y = x * 2
    start = y
    for _ in range(6):
        y = y + a * start
    y[0] = 1.0
    return y * start


def back_to_the_start(x, a):
    y = x * 2
    start, view = y, y[1:]
    for i in range(6):
        if i * a > 1.5:
            y = start
        else:
            y = y * a + np.sum(view)
        y = y + 1.0
        y[0] = view[1]
    return y + start


def perhaps_copied_and_written(x, a):
    y, i = x.copy(), 0
    if a > 0:
        y[1] = 2.0
        while i < 3 and a * i < 1.0:
            y = y.copy()
            i += 1
        y[0] = 3.0
    return y


def lost_on_one_path(x, a):
    y, z = x.copy(), x * 2
    if a > 0:
        t = y if a < 0.5 else z
        t[0] = 1.0
        s = t[1]
    else:
        s = y[0] + z[2]
    return s * x


RIGHT = [
    lost_on_one_path,
    perhaps_copied_and_written,
    view_rebound,
    starting_value_read,
    items_of_what_it_rebinds,
    back_to_the_start,
    start_read_after_a_write,
    new_in_a_branch,
    new_in_a_branch_of_a_loop,
    swapped_in_a_branch,
    gone_before_the_write,
    rows_by_one_name,
    buffers,
    best_of_many,
    read_in_a_branch_and_rebound,
]


@pytest.mark.parametrize("a", [0.7, -0.7])
@pytest.mark.parametrize("function", RIGHT)
def test_a_write_that_one_name_reaches(function, a):
    found = wg.jit(function)(X.copy(), a)
    np.testing.assert_allclose(found, function(X.copy(), a), rtol=1e-13)


def continues_from_else(x, a):
    """The `continue` is of the loop around."""
    y = x.copy()
    for i in range(6):
        for j in range(6):
            if y[j % 3] > 3.0 + i:
                break
        else:
            if a > 0:
                continue
        y[i % 3] = 4.0 + i
    return y


def breaks_from_else(x, a):
    y = x.copy()
    for i in range(6):
        for j in range(5):
            y[j % 3] *= 1.1
        else:
            if a * i > 1.0:
                break
        y[i % 3] += 1.0
    return y


@pytest.mark.parametrize("a", [0.7, -0.7])
@pytest.mark.parametrize("function", [continues_from_else, breaks_from_else])
def test_a_jump_in_the_else_of_a_loop_is_of_the_loop_around(function, a):
    found = wg.jit(function)(X.copy(), a)
    np.testing.assert_allclose(found, function(X.copy(), a), rtol=1e-13)
