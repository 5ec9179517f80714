"""Products summed over axes: loops for small ones, BLAS for the rest.

Axes have labels, as `einsum` writes them, and every contraction is one of two operands
with labels: ``matmul`` is ``...ij,...jk->...ik``.
"""

from __future__ import annotations

import string
from typing import Any, NamedTuple

import numpy as np

from wengert._backend import types as t
from wengert._backend.blas import Operand, products
from wengert._backend.elementwise import cast_to, mapped
from wengert._backend.emitter import Index
from wengert._backend.kernels import KERNELS
from wengert._backend.lowering import Lowering
from wengert._backend.reductions import MONOIDS, reduced
from wengert._backend.structure import permute, reshaped
from wengert._backend.values import Array, Lazy, Shape, Value, is_static
from wengert._ir.program import Equation, Var
from wengert._ops.contraction import parse_subscripts

SMALL = 512  # multiplications; below it a call of BLAS costs more than a loop
_UNKNOWN = 16  # an extent that is not known, when the order of products is chosen


class Term(NamedTuple):
    """An operand, and a label for each of its axes."""

    value: Value
    labels: str

    def extent(self, label: str) -> Index:
        return self.value.shape[self.labels.index(label)]


def contract(
    lo: Lowering,
    terms: list[Term],
    out: str,
    dtype: np.dtype,
    var: Var | None = None,
) -> Value:
    """One term, or the product of two, summed over the labels that are not in out.

    ``var`` is the result of the equation, if this is all of it.
    """
    extents = _extents(lo, terms)
    plain = [_without_stretched(lo, _diagonal(lo, x), extents) for x in terms]
    others = [set(y.labels) for y in reversed(plain)] if len(plain) == 2 else [set()]
    known = [
        _summed_alone(lo, x, other.union(out), dtype)
        for x, other in zip(plain, others, strict=True)
    ]
    if len(known) == 1:
        (x,) = known
        axes = tuple(x.labels.index(label) for label in out)
        return cast_to(lo, permute(lo, x.value, axes), dtype)
    x, y = known
    shape = tuple(extents[label] for label in out)
    if not set(x.labels) & set(y.labels) - set(out):
        return _outer(lo, x, y, out, shape, dtype)
    return _Pair(lo, x, y, out, extents, dtype).contracted(var)


def _extents(lo: Lowering, terms: list[Term]) -> dict[str, Index]:
    """The extent of each label; an axis of length 1 fits any other."""
    extents: dict[str, Index] = {}
    for value, labels in terms:
        for label, n in zip(labels, value.shape, strict=True):
            if _is_one(extents.get(label, 1)):
                extents[label] = n
            elif not _is_one(n):
                lo.require_extent(n, extents[label])
    return extents


def _is_one(n: Index) -> bool:
    return isinstance(n, int) and n == 1


def _without_stretched(lo: Lowering, x: Term, extents: dict[str, Index]) -> Term:
    """Without axes of length 1 where the label has another extent."""
    kept = [
        i
        for i, c in enumerate(x.labels)
        if not _is_one(x.value.shape[i]) or _is_one(extents[c])
    ]
    if len(kept) == len(x.labels):
        return x
    shape = tuple(x.value.shape[i] for i in kept)
    labels = "".join(x.labels[i] for i in kept)
    return Term(reshaped(lo, x.value, shape), labels)


def _summed_alone(lo: Lowering, x: Term, needed: set[str], dtype: np.dtype) -> Term:
    """Summed over the labels that neither the other term nor the result has."""
    axes = tuple(i for i, label in enumerate(x.labels) if label not in needed)
    if not axes:
        return x
    value, b = x.value, lo.e.b

    def entry(here: Shape) -> Any:
        return t.cast(b, value.at(lo.e, here), value.dtype, dtype)

    total = reduced(lo, value.shape, axes, dtype, MONOIDS["reduce_sum"], entry)
    return Term(total, "".join(c for c in x.labels if c in needed))


def _diagonal(lo: Lowering, x: Term) -> Term:
    """Each label once: entries at equal indices."""
    labels = "".join(dict.fromkeys(x.labels))
    if labels == x.labels:
        return x
    for label, n in zip(x.labels, x.value.shape, strict=True):
        lo.require_extent(n, x.extent(label))
    value = x.value

    def entry(here: Shape) -> Any:
        index = dict(zip(labels, here, strict=True))
        return value.at(lo.e, tuple(index[c] for c in x.labels))

    shape = tuple(map(x.extent, labels))
    return Term(Lazy(shape, value.dtype, entry, [value], trivial=value.trivial), labels)


def _multiply(lo: Lowering, x: Term, y: Term, dtype: np.dtype, index: Any) -> Any:
    """Entries of both at the indices of their labels."""
    e = lo.e
    a, b = (
        t.cast(e.b, v.at(e, tuple(index[c] for c in labels)), v.dtype, dtype)
        for v, labels in (x, y)
    )
    return KERNELS["multiply"][1](e.b, dtype, a, b)


def _outer(
    lo: Lowering, x: Term, y: Term, out: str, shape: Shape, dtype: np.dtype
) -> Value:
    """No sum: products of entries, when they are read."""
    x, y = (Term(lo.cheap(v), labels) for v, labels in (x, y))

    def entry(here: Shape) -> Any:
        return _multiply(lo, x, y, dtype, dict(zip(out, here, strict=True)))

    value = Lazy(shape, dtype, entry, [x.value, y.value])
    return value if shape else reshaped(lo, value, ())


class _Pair:
    """A product of two terms, summed over labels that both have.

    Of the labels of the result, `lanes` are those of the stack of matrix products,
    `rows` those that only x has, and `columns` those that only y has.
    """

    def __init__(
        self,
        lo: Lowering,
        x: Term,
        y: Term,
        out: str,
        extents: dict[str, Index],
        dtype: np.dtype,
    ) -> None:
        if out and out[-1] in x.labels and out[-1] not in y.labels:
            x, y = y, x  # the last axis is one of columns, where any is
        self.lo, self.x, self.y, self.out = lo, x, y, out
        self.dtype, self.extents = dtype, extents
        self.inner = "".join(c for c in x.labels if c in y.labels and c not in out)
        self.rows = "".join(c for c in out if c in x.labels and c not in y.labels)
        first = out.index(self.rows[0]) if self.rows else 0
        ahead = set(x.labels).union(out[:first])
        self.lanes = "".join(c for c in out if c in y.labels and c in ahead)
        self.columns = "".join(
            c for c in out if c not in self.lanes and c not in self.rows
        )

    def shape(self, labels: str) -> Shape:
        return tuple(self.extents[c] for c in labels)

    def contracted(self, var: Var | None) -> Value:
        groups = (self.rows, self.inner, self.columns)
        sizes = tuple(self.lo.e.product(self.shape(labels)) for labels in groups)
        return self._blas(sizes, var) if self._is_large(sizes) else self._loops()

    def _is_large(self, sizes: Shape) -> bool:
        """Whether BLAS pays; a stack of inner products is none of matrices."""
        if self.dtype.kind not in "fc" or not self.rows + self.columns:
            return False
        return not is_static(sizes) or sizes[0] * sizes[1] * sizes[2] > SMALL

    # -- loops -------------------------------------------------------------------------

    def _loops(self) -> Value:
        """Rows of the result as sums of rows of y, if those lie in order in memory."""
        lo = self.lo
        x, y = (Term(lo.cheap(v), labels) for v, labels in (self.x, self.y))
        last = self.out[-1:]
        by_rows = last and any(_runs_along(term, last) for term in (x, y))
        order = self.out[:-1] + self.inner + last if by_rows else self.out + self.inner
        axes = tuple(order.index(label) for label in self.inner)

        def entry(here: Shape) -> Any:
            return _multiply(lo, x, y, self.dtype, dict(zip(order, here, strict=True)))

        monoid = MONOIDS["reduce_sum"]
        return reduced(lo, self.shape(order), axes, self.dtype, monoid, entry)

    # -- BLAS --------------------------------------------------------------------------

    def _blas(self, sizes: Shape, var: Var | None) -> Value:
        lo, order = self.lo, self.lanes + self.rows + self.columns
        m, k, n = sizes
        x = self._operand(self.x, self.rows, self.inner, (m, k))
        y = self._operand(self.y, self.inner, self.columns, (k, n))
        whole = self.shape(order)
        if var is not None and order == self.out:
            out = lo.result(var)
            for found, declared in zip(whole, out.shape, strict=True):
                lo.require_extent(found, declared)
        else:
            out = lo.allocate(whole, self.dtype)
        stack = reshaped(lo, out, (*self.shape(self.lanes), m, n))
        assert isinstance(stack, Array)
        products(lo, x, y, sizes, stack)
        return permute(lo, out, tuple(order.index(c) for c in self.out))

    def _operand(self, term: Term, first: str, second: str, sizes: Shape) -> Operand:
        """A stack of matrices, with the lanes that the term has."""
        own = "".join(c for c in self.lanes if c in term.labels)
        axes = tuple(term.labels.index(c) for c in own + first + second)
        value = permute(self.lo, term.value, axes)
        value = reshaped(self.lo, value, (*self.shape(own), *sizes))
        places = [self.lanes.index(c) for c in own]

        def lane(here: Shape) -> Shape:
            return tuple(here[k] for k in places)

        return Operand(self.lo, value, lane, self.dtype)


def _runs_along(x: Term, label: str) -> bool:
    """Whether entries along a label are next to each other."""
    if label not in x.labels:
        return False
    if not isinstance(x.value, Array):
        return x.labels[-1] == label
    return x.value.strides[x.labels.index(label)] == x.value.dtype.itemsize


# -- the ops ---------------------------------------------------------------------------

_LEADING = string.ascii_lowercase


def _pair_of(
    lo: Lowering,
    equation: Equation,
    x_labels: str,
    y_labels: str,
    out: str,
    *,
    conjugate: bool = False,
) -> list[Value]:
    """The contraction of two operands; leading axes get labels, aligned at the last."""
    x, y = (lo.value(a) for a in equation.inputs)
    (var,) = equation.outputs
    if conjugate:
        x = _conjugate(lo, x)
    ranks = len(x.shape) - len(x_labels), len(y.shape) - len(y_labels)
    lead = _LEADING[: max(ranks)]
    terms = [
        Term(v, lead[len(lead) - rank :] + labels)
        for v, rank, labels in ((x, ranks[0], x_labels), (y, ranks[1], y_labels))
    ]
    value = contract(lo, terms, lead + out, var.type.dtype, var)
    return [_finished(lo, value, var)]


def _conjugate(lo: Lowering, x: Value) -> Value:
    if x.dtype.kind != "c":
        return x
    conj, b = KERNELS["conj"][1], lo.e.b
    return mapped(lo, [x], x.shape, x.dtype, lambda z: conj(b, x.dtype, z))


def _finished(lo: Lowering, value: Value, var: Var) -> Value:
    """As the type of the result says."""
    shape = lo.shape(var.type)
    for found, declared in zip(value.shape, shape, strict=True):
        lo.require_extent(found, declared)
    return reshaped(lo, value, shape)


def _matmul(lo: Lowering, equation: Equation) -> list[Value]:
    """``(*b, m, k), (*b, k, n) -> (*b, m, n)``; without m or n for a vector."""
    is_vector = [a.type.ndim == 1 for a in equation.inputs]
    x, y = "K" if is_vector[0] else "IK", "K" if is_vector[1] else "KJ"
    out = "I" * (not is_vector[0]) + "J" * (not is_vector[1])
    return _pair_of(lo, equation, x, y, out)


def _matvec(lo: Lowering, equation: Equation) -> list[Value]:
    return _pair_of(lo, equation, "IK", "K", "I")


def _vecdot(lo: Lowering, equation: Equation) -> list[Value]:
    """Inner products over the last axis; the first operand is conjugated."""
    return _pair_of(lo, equation, "K", "K", "", conjugate=True)


def _dot(lo: Lowering, equation: Equation) -> list[Value]:
    ranks = [a.type.ndim for a in equation.inputs]
    if min(ranks) == 0:
        return _pair_of(lo, equation, "", "", "")
    if max(ranks) <= 2:
        return _matmul(lo, equation)
    return _summed(lo, equation, ((ranks[0] - 1,), (max(ranks[1] - 2, 0),)))


def _tensordot(lo: Lowering, equation: Equation) -> list[Value]:
    return _summed(lo, equation, equation.params["axes"])


def _summed(lo: Lowering, equation: Equation, axes: Any) -> list[Value]:
    """The free axes of x, then those of y; the others are summed over in pairs."""
    ranks = [a.type.ndim for a in equation.inputs]
    x = string.ascii_letters[: ranks[0]]
    rest = iter(string.ascii_letters[ranks[0] :])
    summed = {j: x[i] for i, j in zip(*axes, strict=True)}
    y = "".join(summed[j] if j in summed else next(rest) for j in range(ranks[1]))
    out = "".join(c for c in x + y if (c in x) != (c in y))
    return _pair_of(lo, equation, x, y, out)


def _einsum(lo: Lowering, equation: Equation) -> list[Value]:
    """Two operands at a time, in the order that NumPy's `einsum_path` finds."""
    (var,) = equation.outputs
    values = [lo.value(a) for a in equation.inputs]
    labels = parse_subscripts(
        equation.params["subscripts"], [len(v.shape) for v in values]
    )
    terms = [Term(v, s) for v, s in zip(values, labels.inputs, strict=True)]
    for pair in _order(terms, labels.subscripts, equation.params.get("optimize")):
        chosen = [terms[i] for i in pair]
        terms = [x for i, x in enumerate(terms) if i not in pair]
        while len(chosen) > 1:
            two, chosen = chosen[:2], chosen[2:]
            others = {c for x in (*chosen, *terms) for c in x.labels}
            both = dict.fromkeys(two[0].labels + two[1].labels)
            is_last = not chosen and not terms
            out = "".join(c for c in both if c in others or c in labels.output)
            out = labels.output if is_last else out
            value = contract(lo, two, out, var.type.dtype, var if is_last else None)
            chosen = [Term(lo.cheap(value), out), *chosen]
        terms += chosen
    if len(values) == 1:
        terms = [Term(contract(lo, terms, labels.output, var.type.dtype), "")]
    return [_finished(lo, terms[0].value, var)]


def _order(terms: list[Term], subscripts: str, optimize: Any) -> list[tuple[int, ...]]:
    """Which terms to contract one after the other; results go to the end."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    shapes = [
        tuple(n if isinstance(n, int) else _UNKNOWN for n in x.value.shape)
        for x in terms
    ]
    stand_ins = [np.broadcast_to(0.0, shape) for shape in shapes]
    path, _ = np.einsum_path(subscripts, *stand_ins, optimize=optimize or "greedy")
    return path[1:]


CONTRACTIONS = {
    "matmul": _matmul,
    "dot": _dot,
    "matvec": _matvec,
    "vecdot": _vecdot,
    "vdot": _vecdot,
    "tensordot": _tensordot,
    "einsum": _einsum,
}
__all__ = ["CONTRACTIONS", "Term", "contract"]
