"""A function known by an equation that its values solve: the implicit function theorem.

Where ``r(x, a) = 0`` defines x as a function of a, ``dx = -J**-1 dr``, J being the
Jacobian of r in x, and dr the change of r by that of a alone. Written with ops that
have derivatives, and with x as the implicit function itself, the rule holds at every
order.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._modes.lifting import lifted
from wengert.implicit._linear import Linear
from wengert.implicit._reports import settle
from wengert.implicit._trees import (
    along,
    attainable,
    numbers,
    pulled,
    residual_at,
    vector,
)


class How(NamedTuple):
    """What the derivative of an implicit function is made with.

    accuracy: how far from the solution it may be taken, relative to ``1 + |x|``.
    not_converged: what is done where it is exceeded.
    """

    name: str
    accuracy: float = np.inf
    not_converged: str = "raise"


def implicit_function(
    solve: Callable[..., Any], residual: Callable[..., Any], linear: Linear, how: How
) -> Callable[..., Any]:
    """The function `solve`, with the derivatives of a solution of ``residual = 0``.

    `residual` is a function of x and the arguments of `solve`; `linear` solves the
    equations of the derivative.
    """

    @functools.wraps(solve, updated=())
    def solution(*args: Any, **kwargs: Any) -> Any:
        bound = inspect.signature(solve).bind(*args, **kwargs)
        bound.apply_defaults()
        outside, rebuild = lifted((solve, residual, linear))
        return _with_rules(rebuild, how)(outside, bound.args)

    return solution


def _with_rules(rebuild: Callable[[Any], Any], how: How) -> Callable[..., Any]:
    """A function of values from outside and arguments, with rules for both modes."""

    def solved(outside: Any, args: Any) -> Any:
        return numbers(how.name, rebuild(outside)[0](*args))

    def at(x: Any, outside: Any, args: Any) -> Any:
        return residual_at(how.name, rebuild(outside)[1], x, args)

    def pushed(primals: Any, tangents: Any) -> Any:
        x = function(*primals)
        v, unravel = wg.tree.ravel(x)
        equations, linear = at(x, *primals), rebuild(primals[0])[2]
        state, ok = _examined(how, linear, equations, v)
        if how.not_converged == "unroll" and not ok:
            return x, along(lambda given: solved(*given), primals, tangents)
        dr = along(lambda given: at(x, *given)(v), primals, tangents)
        return x, unravel(linear.solve(state, equations, v, -dr))

    def forwards(outside: Any, args: Any) -> Any:
        x = function(outside, args)
        linear = rebuild(outside)[2]
        state, ok = _examined(how, linear, at(x, outside, args), vector(x))
        return x, (x, state, ok, (outside, args))

    def backwards(residuals: Any, ct: Any) -> Any:
        x, state, ok, primals = residuals
        if how.not_converged == "unroll" and not ok:
            return pulled(lambda given: solved(*given), primals, ct)
        v, linear = vector(x), rebuild(primals[0])[2]
        dr = linear.transposed(state, at(x, *primals), v, -vector(ct))
        return pulled(lambda given: at(x, *given)(v), primals, dr)

    function = wg.custom_vjp(solved)
    function.label = how.name
    function.defjvp(pushed)
    function.defvjp(forwards, backwards)
    return function


def _examined(how: How, linear: Linear, equations: Any, v: Any) -> tuple[Any, Any]:
    """The state of the linear solver, and whether v solves the equations.

    A Newton step is the distance to the solution, up to its square.
    """
    state, step = linear.examine(how.name, equations, v)
    if step is None:
        return state, True
    distance, size = (np.max(np.abs(wg.stop_gradient(x))) for x in (step, v))
    ok = distance <= attainable(how.accuracy, v) * (1.0 + size)
    if how.not_converged != "unroll":
        settle(
            ok,
            how.not_converged,
            how.name + ": the value to differentiate is about {} from the solution",
            (distance,),
            why="the derivative of the solution holds only there.",
            fix="let the solver do more steps; or allow it by accuracy=, "
            'not_converged="warn" or "unroll"',
        )
    return state, ok
