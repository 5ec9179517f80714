"""`solve`: the front door of the initial value problems."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode.adjoint import Tolerances, trajectory
from wengert.ode.closures import Template, opened
from wengert.ode.dense import Dense
from wengert.ode.events import Watch
from wengert.ode.integrate import Run, Settings, integrated
from wengert.ode.methods import ADAPTIVE, ADVANCE, order_of
from wengert.ode.options import (
    Options,
    as_events,
    check_options,
    check_state,
    checked_times,
    floating,
)
from wengert.ode.problem import Field, level_of, right_hand_side
from wengert.ode.result import Crossings, Solution


class Inputs(NamedTuple):
    """The values of a solve, with respect to which it can be differentiated."""

    y0: Any
    t: Any
    args: tuple[Any, ...]
    numbers: Any  # those that the right-hand side reads besides
    event_numbers: Any
    rtol: Any
    atol: Any
    first_step: Any


def solve(
    f: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Sequence[Any] = (),
    *,
    method: str = "tsit5",
    rtol: Any = 1e-6,
    atol: Any = 1e-9,
    steps: int | None = None,
    first_step: Any = None,
    max_steps: int = 10_000,
    events: Any = (),
    dense: bool = False,
    derivative: str = "discrete",
    checkpoints: Any = None,
    jit: bool = True,
) -> Solution:
    """Solve ``dy/dt = f(t, y, *args)`` with ``y(t[0]) = y0`` over a grid of times.

    The whole solve is one native function. It can be differentiated in every mode with
    respect to `y0`, `t`, `args` and what `f` reads by its closure.

    Args:
        f: The right-hand side: ordinary NumPy code that returns a pytree like `y0` (for
            an array it may return a list). It is compiled once for its code.
        y0: The state at ``t[0]``: any pytree of floats and arrays.
        t: At least two times, all increasing or all decreasing, of shape (n,).
        args: A tuple of further arguments of `f`, pytrees.
        method: ``"tsit5"`` (Tsitouras 5(4)) or ``"dopri5"`` (Dormand and Prince 5(4));
            for stiff equations ``"kvaerno5"`` (Kværnø 5(4), implicit, with the Jacobian
            of `f`). With fixed steps also ``"euler"``, ``"heun"``, ``"rk4"``, and
            ``"leapfrog"`` (symplectic) for a state that is a pair of positions and
            velocities, where the slope of one depends on the other only.
        rtol, atol: The error allowed in a step is ``atol + rtol |y|``, in the root mean
            square of the entries. `atol` is a number or a pytree like `y0`.
        steps: So many steps of equal length between each two times, without control of
            the error. Methods without an error estimate take 1 if it is not given.
        first_step: The length of the first step; None: chosen by the first slopes.
        max_steps: How many steps may be tried; with `dense` there is room for so many.
        events: An `Event`, or several; or functions with the attributes that SciPy
            looks for, `terminal` and `direction`.
        dense: Whether the result can be called between the saved times.
        derivative: How it is differentiated. ``"discrete"``: through the steps and the
            control of their lengths, the derivative of what is computed. With
            ``"continuous"`` (the adjoint equation is solved backwards) and
            ``"forward"`` (sensitivities are solved along) that of the solution, up to
            the tolerances; without events and dense output.
        checkpoints: What the discrete derivative stores of the compiled loop of steps:
            see `fori_loop`. None: all that it needs.
        jit: Whether to compile; False runs the steps in Python, where no transformation
            around it compiles.

    Returns:
        A `Solution`; its `y` has the state at ``t[i]`` as row i of each leaf. Where the
        end is not reached, `outcome` says why, and the other rows are NaN.

    Raises:
        ArgumentError: an unknown method or derivative, a time grid that is empty or not
            monotonic, or other arguments that no solve can have.
        TreeError, ShapeError: `f` returns something that is not like the state, or an
            event returns more than a number.
        DTypeError: `y0` has a leaf that is no number.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def spring(t, y, k):
        ...     return np.array([y[1], -k * y[0]])
        >>> def end(k):
        ...     times = np.linspace(0.0, 2.0, 5)
        ...     return wg.ode.solve(spring, np.array([1.0, 0.0]), times, (k,)).y[-1, 0]
        >>> bool(np.isclose(end(4.0), np.cos(4.0), atol=1e-5))
        True
        >>> bool(np.isclose(wg.grad(end)(4.0), -0.5 * np.sin(4.0), atol=1e-5))
        True

    References:
        Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, 2nd ed.,
        Springer 1993; II (with Wanner), 2nd ed., 1996.
    """
    events = as_events(events)
    if steps is None and method not in ADAPTIVE:
        steps = 1
    options = Options(method, steps, max_steps, dense, derivative, checkpoints, events)
    check_options(options, args, first_step)
    y0, t = floating(y0), checked_times(t)
    check_state(method, derivative, y0)
    template, numbers = opened(f)
    of_events = [opened(event.fun) for event in events]
    inputs = Inputs(
        y0,
        t,
        tuple(args),
        numbers,
        [found for _, found in of_events],
        rtol,
        atol,
        first_step,
    )
    templates = (template, *[found for found, _ in of_events])
    # A function that is made anew for each call is the same to the compiler.
    options = options._replace(events=tuple(e._replace(fun=None) for e in events))
    run = _compiled(templates, options) if jit else _runner(templates, options)
    return run(inputs)


def _runner(
    templates: tuple[Template, ...], options: Options
) -> Callable[[Inputs], Solution]:
    by_steps = options.derivative == "discrete"

    def run(inputs: Inputs) -> Solution:
        start, unravel = _vector(inputs.y0)
        at = right_hand_side(templates[0], unravel)
        f = Field(at, (inputs.numbers, inputs.args))
        settings = _settings(options, inputs)
        if not by_steps:
            return _by_equations(f, start, unravel, settings, options, inputs)
        levels = tuple(
            level_of(template, unravel, numbers, inputs.args)
            for template, numbers in zip(
                templates[1:], inputs.event_numbers, strict=True
            )
        )
        watch = Watch(options.events, levels, inputs.t[0], start)
        done = integrated(f, start, inputs.t, settings, watch)
        return _solution(done, inputs, unravel)

    return run


def _vector(y0: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The state as one vector of double precision, and the state for such a vector."""
    vector, unravel = wg.tree.ravel(y0)
    own = vector.dtype
    double = np.promote_types(own, np.float64)
    if own == double:
        return vector, unravel
    return vector.astype(double), lambda given: unravel(given.astype(own))


@functools.lru_cache(maxsize=128)
def _compiled(templates: tuple[Template, ...], options: Options) -> Any:
    return wg.jit(_runner(templates, options))


def _settings(options: Options, inputs: Inputs) -> Settings:
    scalar = np.ndim(inputs.atol) == 0
    return Settings(
        ADVANCE[options.method],
        order_of(options.method),
        options.steps,
        options.max_steps,
        options.dense,
        options.checkpoints,
        inputs.rtol,
        inputs.atol if scalar else wg.tree.ravel(inputs.atol)[0],
        inputs.first_step,
    )


def _by_equations(
    f: Field,
    start: Any,
    unravel: Any,
    settings: Settings,
    options: Options,
    inputs: Inputs,
) -> Solution:
    """The solution, differentiated by equations for its derivatives."""
    solved = trajectory(f.at, settings, options.derivative)
    given = Tolerances(settings.rtol, settings.atol, settings.first_step)
    states, counts = solved(start, inputs.t, f.data, given)
    last = counts.saved - 1
    return Solution(
        inputs.t,
        wg.vmap(unravel)(states),
        counts.saved,
        inputs.t[last],
        unravel(states[last]),
        counts.status,
        counts.accepted,
        counts.rejected,
        (),
        None,
    )


def _solution(run: Run, inputs: Inputs, unravel: Any) -> Solution:
    watch, steps = run.watch, run.steps
    rows = wg.vmap(unravel)
    crossings = tuple(
        Crossings(
            watch.times[k, : event.most],
            rows(watch.states[k, : event.most]),
            watch.counts[k],
        )
        for k, event, _ in watch.events
    )
    dense = Dense(
        steps.knots, steps.states, steps.slopes, steps.bends, run.accepted, inputs.y0
    )
    return Solution(
        inputs.t,
        rows(run.y),
        run.saved,
        run.t_end,
        unravel(run.y_end),
        run.status,
        run.accepted,
        run.rejected,
        crossings,
        dense if steps.bends.shape[0] else None,
    )
