"""Linear equations: dense, sparse, and by products with an operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, ShapeError
from wengert.implicit import _krylov
from wengert.implicit._function import How, implicit_function
from wengert.implicit._linear import DENSE, Linear, Residual, condition_of
from wengert.implicit._reports import check_choice, settle
from wengert.implicit._sparse import solve_sparse
from wengert.implicit._trees import numbers, vector

_METHODS = {"cg": _krylov.cg, "gmres": _krylov.gmres}
_ROUGHLY = 1e-2  # of a Newton step


def linear_solve(
    a: Any,
    b: Any,
    *,
    data: Any = None,
    method: str = "gmres",
    transpose: Callable[[Any], Any] | None = None,
    tol: float = 1e-10,
    maxiter: int | None = None,
    restart: int = 30,
    not_converged: str = "raise",
) -> Any:
    """The x with ``a @ x = b``, or with ``a(x) = b`` for a linear function a.

    Args:
        a: One of

            - a square matrix, shape (n, n);
            - a matrix of `scipy.sparse`, solved by a sparse LU factorisation, which its
              derivative uses again;
            - a linear function of a pytree like `b`, of which only products are taken.
              What it reads by closure is differentiated.
        b: Right-hand side: of shape (n,) or (n, k) for a matrix, a pytree of floats and
            arrays for a function.
        data: The entries of a sparse matrix (CSR, CSC or COO) in the order of
            ``a.data``, where they are differentiated; `a` then gives only the places.
        method: For a function: "gmres", or "cg" if it is symmetric and positive
            definite.
        transpose: For a function and "gmres", the transposed linear function; without
            it, reverse mode of `a` gives that.
        tol: For a function: the residual is at most ``tol`` times `b`, in norm.
        maxiter: For a function: the largest number of products, by default ten for
            each unknown.
        restart: Of "gmres": how many directions are kept.
        not_converged: "raise" or "warn" where the residual is larger.

    Returns:
        x, in the structure of `b`.

    Raises:
        ConvergenceError: see `not_converged`.
        SingularJacobianError: the matrix is singular to working precision.
        ShapeError: the matrix is not square, or does not fit.
        ArgumentError: a keyword has a value it cannot take, or does not fit `a`.

    Example:
        >>> import numpy as np, scipy.sparse, wengert as wg
        >>> a = scipy.sparse.diags_array([2.0, 4.0]).tocsr()
        >>> x = lambda d: wg.implicit.linear_solve(a, np.ones(2), data=d)
        >>> wg.jacobian(x)(a.data)
        array([[-0.25  , -0.    ],
               [-0.    , -0.0625]])
        >>> x = lambda s: wg.implicit.linear_solve(lambda v: s * v, np.ones(2))
        >>> wg.jacobian(x)(2.0)
        array([-0.25, -0.25])

    References:
        Hestenes & Stiefel, "Methods of conjugate gradients for solving linear systems",
        1952; Saad & Schultz, "GMRES", SIAM J. Sci. Stat. Comput. 7, 1986; Demmel et
        al., "A supernodal approach to sparse partial pivoting" (SuperLU), 1999.
    """
    check_choice("linear_solve", "method", method, tuple(_METHODS))
    check_choice("linear_solve", "not_converged", not_converged, ("raise", "warn"))
    if data is not None and not scipy.sparse.issparse(a):
        raise ArgumentError(
            explain(
                "linear_solve: data= is given, and the matrix is not sparse",
                fix="pass a matrix of scipy.sparse, or leave data= out",
            )
        )
    if scipy.sparse.issparse(a):
        return solve_sparse(a, data, b)
    if not callable(a):
        return _solve_dense(a, b)
    solver = _solver(method, b, tol, maxiter, restart)
    return _solve_products(a, b, transpose, method, solver, not_converged)


def _solver(
    method: str, b: Any, tol: float, maxiter: int | None = None, restart: int = 30
) -> tuple[Any, ...]:
    count = 10 * len(vector(b)) if maxiter is None else maxiter
    return _METHODS[method], tol, count, restart


def _solve_dense(a: Any, b: Any) -> Any:
    shapes = np.shape(a), np.shape(b)
    if len(shapes[0]) != 2 or shapes[0][0] != shapes[0][1]:
        raise ShapeError(
            explain(
                f"linear_solve: expected a square matrix, got shape {shapes[0]}",
                fix="give as many equations as unknowns; for stacks use wg.vmap",
            )
        )
    condition_of("linear_solve", a)
    return np.linalg.solve(a, b)


def _solve_products(
    a: Any, b: Any, transpose: Any, method: str, solver: Any, not_converged: str
) -> Any:
    def solve(b: Any) -> Any:
        v, unravel = wg.tree.ravel(b)
        run, tol, maxiter, restart = solver
        x, r = run(lambda u: vector(a(unravel(u))), v, tol, maxiter, restart)
        size, wanted = np.sqrt(r @ r), tol * np.sqrt(v @ v)
        settle(
            size <= 10.0 * wanted,
            not_converged,
            f"linear_solve: {method} ended with a residual of {{}} instead of {{}}",
            (size, wanted),
            why="the operator is badly conditioned"
            + (", or not positive definite." if method == "cg" else "."),
            fix="precondition it, allow more products by maxiter=, or a larger tol=",
        )
        return unravel(x)

    def residual(x: Any, b: Any) -> Any:
        return vector(a(x)) - vector(b)

    def again(product: Any, other: Any, b: Any) -> Any:
        return _solve_products(product, b, other, method, solver, not_converged)

    how = How("linear_solve")
    linear = _krylov_with(again, method, looks=False)
    if transpose is not None:
        unravel = wg.tree.ravel(b)[1]
        ahead, back = _on_vectors(a, unravel), _on_vectors(transpose, unravel)
        linear = linear._replace(transposed=lambda s, r, v, ct: again(back, ahead, ct))
    return implicit_function(solve, residual, linear, how)(numbers("linear_solve", b))


def _on_vectors(product: Any, unravel: Any) -> Callable[[Any], Any]:
    return lambda u: vector(product(unravel(u)))


def _krylov_with(again: Callable[..., Any], method: str, looks: bool) -> Linear:
    """Solves with the Jacobian of a residual by its products.

    again: ``(product, transposed product, b) -> x``. looks: whether how far a value is
    from the solution is looked at.
    """

    def pushes(residual: Residual, v: Any) -> Callable[[Any], Any]:
        return lambda u: wg.jvp(residual, (v,), (u,))[1]

    def pulls(residual: Residual, v: Any) -> Callable[[Any], Any]:
        return lambda u: wg.vjp(residual, v)[1](u)[0]

    def solve(state: Any, residual: Residual, v: Any, b: Any) -> Any:
        return again(pushes(residual, v), pulls(residual, v), b)

    def transposed(state: Any, residual: Residual, v: Any, b: Any) -> Any:
        if method == "cg":
            return again(pushes(residual, v), None, b)
        return again(pulls(residual, v), pushes(residual, v), b)

    def step(name: str, residual: Residual, v: Any, r: Any) -> Any:
        product, solver = pushes(residual, v), _solver(method, r, _ROUGHLY)
        return _solve_products(product, r, None, method, solver, "ignore")

    def examine(name: str, residual: Residual, v: Any) -> tuple[Any, Any]:
        at = wg.stop_gradient(v)
        return (), step(name, residual, at, residual(at)) if looks else None

    return Linear(examine, solve, transposed, step)


def _krylov_named(method: str) -> Linear:
    def again(product: Any, other: Any, b: Any) -> Any:
        return linear_solve(product, b, method=method, transpose=other)

    return _krylov_with(again, method, looks=True)


LINEAR = {"dense": DENSE, "gmres": _krylov_named("gmres"), "cg": _krylov_named("cg")}
