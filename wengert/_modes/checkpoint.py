"""Checkpointing: running a part of the program again instead of storing it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from wengert._core.interp import CURRENT, Interpreter
from wengert._core.source import explain
from wengert._modes.block import (
    Block,
    Layout,
    Repeated,
    Scope,
    Snapshots,
    entries_of,
    fingerprint,
    numbers_on,
    pack,
    private,
    refuse_change,
    revived,
    run_region,
    size_in_bytes,
    top_tape,
    unpack,
    unrecorded,
)
from wengert._modes.schedule import Free, Plan, Pull, Store, binomial, check, plan_of
from wengert._modes.tape import Tape, forward
from wengert.errors import TreeError

__all__ = ["binomial", "checkpoint"]


def checkpoint(fun: Any = None, *, checkpoints: Any = None) -> Callable[..., Any]:
    """Run a function again in the backward sweep, instead of keeping what it computed.

    Reverse mode then stores the arguments and the results of ``fun``, and nothing from
    inside it; one more run of ``fun`` is the price. Closures over traced values get
    their derivatives; forward mode, `vmap`, nesting and higher orders work as without.

    Args:
        fun: Function of pytrees that returns the same whenever it is run on the same
            values: no random numbers, no writes to arrays from outside.
        checkpoints: None, or the schedule of the loops (`fori_loop`, `while_loop`,
            `scan`) inside that have none of their own: ``"none"``, an int, `binomial`
            or ``"200MB"``. With ``"all"`` everything is kept: ``fun`` as it is.

    Returns:
        A function with the arguments and results of ``fun``; without ``fun``, a
        decorator.

    Raises:
        CheckpointError: the second run returned something else, an array that it reads
            was written to in between, or `checkpoints` is no schedule.
        MutationError: ``fun`` writes into an array made outside it.
        LeakedValueError: a value from inside is used outside without being returned.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> f = wg.checkpoint(lambda x: wnp.sum(wnp.exp(wnp.sin(x))))
        >>> wg.grad(f)(np.zeros(2))
        array([1., 1.])

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 12; Chen
        et al., "Training deep nets with sublinear memory cost", 2016.
    """
    check(checkpoints)
    if fun is None:
        return lambda f: checkpoint(f, checkpoints=checkpoints)
    name = f"checkpoint({getattr(fun, '__name__', 'function')})"

    @functools.wraps(fun, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if checkpoints == "all":
            return fun(*args, **kwargs)
        if CURRENT.get().plain:
            return fun(*private(args), **private(kwargs))
        return run_region(name, fun, args, kwargs, checkpoints)

    return checkpointed


# -- loops ---------------------------------------------------------------------------


class State(NamedTuple):
    """The carry of a loop before a step: engine values, and how they are laid out."""

    values: list[Any]
    layout: Layout


# (step number, carry) -> (next carry, values of what the step puts out)
Step = Callable[[int, Any], tuple[Any, Any]]


def inherited(checkpoints: Any) -> Any:
    """The schedule of a loop: its own, or that of the checkpoint around it."""
    check(checkpoints)
    if checkpoints is not None:
        return checkpoints
    for below in CURRENT.get().chain():
        if isinstance(below, Scope) and below.checkpoints is not None:
            return below.checkpoints
    return None


def plan_for(checkpoints: Any, init: Any) -> Plan | None:
    """The plan of a loop; None where no tape runs, or where all is to be taped."""
    checkpoints = inherited(checkpoints)
    if top_tape(CURRENT.get()) is None:
        return None
    return plan_of(checkpoints, size_in_bytes(pack(init)[0]))


class LoopBlock(Block):
    """The steps of a loop before the last ones; only some states are stored."""

    def __init__(self, tape: Tape, name: str, step: Step, plan: Plan) -> None:
        super().__init__(tape, name)
        self.parent: Interpreter = CURRENT.get()
        self.step = step
        self.plan = plan
        self.held: dict[int, State] = {}
        self.places: list[int] = []  # where the primal sweep stores
        self.used: dict[int, Any] = {}
        self.emitted: list[list[int]] = []
        self.end = 0
        self.mark: list[Any] = []
        self.final: list[int] = []

    def run_step(
        self, i: int, state: State, snapshots: Any
    ) -> tuple[State, list[Any], Any]:
        """``(next state, values put out, their layout)``."""
        with Repeated(self.parent, self.name, snapshots).running():
            carry, out = self.step(i, unpack(*state))
            after = State(*pack(carry))
            values, layout = pack(out)
        if after.layout.structure != state.layout.structure:
            raise TreeError(
                explain(
                    f"{self.name}: step {i} turned a carry of structure "
                    f"{state.layout.structure} into {after.layout.structure}",
                    fix="return a carry of the structure that came in",
                )
            )
        return after, values, layout

    # -- the primal sweep --------------------------------------------------------------

    def primal(
        self, i: int, state: State, recorded: bool = False
    ) -> tuple[State, Any, Any]:
        """A step of the primal sweep."""
        snapshots = Snapshots(self.parent.snapshots)
        entries = self.tape.entries
        with entries_of(self.tape, entries) if recorded else unrecorded(self.tape):
            result = self.run_step(i, state, snapshots)
        if not recorded:
            self.used.update(snapshots.used)
        return result

    def close(self, end: int, state: State, emitted: list[list[Any]]) -> None:
        """End the block before step `end`, whose state it hands on."""
        self.end = end
        self.mark = fingerprint(state.values)
        self.emitted = [numbers_on(self.tape, values) for values in emitted[:end]]
        self.final = numbers_on(self.tape, state.values)
        self.held = {at: s for at, s in self.held.items() if at < max(end, 1)}
        self.places = sorted(self.held)
        if end:
            self.append(
                [*state.values, *(v for values in emitted[:end] for v in values)]
            )

    # -- the backward sweep ------------------------------------------------------------

    def advance(self, origin: int, state: State, at: int) -> State:
        with revived(self.parent), unrecorded(self.tape):
            for i in range(origin, at):
                snapshots = Snapshots(self.parent.snapshots, self.used)
                state = self.run_step(i, state, snapshots)[0]
        return state

    def tape_steps(self, state: State, start: int, stop: int) -> Any:
        """``(entries, state after them, numbers of what each step put out)``."""
        emitted = []
        with revived(self.parent), entries_of(self.tape, []) as entries:
            for i in range(start, stop):
                snapshots = Snapshots(self.parent.snapshots, self.used)
                state, out, _ = self.run_step(i, state, snapshots)
                emitted.append(numbers_on(self.tape, out))
        if stop == self.end:
            refuse_change(
                f"{self.name}: step {stop - 1}", self.mark, fingerprint(state.values)
            )
        return entries, state, emitted

    def _pull(self, taken: dict[int, Any], cotangents: dict[int, Any]) -> None:
        base = len(self.tape.types)
        # Each is taken once: a state that is also put out has one number and cotangent.
        taken = dict(taken)
        after = [taken.pop(n, None) for n in self.final]
        stored = self._stored()
        for action in self.plan.reversal(list(self.places), self.end):
            if isinstance(action, Store):
                stored[action.at] = self.advance(
                    action.origin, stored[action.origin], action.at
                )
            elif isinstance(action, Free):
                del stored[action.at]
            else:
                after = self._pull_steps(action, after, taken, cotangents)
        del self.tape.types[base:]

    def _stored(self) -> dict[int, State]:
        """The stored states; another pull finds the first, and runs to the rest."""
        origin = 0
        for at in self.places:
            if at not in self.held:
                self.held[at] = self.advance(origin, self.held[origin], at)
            origin = at
        return self.held

    def _pull_steps(
        self, action: Pull, after: list[Any], taken: dict[int, Any], cotangents: Any
    ) -> list[Any]:
        """Cotangents of the state before some steps, from those after them."""
        start, stop = action.start, action.stop
        state = self.advance(action.origin, self.held[action.origin], start)
        mark = len(self.tape.types)
        entries, end, emitted = self.tape_steps(state, start, stop)
        given = list(zip(numbers_on(self.tape, end.values), after, strict=True))
        for i, numbers in enumerate(emitted, start):
            cts = [taken.pop(n, None) for n in self.emitted[i]]
            given += zip(numbers, cts, strict=True)
        self.sweep(entries, given, cotangents)
        del self.tape.types[mark:]
        # Numbers below `start` are outer values: their cotangents go on accumulating.
        return [
            cotangents.pop(n, None) if n >= self.start else None
            for n in numbers_on(self.tape, state.values)
        ]

    def push(self, tangents: dict[int, Any]) -> None:
        state = self.held[0]
        base = len(self.tape.types)
        for i in range(self.end):
            entries, state, emitted = self.tape_steps(state, i, i + 1)
            with entries_of(self.tape, entries):
                forward(self.tape, tangents)
            for old, new in zip(self.emitted[i], emitted[0], strict=True):
                if new in tangents:
                    tangents[old] = tangents[new]
        for old, new in zip(
            self.final, numbers_on(self.tape, state.values), strict=True
        ):
            if new in tangents:
                tangents[old] = tangents[new]
        del self.tape.types[base:]


def counted_loop(
    name: str, step: Step, n: int, init: Any, plan: Plan
) -> tuple[Any, list[Any]]:
    """``(carry, outputs of the steps)`` of a loop of n steps, run by a schedule."""
    tape = top_tape(CURRENT.get())
    assert tape is not None
    if n == 0:
        return init, []
    block = LoopBlock(tape, name, step, plan)
    places, taped = set(plan.place(n)), plan.taped_from(n)
    state = State(*pack(init))
    emitted: list[list[Any]] = []
    layouts = []
    for i in range(n):
        if i in places:
            block.held[i] = state
        if i == taped:
            block.close(i, state, emitted)
        state, out, layout = block.primal(i, state, recorded=i >= taped)
        emitted.append(out)
        layouts.append(layout)
    outputs = [unpack(v, layout) for v, layout in zip(emitted, layouts, strict=True)]
    return unpack(*state), outputs


def uncounted_loop(
    name: str, goes_on: Callable[[Any], bool], step: Step, init: Any, plan: Plan
) -> Any:
    """The carry of a loop that runs while a condition holds, run by a schedule."""
    tape = top_tape(CURRENT.get())
    assert tape is not None
    block = LoopBlock(tape, name, step, plan)
    online = plan.online()
    state, before = State(*pack(init)), None
    last: list[Any] = []
    i = 0

    def condition(state: State) -> bool:
        with unrecorded(tape), Scope(block.parent, name).running():
            return bool(goes_on(unpack(*state)))

    while condition(state):
        if online.visit(i):
            block.held[i] = state
        if len(block.held) != len(online.held):
            kept = set(online.held)
            block.held = {at: s for at, s in block.held.items() if at in kept}
        before = state
        block.stop = len(tape.types)
        last = []
        with entries_of(tape, last):
            state = block.primal(i, state, recorded=True)[0]
        i += 1
    if before is not None:
        inside = block.stop
        block.close(i - 1, before, [[]] * (i - 1))
        block.stop = inside
        tape.entries.extend(last)
    return unpack(*state)
