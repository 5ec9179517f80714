"""Eigenvalues of symmetric matrices, and singular values.

Where two eigenvalues (singular values) coincide their vectors have no derivative, and
it comes out infinite or NaN; that of the values alone is finite. Complex vectors have
arbitrary phases, which the library underneath chooses: their derivative is refused.

Formulas: Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation", Advances in AD, Springer 2008; Townsend, "Differentiating
the singular value decomposition", 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import ArrayType, Params, is_complex, type_of
from wengert._ops.arithmetic import equal
from wengert._ops.complex import real
from wengert._ops.contraction import column, einsum, matmul, row
from wengert._ops.families import Sample, match, scale, structural, zeros_of
from wengert._ops.linalg import adjoint, lower_half
from wengert._ops.structure import numbered, where
from wengert.errors import MissingRuleError

_GENERATOR = np.random.default_rng(20240608)


def _diagonal(x: Any) -> Any:
    return einsum(x, subscripts="...ii->...i")


def _refuse_complex(name: str, vectors: Any, values: str) -> None:
    if is_complex(vectors):
        raise MissingRuleError(
            explain(
                f"{name}: complex vectors have no derivative",
                why="each is determined up to a phase only.",
                fix=f"use numpy.linalg.{values}, if only the values are needed",
            )
        )


def _real_diagonal(x: Any) -> Any:
    x = _diagonal(x)
    return real(x) if is_complex(x) else x


def _reciprocal_gaps(x: Any) -> Any:
    """``[..., i, j]``: 1 / (x_j - x_i), and 0 on the diagonal."""
    n = x.shape[-1]
    diagonal = equal(numbered(n, (n, 1)), numbered(n, (n,)))
    return where(diagonal, 0.0, 1.0 / where(diagonal, 1.0, row(x) - column(x)))


def _sum(parts: list[Any], like: Any) -> Any:
    """The sum of the parts; zeros if there are none."""
    if not parts:
        return zeros_of(type_of(like))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _real_dtype(dtype: Any) -> Any:
    return np.zeros(0, np.result_type(dtype, np.float32)).real.dtype


# -- symmetric eigenvalues ------------------------------------------------------------


def _as_read(a: Any, uplo: str) -> Any:
    """The symmetric matrix that NumPy reads from one triangle of ``a``."""
    half = lower_half(a if uplo == "L" else adjoint(a))
    return half + adjoint(half)


def _as_read_transpose(ct: Any, uplo: str) -> Any:
    half = lower_half(ct + adjoint(ct))
    return half if uplo == "L" else adjoint(half)


def _eigh_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    values, vectors = out
    _refuse_complex("eigh", vectors, "eigvalsh")
    inner = matmul(matmul(adjoint(vectors), _as_read(tangents[0], p["uplo"])), vectors)
    turn = matmul(vectors, scale(inner, _reciprocal_gaps(values)))
    return match(_real_diagonal(inner), values), match(turn, vectors)


def _eigh_vjp(ct: Any, out: Any, a: Any, *, uplo: str) -> Any:
    (values, vectors), (ct_values, ct_vectors) = out, ct
    back = adjoint(vectors)
    parts = []
    if ct_values is not None:
        parts.append(vectors * row(ct_values))
    if ct_vectors is not None:
        _refuse_complex("eigh", vectors, "eigvalsh")
        turn = scale(matmul(back, ct_vectors), _reciprocal_gaps(values))
        parts.append(matmul(vectors, turn))
    return _as_read_transpose(matmul(_sum(parts, a), back), uplo)


def _eigvalsh_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (_, vectors), da = eigh(primals[0], **p), _as_read(tangents[0], p["uplo"])
    return match(_real_diagonal(matmul(matmul(adjoint(vectors), da), vectors)), out)


def _eigvalsh_vjp(ct: Any, _out: Any, a: Any, *, uplo: str) -> Any:
    _, vectors = eigh(a, uplo=uplo)
    return _as_read_transpose(matmul(vectors * row(ct), adjoint(vectors)), uplo)


def _eigh_type(a: ArrayType, *, uplo: str) -> tuple[ArrayType, ArrayType]:
    dtype = np.result_type(a.dtype, np.float32)
    return ArrayType(a.shape[:-1], _real_dtype(dtype)), ArrayType(a.shape, dtype)


def _symmetric(*shape: int) -> np.ndarray:
    a = _GENERATOR.normal(size=shape)
    return a + np.swapaxes(a, -1, -2)


_EIGH_SAMPLES = [
    Sample((_symmetric(3, 3),), {"uplo": "L"}),
    Sample((_symmetric(3, 3),), {"uplo": "U"}),
    Sample((_symmetric(2, 2, 2),), {"uplo": "L"}),
    Sample((_symmetric(1, 1),), {"uplo": "L"}),
]

eigh: Op = structural(
    "eigh",
    lambda a, *, uplo: np.linalg.eigh(a, uplo),
    abstract=_eigh_type,
    jvp=_eigh_jvp,
    vjps=(_eigh_vjp,),
    batch=lambda size, batched, operands, p: eigh(*operands, **p),
    samples=_EIGH_SAMPLES,
    multiple=True,
)
eigvalsh: Op = structural(
    "eigvalsh",
    lambda a, *, uplo: np.linalg.eigvalsh(a, uplo),
    abstract=lambda a, *, uplo: ArrayType(a.shape[:-1], _real_dtype(a.dtype)),
    jvp=_eigvalsh_jvp,
    vjps=(_eigvalsh_vjp,),
    batch=lambda size, batched, operands, p: eigvalsh(*operands, **p),
    samples=_EIGH_SAMPLES,
)

# -- singular values ------------------------------------------------------------------


def _outside(basis: Any, x: Any) -> Any:
    """The part of the columns of x that is orthogonal to an orthonormal basis."""
    return x - matmul(basis, matmul(adjoint(basis), x))


def _svd_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    (u, s, vh), da = out, tangents[0]
    _refuse_complex("svd", u, "svdvals")
    v = adjoint(vh)
    inner = matmul(matmul(adjoint(u), da), v)
    gaps = _reciprocal_gaps(s * s)
    right, left = inner * row(s), column(s) * inner
    turn_u = scale(right + adjoint(right), gaps)
    turn_v = scale(left + adjoint(left), gaps)
    du, dv = matmul(u, turn_u), matmul(v, turn_v)
    if u.shape[-2] > u.shape[-1]:
        du = du + _outside(u, matmul(da, v)) / row(s)
    if v.shape[-2] > v.shape[-1]:
        dv = dv + _outside(v, matmul(adjoint(da), u)) / row(s)
    return match(du, u), match(_real_diagonal(inner), s), match(adjoint(dv), vh)


def _svd_vjp(ct: Any, out: Any, a: Any) -> Any:
    (u, s, vh), (ct_u, ct_s, ct_vh) = out, ct
    v, parts = adjoint(vh), []
    if ct_s is not None:
        parts.append(matmul(u * row(ct_s), vh))
    if ct_u is not None or ct_vh is not None:
        _refuse_complex("svd", u, "svdvals")
    if ct_u is not None:
        parts += _pull_left(ct_u, u, s, vh)
    if ct_vh is not None:
        turn = scale(matmul(vh, adjoint(ct_vh)), _reciprocal_gaps(s * s))
        parts.append(matmul(matmul(u, column(s) * (turn + adjoint(turn))), vh))
        if v.shape[-2] > v.shape[-1]:
            parts.append(
                adjoint(matmul(_outside(v, adjoint(ct_vh)) / row(s), adjoint(u)))
            )
    return _sum(parts, a)


def _pull_left(ct_u: Any, u: Any, s: Any, vh: Any) -> list[Any]:
    turn = scale(matmul(adjoint(u), ct_u), _reciprocal_gaps(s * s))
    turn = (turn + adjoint(turn)) * row(s)
    parts = [matmul(matmul(u, turn), vh)]
    if u.shape[-2] > u.shape[-1]:
        parts.append(matmul(_outside(u, ct_u) / row(s), vh))
    return parts


def _svdvals_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    u, _, vh = svd(primals[0])
    return match(
        _real_diagonal(matmul(matmul(adjoint(u), tangents[0]), adjoint(vh))), out
    )


def _svdvals_vjp(ct: Any, _out: Any, a: Any) -> Any:
    u, _, vh = svd(a)
    return matmul(u * row(ct), vh)


def _svd_type(a: ArrayType) -> tuple[ArrayType, ...]:
    *lead, m, n = a.shape
    k, dtype = min(m, n), np.result_type(a.dtype, np.float32)
    s = ArrayType((*lead, k), _real_dtype(dtype))
    return ArrayType((*lead, m, k), dtype), s, ArrayType((*lead, k, n), dtype)


_SVD_SAMPLES = [
    Sample((_GENERATOR.normal(size=(3, 3)),)),
    Sample((_GENERATOR.normal(size=(4, 2)),)),
    Sample((_GENERATOR.normal(size=(2, 4)),)),
    Sample((_GENERATOR.normal(size=(2, 3, 2)),)),
    Sample((np.array([[2.0]]),)),
]

# With full_matrices=False.
svd: Op = structural(
    "svd",
    lambda a: np.linalg.svd(a, full_matrices=False),
    abstract=_svd_type,
    jvp=_svd_jvp,
    vjps=(_svd_vjp,),
    batch=lambda size, batched, operands, p: svd(*operands),
    samples=_SVD_SAMPLES,
    multiple=True,
)
svdvals: Op = structural(
    "svdvals",
    lambda a: np.linalg.svd(a, compute_uv=False),
    abstract=lambda a: _svd_type(a)[1],
    jvp=_svdvals_jvp,
    vjps=(_svdvals_vjp,),
    batch=lambda size, batched, operands, p: svdvals(*operands),
    samples=_SVD_SAMPLES,
)
