"""Linear algebra: solving, determinants, factorisations, norms.

Every row works on stacks of matrices, as NumPy does. A singular matrix raises NumPy's
`LinAlgError`, in the derivative too where only that is infinite. Rules may leave a
cotangent with the axes along which its operand was broadcast: the tape sums over them.
"""

from __future__ import annotations

import string
from itertools import permutations
from math import prod
from typing import Any

import numpy as np
import scipy.linalg

from wengert._core.op import Op
from wengert._core.types import (
    ArrayType,
    Params,
    broadcast_shapes,
    is_complex,
    type_of,
)
from wengert._ops.arithmetic import absolute, equal, power
from wengert._ops.complex import imag, real
from wengert._ops.contraction import (
    column,
    conj,
    drop_last,
    matmul,
    trace_of_product,
)
from wengert._ops.families import (
    Kink,
    Sample,
    align_ranks,
    match,
    structural,
    zeros_of,
)
from wengert._ops.reduction import expand, reduce_sum
from wengert._ops.structure import (
    reshape,
    swap_last,
    transpose,
    tril,
    triu,
    where,
)

_GENERATOR = np.random.default_rng(20240607)


def _regular(*shape: int) -> np.ndarray:
    """Well-conditioned sample matrices."""
    return _GENERATOR.normal(size=shape) + 3.0 * np.eye(shape[-1])


def _positive(*shape: int) -> np.ndarray:
    """Symmetric positive definite sample matrices."""
    a = _GENERATOR.normal(size=shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


_SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
_COMPLEX = _regular(3, 3) + 1j * _GENERATOR.normal(size=(3, 3))
_MATRIX_SAMPLES = [
    Sample((_regular(3, 3),)),
    Sample((_regular(2, 2, 2),)),
    Sample((_regular(1, 1),)),
    Sample((np.zeros((0, 0)),)),
    Sample((np.zeros((0, 2, 2)),)),
    Sample((_COMPLEX,)),
]


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    return conj(swap_last(x))


def per_matrix(x: Any) -> Any:
    """A value for each matrix of a stack, shaped to multiply the matrices."""
    return reshape(x, shape=(*x.shape, 1, 1))


def _batch_same(name: str) -> Any:
    """Batching of an op of one operand that works on stacks already."""
    from wengert._core.op import OPS

    return lambda size, batched, operands, p: OPS[name](*operands, **p)


# -- solve and inv --------------------------------------------------------------------


def _solve_type(a: ArrayType, b: ArrayType) -> ArrayType:
    """``(*c, n, n), (*c, n, m) -> (*c, n, m)``; b with one axis is a vector."""
    dtype = np.result_type(a.dtype, b.dtype, np.float32)
    if b.ndim == 1:
        return ArrayType(a.shape[:-1], dtype)
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return ArrayType((*lead, *b.shape[-2:]), dtype)


def _solve_stack(a: Any, b: Any, is_vector: bool) -> Any:
    """As `solve`, for a stack of vectors too."""
    return drop_last(solve(a, column(b))) if is_vector else solve(a, b)


def _solve_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    (a, b), (da, db) = primals, tangents
    is_vector = b.ndim == 1
    if da is None:
        return match(solve(a, db), out)
    moved = matmul(da, column(out) if is_vector else out)
    moved = drop_last(moved) if is_vector else moved
    residue = -moved if db is None else db - moved
    return match(_solve_stack(a, residue, is_vector), out)


def _solve_vjp_a(ct: Any, out: Any, a: Any, b_type: ArrayType) -> Any:
    if b_type.ndim == 1:
        ct, out = column(ct), column(out)
    return -matmul(solve(adjoint(a), ct), adjoint(out))


def _solve_vjp_b(ct: Any, _out: Any, a: Any, b_type: ArrayType) -> Any:
    return _solve_stack(adjoint(a), ct, b_type.ndim == 1)


def _solve_batch(size: Any, batched: Any, operands: Any, _: Params) -> Any:
    (a, b), (a_batched, b_batched) = operands, batched
    is_vector = b.ndim - b_batched == 1
    if not a_batched and a.ndim == 2 and b.ndim - b_batched <= 2:
        return _solve_all_at_once(a, column(b) if is_vector else b, is_vector)
    b = column(b) if is_vector else b
    out = solve(*align_ranks(batched, (a, b)))
    return drop_last(out) if is_vector else out


def _solve_all_at_once(a: Any, b: Any, is_vector: bool) -> Any:
    """One matrix, many lanes of right-hand sides: one factorisation."""
    size, n, m = b.shape
    side_by_side = reshape(transpose(b, axes=(1, 0, 2)), shape=(n, size * m))
    out = reshape(solve(a, side_by_side), shape=(n, size, m))
    out = transpose(out, axes=(1, 0, 2))
    return drop_last(out) if is_vector else out


solve: Op = structural(
    "solve",
    lambda xp, a, b: xp.linalg.solve(a, b),
    abstract=_solve_type,
    jvp=_solve_jvp,
    vjps=(_solve_vjp_a, _solve_vjp_b),
    batch=_solve_batch,
    samples=[
        Sample((_regular(3, 3), (3,)), {}, (0, 1)),
        Sample((_regular(3, 3), (3, 2)), {}, (0, 1)),
        Sample((_regular(2, 3, 3), (3,)), {}, (0, 1)),
        Sample((_regular(2, 3, 3), (3, 1)), {}, (0, 1)),
        Sample((_regular(3, 3), (2, 3, 1)), {}, (0, 1)),
        Sample((_COMPLEX, (3,)), {}, (0,)),
        Sample((np.zeros((0, 0)), (0,)), {}, (0, 1)),
    ],
)


def _inv_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    return -matmul(matmul(out, tangents[0]), out)


def _inv_vjp(ct: Any, out: Any, _a: Any) -> Any:
    back = adjoint(out)
    return -matmul(matmul(back, ct), back)


inv: Op = structural(
    "inv",
    lambda xp, a: xp.linalg.inv(a),
    abstract=lambda a: ArrayType(a.shape, np.result_type(a.dtype, np.float32)),
    jvp=_inv_jvp,
    vjps=(_inv_vjp,),
    batch=_batch_same("inv"),
    samples=_MATRIX_SAMPLES,
)


# -- triangular systems ---------------------------------------------------------------


def _triangle_of(a: Any, lower: bool) -> Any:
    return tril(a, k=0) if lower else triu(a, k=0)


def _turned(a: Any, trans: int) -> Any:
    """The matrix itself, its transpose or its conjugate transpose."""
    return (lambda x: x, swap_last, adjoint)[trans](a)


def _triangular_evaluate(a: Any, b: Any, *, lower: bool, trans: int) -> Any:
    return scipy.linalg.solve_triangular(a, b, trans, lower, check_finite=False)


def _triangular_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (a, _), (da, db) = primals, tangents
    residue = db
    if da is not None:
        moved = matmul(_turned(_triangle_of(da, p["lower"]), p["trans"]), out)
        residue = -moved if db is None else db - moved
    return match(solve_triangular(a, residue, **p), out)


def _triangular_vjp_b(
    ct: Any, _out: Any, a: Any, _b: Any, *, lower: bool, trans: int
) -> Any:
    if trans == 1:
        return solve_triangular(conj(a), ct, lower=lower, trans=0)
    return solve_triangular(a, ct, lower=lower, trans=2 - trans)


def _triangular_vjp_a(
    ct: Any, out: Any, a: Any, b_type: ArrayType, *, lower: bool, trans: int
) -> Any:
    ct = _triangular_vjp_b(ct, None, a, None, lower=lower, trans=trans)
    if b_type.ndim == 1:
        ct, out = column(ct), column(out)
    return _triangle_of(_turned(-matmul(ct, adjoint(out)), trans), lower)


def _triangular_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    a, b = operands
    return _solve_batch(
        size, batched, (_turned(_triangle_of(a, p["lower"]), p["trans"]), b), p
    )


# SciPy's, of one matrix (n, n) and right-hand sides (n,) or (n, m).
solve_triangular = structural(
    "solve_triangular",
    _triangular_evaluate,
    abstract=lambda a, b, **_: ArrayType(
        b.shape, np.result_type(a.dtype, b.dtype, np.float32)
    ),
    jvp=_triangular_jvp,
    vjps=(_triangular_vjp_a, _triangular_vjp_b),
    batch=_triangular_batch,
    samples=[
        Sample((_regular(3, 3), (3,)), {"lower": True, "trans": 0}, (0, 1)),
        Sample((_regular(3, 3), (3, 2)), {"lower": False, "trans": 1}, (0, 1)),
        Sample((_COMPLEX, (3,)), {"lower": True, "trans": 2}, (0,)),
        Sample((_COMPLEX, (3, 1)), {"lower": True, "trans": 1}, (0,)),
    ],
)

# -- determinants ---------------------------------------------------------------------


def _minors(s: np.ndarray, order: int) -> np.ndarray:
    """``[..., i, j, ...]``: product of the s at all other places; 0 if two coincide."""
    n = s.shape[-1]
    places: Any = np.indices((n,) * order)
    left_out = np.zeros((n,) * order + (n,), bool)
    for p in places:
        left_out |= p[..., None] == np.arange(n)
    distinct = left_out.sum(-1) == order
    spread_out = s.reshape(s.shape[:-1] + (1,) * order + (n,))
    return np.where(left_out, s.dtype.type(1), spread_out).prod(-1) * distinct


def _is_odd(permutation: tuple[int, ...]) -> bool:
    pairs = [(a, b) for i, b in enumerate(permutation) for a in permutation[:i]]
    return sum(a > b for a, b in pairs) % 2 == 1


def _det_derivative_evaluate(a: np.ndarray, *directions: np.ndarray) -> np.ndarray:
    """In the basis of the singular vectors the determinant is a sum of minors.

    With ``a = u s vh`` and ``f = u^H d v`` for the directions d (the last one open),
    the derivative of order m is ``det(u) det(vh)`` times the sum over distinct places
    ``i_1 ... i_m`` and permutations p of ``sign(p) minor(i) f_1[i_1, i_p(1)] ...``.
    """
    u, s, vh = np.linalg.svd(a)
    phase = np.linalg.det(u) * np.linalg.det(vh)
    left, right = np.swapaxes(u.conj(), -1, -2), np.swapaxes(vh.conj(), -1, -2)
    factors = [left @ d @ right for d in directions]
    order = len(directions) + 1
    letters = string.ascii_letters[:order]
    minors = _minors(s, order)
    lead = broadcast_shapes(a.shape[:-2], *(d.shape[:-2] for d in directions))
    total = np.zeros((*lead, *a.shape[-2:]), np.result_type(a, *directions))
    diagonal = np.eye(a.shape[-1], dtype=bool)
    for permutation in permutations(range(order)):
        pairs = [letters[i] + letters[p] for i, p in enumerate(permutation)]
        inputs = ",".join("..." + labels for labels in [letters, *pairs[:-1]])
        last = pairs[-1]
        on_diagonal = last[0] == last[1]
        output = "..." + (last[0] if on_diagonal else last)
        term = np.einsum(f"{inputs}->{output}", minors, *factors, optimize=order > 2)
        if on_diagonal:
            term = np.where(diagonal, term[..., None], total.dtype.type(0))
        total += -term if _is_odd(permutation) else term
    back = np.swapaxes(left, -1, -2) @ total @ np.swapaxes(right, -1, -2)
    return phase[..., None, None] * back


def _det_derivative_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    a, *directions = primals
    total = None
    for i, t in enumerate(tangents):
        if t is None:
            continue
        moved = [*directions, t] if i == 0 else [*primals[1:i], t, *primals[i + 1 :]]
        term = det_derivative(a, *moved)
        total = term if total is None else total + term
    return match(total, out)


def _det_derivative_vjp(
    position: int, ct: Any, _out: Any, a: Any, *directions: Any
) -> Any:
    """Derivatives of every order are symmetric in their directions."""
    rest = [d for i, d in enumerate(directions) if i + 1 != position]
    return conj(det_derivative(a, *rest, conj(ct)))


# det_derivative(a, d1, ..., dk) is the matrix of the linear map that takes d to the
# (k+1)-th derivative of det at a along d1, ..., dk, d; without directions, the
# cofactors. Not det(a) * inv(a).T: the derivatives of a determinant exist at singular
# matrices too, where the product is an error, or (to rounding singular) has no digits.
det_derivative: Op = structural(
    "det_derivative",
    _det_derivative_evaluate,
    abstract=lambda a, *directions: ArrayType(
        broadcast_shapes(a.shape, *(d.shape for d in directions)),
        np.result_type(a.dtype, *(d.dtype for d in directions)),
    ),
    jvp=_det_derivative_jvp,
    vjps=_det_derivative_vjp,
    batch=lambda size, batched, operands, p: det_derivative(
        *align_ranks(batched, operands)
    ),
    samples=[
        Sample((_regular(3, 3),)),
        Sample((_SINGULAR,)),
        Sample((_regular(3, 3), (3, 3)), {}, (0, 1)),
        Sample((_SINGULAR, (2, 3, 3)), {}, (0, 1)),
        Sample((_regular(2, 2), (2, 2), (2, 2)), {}, (0, 1, 2)),
        Sample((_regular(1, 1),)),
    ],
    variadic=True,
    keeps_operands=True,
)


def _det_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    return match(trace_of_product(det_derivative(primals[0]), tangents[0]), out)


det: Op = structural(
    "det",
    lambda xp, a: xp.linalg.det(a),
    abstract=lambda a: ArrayType(a.shape[:-2], np.result_type(a.dtype, np.float32)),
    jvp=_det_jvp,
    vjps=(lambda ct, _out, a: per_matrix(ct) * conj(det_derivative(a)),),
    batch=_batch_same("det"),
    samples=[*_MATRIX_SAMPLES, Sample((_SINGULAR,)), Sample((np.zeros((3, 3)),))],
)


def _slogdet_type(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    dtype = np.result_type(a.dtype, np.float32)
    size = np.zeros(0, dtype).real.dtype
    return ArrayType(a.shape[:-2], dtype), ArrayType(a.shape[:-2], size)


def _slogdet_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    (a,), (da,) = primals, tangents
    rate = trace_of_product(swap_last(inv(a)), da)
    if not is_complex(a):
        return None, match(rate, out[1])
    return match(out[0] * (imag(rate) * 1j), out[0]), match(real(rate), out[1])


def _slogdet_vjp(ct: Any, out: Any, a: Any) -> Any:
    ct_sign, weight = ct
    if ct_sign is not None and is_complex(a):
        turned = real(conj(ct_sign) * out[0] * 1j) * 1j
        weight = turned if weight is None else weight + turned
    return (
        zeros_of(type_of(a)) if weight is None else per_matrix(weight) * adjoint(inv(a))
    )


slogdet: Op = structural(
    "slogdet",
    lambda xp, a: xp.linalg.slogdet(a),
    abstract=_slogdet_type,
    jvp=_slogdet_jvp,
    vjps=(_slogdet_vjp,),
    batch=_batch_same("slogdet"),
    samples=_MATRIX_SAMPLES,
    multiple=True,
)

# -- cholesky -------------------------------------------------------------------------


def lower_half(x: Any) -> Any:
    """The lower triangle, with half the diagonal."""
    return 0.5 * (tril(x, k=0) + tril(x, k=-1))


def _cholesky_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    factor, da = (
        (adjoint(out), adjoint(tangents[0])) if p["upper"] else (out, tangents[0])
    )
    half = lower_half(da)
    symmetric = half + adjoint(half)
    inner = adjoint(solve(factor, adjoint(solve(factor, symmetric))))
    tangent = matmul(factor, lower_half(inner))
    return adjoint(tangent) if p["upper"] else tangent


def _cholesky_vjp(ct: Any, out: Any, _a: Any, *, upper: bool) -> Any:
    factor, ct = (adjoint(out), adjoint(ct)) if upper else (out, ct)
    back = adjoint(factor)
    inner = lower_half(matmul(back, ct))
    inner = adjoint(solve(back, adjoint(solve(back, inner))))
    part = lower_half(inner + adjoint(inner))
    return adjoint(part) if upper else part


# NumPy reads one triangle only, and so does the rule: the cotangent has that triangle,
# an entry off the diagonal standing for itself and for its mirror image.
cholesky: Op = structural(
    "cholesky",
    lambda xp, a, *, upper: xp.linalg.cholesky(a, upper=upper),
    abstract=lambda a, *, upper: ArrayType(
        a.shape, np.result_type(a.dtype, np.float32)
    ),
    jvp=_cholesky_jvp,
    vjps=(_cholesky_vjp,),
    batch=_batch_same("cholesky"),
    samples=[
        Sample((_positive(3, 3),), {"upper": False}),
        Sample((_positive(3, 3),), {"upper": True}),
        Sample((_positive(2, 2, 2),), {"upper": False}),
        Sample((_positive(1, 1),), {"upper": False}),
        Sample((np.zeros((0, 0)),), {"upper": False}),
    ],
)

# -- norms ----------------------------------------------------------------------------


def _norm_type(x: ArrayType, *, ord: Any = None, axes: Any = None) -> ArrayType:
    axes = tuple(range(x.ndim)) if axes is None else axes
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    dtype = np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype
    return ArrayType(shape, np.zeros(0, dtype).real.dtype)


def _norm_evaluate(xp: Any, x: Any, *, ord: Any = None, axes: Any = None) -> Any:
    if xp is not np:
        order = 2 if ord in (None, "fro", "f") else ord
        return xp.linalg.vector_norm(x, axis=axes, ord=order)
    return np.linalg.norm(x, ord, axes[0] if axes and len(axes) == 1 else axes)


def _axes_of(x: Any, axes: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axes is None else axes


def _norm_batch(size: Any, operands: Any, p: Params, op: Any) -> Any:
    (x,) = operands
    axes = p.get("axes")
    if axes is not None:
        return op(x, **{**p, "axes": tuple(i + 1 for i in axes)})
    if x.ndim != 2:
        x = reshape(x, shape=(size, prod(x.shape[1:])))
    return op(x, **{"ord": None, **p, "axes": (1,)} | _VECTOR_ORD.get(p.get("ord"), {}))


# The Frobenius norm is the 2-norm of the flattened matrix.
_VECTOR_ORD: dict[Any, Params] = {"fro": {"ord": None}, "f": {"ord": None}}


def _safe(x: Any) -> tuple[Any, Any]:
    """Where x is 0, and x with a 1 there."""
    is_zero = equal(x, 0.0)
    return is_zero, where(is_zero, 1.0, x)


def _norm_row(name: str, slope: Any, samples: list[Sample], kinks: Any = None) -> Any:
    """``slope(out, x, ord, axes)`` is the gradient of the norm."""

    def jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
        (x,), axes = primals, p.get("axes")
        rate = conj(slope(out, x, p.get("ord"), axes)) * tangents[0]
        rate = real(rate) if is_complex(rate) else rate
        return match(reduce_sum(rate, axes=_axes_of(x, axes)), out)

    def vjp(ct: Any, out: Any, x: Any, *, ord: Any = None, axes: Any = None) -> Any:
        return expand(ct, x.shape, _axes_of(x, axes)) * slope(out, x, ord, axes)

    op: Op = structural(
        name,
        _norm_evaluate,
        abstract=_norm_type,
        jvp=jvp,
        vjps=(vjp,),
        batch=lambda size, batched, operands, p: _norm_batch(size, operands, p, op),
        samples=samples,
        kinks=kinks,
    )
    return op


def _two_norm_slope(out: Any, x: Any, _ord: Any, axes: Any) -> Any:
    """``x / norm``; 0 where the norm is."""
    is_zero, norm = _safe(expand(out, x.shape, _axes_of(x, axes)))
    return where(is_zero, 0.0, x / norm)


two_norm = _norm_row(
    "two_norm",
    _two_norm_slope,
    [
        Sample(((3,),)),
        Sample(((2, 3),)),
        Sample(((2, 3),), {"ord": "fro", "axes": None}),
        Sample(((2, 3, 4),), {"ord": 2, "axes": (1,)}),
        Sample(((2, 3, 4),), {"ord": "fro", "axes": (0, 2)}),
        Sample((np.zeros(3),)),
        Sample(((0,),)),
        Sample((_COMPLEX,)),
    ],
    Kink(lambda x: np.all(x == 0), "norm(x) at x = 0", "0", "nan", "0", (0.0,), (0.0,)),
)


def _p_norm_slope(out: Any, x: Any, ord: Any, axes: Any) -> Any:
    """``(|x| / norm)^(p-1) x / |x|``; 0 where x is 0."""
    is_zero, magnitude = _safe(absolute(x))
    _, norm = _safe(expand(out, x.shape, _axes_of(x, axes)))
    steep = power(magnitude / norm, ord - 1.0)
    return where(is_zero, 0.0, steep * (x / magnitude))


p_norm = _norm_row(
    "p_norm",
    _p_norm_slope,
    [
        Sample(((4,),), {"ord": 3.0, "axes": (0,)}),
        Sample(((2, 3),), {"ord": 0.5, "axes": (1,)}),
        Sample((_regular(2, 3, 3),), {"ord": -1.5, "axes": (0,)}),
    ],
)
