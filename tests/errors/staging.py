"""Errors of staging: code that cannot be compiled for the values that reach it."""

from __future__ import annotations

import datetime
import pickle
import time

import numpy as np

import wengert as wg
from tests.errors.case import Case, case, program
from wengert._core.types import ArrayType
from wengert._frontend.api import convert
from wengert._ir.control import Check
from wengert._ir.evaluate import evaluate
from wengert._ir.program import Equation, Literal, Program, Var, literal
from wengert._ir.verify import verify
from wengert._ops.arithmetic import add
from wengert.errors import (
    ArgumentError,
    CheckpointError,
    DTypeError,
    InvalidProgramError,
    JoinError,
    LanesDisagreeError,
    LeakedValueError,
    MissingRuleError,
    MutationError,
    StagedValueError,
)

X = np.arange(12.0)
PICKLED = pickle.dumps(X)


def _fails(x):
    raise ValueError("first")


def _fails_in_a_handler(x):
    if x < 0:
        try:
            _fails(x)
        except ValueError as error:
            raise KeyError("second") from error
    return x


def _needs_number(x):
    return [1.0, 2.0][int(x)]


def _formats(x):
    return f"{x:.2f}"


def _handles_errors(x):
    try:
        y = x * 2.0 if x > 0 else x
    except ValueError:
        y = x
    return [v for v in (y, x) if v > 1.0]


def _two_shapes(x):
    if x > 0:
        y = np.zeros(2)
    else:
        y = np.zeros((3, 3))
    return y.sum()


def _on_every_path(x):
    return _on_every_path(x - 1.0) if x > 0 else _on_every_path(x - 2.0)


def _longer(x):
    return x if x.sum() > 10 else np.concatenate([_longer(x * 2.0), x])


def _toggled(x):
    if x > 3:
        return np.zeros(2, int)
    y = _toggled(x + 1.0)
    return y.astype(float if y.dtype == int else int)


def _parts(a, b, k):
    if k > 0:
        a[0] = b[0]
        _parts(a, b, k - 1)
    return a[0]


def _of_one_array(x, n):
    y = x.copy()
    return _parts(y[:3], y[2:], n)


def _filled(x, a):
    if x > 3:
        return x
    y = _filled(x + 1.0, a)
    a[0] = y
    return y


def _remembered(x, n, cache):
    if x > 3:
        return x
    return _remembered(x + 1.0, n + 1, {**cache, n: x})


def _its_own_derivative(x):
    return x if x > 3 else wg.grad(_its_own_derivative)(x + 1.0) * 2.0


def _sliced_by_a_float(x):
    return x[: x[0]].sum()


def _last_of_own_length(x):
    for i in range(len(x)):
        y = x[x > x[i]]
    return y.sum()


def _returns_own_length(x):
    for i in range(6):
        if x[i] > 0:
            return x[: i + 1]
    return x


def _two_kinds(x):
    if x > 0:
        y = "a"
    else:
        y = x
    return y


def _fills(x):
    found = {}
    if x > 0:
        found["x"] = x
    return x


def _writing_condition(x):
    def is_small(_):
        x[0] += 1.0
        return x[0] < 9.0

    return wg.while_loop(is_small, lambda c: c + 1.0, x[1])


def _two_names(x):
    u = x
    for i in range(10):
        x[i] = u[0]
        u = u + 1.0
    return u


def _writes_what_it_rebinds(x):
    v = 0.5 * x
    for _ in range(10):
        v[0] = 0.7
        w = x
        v, w = w, v
    return v


def _swaps_arguments(u, v):
    for _ in range(7):
        v[0] = u[1]
        u, v = v, u
    return u


def _changing_shape(x):
    for _ in range(7):
        x = x[None]
    return x


def _changes_under_a_schedule(x):
    for _ in wg.range(7, checkpoints="none"):
        x = x[1:]
    return x


def _reorders(x):
    y = np.zeros((3, 3))
    for i in range(9):
        z = y.reshape(-1)
        z[i] = 1.0
        y = y.T * 2 + x[0, 0]
    return y


def _in_memory_order(x):
    return (x.T * 2).ravel("A")


COUNTS = {"calls": 0}


def _counts(x):
    COUNTS["calls"] += 1
    return x


def _steps_back(x, i):
    return x[i::-1].sum()


def _falls_off(x):
    if x > 0:
        return x


def _raises(x):
    for i in range(10):
        if x[i] > 5.0:
            raise ValueError("too large")
    return x


def _asserts(x):
    assert x[0] > 5.0, "too small"
    return x


def _zero_step(x, n):
    s = 0.0
    for i in range(0, 9, n):
        s = s + x[i]
    return s


def _writes(x, y):
    x[:] = y


def _by_zero(x, n):
    s = 0.0
    for i in range(0, n, 0):
        s = s + x[i]
    return s


def raises(call, error, text):
    """An exception of the user's own program, by its class and words."""

    def check(found):
        assert type(found) is error, repr(found)
        assert text in str(found)

    return Case(call, check)


def _halved_tail(x):
    k = 0
    while x[k] < 0.5:
        k += 1
    return x[k:] / 2


STAGING = [
    case(
        lambda: wg.program(_needs_number)(0.5),
        StagedValueError,
        "a staged int64[] is needed while compiling",
        "static_argnames",
    ),
    case(  # of all lanes at once, and then of one after the other
        lambda: wg.jit(wg.vmap(_needs_number))(np.ones(3)),
        StagedValueError,
        "a staged int64[] is needed while compiling",
    ),
    case(
        lambda: wg.vmap(wg.jit(_halved_tail))(np.ones((3, 4))),
        LanesDisagreeError,
        "an array has another length in each lane",
    ),
    case(
        lambda: wg.jit(wg.vmap(_halved_tail))(np.ones((9, 4))),
        JoinError,
        "'output of a step' is float64 of a length that a step finds",
    ),
    case(
        lambda: wg.jit(_changes_under_a_schedule)(X),
        CheckpointError,
        "checkpoints='none' in a loop that changes the length of 'x'",
        "leave checkpoints= out",
    ),
    case(
        lambda: wg.program(_formats)(0.5),
        StagedValueError,
        "a staged float64[] is formatted while compiling",
        "print('x =', x)",
    ),
    case(
        lambda: wg.program(_handles_errors)(0.5),
        StagedValueError,
        "a staged bool[] is needed while compiling",
        "write a for loop with an if, or select with np.where",
    ),
    case(
        lambda: wg.program(_two_shapes)(0.5),
        JoinError,
        "the variable 'y' is float64[2] on one path, and float64[3, 3] on another",
        "one shape",
    ),
    case(
        lambda: wg.jit(_sliced_by_a_float)(np.ones(3)),
        DTypeError,
        "a staged float64[] cannot be interpreted as an integer",
        "int(n)",
    ),
    case(
        lambda: wg.jit(_last_of_own_length)(np.ones(5)),
        LeakedValueError,
        "binds a variable to an array of another length in each step",
    ),
    case(
        lambda: wg.jit(_returns_own_length)(np.ones(7)),
        JoinError,
        "of a length that a step finds",
    ),
    case(
        lambda: wg.jit(lambda x: x * np.random.default_rng(0).normal())(1.0),
        StagedValueError,
        "Generator.normal is called while compiling",
        "draw with wg.random, from a key that is an argument",
    ),
    case(
        lambda: wg.jit(lambda x: x * time.time())(1.0),
        StagedValueError,
        "time.time is called while compiling",
    ),
    case(
        lambda: wg.jit(lambda x: x * datetime.datetime.now().year)(1.0),
        StagedValueError,
        "datetime.now is called while compiling",
    ),
    case(lambda: wg.program(_two_kinds)(0.5), JoinError, "the variable 'y' is str 'a'"),
    case(
        lambda: wg.program(_fills)(0.5),
        MutationError,
        "a dict reached by 'found' is changed in a branch or loop",
        "whichever way the program goes",
    ),
    case(
        lambda: wg.program(_writing_condition)(X),
        MutationError,
        "while_loop: cond_fun changes an array",
        "in body_fun",
    ),
    case(
        lambda: wg.program(_two_names)(X),
        MutationError,
        "the loop changes 'u', and reaches the same array by another name",
        "u = u.copy()",
    ),
    case(
        lambda: wg.program(_writes_what_it_rebinds)(X),
        MutationError,
        "the loop writes to an array that 'v' and another name may both reach in the",
        "bind a copy",
    ),
    case(
        lambda: wg.program(_swaps_arguments)(X, X.copy()),
        MutationError,
        "an array is used that a loop (at",
        "wrote to, before it bound the variable to another array",
        "x = x.copy()",
    ),
    case(
        lambda: wg.program(_changing_shape)(X),
        JoinError,
        "the variable 'x' is of shape [12] on one path, and",
    ),
    case(
        lambda: wg.jit(_reorders)(np.ones((3, 3))),
        MutationError,
        "the loop reshapes an array whose order in memory it changes: 'y'",
        ".copy()",
    ),
    case(
        lambda: wg.jit(_in_memory_order)(np.ones((3, 2))),
        StagedValueError,
        "the order of an array in memory is not known while compiling",
        'order="C"',
    ),
    case(
        lambda: wg.jit(_counts)(X),
        MutationError,
        "'calls' of a dict reached by 'COUNTS' is changed in a function that is",
        "return the new value",
    ),
    case(
        lambda: wg.program(_steps_back)(X, 3),
        MissingRuleError,
        "a step of -1 in a slice whose length is known at run time only",
    ),
    raises(
        lambda: wg.program(_by_zero)(X, 3),
        ValueError,
        "must not be zero",
    ),
    case(
        lambda: wg.jit(_falls_off, static_argnames="y"),
        ArgumentError,
        "jit: static_argnames has 'y', and the function takes x",
    ),
    case(
        lambda: wg.jit(_writes)(X[1:], X[:-1]),
        MutationError,
        "an argument that shares memory with another one, or with an array",
        "pass a copy",
    ),
    case(
        lambda: wg.program(_falls_off)(0.5),
        JoinError,
        "the variable 'returned value' is None on one path",
    ),
]


def interpreted(function, *args):
    return lambda: evaluate(wg.program(function)(*args), args)


def _program(*equations, params=(), results=()):
    return Program(tuple(params), tuple(equations), tuple(results))


_FLOAT = Var(ArrayType((), np.dtype(float)))
_WRONG = Var(ArrayType((2,), np.dtype(float)))


def _plain_raise(cause):
    for _ in range(2):
        if cause:
            raise ValueError("with a cause") from KeyError("it")
        raise ValueError("without a cause")


def _plain_assert(message):
    if message:
        assert not message, message
    else:
        assert message


class _Returns:
    def __init__(self, value):
        if value:
            pass
        return value


def converted(function, *args):
    return lambda: convert(function, staging=True)(*args)


RECURSION = [
    case(
        lambda: wg.jit(_on_every_path)(1.0),
        JoinError,
        "_on_every_path calls itself on every path",
        "let it return without calling itself",
    ),
    case(
        lambda: wg.jit(_longer)(X[:3]),
        JoinError,
        "_longer calls itself, and returns an array of a length that it finds",
        "write into an array that is an argument",
    ),
    case(
        lambda: wg.jit(_toggled)(1.0),
        JoinError,
        "_toggled calls itself, and returns another type at every depth",
        "give the result one shape, dtype and structure",
    ),
    case(
        lambda: wg.jit(_of_one_array)(X, 3),
        MutationError,
        "_parts calls itself, and writes to an array that another of its variables",
        "pass a copy",
    ),
    case(
        lambda: wg.jit(lambda x: _filled(x, pickle.loads(PICKLED)))(1.0),
        MutationError,
        "_filled calls itself, and writes to a plain NumPy array",
        "make the array in the function that is compiled",
    ),
    case(
        lambda: wg.jit(lambda x: _remembered(x, 0, {}))(1.0),
        StagedValueError,
        "_remembered calls itself, as often as a traced value decides",
        "pass arrays and numbers",
    ),
    case(
        lambda: wg.jit(_its_own_derivative)(1.0),
        StagedValueError,
        "_its_own_derivative is differentiated inside itself",
        "write the derivative out",
    ),
]

PROGRAMS = [
    raises(interpreted(_raises, X), ValueError, "too large"),
    raises(interpreted(_asserts, X), AssertionError, "too small"),
    raises(
        lambda: evaluate(wg.program(_zero_step)(X, 1), [X, np.int64(0)]),
        ValueError,
        "must not be zero",
    ),
    raises(converted(_plain_raise, True), ValueError, "with a cause"),
    raises(converted(_plain_raise, False), ValueError, "without a cause"),
    raises(converted(_plain_assert, "why"), AssertionError, "why"),
    raises(converted(_plain_assert, ""), AssertionError, ""),
    raises(
        lambda: convert(lambda: _Returns(1), staging=True)(),
        TypeError,
        "__init__() should return None",
    ),
    raises(
        lambda: verify(_program(results=[_FLOAT])),
        InvalidProgramError,
        "is not assigned",
    ),
    raises(
        lambda: evaluate(
            _program(Equation(add, (literal(1.0), literal(2.0)), {}, (_WRONG,))), []
        ),
        InvalidProgramError,
        "add gave float64(), declared float64(2,)",
    ),
    raises(
        lambda: evaluate(
            _program(
                Equation(
                    Check(lambda n: KeyError(n)),
                    (Literal(np.bool_(False)), literal(7)),
                    {},
                    (),
                )
            ),
            [],
        ),
        KeyError,
        "7",
    ),
]

# In a handler, while the branch is staged: the user's own exception.
HANDLERS = [program(lambda: wg.jit(_fails_in_a_handler)(1.0), KeyError, "second")]
CASES = [*STAGING, *RECURSION, *PROGRAMS, *HANDLERS]
