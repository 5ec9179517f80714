"""Minimisers: unconstrained, between bounds, and under equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import SingularJacobianError
from wengert.implicit._function import How, implicit_function
from wengert.implicit._linear import DENSE
from wengert.implicit._reports import ACTIONS, check_choice, settle
from wengert.implicit._trees import attainable, numbers, vector


def argmin(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    bounds: Any = None,
    equality: Callable[..., Any] | None = None,
    tol: float = 1e-8,
    maxiter: int = 100,
    accuracy: float = 1e-6,
    not_converged: str = "raise",
) -> Any:
    """The x near `x0` at which ``f(x, *args)`` is least, by Newton's method.

    Derivatives follow from the conditions that hold at a minimum (Karush, Kuhn and
    Tucker's), so that an objective may itself hold a minimum or a root. The matrix of
    second derivatives is formed: for up to some hundred unknowns; around a method of
    your own, use `custom_argmin`.

    Args:
        f: Function of x and `args` that returns a number, twice differentiable.
        x0: Where to start: a pytree of floats and arrays. Its derivative is 0.
        args: Further arguments, pytrees.
        bounds: ``(lower, upper)``, numbers or pytrees like x; None where there is none.
            At a bound x moves with it. Where x is at a bound to which f does not push
            it (its derivative is 0), it has the derivatives of an x without bounds.
        equality: Function of x and `args` that returns numbers, which have to be 0.
        tol: The last step is at most ``tol * (1 + max|x|)``; the error is about its
            square.
        maxiter: The largest number of steps.
        accuracy, not_converged: As for `root`.

    Returns:
        x, in the structure of `x0`.

    Raises:
        ConvergenceError: see `not_converged`.
        SingularJacobianError: the minimum is not a strict one, or `equality` has
            equations that follow from others, or from x at its bounds.
        ArgumentError: a keyword has a value that it cannot take.

    Example:
        >>> import numpy as np, wengert as wg
        >>> nearest = lambda p: wg.implicit.argmin(
        ...     lambda x: np.sum((x - p) ** 2), np.ones(2), equality=lambda x: x @ x - 1
        ... )
        >>> nearest(np.array([3.0, 4.0]))
        array([0.6, 0.8])
        >>> nearest = lambda p: wg.implicit.argmin(
        ...     lambda x: np.sum((x - p) ** 2), np.ones(2), bounds=(0.0, 2.0)
        ... )
        >>> wg.jacobian(nearest)(np.array([1.0, 4.0]))
        array([[ 1.,  0.],
               [-0., -0.]])

    References:
        Nocedal & Wright, *Numerical Optimization*, 2nd ed., Springer 2006, ch. 12, 18;
        Bertsekas, "Projected Newton methods for optimization problems with simple
        constraints", SIAM J. Control Optim. 20, 1982.
    """
    check_choice("argmin", "not_converged", not_converged, ACTIONS)

    def solve(x0: Any, bounds: Any, *args: Any) -> Any:
        v, unravel = wg.tree.ravel(x0)
        problem = _Problem(
            lambda v: f(unravel(v), *args),
            lambda v: _equations(equality, unravel(v), args),
            *_bounds(bounds, x0),
        )
        v, multipliers, steps, ok = _minimised(problem, v, tol, maxiter)
        settle(
            ok,
            not_converged,
            "argmin: no minimum found in {} steps",
            (steps,),
            why="f may have none, or be too rough for its second derivatives.",
            fix="start at another x0, allow more steps by maxiter=, or bound x",
        )
        return unravel(v), multipliers

    def conditions(unknowns: Any, x0: Any, bounds: Any, *args: Any) -> Any:
        x, multipliers = unknowns
        lower, upper = _bounds(bounds, x0)

        def lagrangian(x: Any) -> Any:
            return f(x, *args) + multipliers @ _equations(equality, x, args)

        v, slope = vector(x), vector(wg.grad(lagrangian)(x))
        inside = np.where(v - slope > upper, v - upper, slope)
        inside = np.where(v - slope < lower, v - lower, inside)
        return inside, _equations(equality, x, args)

    how = How("argmin", accuracy, not_converged)
    implicit = implicit_function(solve, conditions, DENSE, how)
    return implicit(numbers("argmin", x0), bounds, *args)[0]


def _equations(equality: Any, x: Any, args: Any) -> Any:
    return np.zeros(0) if equality is None else vector(equality(x, *args))


def _bounds(bounds: Any, like: Any) -> tuple[Any, Any]:
    """Bounds as vectors."""
    lower, upper = (None, None) if bounds is None else bounds
    return _as_vector(lower, -np.inf, like), _as_vector(upper, np.inf, like)


def _as_vector(bound: Any, default: float, like: Any) -> Any:
    leaves = [default] if bound is None else wg.tree.leaves(bound)
    if len(leaves) == 1 and np.ndim(leaves[0]) == 0:
        return leaves[0] + 0.0 * vector(like)
    return vector(wg.tree.map(lambda x, b: b + 0.0 * x, like, bound))


class _Problem(NamedTuple):
    """What is minimised, as functions of a vector."""

    objective: Callable[[Any], Any]
    equations: Callable[[Any], Any]
    lower: Any
    upper: Any


def _minimised(problem: _Problem, v: Any, tol: float, maxiter: int) -> Any:
    """``(v, multipliers, steps, converged)``: sequential quadratic programming.

    A step minimises the quadratic model, with the unknowns fixed that are at a bound
    to which they are pushed; a merit function says how much of it is taken.
    """
    objective, equations, lower, upper = problem
    v = np.clip(v, lower, upper)
    tol = attainable(tol, v)
    multipliers = 0.0 * equations(v)
    penalty, converged, stuck, k = 1.0, False, False, 0
    while not (converged or stuck) and k < maxiter:
        height, slope = wg.value_and_grad(objective)(v)
        off = equations(v)
        normals = _rows(equations, v, off)
        curvature = wg.hessian(lambda v: objective(v) + multipliers @ equations(v))(v)
        model = _Model(curvature, normals, slope, off)
        step, multipliers = _bounded_step(model, lower - v, upper - v)
        full = np.clip(v + step, lower, upper)
        converged = np.max(np.abs(full - v)) <= tol * (1.0 + np.max(np.abs(v)))
        penalty = np.maximum(penalty, 2.0 * _largest(multipliers))
        merit = height + penalty * np.sum(np.abs(off))
        t, new, stuck = 1.0, full, not converged
        while stuck and t > 1e-8:
            new = np.clip(v + t * step, lower, upper)
            # Armijo's condition: the merit function falls as the model says it does.
            predicted = slope @ (new - v) - t * penalty * np.sum(np.abs(off))
            found = objective(new) + penalty * np.sum(np.abs(equations(new)))
            stuck = not found <= merit + 1e-4 * predicted
            t = t / 2
        v, k = new, k + 1
    return v, multipliers, k, converged


def _largest(multipliers: Any) -> Any:
    return np.max(np.abs(multipliers)) if len(multipliers) else 0.0


def _rows(equations: Callable[[Any], Any], v: Any, off: Any) -> Any:
    return wg.jacobian(equations)(v) if len(off) else np.zeros((0, len(v)))


class _Model(NamedTuple):
    """A quadratic model of the Lagrangian, and a linear one of the equations."""

    curvature: Any  # (n, n)
    normals: Any  # (m, n)
    slope: Any  # (n,)
    off: Any  # (m,)


def _bounded_step(model: _Model, low: Any, high: Any) -> tuple[Any, Any]:
    """The step to the minimum of a model, and the multipliers of its equations.

    Without equations a step is cut at the bounds; it is kept from those where the
    unknowns are and to which they are pushed. With them it has to obey the bounds
    itself: the one that it passes most is added to those that hold it, and one to which
    it is not pushed is left (Nocedal & Wright, section 16.5).
    """
    if len(model.off) == 0:
        stays = ((low >= 0) & (model.slope > 0)) | ((high <= 0) & (model.slope < 0))
        return _quadratic_step(model, stays, np.zeros(len(low)))
    below, above = np.zeros(len(low), bool), np.zeros(len(low), bool)
    step, multipliers = np.zeros(len(low)), np.zeros(len(model.off))
    changed: Any = True
    rounds = 0
    while changed and rounds < 10 + 2 * len(low):
        fixed, place = below | above, np.where(below, low, np.where(above, high, 0.0))
        step, multipliers = _quadratic_step(model, fixed, place)
        pushed = model.slope + model.curvature @ step + model.normals.T @ multipliers
        # All at once they may be more than the equations leave free.
        passed = np.where(fixed, 0.0, np.maximum(low - step, step - high))
        first = (passed > 0) & (passed == np.max(passed))
        now_below = (below & (pushed > 0)) | (first & (step < low))
        now_above = (above & (pushed < 0)) | (first & (step > high))
        changed = np.any((now_below != below) | (now_above != above))
        below, above, rounds = now_below, now_above, rounds + 1
    return step, multipliers


def _quadratic_step(model: _Model, fixed: Any, place: Any) -> tuple[Any, Any]:
    """The step to the minimum of a quadratic model, and the multipliers there.

    Where it is fixed, the step goes to a place. A multiple of the identity is added
    until there is one minimum: then the matrix of the conditions has a positive
    eigenvalue for each unknown, and a negative one for each equation (Nocedal & Wright,
    sections 3.4 and 16.2).
    """
    curvature, normals, slope, off = model
    m, n = normals.shape
    free = np.where(fixed, 0.0, 1.0)
    place = np.where(fixed, place, 0.0)
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = curvature * np.outer(free, free) + np.diag(1.0 - free)
    matrix[n:, :n] = normals * free
    matrix[:n, n:] = (normals * free).T
    unknowns = np.diag(np.concatenate([np.ones(n), np.zeros(m)]))
    scale = 1.0 + np.max(np.abs(curvature))
    added = 0.0
    while not _has_one_minimum(matrix + added * unknowns, m) and added < 1e8 * scale:
        added = np.maximum(10.0 * added, 1e-6 * scale)
    if added >= 1e8 * scale:
        raise SingularJacobianError(
            explain(
                "argmin: the quadratic model has no minimum at a step",
                why="equations of equality= follow from others there, or cannot be met "
                "within bounds=, or a derivative is not finite.",
                fix="leave such equations out, widen the bounds, or start at another "
                "x0",
            )
        )
    inside = place - (slope + curvature @ place) * free
    rhs = np.concatenate([inside, -off - normals @ place])
    found = np.linalg.solve(matrix + added * unknowns, rhs)
    return found[:n], found[n:]


def _has_one_minimum(matrix: Any, m: int) -> Any:
    sizes = np.linalg.eigvalsh(matrix)
    least = 1e-14 * np.max(np.abs(sizes))
    right = np.sum(sizes < -least) == m
    return right and np.sum(sizes > least) == len(sizes) - m
