"""What `solve` is asked to do, and whether it can be."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError
from wengert.ode.events import Event
from wengert.ode.methods import ADVANCE

DERIVATIVES = ("discrete", "continuous", "forward")


class Options(NamedTuple):
    """What is built into the code of a solve."""

    method: str
    steps: int | None
    max_steps: int
    dense: bool
    derivative: str
    checkpoints: Any
    events: tuple[Event, ...]


def as_events(given: Any) -> tuple[Event, ...]:
    """The events that `solve` is given, each an `Event`."""
    # An `Event` is a tuple itself.
    is_one = isinstance(given, Event) or not isinstance(given, (tuple, list))
    several = (given,) if is_one else given
    return tuple(_as_event(event) for event in several)


def _as_event(given: Any) -> Event:
    if not isinstance(given, Event):
        terminal = bool(getattr(given, "terminal", False))
        direction = np.sign(getattr(given, "direction", 0))
        given = Event(given, terminal, int(direction))
    if not callable(given.fun):
        raise _argument(
            f"an event has the function {given.fun!r}, which cannot be called",
            "give a function of (t, y, *args): wg.ode.Event(lambda t, y: y[0])",
        )
    if given.direction not in (-1, 0, 1):
        raise _argument(
            f"an event has direction={given.direction!r}",
            "use 1 for crossings from below, -1 from above, 0 for both",
        )
    if not _is_count(given.most):
        raise _argument(
            f"an event has most={given.most!r}",
            "give the number of crossings that there is room for, a positive int",
        )
    return given


def check_options(options: Options, args: Any, first_step: Any) -> None:
    """Raise unless a solve can have these options."""
    if options.method not in ADVANCE:
        raise _argument(
            f"method={options.method!r} is not a method",
            f"use one of {', '.join(ADVANCE)}",
        )
    if options.derivative not in DERIVATIVES:
        raise _argument(
            f"derivative={options.derivative!r}", f"use one of {', '.join(DERIVATIVES)}"
        )
    for name in ("steps", "max_steps"):
        value = getattr(options, name)
        if not _is_count(value) and (name, value) != ("steps", None):
            raise _argument(f"{name}={value!r}", "give a positive int")
    if options.derivative != "discrete" and (options.events or options.dense):
        raise _argument(
            f"derivative={options.derivative!r} with events or dense output, which are "
            "differentiated through the steps only",
            'use derivative="discrete", or saved times, and wg.implicit.root for the '
            "time of an event",
        )
    if not isinstance(args, (tuple, list)):
        raise _argument(
            f"args is a {type(args).__name__}, not a tuple",
            "write args=(p,) for a right-hand side f(t, y, p)",
        )
    if first_step is not None and (np.ndim(first_step) != 0 or first_step <= 0):
        raise _argument(f"first_step={first_step!r}", "give a positive number")
    wg.range(0, checkpoints=options.checkpoints)  # raises if it is no schedule


def check_state(method: str, derivative: str, y0: Any) -> None:
    """Raise unless a solve can have this state."""
    dtypes = [getattr(x, "dtype", np.dtype(type(x))) for x in wg.tree.leaves(y0)]
    if derivative != "discrete" and any(d.kind == "c" for d in dtypes):
        raise _argument(
            f"derivative={derivative!r} for a complex state",
            'use derivative="discrete", or real and imaginary parts',
        )
    sizes = [np.size(leaf) for leaf in wg.tree.leaves(y0)]
    if sum(sizes) == 0:
        raise _argument("y0 has no numbers", "give the state at t[0]")
    if method != "leapfrog":
        return
    if isinstance(y0, (tuple, list)) and len(y0) == 2:
        halves = [sum(np.size(x) for x in wg.tree.leaves(part)) for part in y0]
    else:
        halves = [np.size(part) for part in y0] if np.shape(y0)[:1] == (2,) else [0]
    if len(set(halves)) != 1 or len(halves) != 2:
        raise _argument(
            "the leapfrog method needs a state of positions and as many velocities",
            "give y0=(q, v), and return (dq, dv)",
        )


def checked_times(t: Any) -> Any:
    """The time grid as an array of floats.

    Raises:
        ArgumentError: it is empty, or not monotonic.
    """
    times = np.asarray(t) * 1.0
    if times.ndim != 1 or times.shape[0] < 2:
        raise _argument(
            f"the time grid has shape {times.shape}",
            "give at least two times, beginning with that of y0",
        )
    lengths = times[1:] - times[:-1]
    if not (np.all(lengths > 0) or np.all(lengths < 0)):
        raise _argument(
            "the time grid is not monotonic",
            "give times that increase, or decrease, from one to the next",
        )
    return times


def floating(y0: Any) -> Any:
    """The state with its integers as floats."""
    return wg.tree.map(_floating, y0)


def _floating(leaf: Any) -> Any:
    dtype = getattr(leaf, "dtype", np.dtype(type(leaf)))
    if dtype.kind not in "iufc":
        raise DTypeError(
            explain(
                f"solve: y0 has the leaf {leaf!r}, which is no number or array of them",
                fix="give a pytree of floats and arrays of floats",
            )
        )
    if dtype.kind in "fc":
        return leaf
    return float(leaf) if isinstance(leaf, int) else leaf.astype(float)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _argument(what: str, fix: str) -> ArgumentError:
    return ArgumentError(explain(f"solve: {what}", fix=fix))
