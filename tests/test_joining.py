"""Joining, splitting, repeating, padding, selecting and writing to parts of arrays."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from tests.functions import check_derivatives, check_value, same_bits, same_error
from wengert.errors import DependenceError, MissingRuleError

X = np.random.default_rng(1).normal(size=(3, 4))
V = X[0]
CUBE = np.random.default_rng(2).normal(size=(2, 3, 4))
ROWS = np.array([2, 0, 0])

CALLS = {
    "concatenate": lambda n, x: n.concatenate((x, x[:1], 2 * x)),
    "concatenate 1": lambda n, x: n.concatenate([x, np.ones((3, 2))], axis=-1),
    "concatenate None": lambda n, x: n.concatenate((x, x[0]), axis=None),
    "stack": lambda n, x: n.stack([x, x * x], axis=1),
    "stack scalars": lambda n, x: n.stack([x[0, 0], x[1, 2], 3.0]),
    "hstack": lambda n, x: n.hstack((x, x[:, :1])),
    "hstack 1d": lambda n, x: n.hstack((x[0], x[1, 0], 1.0)),
    "vstack": lambda n, x: n.vstack((x[0], x)),
    "dstack": lambda n, x: n.dstack((x, x)),
    "column_stack": lambda n, x: n.column_stack((x[:, 0], x)),
    "append": lambda n, x: n.append(x, x[:1], axis=0),
    "append None": lambda n, x: n.append(x, 1.0),
    "split": lambda n, x: n.split(x, 2, axis=1),
    "split at": lambda n, x: n.split(x, [1, 3], axis=1),
    "array_split": lambda n, x: n.array_split(x, 3, axis=1),
    "hsplit": lambda n, x: n.hsplit(x, 2),
    "vsplit": lambda n, x: n.vsplit(x, 3),
    "unstack": lambda n, x: n.unstack(x, axis=1),
    "tile": lambda n, x: n.tile(x, (2, 1, 3)),
    "tile 1": lambda n, x: n.tile(x, 2),
    "repeat": lambda n, x: n.repeat(x, 2, axis=1),
    "repeat array": lambda n, x: n.repeat(x, [2, 0, 1], axis=0),
    "repeat flat": lambda n, x: x.repeat(2),
    "resize": lambda n, x: n.resize(x, (5, 3)),
    "broadcast_to": lambda n, x: n.broadcast_to(x, (2, 3, 4)),
    "broadcast_arrays": lambda n, x: n.broadcast_arrays(x, x[0]),
    "pad": lambda n, x: n.pad(x, ((1, 2), (0, 1))),
    "pad values": lambda n, x: n.pad(
        x, 1, constant_values=((1.0, 2.0), (x[0, 0], 4.0))
    ),
    "pad edge": lambda n, x: n.pad(x, (2, 1), mode="edge"),
    "pad reflect": lambda n, x: n.pad(x, ((4, 0), (1, 3)), mode="reflect"),
    "pad symmetric": lambda n, x: n.pad(x, ((1, 1), (0, 5)), mode="symmetric"),
    "pad wrap": lambda n, x: n.pad(x, ((0, 2), (3, 0)), mode="wrap"),
    "delete": lambda n, x: n.delete(x, 1, axis=1),
    "delete slice": lambda n, x: n.delete(x, slice(0, 3, 2), axis=0),
    "insert": lambda n, x: n.insert(x, 1, x[0], axis=0),
    "insert column": lambda n, x: n.insert(x, -1, x[:, 0], axis=1),
    "insert many": lambda n, x: n.insert(x, [0, 2], x[:, :2] * 2, axis=1),
    "insert flat": lambda n, x: n.insert(x, 3, 5.0),
    "flip": lambda n, x: n.flip(x),
    "flip 1": lambda n, x: n.flip(x, 1),
    "fliplr": lambda n, x: n.fliplr(x),
    "flipud": lambda n, x: n.flipud(x),
    "roll": lambda n, x: n.roll(x, 5),
    "roll twice": lambda n, x: n.roll(x, (5, -2)),
    "roll axes": lambda n, x: n.roll(x, 1, axis=(0, 1)),
    "roll axis": lambda n, x: n.roll(x, (1, -1), axis=(0, 1)),
    "rot90": lambda n, x: n.rot90(x),
    "rot90 3": lambda n, x: n.rot90(x, 3),
    "rot90 2": lambda n, x: n.rot90(x, 2),
    "rollaxis": lambda n, x: n.rollaxis(x, 1),
    "tril": lambda n, x: n.tril(x, -1),
    "triu": lambda n, x: n.triu(x, 1),
    "tril of a vector": lambda n, x: n.tril(x[0]),
    "diag": lambda n, x: n.diag(x, 1),
    "diag below": lambda n, x: n.diag(x, -2),
    "diag of a vector": lambda n, x: n.diag(x[0], -1),
    "diag above": lambda n, x: n.diag(x[0], 2),
    "diagflat": lambda n, x: n.diagflat(x, 1),
    "diagonal": lambda n, x: x.diagonal(1),
    "trace": lambda n, x: x.trace(-1),
    "take": lambda n, x: n.take(x, ROWS, axis=0),
    "take flat": lambda n, x: n.take(x, [[1, -1]]),
    "take wrap": lambda n, x: x.take([7, -9], axis=1, mode="wrap"),
    "take clip": lambda n, x: n.take(x, [7, -9], axis=1, mode="clip"),
    "take one": lambda n, x: n.take(x, 1, axis=1),
    "take_along_axis": lambda n, x: n.take_along_axis(x, ROWS[:, None], axis=1),
    "take_along_axis None": lambda n, x: n.take_along_axis(x, ROWS, axis=None),
    "compress": lambda n, x: n.compress([True, False, True], x, axis=0),
    "extract": lambda n, x: n.extract(np.eye(3, 4) > 0, x),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_value_is_numpys(name):
    check_value(CALLS[name], X)


@pytest.mark.parametrize("name", CALLS)
def test_derivatives(name):
    check_derivatives(CALLS[name], X)


def test_three_axes():
    check_value(lambda n, x: n.dsplit(x, 2), CUBE)
    check_value(lambda n, x: n.diagonal(x, 1, 2, 0), CUBE)
    check_value(lambda n, x: n.trace(x, axis1=1, axis2=2, dtype=np.complex128), CUBE)
    check_derivatives(lambda n, x: n.diagonal(x, -1, 0, 2), CUBE)
    check_derivatives(lambda n, x: n.take(x, [[0, 2], [1, 1]], axis=1), CUBE)


WRITES = {
    "fill_diagonal": lambda n, b, x: n.fill_diagonal(b, x[:, 0]),
    "fill_diagonal wrap": lambda n, b, x: n.fill_diagonal(b, x[0, 0], wrap=True),
    "put": lambda n, b, x: n.put(b, [1, -1, 5], x[0, :2]),
    "put clip": lambda n, b, x: n.put(b, [1, 99], x[0, 1], mode="clip"),
    "place": lambda n, b, x: n.place(b, np.eye(6, 4) > 0, x[0, :3]),
    "putmask": lambda n, b, x: n.putmask(b, np.eye(6, 4) > 0, x[0, :3]),
    "copyto": lambda n, b, x: n.copyto(b, x[0]),
    "copyto where": lambda n, b, x: n.copyto(b, x[1], where=np.eye(6, 4) > 0),
    "put_along_axis": lambda n, b, x: n.put_along_axis(
        b, np.arange(6)[:, None] % 4, x[0, 0], axis=1
    ),
    "flip": lambda n, b, x: n.copyto(n.flip(b, 0)[:3], x),
    "rot90": lambda n, b, x: n.copyto(n.rot90(b)[0, :3], x[:, 0]),
    "split": lambda n, b, x: n.copyto(n.split(b, 2)[1], x),
    "hsplit": lambda n, b, x: n.copyto(n.hsplit(b, 2)[0][0], x[0, :2]),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes(name):
    def call(n, x):
        b = n.ones((6, 4))
        WRITES[name](n, b, x)
        b[0, 0] += x[1, 1]
        return b * b

    check_value(call, X, by_numpy=False)
    check_derivatives(call, X)


def test_a_result_can_be_written_to():
    def call(n, x):
        y = n.concatenate((x[0], x[1]))
        y[1:3] = y[0] * x[2, :2]
        return y

    check_value(call, X)
    check_derivatives(call, X)


def test_new_arrays_can_take_traced_values():
    def call(n, x):
        b = n.concatenate((V, V))
        b[0] = x[0, 0]
        d = n.diag(V)
        d[1] = x[0]
        return n.hstack((b, d.ravel()))

    same_bits(wg.vjp(lambda x: call(wnp, x), X)[0], call(np, X))


def test_views_of_plain_arrays_stay_plain():
    plain = np.zeros(4)

    def call(x):
        wnp.split(plain, 2)[0][:] = 1.0
        wnp.flip(plain)[0] = 2.0
        return x

    wg.vjp(call, 1.0)
    np.testing.assert_array_equal(plain, [1.0, 1.0, 0.0, 2.0])


ERRORS = {
    "concatenate axis": lambda n, x: n.concatenate((x, x), axis=2),
    "concatenate shapes": lambda n, x: n.concatenate((x, x[:, :2])),
    "concatenate ranks": lambda n, x: n.concatenate((x, x[0])),
    "concatenate scalars": lambda n, x: n.concatenate((x[0, 0], x[0, 0])),
    "stack axis": lambda n, x: n.stack((x, x), axis=4),
    "stack shapes": lambda n, x: n.stack((x, x[0])),
    "split": lambda n, x: n.split(x, 2),
    "vsplit": lambda n, x: n.vsplit(x[0], 2),
    "unstack": lambda n, x: n.unstack(n.sum(x)),
    "dsplit": lambda n, x: n.dsplit(x, 2),
    "repeat axis": lambda n, x: n.repeat(x, 2, axis=2),
    "pad negative": lambda n, x: n.pad(x, -1),
    "pad widths": lambda n, x: n.pad(x, (1, 2, 3)),
    "delete": lambda n, x: n.delete(x, 9, axis=1),
    "insert": lambda n, x: n.insert(x, 9, 1.0, axis=1),
    "flip axis": lambda n, x: n.flip(x, 3),
    "fliplr": lambda n, x: n.fliplr(x[0]),
    "flipud": lambda n, x: n.flipud(n.sum(x)),
    "rot90": lambda n, x: n.rot90(x, axes=(0, 0)),
    "rot90 axes": lambda n, x: n.rot90(x, axes=(0, 1, 2)),
    "rot90 range": lambda n, x: n.rot90(x, axes=(0, 5)),
    "roll": lambda n, x: n.roll(x, 1, axis=2),
    "roll shift": lambda n, x: n.roll(x, [[1]], axis=0),
    "diag": lambda n, x: n.diag(x[None]),
    "diagonal": lambda n, x: n.diagonal(x, 0, 1, 1),
    "diagonal of a vector": lambda n, x: n.diagonal(x[0]),
    "take": lambda n, x: n.take(x, [9], axis=0),
    "take floats": lambda n, x: n.take(x, np.array([0.5]), axis=0),
    "take_along_axis": lambda n, x: n.take_along_axis(x, ROWS, axis=1),
    "take_along_axis None": lambda n, x: n.take_along_axis(x, ROWS[None], axis=None),
    "take_along_axis floats": lambda n, x: n.take_along_axis(
        x, ROWS[:, None] / 2, axis=1
    ),
    "compress": lambda n, x: n.compress([[True]], x),
    "concatenate casting": lambda n, x: n.concatenate(
        (x, x), dtype=int, casting="safe"
    ),
    "put": lambda n, x: n.put(n.array(x), 99, x[0]),
    "place": lambda n, x: n.place(n.array(x), np.ones((3, 4), bool), x[0, :0]),
    "putmask": lambda n, x: n.putmask(n.array(x), [True], x[0]),
    "copyto": lambda n, x: n.copyto(n.zeros(3, int), x[:, 0]),
    "fill_diagonal": lambda n, x: n.fill_diagonal(n.array(x[0]), 1.0),
    "fill_diagonal 3d": lambda n, x: n.fill_diagonal(n.stack((x, x)), 1.0),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_numpys(name):
    same_error(ERRORS[name], X)


def test_pad_modes_without_a_rule():
    with pytest.raises(
        MissingRuleError, match="pad: mode='mean'.*\n.*\n  Fix: use one of"
    ):
        wg.vjp(lambda x: wnp.pad(x, 1, mode="mean"), X)
    with pytest.raises(MissingRuleError, match="no derivative rule"):
        wg.vjp(lambda x: wnp.pad(x, 1, mode="reflect", reflect_type="odd"), X)


def test_a_plain_array_cannot_take_traced_values():
    plain = np.zeros((3, 4))
    with pytest.raises(DependenceError, match="written into a plain NumPy array"):
        wg.vjp(lambda x: wnp.copyto(plain, x), X)
    with pytest.raises(TypeError, match="argument 1 must be numpy.ndarray"):
        wg.vjp(lambda x: wnp.copyto([0.0], wnp.zeros(1)), X)
