"""Random programs with writes, views, loops and branches, in every mode.

Each is a list of statements (plain data, so that hypothesis can shrink it) that one
interpreter runs in plain NumPy, on complex numbers for the reference derivative, and in
Wengert. WENGERT_FULL_TESTS=1 runs a hundred times as many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import wengert as wg
import wengert.numpy as wnp
from tests.programs import assert_bits, assert_close, direction, directions, dot, size

FULL = bool(os.environ.get("WENGERT_FULL_TESTS"))


def examples(n: int) -> Any:
    return settings(
        max_examples=n * (100 if FULL else 1), deadline=None, derandomize=not FULL
    )


ROWS, COLUMNS = 3, 4
CONSTANT = numpy.array([0.5, -1.25, 2.0, 0.75])
MASK = numpy.array([True, False, True, True])

# -- the language ----------------------------------------------------------------------

# A variable is chosen by a number, taken modulo how many there are: any number will do.
UNARY: dict[str, Callable[[Any, Any], Any]] = {
    "sin": lambda np, a: np.sin(a),
    "cos": lambda np, a: np.cos(a),
    "exp": lambda np, a: np.exp(-a * a),
    "sqrt": lambda np, a: np.sqrt(1.0 + a * a),
    "square": lambda np, a: a**2,
    "negative": lambda np, a: -a,
    "affine": lambda np, a: 0.5 * a - 1.0,
    "rational": lambda np, a: a / (2.0 + a * a),
}
BINARY: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda np, a, b: a + b,
    "subtract": lambda np, a, b: a - b,
    "multiply": lambda np, a, b: 0.5 * a * b,
    "divide": lambda np, a, b: a / (2.0 + b * b),
    "where": lambda np, a, b: np.where(a.real > b.real, a * 2.0, b),
    "maximum": lambda np, a, b: np.maximum(a, b),
}
# Vectors have COLUMNS entries, matrices ROWS of them; every slice below keeps that.
VECTORS: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "row": lambda np, v, m, i: m[i % ROWS],
    "reversed": lambda np, v, m, i: v[::-1],
    "reversed row": lambda np, v, m, i: m[i % ROWS, ::-1],
    "all of it": lambda np, v, m, i: v[:],
    "newaxis": lambda np, v, m, i: v[None][0],
    "copy": lambda np, v, m, i: v.copy(),
    "fancy": lambda np, v, m, i: v[[i % 4, 0, 2, 2]],
    "column": lambda np, v, m, i: m.T[:, i % ROWS],
    "flat part": lambda np, v, m, i: m.reshape(-1)[i % 9 : i % 9 + 4],
    "strided": lambda np, v, m, i: m.reshape(-1)[i % 3 :: 3],
    "sum": lambda np, v, m, i: m.sum(axis=0),
    "constant": lambda np, v, m, i: v * CONSTANT,
    "fresh": lambda np, v, m, i: np.zeros_like(v),
}
MATRICES: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "reversed": lambda np, v, m, i: m[::-1, ::-1],
    "reshaped": lambda np, v, m, i: m.reshape(4, 3).reshape(3, 4),
    "transposed": lambda np, v, m, i: m.T.reshape(3, 4),
    "outer": lambda np, v, m, i: v[:3, None] * v,
    "broadcast": lambda np, v, m, i: m * v,
    "fancy": lambda np, v, m, i: m[[2, i % ROWS, i % ROWS]],
    "fortran": lambda np, v, m, i: (m.T * 2.0).T,
    "fresh": lambda np, v, m, i: np.zeros_like(m),
    "array": lambda np, v, m, i: np.array([v, m[0], v[::-1]]),
}
SCALARS: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "entry": lambda np, v, m, i: v[i % COLUMNS],
    "matrix entry": lambda np, v, m, i: m[i % ROWS, -1 - i % COLUMNS],
    "sum": lambda np, v, m, i: v.sum(),
    "total": lambda np, v, m, i: m.sum(),
    "inner": lambda np, v, m, i: (v * m[i % ROWS]).sum(),
}


def _put(target: Any, key: Any, value: Any) -> None:
    target[key] = value


def _add(target: Any, key: Any, value: Any) -> None:
    target[key] += value


def _scale(target: Any, key: Any, value: Any) -> None:
    target[key] *= value


def _swap(a: Any, i: Any, j: Any) -> None:
    a[i], a[j] = a[j], a[i]


# (np, vector, other vector, matrix, scalar, number). What is written to one axis is a
# copy: between views of one array with different strides NumPy overwrites there what it
# has yet to read (array_assign_array.c), and Wengert does not.
WRITES: dict[str, Callable[[Any, Any, Any, Any, Any, int], None]] = {
    "entry": lambda np, v, w, m, s, i: _put(v, i % COLUMNS, s),
    "entry, added": lambda np, v, w, m, s, i: _add(v, -1 - i % COLUMNS, s),
    "slice": lambda np, v, w, m, s, i: _put(v, slice(1, 3), w[i % 3 : i % 3 + 2] * 1.0),
    "shift": lambda np, v, w, m, s, i: _put(v, slice(1, None), v[:-1]),
    "stride": lambda np, v, w, m, s, i: _scale(v, slice(None, None, 2), s),
    "whole": lambda np, v, w, m, s, i: _put(v, ..., w * 1.0),
    "whole, added": lambda np, v, w, m, s, i: _add(v, slice(None), w),
    "duplicates": lambda np, v, w, m, s, i: _put(v, [0, i % 4, 0], w[:3]),
    "duplicates, added": lambda np, v, w, m, s, i: _add(v, [i % 4, 1, 1], w[1:]),
    "mask": lambda np, v, w, m, s, i: _put(v, MASK, w[:3] * 0.5),
    "condition": lambda np, v, w, m, s, i: _put(v, v.real > w.real, s),
    "row": lambda np, v, w, m, s, i: _put(m, i % ROWS, v * 1.0),
    "row, scaled": lambda np, v, w, m, s, i: _scale(m, i % ROWS, w),
    "column": lambda np, v, w, m, s, i: _put(
        m, (slice(None), i % COLUMNS), v[1:] * 1.0
    ),
    "matrix entry": lambda np, v, w, m, s, i: _put(m, (i % ROWS, i % COLUMNS), s),
    "transposed": lambda np, v, w, m, s, i: _put(m.T, i % COLUMNS, w[:3] * 1.0),
    "flat": lambda np, v, w, m, s, i: _put(
        m.reshape(-1), slice(None, None, 3), v * 1.0
    ),
    "pairs": lambda np, v, w, m, s, i: _put(m, ([0, 1, 0], [2, i % 4, 2]), v[:3]),
    "broadcast": lambda np, v, w, m, s, i: _put(m, slice(i % ROWS, None), w),
    "swap": lambda np, v, w, m, s, i: _swap(v, i % COLUMNS, 1),
    "swap rows": lambda np, v, w, m, s, i: _swap(m, i % ROWS, 0),
    "at": lambda np, v, w, m, s, i: np.add.at(v, [i % 4, 2, 2], w[:3] * 0.5),
    "out": lambda np, v, w, m, s, i: _out(np, v, w),
    "out, where": lambda np, v, w, m, s, i: _out_where(np, v, w),
    "fill": lambda np, v, w, m, s, i: v.fill(s),
    "fill row": lambda np, v, w, m, s, i: m[i % ROWS].fill(s),
    "view of view": lambda np, v, w, m, s, i: _add(m[1:, ::-1][0], slice(i % 4), s),
}


def _out(np: Any, v: Any, w: Any) -> None:
    np.sin(w, out=v)


def _out_where(np: Any, v: Any, w: Any) -> None:
    np.multiply(v, w, out=v, where=MASK)


AUGMENTED: dict[str, Callable[[Any, Any], Any]] = {
    "+=": lambda a, b: a.__iadd__(b),
    "-=": lambda a, b: a.__isub__(b),
    "*=": lambda a, b: a.__imul__(b),
}

NUMBER = st.integers(0, 11)


def chosen(table: dict[str, Any]) -> Any:
    return st.sampled_from(sorted(table))


def statements(branches: bool) -> Any:
    simple = st.one_of(
        st.tuples(st.just("unary"), st.sampled_from("vms"), chosen(UNARY), NUMBER),
        st.tuples(
            st.just("binary"), st.sampled_from("vms"), chosen(BINARY), NUMBER, NUMBER
        ),
        st.tuples(st.just("vector"), chosen(VECTORS), NUMBER, NUMBER, NUMBER),
        st.tuples(st.just("matrix"), chosen(MATRICES), NUMBER, NUMBER, NUMBER),
        st.tuples(st.just("scalar"), chosen(SCALARS), NUMBER, NUMBER, NUMBER),
        st.tuples(st.just("write"), chosen(WRITES), *[NUMBER] * 5),
        st.tuples(st.just("write"), chosen(WRITES), *[NUMBER] * 5),
        st.tuples(
            st.just("augmented"),
            st.sampled_from("vm"),
            chosen(AUGMENTED),
            NUMBER,
            NUMBER,
        ),
    )

    def nested(inner: Any) -> Any:
        block = st.lists(inner, min_size=1, max_size=4)
        kinds = [
            st.tuples(st.just("loop"), st.integers(1, 3), block),
            st.tuples(st.just("call"), block, NUMBER, NUMBER),
        ]
        if branches:
            kinds.append(st.tuples(st.just("if"), NUMBER, NUMBER, block, block))
        return st.one_of(inner, *kinds)

    deep = st.recursive(simple, nested, max_leaves=8)
    return st.lists(deep, min_size=2, max_size=9)


class Environment:
    """The variables of a running program; their number grows to a limit."""

    def __init__(self, v: Any, m: Any, s: Any) -> None:
        self.values: dict[str, list[Any]] = {"v": [v], "m": [m], "s": [s]}

    def get(self, kind: str, number: int) -> Any:
        values = self.values[kind]
        return values[number % len(values)]

    def add(self, kind: str, value: Any) -> None:
        values = self.values[kind]
        values.append(value)
        if len(values) > 4:
            del values[1]


def execute(np: Any, block: list[Any], e: Environment, turn: int = 0) -> None:
    for statement in block:
        STATEMENTS[statement[0]](np, e, turn, *statement[1:])


def _unary(np: Any, e: Environment, turn: int, kind: str, name: str, a: int) -> None:
    e.add(kind, UNARY[name](np, e.get(kind, a)))


def _binary(
    np: Any, e: Environment, turn: int, kind: str, name: str, a: int, b: int
) -> None:
    e.add(kind, BINARY[name](np, e.get(kind, a), e.get(kind, b)))


def _maker(kind: str, table: dict[str, Any]) -> Any:
    def make(
        np: Any, e: Environment, turn: int, name: str, v: int, m: int, i: int
    ) -> None:
        e.add(kind, table[name](np, e.get("v", v), e.get("m", m), i + turn))

    return make


def _write(np: Any, e: Environment, turn: int, name: str, *numbers: int) -> None:
    v, w, m, s, i = numbers
    operands = e.get("v", v), e.get("v", w), e.get("m", m), e.get("s", s)
    WRITES[name](np, *operands, i + turn)


def _augmented(
    np: Any, e: Environment, turn: int, kind: str, name: str, *ab: int
) -> None:
    a, b = (e.get(kind, n) for n in ab)
    if name == "*=":
        b = b * 0.5
    AUGMENTED[name](a, b)


def _loop(np: Any, e: Environment, turn: int, n: int, body: list[Any]) -> None:
    for k in range(n):
        execute(np, body, e, turn + k)


def _branch(np: Any, e: Environment, turn: int, a: int, b: int, *blocks: Any) -> None:
    execute(
        np, blocks[0] if e.get("s", a).real > e.get("s", b).real else blocks[1], e, turn
    )


def _call(np: Any, e: Environment, turn: int, body: list[Any], v: int, m: int) -> None:
    """A helper that writes into its caller's arrays and returns a number."""

    def helper(v: Any, m: Any) -> Any:
        own = Environment(v, m, v[0] * m[0, 0])
        execute(np, body, own, turn)
        return own.get("s", -1) + own.get("v", -1).sum()

    e.add("s", helper(e.get("v", v), e.get("m", m)))


STATEMENTS: dict[str, Any] = {
    "unary": _unary,
    "binary": _binary,
    "vector": _maker("v", VECTORS),
    "matrix": _maker("m", MATRICES),
    "scalar": _maker("s", SCALARS),
    "write": _write,
    "augmented": _augmented,
    "loop": _loop,
    "if": _branch,
    "call": _call,
}


def program(block: list[Any]) -> Callable[[Any, Any], Any]:
    """A function of COLUMNS + ROWS * COLUMNS numbers: a vector and a matrix."""

    def run(np: Any, x: Any) -> Any:
        v = x[:COLUMNS]
        m = x[COLUMNS:].reshape(ROWS, COLUMNS)
        e = Environment(v, m, v[0] * m[1, 2])
        execute(np, block, e)
        last = [e.get(kind, -1) for kind in "vms"]
        return (last[0] * 1.0, last[1] * 1.0, last[2] * 1.0, v * m)

    return run


# Numbers on the way are of order 1: what cancels leaves their rounding.
ROUNDING = 1e-5
X = numpy.random.default_rng(11).uniform(-1.5, 1.5, COLUMNS * (ROWS + 1))


def reference(run: Any, x: Any) -> tuple[Any, ...]:
    """Values in plain NumPy; programs that blow up are of no interest."""
    try:
        with numpy.errstate(over="raise"):
            values = run(numpy, x.copy())
    except FloatingPointError:
        assume(False)
    assume(all(numpy.all(abs(numpy.asarray(v)) < 1e4) for v in values))
    return tuple(values)


# -- the tests -------------------------------------------------------------------------


STEP = ("unary", "v", "affine", 0)
# A sum's cotangent, which is broadcast, taken by a write and then written in place.
BROADCAST_COTANGENT = [
    *(STEP, ("vector", "all of it", 1, 5, 0)),
    *(("call", [("write", "slice", 0, 0, 0, 0, 5)], 8, 0), STEP),
    (
        "call",
        [
            (
                "call",
                [
                    *(STEP, ("scalar", "total", 0, 0, 0)),
                    ("loop", 1, [("vector", "column", 0, 0, 0)]),
                ],
                0,
                0,
            )
        ],
        1,
        0,
    ),
]


# Entries come to be equal: then the order of complex numbers is that of the imaginary
# parts: the complex step would take another path. So programs compare real parts.
_SQUARES = [("augmented", "v", "*=", 0, 0), STEP, STEP]
EQUAL_ENTRIES = [
    *(STEP, STEP, ("loop", 3, _SQUARES)),
    ("if", 0, 0, [STEP], [*_SQUARES[:2], ("write", "condition", 3, 1, 0, 0, 0)]),
]


@examples(300)
@example(BROADCAST_COTANGENT)
@example(EQUAL_ENTRIES)
@given(statements(branches=True))
@numpy.errstate(all="ignore")
def test_first_order(block: list[Any]) -> None:
    run = program(block)
    expected = reference(run, X)
    dx, before = direction(X), X.tobytes()
    h = 1e-100
    stepped = [numpy.asarray(v) for v in run(numpy, X + 1j * h * dx)]
    # Sums of complex numbers round in another order: a tie may be decided otherwise.
    same_path = zip(stepped, expected, strict=True)
    assume(all(numpy.allclose(s.real, v, 1e-9, 1e-12) for s, v in same_path))
    exact = [v.imag / h for v in stepped]
    assume(all(numpy.all(abs(t) < 1e6) for t in exact))

    def fun(x: Any) -> Any:
        return run(wnp, x)

    value, tangent = wg.jvp(fun, (X,), (dx,))
    assert_bits(value, expected)
    assert_close(tangent, tuple(exact), 1e-9)
    value, pullback = wg.vjp(fun, X)
    assert_bits(value, expected)
    ct = directions(value)
    (cotangent,) = pullback(ct)
    scale = size(ct, tangent) + size(cotangent, dx) + ROUNDING
    assert abs(dot(ct, tangent) - dot(cotangent, dx)) <= 1e-10 * scale
    assert_bits(pullback(ct)[0], cotangent)
    _, pushforward = wg.linearize(fun, X)
    assert_close(pushforward(dx), tangent, 1e-10)
    assert X.tobytes() == before


# A traced sum of cotangents whose tangent is that of one term, then written in place.
SHARED_TANGENT = [
    *(STEP, STEP, ("vector", "column", 0, 0, 0), ("call", [STEP], 0, 0)),
    (
        "call",
        [STEP, ("call", [STEP] * 3, 0, 0), ("if", 0, 0, [STEP], [STEP] * 2)],
        0,
        0,
    ),
    ("call", [("loop", 3, [STEP]), ("call", [STEP], 0, 0)], 0, 0),
    *(STEP, ("augmented", "v", "+=", 0, 1)),
]


@examples(60)
@example(SHARED_TANGENT)
@given(statements(branches=True))
@numpy.errstate(all="ignore")
def test_second_order(block: list[Any]) -> None:
    """Forward over reverse, reverse over reverse and forward over forward agree."""
    run = program(block)
    expected = reference(run, X)
    t, u = direction(X, 2), direction(X, 3)
    ct = directions(expected)

    def fun(x: Any) -> Any:
        return run(wnp, x)

    def reverse(x: Any) -> Any:
        return wg.vjp(fun, x)[1](ct)[0]

    first, hvp = wg.jvp(reverse, (X,), (t,))
    assume(numpy.all(abs(hvp) < 1e6) and numpy.all(abs(first) < 1e6))
    transposed = wg.vjp(reverse, X)[1](u)[0]
    tangents, second = wg.jvp(lambda x: wg.jvp(fun, (x,), (u,))[1], (X,), (t,))
    scale = size(hvp, u) + size(transposed, t) + size(ct, second) + ROUNDING
    assert abs(dot(hvp, u) - dot(transposed, t)) <= 1e-9 * scale
    assert abs(dot(hvp, u) - dot(ct, second)) <= 1e-9 * scale
    scale = size(ct, tangents) + size(first, u) + ROUNDING
    assert abs(dot(first, u) - dot(ct, tangents)) <= 1e-9 * scale


@examples(60)
@example([STEP, ("matrix", "fancy", 0, 0, 0), ("write", "flat", 0, 0, 1, 0, 0)])
@given(statements(branches=False))
@numpy.errstate(all="ignore")
def test_lanes(block: list[Any]) -> None:
    """vmap of value, jvp and vjp is the loop over the lanes."""
    run = program(block)
    lanes = numpy.stack([X, X[::-1], 0.5 * X])
    values = [reference(run, lane) for lane in lanes]
    ct = directions(values[0])
    dx = direction(X)

    def everything(x: Any) -> Any:
        value, pullback = wg.vjp(lambda x: run(wnp, x), x)
        tangent = wg.jvp(lambda x: run(wnp, x), (x,), (dx,))[1]
        return (*value, *tangent, *pullback(ct))

    rows = [everything(lane) for lane in lanes]
    assume(all(numpy.all(abs(a) < 1e6) for row in rows for a in row))
    stacked = tuple(numpy.stack(columns) for columns in zip(*rows, strict=True))
    before = lanes.tobytes()
    got = wg.vmap(everything)(lanes)
    assert_close(got[:4], tuple(map(numpy.stack, zip(*values, strict=True))), 1e-10)
    assert_close(got, stacked, 1e-9)
    assert lanes.tobytes() == before
