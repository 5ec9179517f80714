"""Symmetric eigenvalues and singular values: LAPACK for each matrix of a stack.

The drivers are NumPy's, divide and conquer. The size of a workspace is asked of LAPACK
at each call, as NumPy does: the blocking, and so the last bits, depend on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._backend import lapack
from wengert._backend import types as t
from wengert._backend.emitter import Index
from wengert._backend.lapack import LETTERS
from wengert._backend.lowering import Lowering
from wengert._backend.values import Array, Shape, Value
from wengert._ir.program import Equation

_REAL = np.dtype(np.float64)
# Larger matrices need workspaces of more words than Fortran's integers count.
_LARGEST_SYMMETRIC = 32766
_LARGEST_RANK = 16384
_LONGEST = 1 << 24


class _Workspaces:
    """The last arguments of a driver: workspaces of the sizes that it asks for.

    `call` gets them as `arguments`: for each the address, and that of its length.
    """

    def __init__(self, lo: Lowering, dtypes: list[np.dtype]) -> None:
        self.lo = lo
        self._places = [lo.allocate((1,), d) for d in dtypes]
        self._lengths = [lapack.constant(lo, t.I32, -1) for _ in dtypes]

    def allocate(self) -> None:
        """When the driver has answered."""
        lo = self.lo
        sizes = [lapack.answer(lo, place) for place in self._places]
        self._lengths = [lapack.integer(lo, n) for n in sizes]
        self._places = [
            lo.allocate((n,), place.dtype)
            for n, place in zip(sizes, self._places, strict=True)
        ]

    @property
    def arguments(self) -> list[Any]:
        pairs = zip(self._places, self._lengths, strict=True)
        return [word for place, length in pairs for word in (place.pointer, length)]


# -- symmetric matrices ----------------------------------------------------------------


class _Symmetric:
    """Memory for the eigenvalues of a matrix, and for it or its vectors."""

    def __init__(self, lo: Lowering, a: Value, job: str, uplo: str) -> None:
        self.lo, self.job, self.uplo = lo, job, uplo
        n = lapack.require_square(lo, a)
        lapack.require_at_most(lo, _LARGEST_SYMMETRIC, n)
        dtype = lapack.working_dtype(a.dtype)
        self.matrix = lapack.columns(lo, n, n, dtype)
        self.values = lo.allocate((n,), _REAL)
        self.info = lo.e.slot(t.I32)
        middle = [_REAL] if dtype.kind == "c" else []
        self.work = _Workspaces(lo, [dtype, *middle, lapack.INTEGER])
        self._call()
        self.work.allocate()

    def _call(self) -> None:
        lo, n, letter = self.lo, self.matrix.shape[0], LETTERS[self.matrix.dtype.char]
        arguments = [lapack.character(lo, c) for c in (self.job, self.uplo)]
        arguments += [lapack.integer(lo, n), self.matrix.pointer, lapack.leading(lo, n)]
        arguments += [self.values.pointer, *self.work.arguments, self.info]
        name = letter + ("heevd" if letter == "z" else "syevd")
        lapack.call(lo, name, *arguments)

    def decompose(self, x: Value) -> None:
        """One matrix, into `values` and with job "V" its vectors into `matrix`."""
        self.lo.fill(self.matrix, x)
        self._call()
        lapack.require_done(self.lo, self.info, "Eigenvalues did not converge")


def _eigenvalues(job: str) -> Any:
    def lower(lo: Lowering, equation: Equation) -> list[Value] | None:
        a = lo.value(equation.inputs[0])
        if not lapack.is_square(a):
            return None
        symmetric = _Symmetric(lo, a, job, equation.params["uplo"])
        shapes = (a.shape[:-1], a.shape)
        results = [
            lapack.result(lo, var, shape)
            for var, shape in zip(equation.outputs, shapes, strict=False)
        ]
        lead = a.shape[:-2]

        def one(lane: Shape) -> None:
            symmetric.decompose(lapack.matrix_at(lo, a, lead, lane))
            found = (symmetric.values, symmetric.matrix)
            for out, x in zip(results, found, strict=False):
                lo.fill(lapack.part_at(lo, out, lane), x)

        lo.e.nest(lead, one)
        return list(results)

    return lower


# -- singular values -------------------------------------------------------------------


class _Singular:
    """Memory for the thin singular value decomposition of a matrix."""

    def __init__(self, lo: Lowering, a: Value, job: str) -> None:
        self.lo, self.job = lo, job
        m, n = a.shape[-2:]
        k = lo.e.minimum(m, n)
        lapack.require_at_most(lo, _LARGEST_RANK, k)
        lapack.require_at_most(lo, _LONGEST, m, n)
        dtype = lapack.working_dtype(a.dtype)
        self.matrix = lapack.columns(lo, m, n, dtype)
        self.values = lo.allocate((k,), _REAL)
        with_vectors = k if job == "S" else 0
        self.left = lapack.columns(lo, m, with_vectors, dtype)
        self.right = lapack.columns(lo, with_vectors, n, dtype)
        self.info = lo.e.slot(t.I32)
        self.integers = lo.allocate((lo.e.mul(k, 8),), lapack.INTEGER)
        self.reals = self._reals(m, n, k) if dtype.kind == "c" else []
        self.work = _Workspaces(lo, [dtype])
        self._call()
        self.work.allocate()

    def _reals(self, m: Index, n: Index, k: Index) -> list[Array]:
        """Of ``max(5 k k + 7 k, 2 m n + 2 k k + k)`` words, by LAPACK's manual."""
        e = self.lo.e
        square = e.mul(k, k)
        first = e.add(e.mul(square, 5), e.mul(k, 7))
        second = e.add(e.mul(e.mul(m, n), 2), e.add(e.mul(square, 2), k))
        return [self.lo.allocate((e.maximum(first, second),), _REAL)]

    def _call(self) -> None:
        lo, (m, n) = self.lo, self.matrix.shape
        k = self.values.shape[0]
        arguments = [lapack.character(lo, self.job)]
        arguments += [lapack.integer(lo, m), lapack.integer(lo, n), self.matrix.pointer]
        arguments += [lapack.leading(lo, m), self.values.pointer]
        arguments += [self.left.pointer, lapack.leading(lo, m)]
        arguments += [self.right.pointer, lapack.leading(lo, k)]
        arguments += [*self.work.arguments, *(r.pointer for r in self.reals)]
        arguments += [self.integers.pointer, self.info]
        lapack.call(lo, LETTERS[self.matrix.dtype.char] + "gesdd", *arguments)

    def decompose(self, x: Value) -> None:
        """One matrix, into `left`, `values` and `right`."""
        self.lo.fill(self.matrix, x)
        self._call()
        lapack.require_done(self.lo, self.info, "SVD did not converge")


def _decomposed(lo: Lowering, a: Value, job: str, results: list[Array]) -> None:
    """Fill left vectors, values, right vectors; with job "N" the values only."""
    lead = a.shape[:-2]
    singular = _Singular(lo, a, job)
    parts = [singular.left, singular.values, singular.right]
    parts = parts if job == "S" else parts[1:2]

    def one(lane: Shape) -> None:
        singular.decompose(lapack.matrix_at(lo, a, lead, lane))
        for out, x in zip(results, parts, strict=True):
            lo.fill(lapack.part_at(lo, out, lane), x)

    lo.e.nest(lead, one)


def singular_vectors(lo: Lowering, a: Value) -> list[Array]:
    """``u, s, vh`` in double precision, of square matrices."""
    dtype = lapack.working_dtype(a.dtype)
    kinds = [(a.shape, dtype), (a.shape[:-1], _REAL), (a.shape, dtype)]
    results = [lo.allocate(shape, kind) for shape, kind in kinds]
    _decomposed(lo, a, "S", results)
    return results


def _svd(job: str) -> Any:
    def lower(lo: Lowering, equation: Equation) -> list[Value]:
        a = lo.value(equation.inputs[0])
        *lead, m, n = a.shape
        k = lo.e.minimum(m, n)
        shapes = [(*lead, m, k), (*lead, k), (*lead, k, n)]
        shapes = shapes if job == "S" else shapes[1:2]
        results = [
            lapack.result(lo, var, shape)
            for var, shape in zip(equation.outputs, shapes, strict=True)
        ]
        _decomposed(lo, a, job, results)
        return list(results)

    return lower


SPECTRAL = {
    "eigh": _eigenvalues("V"),
    "eigvalsh": _eigenvalues("N"),
    "svd": _svd("S"),
    "svdvals": _svd("N"),
}
__all__ = ["SPECTRAL"]
