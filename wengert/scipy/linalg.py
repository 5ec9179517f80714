"""``scipy.linalg``, differentiable: the names that are covered.

Outside a transformation they are SciPy's functions, with all their arguments. Inside,
the arguments that only tell SciPy how to compute (`overwrite_a`, `check_finite`,
`assume_a`, ...) change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from wengert._array.traced import wrap
from wengert._core.source import explain
from wengert._ops import linalg as ops
from wengert.errors import ShapeError
from wengert.numpy import linalg as numpy_linalg
from wengert.numpy._dispatch import as_array
from wengert.numpy.contraction import is_plain, run

__all__ = ["cholesky", "det", "inv", "norm", "solve", "solve_triangular"]


def _square(name: str, a: Any) -> Any:
    """A traced matrix, which must be one: here nothing works on stacks."""
    if len(a.shape) != 2 or a.shape[0] != a.shape[1]:
        raise ShapeError(
            explain(
                f"{name}: expected a square matrix, got shape {tuple(a.shape)}",
                fix="for stacks of matrices use wengert.numpy.linalg, or wg.vmap",
            )
        )
    return a


def solve(a: Any, b: Any, **kwargs: Any) -> Any:
    """``scipy.linalg.solve``: x with ``a @ x = b``, b of shape (n,) or (n, m).

    Args:
        a, b: Matrix of shape (n, n), and right-hand sides.
        **kwargs: As SciPy's; ``transposed`` solves with ``a.T``.

    Raises:
        numpy.linalg.LinAlgError: the matrix is singular.
        ShapeError: a traced ``a`` is not a square matrix.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert.scipy import linalg
        >>> a = np.array([[2.0, 0.0], [0.0, 4.0]])
        >>> wg.grad(lambda b: linalg.solve(a, b).sum())(np.ones(2))
        array([0.5 , 0.25])
    """
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return linalg.solve(x, y, **kwargs)
    x = _square("solve", x)
    return wrap(run(ops.solve, ops.swap_last(x) if kwargs.get("transposed") else x, y))


def inv(a: Any, **kwargs: Any) -> Any:
    """``scipy.linalg.inv``, of a square matrix."""
    x = as_array(a)
    return (
        linalg.inv(x, **kwargs)
        if is_plain(x)
        else wrap(run(ops.inv, _square("inv", x)))
    )


def det(a: Any, **kwargs: Any) -> Any:
    """``scipy.linalg.det``; its derivatives are right at singular matrices too."""
    x = as_array(a)
    return linalg.det(x, **kwargs) if is_plain(x) else wrap(run(ops.det, x))


def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, **kwargs: Any
) -> Any:
    """``scipy.linalg.norm``; see `wengert.numpy.linalg.norm`."""
    x = as_array(a)
    if is_plain(x):
        return linalg.norm(x, ord, axis, keepdims, **kwargs)
    return numpy_linalg.norm(a, ord, axis, keepdims)


def cholesky(a: Any, lower: bool = False, **kwargs: Any) -> Any:
    """``scipy.linalg.cholesky``: the upper factor, unless ``lower``.

    Only that triangle of the matrix is read, and only it has a gradient; see
    `wengert.numpy.linalg.cholesky`.
    """
    x = as_array(a)
    if is_plain(x):
        return linalg.cholesky(x, lower, **kwargs)
    return wrap(run(ops.cholesky, _square("cholesky", x), upper=not lower))


_TRANS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    **kwargs: Any,
) -> Any:
    """``scipy.linalg.solve_triangular``: x with ``a @ x = b``, one triangle of a read.

    Args:
        a, b: Matrix of shape (n, n), and right-hand sides (n,) or (n, m).
        trans: 0 or "N": a itself; 1 or "T": its transpose; 2 or "C": the conjugate one.
        lower: Which triangle of a is read.
        unit_diagonal: The diagonal counts as ones, and is not read.
        **kwargs: As SciPy's.

    Raises:
        numpy.linalg.LinAlgError: the matrix is singular.
        ShapeError: a traced ``a`` is not a square matrix.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert.scipy import linalg
        >>> a = np.array([[2.0, 0.0], [1.0, 4.0]])
        >>> wg.grad(lambda b: linalg.solve_triangular(a, b, lower=True)[1])(np.ones(2))
        array([-0.125,  0.25 ])
    """
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return linalg.solve_triangular(x, y, trans, lower, unit_diagonal, **kwargs)
    x = _square("solve_triangular", x)
    if unit_diagonal:
        strict = ops.tril(x, k=-1) if lower else ops.triu(x, k=1)
        x = strict + np.eye(x.shape[0], dtype=x.dtype)
    return wrap(
        run(ops.solve_triangular, x, y, lower=lower, trans=_TRANS.get(trans, trans))
    )
