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

X = numpy.random.default_rng(3).uniform(0.5, 2.0, (4, 3))
MASK = numpy.array([True, False, True, True])
GRID = numpy.array([[True, False, True], [False, False, True], [True] * 3, [False] * 3])

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


# -- programs --------------------------------------------------------------------------

PROGRAMS: dict[str, Program] = {}


def _program(fun: Program) -> Program:
    PROGRAMS[fun.__name__] = fun
    return fun


@_program
def write_into_the_argument(np: Any, x: Any) -> Any:
    x[1] = x[0] * 2.0
    x += 1.0
    return x * x


@_program
def swap_entries(np: Any, x: Any) -> Any:
    y = np.array(x[:, 0])
    y[0], y[3] = y[3], y[0]
    return y * numpy.arange(4)


@_program
def swap_rows_by_view(np: Any, x: Any) -> Any:
    """The classic trap: both names are views, so NumPy loses a row."""
    y = x * 1.0
    y[0], y[3] = y[3], y[0]
    return y * y


@_program
def swap_rows_by_index(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[[0, 3]] = y[[3, 0]]
    return y * y


@_program
def overlapping_copy_forward(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[1:] = y[:-1]
    return y * y


@_program
def overlapping_copy_backward(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[:-1] = y[1:]
    y[:, 1:] += y[:, :-1]
    return y


@_program
def overlapping_reversal(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[:] = y[::-1]
    y[...] = y * y[::-1, ::-1]
    return y


@_program
def view_of_view(np: Any, x: Any) -> Any:
    y = x * x
    a = y[1:]
    b = a[:, 1:]
    c = b[::2]
    c[0] = 5.0 * x[0, 0]
    a[1, 1] *= 3.0
    y[3] += b[1, 0]
    return y, a, b, c


@_program
def write_through_the_base(np: Any, x: Any) -> Any:
    y = x * x
    row, column = y[1], y[:, 1]
    y[1, 1] = x[0, 0]
    y[:] = y * 2.0
    return row * column[:3]


@_program
def write_through_both_ends(np: Any, x: Any) -> Any:
    y = x * x
    row = y[2]
    for i in range(3):
        row[i] = y[i, 0] * row[2 - i]
        y[2, 0] += row[i]
    return y, row


@_program
def two_views_that_overlap(np: Any, x: Any) -> Any:
    y = x * x
    a, b = y[:3], y[1:]
    a[1] = b[0] * 2.0
    b += a
    return y, a * b


@_program
def transposed_view(np: Any, x: Any) -> Any:
    y = x * x
    t = y.T
    t[0] = x[:, 2] * 2.0
    t[1:, 1:] *= x[1:, 1:].T
    y[0] = t[:, 3]
    return y, t * 1.0


@_program
def transposed_views_of_three_axes(np: Any, x: Any) -> Any:
    y = (x * x).reshape(2, 2, 3)
    t = y.transpose(2, 0, 1)
    t[1, :, 1] = x[:2, 0]
    np.swapaxes(t, 0, 1)[0, 0] *= 3.0
    np.moveaxis(y, 0, -1)[..., 1] += 1.0
    return y, t.sum(axis=0)


@_program
def reshaped_view(np: Any, x: Any) -> Any:
    y = x * x
    flat = y.reshape(-1)
    flat[::2] = x[0, 0]
    flat.reshape(3, 4)[1] += flat[:4]
    y[3] = flat[0] * x[1]
    return y, flat


@_program
def raveled_view(np: Any, x: Any) -> Any:
    y = x * x
    y.ravel()[5] = 2.0 * x[0, 1]
    return y


@_program
def reshape_that_copies(np: Any, x: Any) -> Any:
    y = x * x
    flat = y.T.reshape(-1)
    flat[0] = 100.0 * x[0, 0]
    return y, flat


@_program
def ravel_that_copies(np: Any, x: Any) -> Any:
    y = x * x
    flat = y[:, 1:].ravel()
    flat *= 2.0
    return y, flat


@_program
def flatten_copies(np: Any, x: Any) -> Any:
    y = x * x
    flat = y.flatten()
    flat[:] = 0.0
    return y, flat


@_program
def reshaped_fortran(np: Any, x: Any) -> Any:
    y = x * x
    z = np.reshape(y, (2, 6), order="F")
    z[0] *= 3.0
    return y, z


@_program
def reshape_of_new_arrays_in_fortran_order(np: Any, x: Any) -> Any:
    """Whether a reshape is a view hangs on the layout that NumPy gives each array."""
    arrays = [
        np.zeros_like(x.T),
        np.ones((3, 4), order="F", dtype=x.dtype),
        x.T * 2.0,
        x.T.copy(),
        np.array(x.T),
        np.copy(x.T),
        np.full((3, 4), x[0, 0]),
        np.full((3, 4), x[0, 0], order="F"),
        np.full_like(x.T, x[1, 1]),
        np.sin(x.T),
        np.where(x.T.real > 1, x.T, 2.0),
        x.T + x[:3].sum() * np.ones((3, 4)),
        x.T[::-1] + 1.0,
    ]
    for a in arrays:
        a.reshape(-1)[3] = 5.0 * x[0, 1]
        np.reshape(a, (6, 2), order="F")[1] += 1.0
        np.ravel(a, order="F")[2] *= 3.0
    return tuple(arrays)


@_program
def fancy_index_copies(np: Any, x: Any) -> Any:
    y = x * x
    part = y[[0, 2]]
    part[0] = 7.0
    masked = y[MASK]
    masked *= 2.0
    return y, part, masked


@_program
def strided_view(np: Any, x: Any) -> Any:
    y = x * x
    v = y[::2, ::-1]
    v[1] = v[0] * x[0]
    v += 1.0
    return y, v


@_program
def diagonal_by_flat_stride(np: Any, x: Any) -> Any:
    y = x * x
    y[:3].reshape(-1)[::4] = x[3]
    return y


@_program
def newaxis_views(np: Any, x: Any) -> Any:
    y = x * x
    y[:, None][1, 0, 1] = 3.0 * x[0, 0]
    np.expand_dims(y, 0)[0, 2] *= 2.0
    y[None].squeeze(0)[3] = x[1]
    return y


@_program
def zero_d_view(np: Any, x: Any) -> Any:
    y = x * x
    entry = y[1, 1, ...]
    entry[...] = x[0, 0] * x[0, 1]
    entry += 1.0
    return y, entry * 2.0


@_program
def zero_d_array_is_mutable(np: Any, x: Any) -> Any:
    s = np.array(x[0, 0])
    t = s
    s += x[1, 1]
    s[()] *= 2.0
    return t * x


@_program
def scalars_are_not(np: Any, x: Any) -> Any:
    s = x[0, 0]
    t = s
    s += x[1, 1]
    return np.array([s, t])


@_program
def augmented_array_shares(np: Any, x: Any) -> Any:
    y = x * x
    z = y
    z += x
    y -= 0.5
    z /= 2.0
    y **= 2
    return y * z


@_program
def augmented_view_rebinds_nothing(np: Any, x: Any) -> Any:
    y = x * x
    v = y[1:3]
    v += v
    v *= y[0]
    return y, v


@_program
def augmented_with_itself(np: Any, x: Any) -> Any:
    y = x * 1.0
    y += y
    y *= y
    y -= y[0]
    return y


@_program
def floor_divide_and_remainder(np: Any, x: Any) -> Any:
    y = x * 3.0
    y %= 0.75
    return y * x


@_program
def fill(np: Any, x: Any) -> Any:
    y = x * x
    y.fill(x[0, 0])
    y[1].fill(2.0)
    return y * x


@_program
def out_of_ufuncs(np: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    z = np.sin(x, out=y)
    np.multiply(y, x, out=y)
    np.add(y[1], y[0], out=y[2])
    np.exp(y, y)
    return y, z


@_program
def out_overlapping(np: Any, x: Any) -> Any:
    y = x * x
    np.add(y[1:], y[:-1], out=y[1:])
    return y


@_program
def out_of_reduction(np: Any, x: Any) -> Any:
    y = np.zeros_like(x[0])
    np.sum(x * x, axis=0, out=y)
    x.sum(axis=0, out=y[:])
    return y * y


@_program
def where_of_ufuncs(np: Any, x: Any) -> Any:
    y = x * 1.0
    np.sin(x, out=y, where=GRID)
    np.add(y, 1.0, out=y, where=~GRID)
    return y * y


@_program
def buffer_filled_in_a_loop(np: Any, x: Any) -> Any:
    path = np.zeros((5, 3), dtype=x.dtype)
    path[0] = x[0]
    for k in range(4):
        path[k + 1] = path[k] + 0.1 * np.cos(path[k]) * x[k]
    return path


@_program
def buffer_from_empty(np: Any, x: Any) -> Any:
    y = np.empty((4, 3), dtype=x.dtype)
    for i in range(4):
        for j in range(3):
            y[i, j] = x[i, j] * x[i, j - 1]
    return y


@_program
def buffer_overwritten_many_times(np: Any, x: Any) -> Any:
    s = np.ones(3, dtype=x.dtype)
    for i in range(12):
        s[i % 3] = s[(i + 1) % 3] * x[i % 4, i % 3] + s[i % 3]
    return s


@_program
def old_value_kept(np: Any, x: Any) -> Any:
    y = x * x
    saved = y[0] * 1.0
    view = y[0]
    y[0] = 0.0
    return saved, view * x[0]


@_program
def old_product_needed_later(np: Any, x: Any) -> Any:
    """The classic silent error: an operand is overwritten after it was used."""
    y = x * 1.0
    z = y * y
    y[:] = 3.0
    return z * y


@_program
def copy_is_apart(np: Any, x: Any) -> Any:
    y = x * x
    z = y.copy()
    w = np.array(y)
    y[0] = 1.0
    z[1] *= 2.0
    return y * z * w


@_program
def asarray_is_not(np: Any, x: Any) -> Any:
    y = x * x
    z = np.asarray(y)
    z[0] = 1.0
    return y * z


@_program
def constant_array_written(np: Any, x: Any) -> Any:
    y = np.ones((4, 3), dtype=x.dtype)
    y[1] = x[1]
    y[2] *= x[2]
    return y * y


@_program
def iterate_over_rows(np: Any, x: Any) -> Any:
    y = x * x
    for row in y:
        row[0] = row[1] * row[2]
        row += 1.0
    return y


@_program
def write_in_a_helper(np: Any, x: Any) -> Any:
    def scale_row(a: Any, i: int) -> None:
        a[i] *= a[i - 1]

    y = x * x
    for i in range(4):
        scale_row(y, i)
    return y


@_program
def list_of_values(np: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = [x[0, 0], 2.0, x[1, 1] * x[0, 0]]
    y[1:3, 0] = (x[2, 2], x[2, 1])
    return y + np.array([x[0, 0], 1.0, x[0, 1]])


@_program
def value_broadcast_with_leading_ones(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[1] = x[:1] * 2.0
    y[2:, :] = x[None, 0:1, :]
    return y * y


@_program
def prefix_sum_in_place(np: Any, x: Any) -> Any:
    y = x.reshape(12) * 1.0
    for i in range(1, 12):
        y[i] += y[i - 1]
    return y * y


@_program
def insertion_by_hand(np: Any, x: Any) -> Any:
    y = x[:, 0] * 1.0
    for i in range(1, 4):
        j = i
        while j > 0 and y[j - 1].real > y[j].real:
            y[j - 1], y[j] = y[j], y[j - 1]
            j -= 1
    return y * numpy.arange(1.0, 5.0)


@_program
def gaussian_elimination_with_pivoting(np: Any, x: Any) -> Any:
    a = np.zeros((3, 4), dtype=x.dtype)
    a[:, :3] = x[:3]
    a[:, 3] = x[3]
    for k in range(3):
        pivot = k + int(np.argmax(np.abs(a[k:, k].real)))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
        for i in range(k + 1, 3):
            a[i, k:] -= a[i, k] / a[k, k] * a[k, k:]
    solution = np.zeros(3, dtype=x.dtype)
    for i in range(2, -1, -1):
        rest = a[i, 3] - (a[i, i + 1 : 3] * solution[i + 1 :]).sum()
        solution[i] = rest / a[i, i]
    return solution


@_program
def stencil(np: Any, x: Any) -> Any:
    u = x * 1.0
    new = np.empty_like(u)
    for _ in range(3):
        new[:] = u
        new[1:-1, 1:-1] = 0.25 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        )
        new[0], new[-1] = new[1], new[-2]
        u, new = new, u
    return u * u


@_program
def sort_in_place(np: Any, x: Any) -> Any:
    y = x * x
    y.sort(axis=0)
    y[:, 0].sort()
    return y * numpy.arange(12.0).reshape(4, 3)


@_program
def put_by_where(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[y.real > 1.2] = 0.5 * x[0, 0]
    y[y.real < 0.9] *= 2.0
    return y


@_program
def masks_that_differ_between_lanes(np: Any, x: Any) -> Any:
    y = x * 1.0
    y[y.real > 1.2] = 0.5 * x[0, 0]
    y[y[:, 0].real > 1.0] = x[1, 1]
    np.add.at(y, y.real < 1.1, x[0, 1])
    return y


@_program
def write_depends_on_branch(np: Any, x: Any) -> Any:
    y = x * 1.0
    for i in range(4):
        if y[i, 0].real > 1.0:
            y[i] *= 2.0
        else:
            y[i, 1:] = y[i, :-1]
    return y


@_program
def chained_assignment(np: Any, x: Any) -> Any:
    y = np.zeros(3, dtype=x.dtype)
    z = np.zeros(3, dtype=x.dtype)
    y[0] = z[1] = x[0, 0] * x[0, 1]
    y[1:] = z[:2]
    return y * z + y


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


# -- complex arrays --------------------------------------------------------------------

Z = X[:, :2] + 1j * numpy.random.default_rng(8).uniform(-1.0, 1.0, (4, 2))
COMPLEX: dict[str, Program] = {}


def _complex(fun: Program) -> Program:
    COMPLEX[fun.__name__] = fun
    return fun


@_complex
def write_the_real_part(np: Any, z: Any) -> Any:
    y = z * z
    y.real[1] = 2.0
    y.real[2:] *= z.real[2:]
    y.imag[:, 0] = z.real[:, 1]
    return y * z


@_complex
def parts_are_views(np: Any, z: Any) -> Any:
    y = z * z
    re, im = y.real, y.imag[1:]
    y[1] = z[0] * 2.0
    re += im.sum()
    im.T[0] = re[1:, 1]
    return y, re * im[0]


@_complex
def whole_part(np: Any, z: Any) -> Any:
    y = z * 1.0
    y.real = y.imag * 2.0
    y.imag = 1.0
    return y * y


@_complex
def complex_writes(np: Any, z: Any) -> Any:
    y = z * z
    y[0] = z.real[1]
    y[[1, 1, 2]] = np.conj(z[:3])
    y[2:] *= 1j * z[:2]
    np.add.at(y, [0, 0], z[2:])
    return y


@_complex
def complex_buffer_of_real_values(np: Any, z: Any) -> Any:
    y = np.zeros((4, 2), dtype=complex)
    y[1:] = abs(z[1:]) ** 2
    y.imag[0] = (z * z.conj()).real[0]
    return y * z


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
