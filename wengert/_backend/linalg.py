"""Solving, determinants and the Cholesky factor: LAPACK for each matrix of a stack.

The routines are those that NumPy calls for the function, in the same precision, on the
same layout, so that results differ only where the two builds of LAPACK do.
"""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import lapack
from wengert._backend import types as t
from wengert._backend.contraction import Term, contract
from wengert._backend.elementwise import cast_to, mapped
from wengert._backend.emitter import Index
from wengert._backend.kernels import KERNELS
from wengert._backend.lapack import LETTERS
from wengert._backend.lowering import Lowering
from wengert._backend.scalars import libm, modulus, parts
from wengert._backend.spectral import singular_vectors
from wengert._backend.structure import reshaped
from wengert._backend.values import (
    Array,
    Lazy,
    Shape,
    Value,
    same_shape,
)
from wengert._ir.program import Equation

_REAL = np.dtype(np.float64)


# -- solve and inv ---------------------------------------------------------------------


class _Factors:
    """Memory for the factors of a square matrix, ``p l u``, by partial pivoting."""

    def __init__(self, lo: Lowering, n: Index, dtype: np.dtype) -> None:
        self.lo, self.n = lo, n
        lapack.require_at_most(lo, lapack.LARGEST, n)
        self.letter = LETTERS[dtype.char]
        self.matrix = lapack.columns(lo, n, n, dtype)
        self.pivots = lo.allocate((n,), lapack.INTEGER)
        self.info = lo.e.slot(t.I32)

    def factorise(self, x: Value) -> None:
        """Of a matrix; a zero pivot is reported in `info`."""
        lo, n = self.lo, lapack.integer(self.lo, self.n)
        lo.fill(self.matrix, x)
        lead = lapack.leading(lo, self.n)
        arguments = [n, n, self.matrix.pointer, lead, self.pivots.pointer, self.info]
        lapack.call(lo, self.letter + "getrf", *arguments)

    def solve(self, right: Array) -> None:
        """Overwrite right-hand sides, column by column, with the solutions."""
        lo, n = self.lo, self.n
        arguments = [lapack.character(lo, "n"), lapack.integer(lo, n)]
        arguments += [lapack.integer(lo, right.shape[1]), self.matrix.pointer]
        arguments += [lapack.leading(lo, n), self.pivots.pointer]
        arguments += [right.pointer, lapack.leading(lo, n), lo.e.slot(t.I32)]
        lapack.call(lo, self.letter + "getrs", *arguments)


def _solved(lo: Lowering, a: Value, right: Any, out: Array) -> None:
    """Solve with every matrix; ``right(lane)`` is a matrix of right-hand sides.

    One matrix for all lanes is factorised once.
    """
    lead, (n, width) = out.shape[:-2], out.shape[-2:]
    lapack.require_at_most(lo, lapack.LARGEST, width)
    factors = _Factors(lo, n, lapack.working_dtype(out.dtype))
    solution = lapack.columns(lo, n, width, lapack.working_dtype(out.dtype))
    is_shared = len(a.shape) == 2
    if not is_shared and not same_shape(a.shape[:-2], lead):
        a = lo.cheap(a)

    def factorise(lane: Shape) -> None:
        factors.factorise(lapack.matrix_at(lo, a, lead, lane))
        lapack.require_done(lo, factors.info, "Singular matrix")

    def one(lane: Shape) -> None:
        if not is_shared:
            factorise(lane)
        lo.fill(solution, right(lane))
        factors.solve(solution)
        lo.fill(lapack.part_at(lo, out, lane), solution)

    if is_shared:
        with lo.e.when(lo.e.compare("!=", lo.e.product(lead), 0)):
            factorise(())
    lo.e.nest(lead, one)


def _solve(lo: Lowering, equation: Equation) -> list[Value] | None:
    """``(*c, n, n), (*c, n, m) -> (*c, n, m)``; b with one axis is a vector."""
    a, b = (lo.value(i) for i in equation.inputs)
    is_vector = len(b.shape) == 1
    rows = b.shape[0] if is_vector else b.shape[-2]
    if not lapack.is_square(a) or not lapack.may_equal(a.shape[-1], rows):
        return None
    n = lapack.require_square(lo, a)
    lo.require_extent(rows, n)
    out = lo.result(equation.outputs[0])
    right = reshaped(lo, b, (rows, 1)) if is_vector else b
    lead = out.shape[: -1 if is_vector else -2]
    for x in (a, right):
        for extent, wanted in zip(x.shape[-3::-1], lead[::-1], strict=False):
            if extent != 1:
                lo.require_extent(extent, wanted)
    shape = (*lead, n, right.shape[-1])
    solutions = reshaped(lo, out, shape)
    assert isinstance(solutions, Array)
    if not same_shape(right.shape[:-2], lead):
        right = lo.cheap(right)
    _solved(lo, a, lambda lane: lapack.matrix_at(lo, right, lead, lane), solutions)
    return [out]


def _inv(lo: Lowering, equation: Equation) -> list[Value] | None:
    a = lo.value(equation.inputs[0])
    if not lapack.is_square(a):
        return None
    n = lapack.require_square(lo, a)
    out = lapack.result(lo, equation.outputs[0], a.shape)
    one, zero = (t.constant(v, out.dtype) for v in (1.0, 0.0))
    e = lo.e
    identity = Lazy(
        (n, n), out.dtype, lambda ij: e.b.select(e.compare("==", *ij), one, zero)
    )
    _solved(lo, a, lambda _: identity, out)
    return [out]


def _solve_triangular(lo: Lowering, equation: Equation) -> list[Value] | None:
    """SciPy's: a matrix in C order is its transpose to LAPACK, except conjugated."""
    a, b = (lo.value(i) for i in equation.inputs)
    lower, trans = equation.params["lower"], equation.params["trans"]
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or not lapack.is_square(a):
        return None
    if not lapack.may_equal(a.shape[0], b.shape[0]):
        return None
    n = lapack.require_square(lo, a)
    lo.require_extent(b.shape[0], n)
    out = lapack.result(lo, equation.outputs[0], b.shape)
    dtype = out.dtype
    right = reshaped(lo, b, (n, 1)) if len(b.shape) == 1 else b
    width = right.shape[1]
    lapack.require_at_most(lo, lapack.LARGEST, n, width)
    solution = lapack.columns(lo, n, width, dtype)
    lo.fill(solution, right)
    if trans == 2:
        matrix = lapack.columns(lo, n, n, dtype)
        lo.fill(matrix, a)
    else:
        matrix, lower = _as_stored(lo, a, dtype), not lower
        trans = 1 - trans
    with lo.e.when(lo.e.compare("!=", lo.e.product(b.shape), 0)):
        _substitute(lo, matrix, solution, "UL"[lower] + "NTC"[trans])
    target = reshaped(lo, out, right.shape)
    assert isinstance(target, Array)
    lo.fill(target, solution)
    return [out]


def _as_stored(lo: Lowering, a: Value, dtype: np.dtype) -> Array:
    """A matrix of a dtype in C order."""
    if a.dtype == dtype:
        return lo.contiguous(a)
    copy = lo.allocate(a.shape, dtype)
    lo.fill(copy, a)
    return copy


def _substitute(lo: Lowering, matrix: Array, solution: Array, how: str) -> None:
    """Overwrite right-hand sides; `how` is the triangle, and what is transposed."""
    n, width = solution.shape
    info = lo.e.slot(t.I32)
    arguments = [lapack.character(lo, c) for c in how + "N"]
    arguments += [lapack.integer(lo, n), lapack.integer(lo, width), matrix.pointer]
    arguments += [lapack.leading(lo, n), solution.pointer, lapack.leading(lo, n), info]
    lapack.call(lo, LETTERS[matrix.dtype.char] + "trtrs", *arguments)
    lapack.require_done(lo, info, "singular matrix: resolution failed at diagonal {}")


# -- determinants ----------------------------------------------------------------------


def _determinants(lo: Lowering, a: Value) -> tuple[Array, Array]:
    """Sign and logarithm of the determinant of every matrix, as NumPy computes them."""
    n, lead = lapack.require_square(lo, a), a.shape[:-2]
    dtype = lapack.working_dtype(a.dtype)
    factors = _Factors(lo, n, dtype)
    signs = lo.allocate(lead, dtype)
    sizes = lo.allocate(lead, np.dtype(np.float64))

    def one(lane: Shape) -> None:
        factors.factorise(lapack.matrix_at(lo, a, lead, lane))
        sign, size = _of_factors(lo, factors)
        signs.put(lo.e, lane, sign)
        sizes.put(lo.e, lane, size)

    lo.e.nest(lead, one)
    return signs, sizes


def _of_factors(lo: Lowering, factors: _Factors) -> tuple[Any, Any]:
    """From the diagonal: the sign, 0 if a pivot is, and the sum of the logarithms."""
    e, b, dtype = lo.e, lo.e.b, factors.matrix.dtype
    kind, double = t.register_type(dtype), t.FLOATS[8]
    sign = e.slot(kind, t.constant(1.0, dtype))
    total = e.slot(double, t.constant(0.0, _REAL))
    with e.loop(factors.n) as k:
        entry = factors.matrix.at(e, (k, k))
        size = modulus(b, dtype, entry)
        row = b.sext(factors.pivots.at(e, (k,)), t.I64)
        swapped = e.compare("!=", row, e.add(k, 1))
        turned = _turned(b, dtype, b.load(sign, typ=kind), entry, size)
        b.store(b.select(swapped, _negative(b, dtype, turned), turned), sign)
        logarithm = libm("log")(b, _REAL, size)
        b.store(b.fadd(b.load(total, typ=double), logarithm), total)
    fine = b.icmp_signed("==", b.load(factors.info, typ=t.I32), ir.Constant(t.I32, 0))
    return (
        b.select(fine, b.load(sign, typ=kind), t.constant(0.0, dtype)),
        b.select(fine, b.load(total, typ=double), t.constant(-math.inf, _REAL)),
    )


def _negative(b: Any, dtype: np.dtype, x: Any) -> Any:
    return KERNELS["negative"][1](b, dtype, x)


def _turned(b: Any, dtype: np.dtype, sign: Any, entry: Any, size: Any) -> Any:
    """A sign, or complex number of modulus 1, times that of an entry."""
    if dtype.kind == "f":
        below = b.fcmp_ordered("<", entry, t.constant(0.0, dtype))
        return b.select(below, _negative(b, dtype, sign), sign)
    re, im = (b.fdiv(part, size) for part in parts(b, entry))
    own = t.make_complex(b, re, im, dtype)
    return KERNELS["multiply"][1](b, dtype, sign, own)


def _slogdet(lo: Lowering, equation: Equation) -> list[Value] | None:
    a = lo.value(equation.inputs[0])
    if not lapack.is_square(a):
        return None
    found = zip(_determinants(lo, a), equation.outputs, strict=True)
    return [cast_to(lo, x, var.type.dtype) for x, var in found]


def _product(lo: Lowering, a: Value) -> Value:
    """The determinant: NumPy's ``sign * exp(logarithm)``."""
    signs, sizes = _determinants(lo, a)
    b, dtype = lo.e.b, signs.dtype

    def compute(sign: Any, size: Any) -> Any:
        size = t.cast(b, libm("exp")(b, _REAL, size), _REAL, dtype)
        return KERNELS["multiply"][1](b, dtype, sign, size)

    return lo.cheap(mapped(lo, [signs, sizes], signs.shape, dtype, compute))


def _det(lo: Lowering, equation: Equation) -> list[Value] | None:
    a = lo.value(equation.inputs[0])
    if not lapack.is_square(a):
        return None
    return [cast_to(lo, _product(lo, a), equation.outputs[0].type.dtype)]


def _det_derivative(lo: Lowering, equation: Equation) -> list[Value] | None:
    """The cofactors, ``det(u) det(vh) conj(u) diag(minors) conj(vh)``.

    Derivatives of higher order are the host's.
    """
    a, *directions = (lo.value(i) for i in equation.inputs)
    if directions or not lapack.is_square(a):
        return None
    lapack.require_square(lo, a)
    u, s, vh = singular_vectors(lo, a)
    lead, b, dtype = a.shape[:-2], lo.e.b, u.dtype
    phases = [_per_matrix(lo, _product(lo, x)) for x in (u, vh)]
    minors = reshaped(lo, _minors(lo, s), (*lead, 1, s.shape[-1]))

    def times(x: Any, y: Any) -> Any:
        return KERNELS["multiply"][1](b, dtype, x, y)

    def conj(x: Any) -> Any:
        return KERNELS["conj"][1](b, dtype, x)

    def weigh(x: Any, minor: Any) -> Any:
        return times(conj(x), t.cast(b, minor, _REAL, dtype))

    left = mapped(lo, [u, minors], u.shape, dtype, weigh)
    right = mapped(lo, [vh], vh.shape, dtype, conj)
    labels = string.ascii_lowercase[: len(lead)]
    terms = [Term(left, labels + "XY"), Term(right, labels + "YZ")]
    total = contract(lo, terms, labels + "XZ", dtype)
    out = equation.outputs[0].type.dtype

    def compute(x: Any, first: Any, second: Any) -> Any:
        return t.cast(b, times(times(first, second), x), dtype, out)

    return [mapped(lo, [total, *phases], a.shape, out, compute)]


def _per_matrix(lo: Lowering, x: Value) -> Value:
    return reshaped(lo, x, (*x.shape, 1, 1))


def _minors(lo: Lowering, s: Value) -> Array:
    """For each entry of a last axis the product of the others."""
    e, b = lo.e, lo.e.b
    out = lo.allocate(s.shape, _REAL)
    total = e.slot(t.FLOATS[8])

    def one(here: Shape) -> None:
        b.store(t.constant(1.0, _REAL), total)
        with e.loop(s.shape[-1]) as k:
            other = e.compare("!=", k, here[-1])
            factor = b.select(other, s.at(e, (*here[:-1], k)), t.constant(1.0, _REAL))
            b.store(b.fmul(b.load(total, typ=t.FLOATS[8]), factor), total)
        out.put(e, here, b.load(total, typ=t.FLOATS[8]))

    e.nest(s.shape, one)
    return out


# -- cholesky --------------------------------------------------------------------------


def _cholesky(lo: Lowering, equation: Equation) -> list[Value] | None:
    a, upper = lo.value(equation.inputs[0]), equation.params["upper"]
    if not lapack.is_square(a):
        return None
    n, lead = lapack.require_square(lo, a), a.shape[:-2]
    lapack.require_at_most(lo, lapack.LARGEST, n)
    out = lapack.result(lo, equation.outputs[0], a.shape)
    dtype = lapack.working_dtype(out.dtype)
    factor, info = lapack.columns(lo, n, n, dtype), lo.e.slot(t.I32)
    zero = t.constant(0.0, dtype)
    e = lo.e

    def entry(here: Shape) -> Any:
        row, column = reversed(here) if upper else here
        inside = e.compare("<=", column, row)
        return e.b.select(inside, factor.at(e, here), zero)

    def one(lane: Shape) -> None:
        lo.fill(factor, lapack.matrix_at(lo, a, lead, lane))
        arguments = [lapack.character(lo, "LU"[upper]), lapack.integer(lo, n)]
        arguments += [factor.pointer, lapack.leading(lo, n), info]
        lapack.call(lo, LETTERS[dtype.char] + "potrf", *arguments)
        lapack.require_done(lo, info, "Matrix is not positive definite")
        lo.fill(lapack.part_at(lo, out, lane), Lazy((n, n), dtype, entry, [factor]))

    e.nest(lead, one)
    return [out]


LINALG = {
    "solve": _solve,
    "inv": _inv,
    "solve_triangular": _solve_triangular,
    "det": _det,
    "slogdet": _slogdet,
    "det_derivative": _det_derivative,
    "cholesky": _cholesky,
}
__all__ = ["LINALG"]
