"""Steps of the implicit methods: a system of equations in every stage."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg
from wengert.ode import control
from wengert.ode.problem import Field, Floats
from wengert.ode.steps import Step, combined
from wengert.ode.tableaux import Tableau

_ITERATIONS = 12
_TOLERANCE = 1e-4  # of a Newton step, in units of the allowed error: one more follows


def implicit_step(
    tableau: Tableau, f: Field, t: Any, y: Any, h: Any, slope: Any, allowed: Any
) -> Step:
    """A step of a singly diagonally implicit Runge-Kutta method.

    Its stages are solved one after the other by simplified Newton iterations with the
    Jacobian at the beginning of the step. Where they do not converge the error is NaN,
    and the step is tried again with a smaller one.

    References:
        Hairer & Wanner, *Solving Ordinary Differential Equations II*, 2nd ed., Springer
        1996, IV.8.
    """
    solve_stage, data, identity = _stage_of(f.at), f.data, np.eye(y.shape[0])
    reach = tableau.diagonal * h
    matrix = _newton_matrix(f.at, t, y, reach, data, identity)
    inverse = wg.stop_gradient(np.linalg.inv(matrix))
    slopes, stage, worst = [slope], y, 0.0
    for node, row in zip(tableau.nodes, tableau.rows, strict=True):
        base = y + h * combined(row, slopes, y)
        guess = wg.stop_gradient(base + reach * slopes[-1])
        fixed = (identity, guess, inverse, wg.stop_gradient(allowed))
        stage, missed = solve_stage(data, t + node * h, base, reach, *fixed)
        worst = np.maximum(worst, missed)
        slopes.append((stage - base) / reach)
    bend = h * combined(tableau.bend, slopes, y)
    error = h * combined(tableau.error, slopes, y)
    error = np.where(worst <= _TOLERANCE, error, np.nan)
    return Step(t, h, y, stage, slope, slopes[-1], bend, error)


def _newton_matrix(
    field: Any, t: Any, y: Any, reach: Any, data: Any, identity: Any
) -> Any:
    """The Jacobian of ``z - reach f(t, z)``, by a tangent for each direction."""
    columns = wg.vmap(
        lambda dy: dy - reach * wg.jvp(lambda z: field(t, z, data), (y,), (dy,))[1]
    )
    return columns(identity).T


def _stage_of(field: Any) -> Any:
    """The state z with ``z = base + reach f(t, z)``, differentiated as such.

    It comes with the last Newton step in units of what is allowed.
    """

    @wg.custom_jvp
    def stage(
        data: Any, t: Any, base: Any, reach: Any, identity: Any, *given: Any
    ) -> tuple[Any, Any]:
        guess, inverse, allowed = given
        z, size = guess, np.inf
        for _ in range(_ITERATIONS):
            if size <= _TOLERANCE:
                break
            change = inverse @ (base + reach * field(t, z, data) - z)
            size = control.norm(change, allowed)
            z = z + change
        # A state that is not finite would be NaN in every derivative too.
        return np.where(np.isfinite(size), z, base), size

    @stage.defjvp
    def implicit_function(
        primals: tuple[Any, ...], tangents: tuple[Any, ...]
    ) -> tuple[Any, Any]:
        z, size = stage(*primals)
        data, t, _, reach, identity, *_ = primals

        floats = Floats(data)

        def right(values: Any, t: Any, base: Any, reach: Any) -> Any:
            return base + reach * field(t, z, floats.put(values))

        moves = (wg.tree.leaves(tangents[0]), *tangents[1:4])
        moved = wg.jvp(right, (floats.values, *primals[1:4]), moves)[1]
        matrix = _newton_matrix(field, t, z, reach, data, identity)
        return (z, size), (np.linalg.solve(matrix, moved), np.zeros_like(size))

    return stage
