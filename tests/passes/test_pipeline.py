"""All passes together: the same values, less to compute, in little time."""

from __future__ import annotations

import time

import numpy as np
import pytest

import wengert as wg
from tests.backend.building import Builder, var
from tests.backend.random_programs import random_program
from tests.passes.staging import array_bytes, equations, staged
from tests.staging.programs import (
    ARRAY,
    CASES,
    X,
    elimination,
    part_of_run_time_length,
    recurrence,
    swapped_buffers,
)
from tests.staging.test_programs import total
from wengert._backend import compile_program
from wengert._ir.evaluate import evaluate
from wengert._ir.verify import verify
from wengert._passes.pipeline import PASSES, optimise

PARAMS = [pytest.param(f, x, id=f"{f.__name__}-{i}") for i, (f, x) in enumerate(CASES)]
MODES = {
    "value": lambda f: f,
    "reverse": lambda f: wg.grad(total(f)),
    "forward over reverse": lambda f: wg.hessian(total(f)),
    "reverse over reverse": lambda f: wg.jacobian(wg.grad(total(f)), mode="reverse"),
}


def assert_same_values(before, after, arguments):
    """To the bit but for sums, which NumPy takes in the order of memory."""
    expected, found = evaluate(before, arguments), evaluate(after, arguments)
    for x, y in zip(expected, found, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-13, atol=1e-13)
        assert x.dtype == y.dtype


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function, x", PARAMS)
def test_values_stay_the_same(function, x, mode):
    program, arguments = staged(MODES[mode](function), x)
    after = optimise(program)
    assert_same_values(program, after, arguments)
    assert equations(after) <= equations(program)


# An array with a length of its own in each lane has no type.
LANES = [f for f in ARRAY if f is not part_of_run_time_length]


@pytest.mark.parametrize("function", LANES)
def test_lanes_stay_the_same(function):
    lanes = np.stack([X, 0.7 * X, 0.1 - X])
    program, arguments = staged(wg.vmap(wg.grad(total(function))), lanes)
    assert_same_values(program, optimise(program), arguments)


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    """To the bit, after every single pass too."""
    program, arguments, _ = random_program(seed)
    expected = evaluate(program, arguments)
    for apply in (*PASSES, optimise):
        found = evaluate(verify(apply(program)), arguments)
        for x, y in zip(expected, found, strict=True):
            np.testing.assert_array_equal(x, y)


def checked(x):
    """Checks in a loop, a branch and a function that is called twice."""

    def positive(value):
        assert value > 0, "not positive"
        return value

    total = positive(x[0])
    for i in range(len(x)):
        assert x[i] < 5, "too large"
        if x[i] > 3:
            assert x[i] != 4, "four"
        total = total + positive(x[i])
    return x[0] * 2


@pytest.mark.parametrize(
    "x, error",
    [
        ([1, 2, 3], None),
        ([0, 4, 6], "not positive"),
        ([1, 4, 6], "four"),
        ([1, 6, 4], "too large"),
        ([1, 0, 4], "not positive"),
    ],
)
def test_effects_stay_in_order(x, error):
    program, arguments = staged(checked, np.array(x, float))
    after = optimise(program)
    if error is None:
        assert evaluate(after, arguments) == [2.0]
        return
    with pytest.raises(AssertionError, match=error):
        evaluate(after, arguments)


def test_compiled():
    """The back end takes what the passes leave of a Hessian."""
    program, arguments = staged(wg.hessian(total(swapped_buffers)), X)
    (expected,) = evaluate(program, arguments)
    (found,) = compile_program(optimise(program), guarded=True)(*arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_is_optimal_stays_the_same_object():
    program, _ = staged(wg.hessian(total(elimination)), X)
    after = optimise(program)
    assert optimise(after) is after
    for apply in PASSES:
        assert apply(after) is after


SAVINGS = [
    # function, argument, equations, bytes of arrays
    pytest.param(
        wg.grad(total(elimination)), X, (166, 124), (22048, 18560), id="elimination"
    ),
    pytest.param(
        wg.grad(total(swapped_buffers)), X, (43, 36), (3760, 3120), id="buffers"
    ),
    pytest.param(
        wg.hessian(total(recurrence)), 0.5, (88, 55), (1616, 696), id="recurrence"
    ),
]


@pytest.mark.parametrize("function, x, count, size", SAVINGS)
def test_savings(function, x, count, size):
    """Equations and bytes, before and after."""
    program, _ = staged(function, x)
    after = optimise(program)
    print(
        equations(program), equations(after), array_bytes(program), array_bytes(after)
    )
    assert equations(program) >= count[0] and equations(after) <= count[1]
    assert array_bytes(program) >= size[0] and array_bytes(after) <= size[1]


def test_time_is_linear():
    """3000 equations, none of which goes away, in well under a second."""
    x = var((10,))
    program = Builder(x)
    value = x
    for k in range(1500):
        value = program.emit("multiply", program.emit("sin", value), 2.0 + k)
    whole = program.program(value)
    start = time.perf_counter()
    assert optimise(whole) is whole
    assert time.perf_counter() - start < 1
