"""Derivatives from equations for them: the adjoint, tangents and sensitivities.

`trajectory` is the solve with such rules in place of the derivative of its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode.dense import Dense, interpolated
from wengert.ode.events import NEVER, Watch
from wengert.ode.integrate import Run, Settings, integrated
from wengert.ode.problem import Field, Floats
from wengert.ode.steps import Step

Rule = Callable[..., Any]

# Of Gauss's rule with three points, on the interval from 0 to 1.
NODES = (0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5)
WEIGHTS = (5 / 18, 4 / 9, 5 / 18)
CUBE = 0.007  # the error of Gauss's rule, by the cube of that of the midpoint's
SHORTEST = 1e-5  # part of a step of the adjoint


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
        self,
        field: Rule,
        start: Any,
        times: Any,
        data: Any,
        first_step: Any = None,
        watch: Any = None,
    ) -> Run:
        """The solution of another equation, to the smallest of the tolerances."""
        settings = self.settings._replace(
            atol=np.min(self.settings.atol), keeps_steps=False, first_step=first_step
        )
        return self._run(field, start, times, data, settings, watch)

    def slopes(self, times: Any, states: Any, data: Any) -> Any:
        """The slope at each saved time, which is the derivative by the time."""
        return wg.vmap(lambda t, y: self.field(t, y, data))(times, states)

    def _run(
        self,
        field: Rule,
        start: Any,
        times: Any,
        data: Any,
        settings: Settings,
        watch: Any = None,
    ) -> Run:
        watch = watch or Watch((), (), times[0], start)
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
        slopes = self.solver.slopes(times, states, data)
        by_times = np.sum(ct * slopes, axis=1)
        # The equation is linear: the tolerances are relative to what it begins with.
        size = wg.stop_gradient(np.max(np.abs(ct)))
        unit = np.where(size > 0, size, 1.0)
        adjoint, jumps = np.zeros(states.shape[1]), ct / unit
        integral = Integral(self.solver, data, dense)
        h = np.abs(dense.knots[dense.count] - dense.knots[dense.count - 1])
        begin = last = times.shape[0] - 1
        for k in range(last):
            i = last - 1 - k
            adjoint = adjoint + jumps[i + 1]
            # Steps of a fixed length are so many between two saved times.
            if self.solver.settings.steps is not None or i == 0 or np.any(jumps[i]):
                span = np.array([times[begin], times[i]])
                given = (data, dense, integral.place)
                done = self.solver.other(
                    self._equation, adjoint, span, given, h, integral
                )
                # NaN where it has not been reached
                begin, h, adjoint = i, done.next_step, done.y[1]
        by_times[0] = -unit * np.sum(adjoint * slopes[0])
        reached = np.where(np.all(np.isfinite(adjoint)), unit, np.nan)
        return unit * (adjoint + jumps[0]), by_times, integral.tree(reached)

    def _equation(self, t: Any, adjoint: Any, given: Any) -> Any:
        data, dense, place = given
        y = dense.within(dense.place(t, place), t)
        return -wg.vjp(lambda y: self.solver.field(t, y, data), y)[1](adjoint)[0]


class Integral:
    """What the adjoint of the state says of the data, summed up along its steps.

    Gauss's rule with three points is applied within each step of the adjoint and of the
    state, and within halves of them where it is not exact enough. The midpoint's rule
    tells: of an integrand that oscillates, the error of one is the cube of the other's.

    References:
        Norcliffe & Deisenroth, "Faster training of neural ODEs using Gauss-Legendre
        quadrature", TMLR 2023.
    """

    def __init__(self, solver: Solver, data: Any, dense: Dense) -> None:
        self.events = ()
        self.solver, self.data, self.dense = solver, data, dense
        self.floats = Floats(data)
        vector, self.unravel = wg.tree.ravel(self.floats.values)
        self.sums = np.zeros(vector.shape[0])
        settings = solver.settings
        self.rtol = settings.rtol
        self.allowed = np.min(settings.atol) * max(vector.shape[0], 1) ** 0.5
        self.place = dense.count - 1  # the step of the state that the adjoint is in

    def after(self, step: Step) -> Any:
        """Add a step of the adjoint."""
        begin: Any = np.float64(0.0)  # a fraction of the step
        width: Any = np.float64(1.0)
        place, sums = self.place, self.sums
        while begin < 1.0:
            low = (self.dense.knots[place] - step.t) / step.h
            bound = np.where(place == 0, 1.0, np.minimum(low, 1.0))
            end = np.minimum(begin + width, bound)
            part = (end - begin) * step.h
            nodes = [begin + node * (end - begin) for node in NODES]
            rates = [self._rate(step, s, place) for s in nodes]
            added = part * sum(w * r for w, r in zip(WEIGHTS, rates, strict=True))
            if width > SHORTEST and self._misses(added, part * rates[1]):
                width = 0.5 * (end - begin)
            else:
                sums = sums - added
                place = np.where((end == bound) & (end < 1.0), place - 1, place)
                begin, width = end, np.minimum(2.0 * width, 1.0)
        self.place, self.sums = place, sums
        return NEVER

    def _misses(self, added: Any, coarse: Any) -> Any:
        """Whether a part is not exact enough, by what the midpoint's rule says."""
        norm = np.linalg.norm
        size = np.maximum(norm(added), norm(coarse))
        missed = norm(added - coarse) / np.maximum(size, self.allowed)
        return CUBE * missed**3 * size > self.allowed + self.rtol * size

    def _rate(self, step: Step, s: Any, place: Any) -> Any:
        t = step.t + s * step.h
        y, adjoint = self.dense.within(place, t), interpolated(step, s)
        slope = lambda values: self.solver.field(t, y, self.floats.put(values))
        return wg.tree.ravel(wg.vjp(slope, self.floats.values)[1](adjoint)[0])[0]

    def verdict(self, status: Any) -> Any:
        """The status of the integration, as it is."""
        return status

    def tree(self, unit: Any) -> Any:
        """The integral in this unit, in the structure of the data."""
        return self.floats.alone(self.unravel(unit * self.sums))


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
