"""Derivatives from equations for them: the adjoint, tangents and sensitivities.

`trajectory` is the solve with such rules in place of the derivative of its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode.dense import Dense
from wengert.ode.events import Watch
from wengert.ode.integrate import Run, Settings, integrated
from wengert.ode.problem import Field, Floats

Rule = Callable[..., Any]


class Counts(NamedTuple):
    """What an integration says of itself."""

    saved: Any
    status: Any
    accepted: Any
    rejected: Any


class Tolerances(NamedTuple):
    """The settings that are values; nothing is differentiated by them."""

    rtol: Any
    atol: Any
    first_step: Any


def trajectory(field: Rule, settings: Settings, kind: str) -> Any:
    """``(start, times, data, tolerances) -> (states, counts)``, with derivative rules.

    ``field(t, y, data)`` is the slope. kind: "continuous", reverse mode by the adjoint
    equation; "forward", by sensitivities to everything. Forward mode solves the
    equation of the tangent. A rule sees nothing but its arguments, so all that is
    traced is among them.
    """
    rules: Any = Adjoint if kind == "continuous" else Sensitivities

    def run(*given: Any) -> tuple[Any, Counts]:
        done = Solver(field, settings, given[3]).solve(*given[:3])
        return done.y, _counts(done)

    def tangents(primals: Any, moved: Any) -> Any:
        states, counts = solved(*primals)
        solver = Solver(field, settings, primals[3])
        pushed = _tangents(solver, primals[:3], moved[:3], states)
        return (states, counts), (pushed, Counts(None, None, None, None))

    def forwards(*given: Any) -> Any:
        done, residuals = rules(Solver(field, settings, given[3])).forwards(*given[:3])
        return (done.y, _counts(done)), (residuals, given)

    def backwards(residuals: Any, cts: Any) -> Any:
        kept, given = residuals
        solver = Solver(field, settings, given[3])
        return (*rules(solver).backwards(kept, *given[:3], cts[0]), None)

    solved = wg.custom_vjp(run)
    solved.defvjp(forwards, backwards)
    solved.defjvp(tangents)
    return solved


def _counts(done: Run) -> Counts:
    return Counts(done.saved, done.status, done.accepted, done.rejected)


class Solver:
    """Solves for the state, and the equations of its derivatives."""

    def __init__(self, field: Rule, settings: Settings, given: Tolerances) -> None:
        self.field = field
        self.settings = settings._replace(**given._asdict())

    def solve(
        self, start: Any, times: Any, data: Any, keeps_steps: bool = False
    ) -> Run:
        settings = self.settings._replace(keeps_steps=keeps_steps)
        return self._run(self.field, start, times, data, settings)

    def other(
        self, field: Rule, start: Any, times: Any, data: Any, first_step: Any = None
    ) -> Run:
        """The solution of another equation, to the smallest of the tolerances."""
        settings = self.settings._replace(
            atol=np.min(self.settings.atol), keeps_steps=False, first_step=first_step
        )
        return self._run(field, start, times, data, settings)

    def slopes(self, times: Any, states: Any, data: Any) -> Any:
        """The slope at each saved time, which is the derivative by the time."""
        return wg.vmap(lambda t, y: self.field(t, y, data))(times, states)

    def _run(
        self, field: Rule, start: Any, times: Any, data: Any, settings: Settings
    ) -> Run:
        watch = Watch((), (), times[0], start)
        return integrated(Field(field, data), start, times, settings, watch)


# -- the adjoint equation --------------------------------------------------------------


class Adjoint:
    """Reverse mode by the equation of the adjoint, along the dense solution.

    References:
        Pontryagin et al., *The Mathematical Theory of Optimal Processes*, 1962; Chen et
        al., "Neural ordinary differential equations", NeurIPS 2018, which integrates
        the state backwards too; here it is interpolated, which is stable.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver

    def forwards(self, start: Any, times: Any, data: Any) -> tuple[Run, Any]:
        done = self.solver.solve(start, times, data, keeps_steps=True)
        s = done.steps
        dense = Dense(s.knots, s.states, s.slopes, s.bends, done.accepted, start)
        return done, (done.y, dense)

    def backwards(self, kept: Any, _: Any, times: Any, data: Any, ct: Any) -> Any:
        states, dense = kept
        n = states.shape[1]
        floats = Floats(data)
        vector, unravel = wg.tree.ravel(floats.values)
        slopes = self.solver.slopes(times, states, data)
        by_times = np.sum(ct * slopes, axis=1)
        adjoint = np.zeros(n + vector.shape[0])
        last = times.shape[0] - 1
        h = np.abs(dense.knots[dense.count] - dense.knots[dense.count - 1])
        for k in range(last):
            i = last - k
            adjoint[:n] += ct[i]
            span = np.array([times[i], times[i - 1]])
            done = self.solver.other(self._equation, adjoint, span, (data, dense), h)
            h = done.next_step
            adjoint = done.y[1].copy()  # NaN where it has not been reached
        by_times[0] = -np.sum(adjoint[:n] * slopes[0])
        return adjoint[:n] + ct[0], by_times, floats.alone(unravel(adjoint[n:]))

    def _equation(self, t: Any, z: Any, given: Any) -> Any:
        """The slope of the adjoint of the state, and of the integrals for the data."""
        data, dense = given
        floats = Floats(data)
        y = dense.vector(t)

        def slope(y: Any, values: Any) -> Any:
            return self.solver.field(t, y, floats.put(values))

        by_state, by_values = wg.vjp(slope, y, floats.values)[1](z[: y.shape[0]])
        return -np.concatenate([by_state, wg.tree.ravel(by_values)[0]])


# -- tangents and sensitivities --------------------------------------------------------


def _tangents(solver: Solver, primals: Any, moved: Any, states: Any) -> Any:
    """The tangents of the states, by the equation of the tangent."""
    start, times, data = primals
    d_start, d_times, d_data = moved
    n = start.shape[0]

    def equation(t: Any, z: Any, given: Any) -> Any:
        data, moves = given
        floats = Floats(data)
        push = lambda y, values: solver.field(t, y, floats.put(values))
        pair = wg.jvp(push, (z[:n], floats.values), (z[n:], moves))
        return np.concatenate(pair)

    slopes = solver.slopes(times, states, data)
    begin = np.concatenate([start, d_start - slopes[0] * d_times[0]])
    both = solver.other(equation, begin, times, (data, wg.tree.leaves(d_data))).y
    found = both[:, n:] + slopes * d_times[:, None]
    found[0] = d_start
    return found


class Sensitivities:
    """Reverse mode by the sensitivities of the state to its start and to all data.

    References:
        Dickinson & Gelinas, "Sensitivity analysis of ordinary differential equation
        systems", J. Comput. Phys. 21, 1976.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver

    def forwards(self, start: Any, times: Any, data: Any) -> tuple[Run, Any]:
        done = self.solver.solve(start, times, data)
        n = start.shape[0]
        m = wg.tree.ravel(Floats(data).values)[0].shape[0]
        begin = np.concatenate([np.eye(n), np.zeros((n, m))], axis=1)
        both = np.concatenate([start, np.reshape(begin, (-1,))])
        found = self.solver.other(self._equation, both, times, data).y[:, n:]
        matrices = np.reshape(found, (times.shape[0], n, n + m))
        return done, (matrices, self.solver.slopes(times, done.y, data))

    def backwards(self, kept: Any, start: Any, _: Any, data: Any, ct: Any) -> Any:
        matrices, slopes = kept
        n, floats = start.shape[0], Floats(data)
        found = np.einsum("ti,tij->j", ct, matrices)
        by_times = np.sum(ct * slopes, axis=1)
        by_times[0] = -np.sum((found[:n] - ct[0]) * slopes[0])
        unravel = wg.tree.ravel(floats.values)[1]
        return found[:n], by_times, floats.alone(unravel(found[n:]))

    def _equation(self, t: Any, z: Any, data: Any) -> Any:
        """The slopes of the state and of the matrix of its sensitivities."""
        floats = Floats(data)
        vector, unravel = wg.tree.ravel(floats.values)
        m = vector.shape[0]
        n = _rows(z.shape[0], m)
        y, matrix = z[:n], np.reshape(z[n:], (n, n + m))

        def slope(both: Any) -> Any:
            return self.solver.field(t, both[:n], floats.put(unravel(both[n:])))

        both = np.concatenate([y, vector])
        jacobian = wg.jacobian(slope, mode="forward")(both)
        change = jacobian[:, :n] @ matrix
        change[:, n:] += jacobian[:, n:]
        return np.concatenate([slope(both), np.reshape(change, (-1,))])


def _rows(size: int, m: int) -> int:
    """The n for which ``n + n (n + m)`` is the size."""
    return round((-(m + 1) + ((m + 1) ** 2 + 4 * size) ** 0.5) / 2)
