"""Writes and views (docs/design.md, "Arrays, views and mutation"), in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.programs import (
    Program,
    assert_bits,
    check_batched,
    check_first_order,
    check_second_order,
    directions,
)
from tests.writing_programs import COMPLEX, GRID, MASK, PROGRAMS, X, Z

KEYS: dict[str, Any] = {
    "int": 1,
    "negative int": -1,
    "numpy int": numpy.int64(2),
    "two ints": (1, 2),
    "slice": slice(1, 3),
    "open slice": slice(None),
    "reversed": slice(None, None, -1),
    "step": (slice(None, None, 2), slice(None, None, -1)),
    "column": (slice(None), 1),
    "empty slice": slice(2, 2),
    "ellipsis": ...,
    "ellipsis, int": (..., 0),
    "empty tuple": (),
    "newaxis": None,
    "newaxis inside": (slice(None), None, 2),
    "mask": GRID,
    "row mask": MASK,
    "row mask, int": (MASK, 1),
    "slice, column mask": (slice(1, None), numpy.array([True, False, True])),
    "empty mask": numpy.zeros(4, bool),
    "True": True,
    "False": False,
    "array": numpy.array([0, 2, 1]),
    "duplicates": numpy.array([0, 2, 2, 0, 3]),
    "negative entries": numpy.array([-1, 0, 3]),
    "list": [3, 1],
    "empty list": [],
    "2-d array": numpy.array([[0, 1], [1, 3]]),
    "0-d array": numpy.array(2),
    "pairs": ([0, 1, 1], [2, 0, 0]),
    "outer": (numpy.array([[0], [2]]), numpy.array([1, 0, 1])),
    "slice, array": (slice(0, 2), numpy.array([2, 0, 2])),
    "array, slice": (numpy.array([0, 2, 2]), slice(0, 2)),
    "int, array": (1, numpy.array([0, 2, 0])),
    "array, int": (numpy.array([3, 1, 3]), 2),
    "array, newaxis, array": (numpy.array([0, 2]), None, numpy.array([1, 1])),
    "newaxis, array": (None, numpy.array([0, 2, 0])),
    "ellipsis, array": (..., numpy.array([2, 2])),
    "mask, array": (numpy.array([True, False, True, False]), numpy.array([2, 0])),
}

WRITES: dict[str, Any] = {}


def _write(fun: Any) -> Any:
    WRITES[fun.__name__] = fun
    return fun


def region(np: Any, y: Any, key: Any) -> Any:
    """Values of the shape of what the key selects, each entry another."""
    part = y[key]
    return np.sin(part) * (1.0 + numpy.arange(numpy.size(part)).reshape(part.shape))


@_write
def put(np: Any, y: Any, key: Any) -> None:
    y[key] = region(np, y, key)


@_write
def put_scalar(np: Any, y: Any, key: Any) -> None:
    y[key] = y[0, 1] * y[2, 2]


@_write
def put_constant(np: Any, y: Any, key: Any) -> None:
    y[key] = 1.5


@_write
def add(np: Any, y: Any, key: Any) -> None:
    y[key] += region(np, y, key)


@_write
def multiply(np: Any, y: Any, key: Any) -> None:
    y[key] *= region(np, y, key)


@_write
def subtract_scalar(np: Any, y: Any, key: Any) -> None:
    y[key] -= y[1, 1]


@_write
def divide_constant(np: Any, y: Any, key: Any) -> None:
    y[key] /= 3.0


@_write
def power(np: Any, y: Any, key: Any) -> None:
    y[key] **= 2


@_write
def add_at(np: Any, y: Any, key: Any) -> None:
    np.add.at(y, key, region(np, y, key))


@_write
def subtract_at(np: Any, y: Any, key: Any) -> None:
    np.subtract.at(y, key, region(np, y, key))


@_write
def multiply_at(np: Any, y: Any, key: Any) -> None:
    np.multiply.at(y, key, region(np, y, key))


def program_of(write: Any, key: Any) -> Program:
    def program(np: Any, x: Any) -> Any:
        y = x * x
        before = y[key] * 1.0
        write(np, y, key)
        y[0, 0] = y[0, 0] * x[0, 0]
        return y, before, y[key] * y[1, 1]

    return program


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("write", WRITES)
def test_write_at_key(write: str, key: str) -> None:
    check_first_order(program_of(WRITES[write], KEYS[key]), X)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("write", ["put", "put_scalar", "add", "add_at", "multiply_at"])
def test_write_at_key_batched(write: str, key: str) -> None:
    check_batched(program_of(WRITES[write], KEYS[key]), X)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("write", ["put", "multiply", "add_at"])
def test_write_at_key_second_order(write: str, key: str) -> None:
    check_second_order(program_of(WRITES[write], KEYS[key]), X)


# -- programs -------------------------------------------------------------------------

_ONE_PATH_PER_LANE = {
    "insertion_by_hand",
    "put_by_where",
    "write_depends_on_branch",
    "gaussian_elimination_with_pivoting",
}
_NOT_ANALYTIC = {"sort_in_place", "floor_divide_and_remainder"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    check_first_order(PROGRAMS[name], X, analytic=name not in _NOT_ANALYTIC)


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - _ONE_PATH_PER_LANE))
def test_program_batched(name: str) -> None:
    check_batched(PROGRAMS[name], X)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_second_order(name: str) -> None:
    check_second_order(PROGRAMS[name], X)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_program(name: str) -> None:
    check_first_order(COMPLEX[name], Z, analytic=False)
    check_batched(COMPLEX[name], Z)
    check_second_order(COMPLEX[name], Z)


def test_complex_values_in_a_real_array_lose_their_imaginary_part_as_in_numpy() -> None:
    def f(np: Any, z: Any) -> Any:
        y = np.zeros(4)
        with pytest.warns(numpy.exceptions.ComplexWarning):
            y[:] = z[:, 0] * z[:, 1]
        return y

    check_first_order(f, Z, analytic=False)


# -- what NumPy refuses, Wengert refuses -----------------------------------------------

REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "index out of range": lambda np, y: y.__setitem__(9, 1.0),
    "too many indices": lambda np, y: y.__setitem__((0, 0, 0), 1.0),
    "float index": lambda np, y: y.__setitem__(1.0, 1.0),
    "string index": lambda np, y: y.__getitem__("a"),
    "array out of range": lambda np, y: y.__setitem__([0, 7], 1.0),
    "mask of another length": lambda np, y: y.__setitem__([True, False], 1.0),
    "value of another shape": lambda np, y: y.__setitem__(0, y[:2, 0]),
    "too many values": lambda np, y: y.__setitem__(slice(0, 2), y),
    "in-place broadcast": lambda np, y: y[0].__iadd__(y),
    "out of another shape": lambda np, y: np.add(y, y, out=y[0]),
    "iadd of another shape": lambda np, y: y.__iadd__(np.ones(5)),
    "reshape to another size": lambda np, y: y.reshape(5, 5),
    "float into int array": lambda np, y: np.arange(3).__iadd__(y[0]),
    "length of a scalar": lambda np, y: len(y[0, 0]),
    "write into a scalar": lambda np, y: y[0, 0].__setitem__((), 1.0),
    "two Ellipses": lambda np, y: y[..., ...],
    "zero step": lambda np, y: y[::0],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_numpy_refuses_is_refused(name: str) -> None:
    expected = (IndexError, ValueError, TypeError, AttributeError)
    with pytest.raises(expected) as plain_error:
        REFUSED[name](numpy, X.copy())
    (kind,) = (e for e in expected if issubclass(plain_error.type, e))
    with pytest.raises(kind):
        wg.grad(lambda x: REFUSED[name](wnp, x * 1.0))(X)


def test_integer_arrays_truncate_and_cut() -> None:
    """As in NumPy; the derivative through the integers is 0, and the audit says so."""

    def f(x: Any) -> Any:
        counts = wnp.zeros(4, dtype=int)
        counts[:] = x[:, 0] * 3.0
        return (counts * x[:, 1]).sum()

    value, gradient = wg.value_and_grad(f)(X)
    counts = (X[:, 0] * 3.0).astype(int)
    assert value == (counts * X[:, 1]).sum()
    assert (gradient[:, 1] == counts).all() and (gradient[:, [0, 2]] == 0.0).all()


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_writes_keep_the_dtype_of_the_buffer(dtype: Any) -> None:
    def f(np: Any, x: Any) -> Any:
        y = np.zeros((4, 3), dtype=numpy.float32)
        y[0] = x[0] * x[1]
        y[1:] += x[1:]
        return y

    x = X.astype(dtype)
    value, pullback = wg.vjp(lambda x: f(wnp, x), x)
    expected = f(numpy, x)
    assert value.dtype == expected.dtype and value.tobytes() == expected.tobytes()
    (gradient,) = pullback(numpy.ones((4, 3), numpy.float32))
    assert gradient.dtype == dtype
    assert numpy.allclose(gradient[0], X[1], rtol=1e-6)


# -- plain numpy on traced values ------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["out_of_ufuncs", "where_of_ufuncs", "view_of_view", "stencil", "fill"]
)
def test_numpy_functions_of_traced_values_are_ours(name: str) -> None:
    """`numpy.sin(x, out=y)` with traced x and y; only creation must be ours."""

    class Mixed:
        def __getattr__(self, attribute: str) -> Any:
            made = attribute in ("zeros_like", "empty_like", "zeros", "empty")
            return getattr(wnp if made else numpy, attribute)

    mixed = Mixed()
    ours = wg.vjp(lambda x: PROGRAMS[name](wnp, x), X)
    theirs = wg.vjp(lambda x: PROGRAMS[name](mixed, x), X)
    assert_bits(theirs[0], ours[0])
    ct = directions(ours[0])
    assert_bits(theirs[1](ct)[0], ours[1](ct)[0])


def test_overlapping_views_are_read_before_they_are_written() -> None:
    """NumPy does not promise it for one axis of other strides; Wengert keeps it."""

    def f(x: Any) -> Any:
        y = x.reshape(12) * 1.0
        y[::3] = y[:4]
        return y

    value, pullback = wg.vjp(f, X)
    expected = X.reshape(12) * 1.0
    expected[::3] = X.reshape(12)[:4]
    assert_bits(value, expected)
    ct = numpy.arange(12.0)
    cotangent = numpy.where(numpy.arange(12) % 3 == 0, 0.0, ct)
    cotangent[:4] += ct[::3]
    assert_bits(pullback(ct)[0], cotangent.reshape(4, 3))
