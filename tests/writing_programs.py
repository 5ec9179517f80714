"""A corpus of programs that write: each is run in every mode by `test_mutation`."""

from __future__ import annotations

from typing import Any

import numpy

from tests.programs import Program

X = numpy.random.default_rng(3).uniform(0.5, 2.0, (4, 3))
MASK = numpy.array([True, False, True, True])
GRID = numpy.array([[True, False, True], [False, False, True], [True] * 3, [False] * 3])

# -- programs --------------------------------------------------------------------------

PROGRAMS: dict[str, Program] = {}
COMPLEX: dict[str, Program] = {}


def _program(fun: Program) -> Program:
    return PROGRAMS.setdefault(fun.__name__, fun)


def _complex(fun: Program) -> Program:
    return COMPLEX.setdefault(fun.__name__, fun)


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
    y.flatten()[:] = 0.0
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
def diagonals_and_einsum_views(np: Any, x: Any) -> Any:
    y = x * x
    d = np.diagonal(y[:3])
    np.einsum("ii->i", y[:3])[:] = 2.0 * x[0]
    np.einsum("ij->ji", y)[0] *= 3.0
    z = np.ascontiguousarray(y.T)
    z[0] = 1.0
    return y, d * 1.0, y.T.astype(y.dtype, copy=False) + z


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


# -- complex arrays --------------------------------------------------------------------

Z = X[:, :2] + 1j * numpy.random.default_rng(8).uniform(-1.0, 1.0, (4, 2))


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
