"""Errors of lists that grow in compiled branches and loops."""

from __future__ import annotations

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.errors.case import case
from tests.errors.staging import raises
from wengert.errors import JoinError, MutationError, StagedValueError

X = np.linspace(0.0, 1.0, 10)


def changed(change, first=0.5):
    """A program that changes a list in each step of a loop."""

    def function(x):
        xs = [first, first]
        for i in range(10):
            change(xs, x, i)
        return np.array(xs)

    return lambda: wg.jit(function)(X)


def read(reader):
    """A program that reads a list that has grown."""

    def function(x):
        xs = []
        for i in range(10):
            xs.append(x[i])
        return reader(xs)

    return lambda: wg.jit(function)(X)


def _texts(xs, x, i):
    xs.append("text")


def _rows_of_own_length(xs, x, i):
    xs.append(x[:i])


def _rows_of_another_shape(xs, x, i):
    xs.append(x)


def _from_the_front(xs, x, i):
    xs.pop(0)


def _slice_assigned(xs, x, i):
    xs[:2] = x[:2]


def _slice_deleted(xs, x, i):
    del xs[:2]


def _inserted(xs, x, i):
    xs.insert(0, x[i])


def _out_of_range(xs, x, i):
    xs[i + 2] = x[i]


def _emptied(xs, x, i):
    xs.pop()


def _popped_first(x):
    xs = []
    while x > 1.0:
        if x > 2.0:
            xs.pop()
        x = x / 2
    return x


def _appends_what_it_writes(x):
    rows = []
    row = np.zeros(2)
    for i in range(10):
        row[0] = x[i]
        rows.append(row)
    return np.array(rows)


def _appends_a_variable_it_writes(x):
    rows = []
    row = np.zeros(2)
    for i in range(10):
        row += x[i]
        rows.append(row)
        rows[0] = row * 2
    return np.array(rows)


def _goes_over_what_it_extends(x):
    xs = [x[0]]
    for i in range(10):
        xs.append(x[i])
    for v in xs:
        xs.append(v)
    return np.array(xs)


def _across_a_transformation(x):
    xs = []
    for i in range(10):
        xs.append(x[i])

    def inner(y):
        xs.append(y)
        return y * y

    return wg.grad(inner)(x[0])


def _in_a_loop_of_another(x):
    xs = [0.5]

    def inner(y):
        for i in range(10):
            xs.append(y * i)
        return y * y

    return wg.grad(inner)(x[0])


def _two_lists(x):
    if x[0] > 1:
        xs = []
        for i in range(10):
            xs.append(x[i])
    else:
        xs = []
        for i in range(10):
            xs.append(2 * x[i])
    return sum(xs)


def _begun_again(x):
    xs = []
    for i in range(10):
        xs.append(x[i])
        if x[i] > 1:
            xs = []
    return np.array(xs)


def _rebound(x):
    xs = [x[0]]
    for i in range(10):
        xs = xs + [x[i]]
    return np.array(xs)


CASES = [
    case(
        changed(_texts),
        JoinError,
        "the list made at",
        "grows in a compiled branch or loop, and an entry holds str 'text'",
        "in a list of its own",
    ),
    case(
        changed(_rows_of_own_length),
        JoinError,
        "grows by arrays whose length a compiled branch or loop decides",
        "xs.extend(row)",
    ),
    case(
        changed(_rows_of_another_shape),
        JoinError,
        "has entries of different types: ",
        "append entries of one shape",
    ),
    case(
        changed(_from_the_front),
        MutationError,
        "an entry is taken from its beginning or middle",
        "xs.pop()",
    ),
    case(changed(_slice_assigned), MutationError, "a slice of it is assigned"),
    case(changed(_slice_deleted), MutationError, "a slice of it is deleted"),
    case(changed(_inserted), MutationError, "list.insert() changes its middle"),
    raises(changed(_out_of_range), IndexError, "list assignment index out of range"),
    raises(changed(_emptied), IndexError, "pop from empty list"),
    raises(read(lambda xs: xs[10]), IndexError, "list index out of range"),
    raises(
        read(np.concatenate), ValueError, "zero-dimensional arrays cannot be concaten"
    ),
    case(
        lambda: wg.jit(_popped_first)(5.0),
        MutationError,
        "an entry is taken from it before one is appended",
        "append an entry before the loop",
    ),
    case(
        lambda: wg.jit(_appends_what_it_writes)(X),
        MutationError,
        "appends an array to a list, and writes to it in the next step",
        "xs.append(x.copy())",
    ),
    case(
        lambda: wg.jit(_appends_a_variable_it_writes)(X),
        MutationError,
        "appends an array to a list, and writes to it in the next step",
    ),
    case(
        lambda: wg.jit(_goes_over_what_it_extends)(X),
        MutationError,
        "goes over a list and changes it",
        "use an index",
    ),
    case(
        lambda: wg.jit(_across_a_transformation)(X),
        MutationError,
        "a list is changed that was made outside the innermost transformation",
        "make the list in the function that changes it",
    ),
    case(
        lambda: wg.jit(_in_a_loop_of_another)(X),
        MutationError,
        "it was made outside the innermost transformation",
    ),
    case(
        lambda: wg.jit(_two_lists)(X),
        JoinError,
        "the variable 'xs' is a list that has grown on one path, and a list that has",
        "xs.append(x)",
    ),
    case(
        lambda: wg.jit(_begun_again)(X),
        JoinError,
        "the variable 'xs' is PyTreeSpec([]) on one path, and a list that has grown",
        "rather than bind another one",
    ),
    case(
        lambda: wg.jit(_rebound)(X),
        JoinError,
        "the variable 'xs' is",
        "xs.append(x)",
    ),
    *(
        case(
            read(reader),
            StagedValueError,
            "the length of a list that grows in a compiled branch or loop is needed",
            "np.array(xs)",
        )
        for reader in (
            lambda xs: [2 * v for v in xs],
            lambda xs: sorted(xs),
            lambda xs: xs * 2,
            lambda xs: xs.index(1.0),
            lambda xs: xs == [1.0],
            lambda xs: list(reversed(xs)),
        )
    ),
    case(
        read(lambda xs: wnp.sin(1.0) + float(list.__getitem__(xs, 0))),
        StagedValueError,
        "is read by code that is not converted",
    ),
]
