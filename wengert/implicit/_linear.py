"""How the linear equations of a derivative are solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import SingularJacobianError

Residual = Callable[[Any], Any]  # of a vector, of which it gives one as long


class Linear(NamedTuple):
    """A way to solve equations whose matrix is the Jacobian J of a residual.

    examine: ``(name, residual, v) -> (state, step)``, once for a point v: what the
    others need, and about the distance to the solution, or None if v is one.
    solve: ``(state, residual, v, b) -> x`` with ``J x = b``.
    transposed: ``(state, residual, v, b) -> x`` with ``J.T x = b``.
    step: ``(name, residual, v, r) -> x``, which may solve ``J x = r`` roughly.
    """

    examine: Callable[[str, Residual, Any], tuple[Any, Any]]
    solve: Callable[[Any, Residual, Any, Any], Any]
    transposed: Callable[[Any, Residual, Any, Any], Any]
    step: Callable[[str, Residual, Any, Any], Any]


def condition_of(name: str, matrix: Any) -> Any:
    """The condition number of a matrix that is finite and not singular, or an error."""
    fixed = wg.stop_gradient(matrix)
    if not np.isfinite(np.sum(np.abs(fixed))):
        raise SingularJacobianError(
            explain(
                f"{name}: the Jacobian of the equations is not finite at the solution",
                why="so the solution has no derivative there.",
                fix="keep the equations away from where their derivative is infinite",
            )
        )
    sizes = np.linalg.svdvals(fixed)
    if sizes[-1] <= len(sizes) * np.finfo(sizes.dtype).eps * sizes[0]:
        raise SingularJacobianError(
            explain(
                f"{name}: the Jacobian of the equations is singular at the solution: "
                f"its singular values are between {sizes[-1]} and {sizes[0]}",
                why="the equations do not say how the solution changes: it is a double "
                "one, or one of many.",
                fix="add equations (or a regularisation) that single the solution out, "
                "or differentiate somewhere else",
            )
        )
    return sizes[0] / sizes[-1]


def _examine(name: str, residual: Residual, v: Any) -> tuple[Any, Any]:
    matrix = wg.jacobian(residual)(v)
    condition = condition_of(name, matrix)
    at = wg.stop_gradient(v)
    r = wg.stop_gradient(residual(at))
    step = np.linalg.solve(wg.stop_gradient(matrix), r)
    left, distance = _largest(wg.stop_gradient(residual(at - step))), _largest(step)
    rounding = 1e3 * np.finfo(r.dtype).eps * condition * (1.0 + _largest(at))
    if left > 0.1 * _largest(r) and rounding < distance < 1e-3 * (1.0 + _largest(at)):
        raise SingularJacobianError(
            explain(
                f"{name}: the Jacobian of the equations is singular at the solution: "
                f"a Newton step of {distance} leaves a residual of {left}, of "
                f"{_largest(r)}",
                why="the equations do not say how the solution changes: it is a double "
                "one.",
                fix="differentiate somewhere else, or solve another equation that has "
                "it as a simple solution",
            )
        )
    return matrix, step


def _largest(x: Any) -> Any:
    return np.max(np.abs(x))


def _newton_step(name: str, residual: Residual, v: Any, r: Any) -> Any:
    matrix = wg.jacobian(residual)(v)
    if np.linalg.slogdet(matrix)[0] == 0.0:
        raise SingularJacobianError(
            explain(
                f"{name}: the Jacobian is singular at a step towards the solution",
                why="Newton's method has no step there.",
                fix="start at another x0",
            )
        )
    return np.linalg.solve(matrix, r)


DENSE = Linear(
    examine=_examine,
    solve=lambda matrix, residual, v, b: np.linalg.solve(matrix, b),
    transposed=lambda matrix, residual, v, b: np.linalg.solve(matrix.T, b),
    step=_newton_step,
)
