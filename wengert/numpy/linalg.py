"""``numpy.linalg``, differentiable.

Outside a transformation NumPy's own functions run. Names that are not defined here are
NumPy's: they work on values that do not depend on an input.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._array.traced import unwrap, wrap
from wengert._core.source import explain
from wengert._core.types import shape_of
from wengert._ops import linalg as ops
from wengert._ops import spectral
from wengert._ops.arithmetic import absolute, not_equal
from wengert._ops.contraction import dot as dot_op
from wengert._ops.contraction import matmul as matmul_op
from wengert._ops.contraction import permuted
from wengert._ops.reduction import kept_shape, reduce_sum
from wengert._ops.structure import astype, reshape
from wengert.errors import ArgumentError, MissingRuleError
from wengert.numpy._dispatch import as_array
from wengert.numpy.contraction import (
    cross,
    finish,
    is_plain,
    matmul,
    outer,
    run,
    tensordot,
    vecdot,
)
from wengert.numpy.creation import fresh
from wengert.numpy.shaping import matrix_transpose, normalize_axis

__all__ = [
    "cholesky",
    "cross",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "vecdot",
    "vector_norm",
]


def __getattr__(name: str) -> Any:
    return getattr(np.linalg, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(np.linalg)})


# -- solving and determinants ---------------------------------------------------------


def solve(a: Any, b: Any) -> Any:
    """``numpy.linalg.solve``: x with ``a @ x = b``.

    Args:
        a: Matrices of shape (..., n, n).
        b: Of shape (n,), one right-hand side; otherwise (..., n, m).

    Raises:
        numpy.linalg.LinAlgError: a matrix is singular.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> a = np.array([[2.0, 0.0], [0.0, 4.0]])
        >>> wg.grad(lambda b: wnp.linalg.solve(a, b).sum())(np.ones(2))
        array([0.5 , 0.25])

    References:
        Giles, "Collected matrix derivative results for forward and reverse mode
        algorithmic differentiation", Advances in AD, Springer 2008.
    """
    return wrap(run(ops.solve, as_array(a), as_array(b)))


def inv(a: Any) -> Any:
    """``numpy.linalg.inv``, of matrices of shape (..., n, n)."""
    return wrap(run(ops.inv, as_array(a)))


def det(a: Any) -> Any:
    """``numpy.linalg.det``, of matrices of shape (..., n, n).

    Its derivatives of every order are right at singular matrices too: they are minors,
    computed from singular values and not by dividing by the determinant.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> gradient = wg.grad(wnp.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]]))
        >>> gradient.round(12)
        array([[ 4., -2.],
               [-2.,  1.]])
    """
    return wrap(run(ops.det, as_array(a)))


def slogdet(a: Any) -> Any:
    """``numpy.linalg.slogdet``: sign and logarithm of the absolute determinant.

    The derivative at a singular matrix, where the logarithm is -inf, is an error:
    `LinAlgError`.
    """
    sign, logarithm = run(ops.slogdet, as_array(a))
    return _SlogdetResult(wrap(sign), wrap(logarithm))


_SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """``numpy.linalg.cholesky``, of positive definite matrices of shape (..., n, n).

    NumPy reads only the lower triangle of the matrices (the upper, if ``upper``), and
    the derivative is that of this function: a gradient has only that triangle, an entry
    off the diagonal counting for its mirror image too. Where the matrix comes from
    symmetric operations, such as ``b @ b.T``, this makes no difference; the symmetric
    matrix of the same differential is ``(g + g.T) / 2``.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> wg.grad(lambda a: wnp.linalg.cholesky(a).sum())(np.eye(2))
        array([[0.5, 0. ],
               [1. , 0.5]])

    References:
        Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, 2016.
    """
    return wrap(run(ops.cholesky, as_array(a), upper=upper))


# -- eigenvalues and singular values --------------------------------------------------


def eigh(a: Any, UPLO: str = "L") -> Any:
    """``numpy.linalg.eigh``: eigenvalues and vectors of symmetric matrices (..., n, n).

    Only one triangle is read, as by `cholesky`. Where eigenvalues coincide, their
    vectors have no derivative, and it is infinite or NaN.

    Raises:
        MissingRuleError: differentiated with complex vectors; see `eigvalsh`.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> wg.grad(lambda a: wnp.linalg.eigh(a).eigenvalues[0])(np.diag([1.0, 2.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    values, vectors = run(spectral.eigh, as_array(a), uplo=UPLO.upper())
    return _EighResult(wrap(values), wrap(vectors))


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """``numpy.linalg.eigvalsh``: eigenvalues of symmetric matrices (..., n, n)."""
    return wrap(run(spectral.eigvalsh, as_array(a), uplo=UPLO.upper()))


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """``numpy.linalg.svd``, of matrices of shape (..., m, n).

    Where singular values coincide, their vectors have no derivative, and it is infinite
    or NaN.

    Raises:
        MissingRuleError: traced, with ``hermitian``, or full matrices that are not
            square; differentiated with complex vectors (see `svdvals`).

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> u, s, vh = wnp.linalg.svd(np.diag([3.0, 2.0]))
        >>> s
        array([3., 2.])
    """
    x = as_array(a)
    if is_plain(x):
        plain: Any = np.linalg.svd
        return plain(x, full_matrices, compute_uv, hermitian)
    if hermitian or (compute_uv and full_matrices and x.shape[-1] != x.shape[-2]):
        raise MissingRuleError(
            explain(
                "svd: there is no derivative rule for hermitian=True, or for "
                "full_matrices=True of matrices that are not square",
                fix="pass full_matrices=False; for symmetric matrices use eigh",
            )
        )
    if not compute_uv:
        return svdvals(a)
    return _SVDResult(*map(wrap, run(spectral.svd, x)))


def svdvals(a: Any, /) -> Any:
    """``numpy.linalg.svdvals``: singular values, the largest first."""
    return wrap(run(spectral.svdvals, as_array(a)))


_EighResult: Any = type(np.linalg.eigh(np.eye(1)))
_SVDResult: Any = type(np.linalg.svd(np.eye(1)))

# -- products -------------------------------------------------------------------------


def matrix_power(a: Any, n: int) -> Any:
    """``numpy.linalg.matrix_power``: square matrices to an integer power."""
    x = as_array(a)
    if is_plain(x):
        return np.linalg.matrix_power(x, n)
    n = operator.index(n)
    if n == 0:
        return fresh(
            np.array(np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape))
        )
    if n == 1:
        return a
    return wrap(_power_by_squaring(x if n > 0 else run(ops.inv, x), abs(n)))


def _power_by_squaring(x: Any, n: int) -> Any:
    """The products that NumPy forms, in its order."""
    if n == 3:
        return run(matmul_op, run(matmul_op, x, x), x)
    square = result = None
    while n > 0:
        square = x if square is None else run(matmul_op, square, square)
        n, bit = divmod(n, 2)
        if bit:
            result = square if result is None else run(matmul_op, result, square)
    return result


def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """``numpy.linalg.multi_dot``: a product of matrices in the cheapest order."""
    xs = [as_array(x) for x in arrays]
    if is_plain(*xs):
        return np.linalg.multi_dot(xs, out=out)
    if len(xs) < 2:
        raise ArgumentError(
            explain(
                "multi_dot: expecting at least two arrays",
                fix="give two or more matrices",
            )
        )
    if len(xs) == 2:
        return finish("multi_dot", run(dot_op, *xs), out)
    ends = [
        n
        for x, n in ((xs[0], xs[0].shape[0]), (xs[-1], xs[-1].shape[-1]))
        if x.ndim > 1
    ]
    if xs[0].ndim == 1:
        xs[0] = reshape(xs[0], shape=(1, xs[0].shape[0]))
    if xs[-1].ndim == 1:
        xs[-1] = reshape(xs[-1], shape=(xs[-1].shape[0], 1))
    splits = _cheapest_order([x.shape[0] for x in xs] + [xs[-1].shape[1]])
    product = _chain_product(xs, splits, 0, len(xs) - 1)
    return finish("multi_dot", reshape(product, shape=tuple(ends)), out)


def _cheapest_order(extents: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each run of factors (Cormen et al., *Algorithms*, ch. 15.2)."""
    count = len(extents) - 1
    cost = {(i, i): 0 for i in range(count)}
    splits = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            prices = {
                k: cost[i, k]
                + cost[k + 1, j]
                + extents[i] * extents[k + 1] * extents[j + 1]
                for k in range(i, j)
            }
            splits[i, j] = min(prices, key=lambda k: prices[k])  # as NumPy: the first
            cost[i, j] = prices[splits[i, j]]
    return splits


def _chain_product(
    xs: list[Any], splits: dict[tuple[int, int], int], i: int, j: int
) -> Any:
    if i == j:
        return xs[i]
    k = splits[i, j]
    return run(
        dot_op, _chain_product(xs, splits, i, k), _chain_product(xs, splits, k + 1, j)
    )


# -- norms ----------------------------------------------------------------------------


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``numpy.linalg.norm``: of vectors any order, of matrices 1, inf, "fro", 2, "nuc".

    The gradient of a norm at zero is 0, never NaN; entries that are zero add 0 to the
    gradient of a p-norm, and ties of the orders inf and -inf share equally.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> wg.grad(wnp.linalg.norm)(np.array([3.0, 4.0]))
        array([0.6, 0.8])
        >>> wg.grad(wnp.linalg.norm)(np.zeros(2))
        array([0., 0.])
    """
    value = as_array(x)
    if is_plain(value):
        return np.linalg.norm(value, ord, axis, keepdims)
    shape = tuple(value.shape)
    given = axis if axis is None or isinstance(axis, (tuple, list)) else (axis,)
    axes = (
        None if given is None else tuple(normalize_axis(i, len(shape)) for i in given)
    )
    out = _norm(value, ord, axes)
    if keepdims:
        kept = range(len(shape)) if axes is None else axes
        out = reshape(out, shape=kept_shape(shape, tuple(kept)))
    return wrap(out)


def _norm(x: Any, ord: Any, axes: tuple[int, ...] | None) -> Any:
    places = tuple(range(len(x.shape))) if axes is None else axes
    count = len(places)
    is_frobenius = count == 2 and isinstance(ord, str) and ord in ("fro", "f")
    if ord is None or is_frobenius or (count == 1 and ord == 2):
        return run(ops.two_norm, x, ord=ord, axes=axes)
    if count == 1 and not isinstance(ord, str):
        return _vector_norm(x, ord, places[0])
    if count == 2 and ord in (1, -1, np.inf, -np.inf):
        row, column = places
        summed, kept = (row, column) if abs(ord) == 1 else (column, row)
        totals = reduce_sum(absolute(x), axes=(summed,))
        return _extreme(totals, kept - (kept > summed), ord > 0)
    if count == 2 and ord in (2, -2, "nuc"):
        return _spectral_norm(x, ord, places)
    # NumPy's error, for orders and numbers of axes that it has no norm for.
    return np.linalg.norm(np.ones((1,) * len(x.shape)), ord, axes)


def _spectral_norm(x: Any, ord: Any, places: tuple[int, ...]) -> Any:
    rest = tuple(i for i in range(len(x.shape)) if i not in places)
    values = run(spectral.svdvals, permuted(x, rest + places))
    last = len(values.shape) - 1
    return (
        reduce_sum(values, axes=(last,))
        if ord == "nuc"
        else _extreme(values, last, ord > 0)
    )


def _extreme(x: Any, axis: int, largest: bool) -> Any:
    return unwrap((wnp.max if largest else wnp.min)(wrap(x), axis=axis))


def _vector_norm(x: Any, ord: Any, axis: int) -> Any:
    if ord == 0:
        dtype = np.zeros(0, x.dtype).real.dtype
        return reduce_sum(astype(not_equal(x, 0), dtype=dtype), axes=(axis,))
    if abs(ord) == np.inf:
        return _extreme(absolute(x), axis, ord > 0)
    if ord == 1:
        return reduce_sum(absolute(x), axes=(axis,))
    return run(ops.p_norm, x, ord=ord, axes=(axis,))


def vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    """``numpy.linalg.vector_norm``: over one axis, several, or all entries."""
    value = as_array(x)
    if is_plain(value):
        return np.linalg.vector_norm(value, axis=axis, keepdims=keepdims, ord=ord)
    shape = shape_of(value)
    if axis is None:
        out = norm(wnp.ravel(x), ord, 0)
    elif isinstance(axis, tuple):
        axes = tuple(normalize_axis(i, len(shape)) for i in axis)
        rest = tuple(i for i in range(len(shape)) if i not in axes)
        moved = wnp.transpose(x, axes + rest)
        out = norm(wnp.reshape(moved, (-1, *(shape[i] for i in rest))), ord, 0)
    else:
        out = norm(x, ord, axis)
    if not keepdims:
        return out
    gone = (
        range(len(shape))
        if axis is None
        else axis
        if isinstance(axis, tuple)
        else (axis,)
    )
    kept = tuple(normalize_axis(i, len(shape)) for i in gone)
    return wnp.reshape(out, kept_shape(shape, kept))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``numpy.linalg.matrix_norm``: over the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)
