"""`if` on a traced value: both branches are staged, one runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, root_of
from wengert._core import tree
from wengert._core.interp import CURRENT
from wengert._core.types import ArrayType, ndim_of, shape_of, type_of
from wengert._frontend.runtime import Block, Raise
from wengert._ir.control import If
from wengert._ops.families import zeros_of
from wengert._staging.aliases import Merged, is_lost, lose, lost_list, relate
from wengert._staging.cells import Cells
from wengert._staging.joins import (
    UNBOUND,
    Joined,
    Leaf,
    Variable,
    common_dtype,
    converted,
    engine_leaf,
    is_another_list,
    join,
    take_apart,
)
from wengert._staging.lists import Grow, growing
from wengert._staging.recursive import Recursing, leave_path
from wengert._staging.region import Region, closed, unify
from wengert._staging.replay import apply_control
from wengert._staging.signals import (
    TracedSignal,
    checked,
    code_of,
    codes_of,
    has_value,
    settled,
    signal_of,
    value_of,
)
from wengert._staging.stage import function_stage
from wengert._staging.watch import Place, Watch


class Branch:
    """One branch as it is staged."""

    def __init__(self, cells: Cells, entry: dict[str, Any]) -> None:
        self.region = Region(CURRENT.get(), loop=False)
        self.cells = cells
        self.entry = self.exit = entry
        self.signal: Any = None

    def proceed(self, run: Block) -> None:
        """Stage more of the branch."""
        self.cells.write(self.exit)
        with self.region.entered():
            self.signal = checked(run)
            self.exit = self.cells.read()
            self.unknown = {name: _is_unknown(v) for name, v in self.exit.items()}

    @property
    def codes(self) -> frozenset[int]:
        return codes_of(self.signal)

    def within(self, build: Callable[[], Any]) -> Any:
        with self.region.entered():
            return build()


class Slots:
    """The results of the two regions, and what takes each of them."""

    def __init__(self, branches: tuple[Branch, Branch]) -> None:
        self.branches = branches
        self.values: tuple[list[Any], list[Any]] = ([], [])
        self.merged: list[Merged] = []  # what the results make

    def add(self, name: str, values: tuple[Any, Any]) -> int:
        """A result of both regions; None where a region has no value for it."""
        given = [v for v in values if v is not None]
        if len(given) == 2:
            dtype = common_dtype(name, *given)
        else:
            dtype = type_of(given[0]).dtype
        for branch, results, value, shape in zip(
            self.branches, self.values, values, self._shapes(values), strict=True
        ):
            type_ = ArrayType(shape, dtype)
            results.append(branch.within(partial(_result, value, type_)))
            branch.region.lift(results[-1])  # it may be a value from outside
        return len(self.values[0]) - 1

    def _shapes(self, values: tuple[Any, Any]) -> tuple[Any, Any]:
        """The shapes in both regions; extents that differ become results before."""
        given = [_shape(v, other) for v, other in (values, values[::-1])]
        pairs = [self._extents(extents) for extents in zip(*given, strict=True)]
        first, second = zip(*pairs, strict=True) if pairs else ((), ())
        return first, second

    def _extents(self, extents: tuple[Any, Any]) -> tuple[Any, Any]:
        """An extent in both regions; None where a region has no value."""
        outside = [
            b.region.outside((n,)) if n is not None else None
            for b, n in zip(self.branches, extents, strict=True)
        ]
        found = [o for o in outside if o is not None]
        if len(found) == sum(n is not None for n in extents) and found[0] == found[-1]:
            return found[0][0], found[0][0]
        first, second = (0 if n is None else n for n in extents)
        for branch, results, n in zip(
            self.branches, self.values, (first, second), strict=True
        ):
            results.append(np.int64(n) if type(n) is int else n)
            branch.region.lift(results[-1])
        return first, second


def _shape(value: Any, other: Any) -> tuple[Any, ...]:
    return (None,) * ndim_of(other) if value is None else tuple(shape_of(value))


def _result(value: Any, type_: ArrayType) -> Any:
    return zeros_of(type_) if value is None else converted(value, type_.dtype)


class Pending:
    """A variable that is rebuilt from results."""

    def __init__(
        self, slots: Slots, name: str, values: tuple[Any, Any], has: tuple[bool, bool]
    ) -> None:
        apart = tuple(
            b.within(partial(take_apart, name, v)) if h else None
            for b, v, h in zip(slots.branches, values, has, strict=True)
        )
        first, second = apart
        if first is not None and second is not None:
            self.joined = join(first, second)
        else:
            only: Variable = first or second  # type: ignore[assignment]
            arrays = [i for i, leaf in enumerate(only.leaves) if isinstance(leaf, Leaf)]
            self.joined = Joined(only, arrays)
        self.slots, self.apart = slots, apart
        self.places = []
        for i in self.joined.differing:
            one, other = (
                None if a is None else b.within(partial(engine_leaf, a.leaves[i]))
                for a, b in zip(apart, slots.branches, strict=True)
            )
            self.places.append(slots.add(name, (one, other)))

    def value(self, outs: Any) -> Any:
        value = self.joined.finished([outs[p] for p in self.places])
        leaves = tree.leaves(value)
        for i in self.joined.differing:
            if isinstance(leaves[i], TracedArray):
                roots = [None if a is None else root_of(a.array(i)) for a in self.apart]
                self.slots.merged.append(Merged(leaves[i], roots))
        return value


def stage_branch(
    predicate: Any,
    then: Block,
    orelse: Block,
    written: tuple[str, ...],
    rest: Block | None,
    scope: tuple[Block, ...] = (),
) -> tuple[Any, Block | None]:
    """Stage both branches; the signal, and the rest of the block if it is still to run.

    The rest belongs to the one branch that reaches it, if there is only one. `scope`:
    further functions that share the user's variables.
    """
    cells = Cells((then, orelse, rest, *scope), written)
    stage = function_stage()
    if stage is not None and stage.exploring:
        return _explored((then, orelse), rest, cells, stage.exploring)
    watch = Watch((then, orelse, rest, *scope), cells.cells.values())
    branches, rest = growing(lambda: _both(then, orelse, rest, cells, watch))
    entry = branches[0].entry
    slots = Slots(branches)
    first, second = branches
    others = {name for name in entry if _has_other_lists(branches, name)}
    variables = {
        name: Pending(slots, name, (first.exit[name], second.exit[name]), (True, True))
        for name in entry
        if first.exit[name] is not second.exit[name]
        and name not in others
        and not (first.unknown[name] or second.unknown[name])
    }
    arrays = _array_slots(slots)
    finish = _signal_slots(slots)
    outs = _apply(predicate, slots)
    after = {
        name: variables[name].value(outs)
        if name in variables
        else lost_list(name)
        if name in others
        else max(branches, key=lambda b: b.unknown[name]).exit[name]
        for name in entry
    }
    cells.write(after)
    for array, place in arrays:
        array._rebind(outs[place])
    signal = finish(outs)
    relate(slots.merged, CURRENT.get())
    for branch in branches:
        for array, _, owner in branch.region.lost:
            lose(array, owner, CURRENT.get())
    return signal, rest


def _explored(
    runs: tuple[Block, Block], rest: Block | None, cells: Cells, wanted: str
) -> tuple[Any, Block | None]:
    """The first branch on which the function that is staged does not call itself."""
    entry = cells.read()
    for run in runs:
        cells.write(entry)
        try:
            signal = signal_of(run)
            if signal is None and rest is not None:
                signal = signal_of(rest)
            elif rest is not None and isinstance(signal, TracedSignal):
                return signal, rest
        except Recursing:
            continue
        if wanted == "raises" or not isinstance(signal, Raise):
            return signal, None
    leave_path()


def _both(
    then: Block, orelse: Block, rest: Block | None, cells: Cells, watch: Watch
) -> tuple[tuple[Branch, Branch], Block | None]:
    """Both branches, and the rest of the block if neither of them has staged it.

    What one of them changes of the objects that are watched is a variable of both.
    """
    while True:
        entry = cells.read()
        branches = Branch(cells, entry), Branch(cells, entry)
        try:
            places, left = _run_both(branches, (then, orelse), rest, watch)
            if not places:
                return branches, left
        except Grow:
            watch.restore()
            _abandon(branches, cells, entry)
            raise
        _abandon(branches, cells, entry)
        cells.add(places)


def _run_both(
    branches: tuple[Branch, Branch],
    runs: tuple[Block, Block],
    rest: Block | None,
    watch: Watch,
) -> tuple[list[Place], Block | None]:
    """Where they change objects, and the rest if they have not staged it."""
    for branch, run in zip(branches, runs, strict=True):
        branch.proceed(run)
        places = watch.take_changed()
        if places:
            return places, rest
    falling = [b for b in branches if b.signal is None]
    mixed = any(isinstance(b.signal, TracedSignal) for b in branches)
    if rest is None or len(falling) != 1 or mixed:
        return [], rest
    falling[0].proceed(rest)
    return watch.take_changed(), None


def _abandon(
    branches: tuple[Branch, Branch], cells: Cells, entry: dict[str, Any]
) -> None:
    """Leave things as they were, for another run."""
    cells.write(entry)
    for branch in branches:
        branch.region.abandon()


def _has_other_lists(branches: tuple[Branch, Branch], name: str) -> bool:
    """Whether a variable is a list that has grown, and another one elsewhere."""
    values = [b.exit[name] for b in branches]
    if values[0] is values[1] or any(v is UNBOUND for v in values):
        return False
    first, second = (take_apart(name, v) for v in values)
    return is_another_list(first, second)


def _is_unknown(value: Any) -> int:
    """How little is known of a variable: without a value, lost, or neither."""
    return 2 if value is UNBOUND else int(is_lost(value))


def _array_slots(slots: Slots) -> list[tuple[Any, int]]:
    """The arrays from outside that a branch writes to."""
    written = {id(a.array): a.array for b in slots.branches for a in b.region.written()}
    found = []
    for array in written.values():
        one, other = (
            b.region.exit_value(array)
            if b.region.adopts(array)
            else b.within(array._read)
            for b in slots.branches
        )
        found.append((array, slots.add("array", (one, other))))
    return found


def _signal_slots(slots: Slots) -> Callable[[Any], Any]:
    """What makes the joined signal of the results."""
    first, second = slots.branches
    codes = first.codes | second.codes
    if not codes:
        return lambda outs: first.signal
    code = value = None
    if len(codes) > 1:
        code = slots.add("signal", (code_of(first.signal), code_of(second.signal)))
    has = has_value(first.signal), has_value(second.signal)
    if any(has):
        given = value_of(first.signal), value_of(second.signal)
        value = Pending(slots, "returned value", given, has)

    def finish(outs: Any) -> Any:
        returned = None if value is None else value.value(outs)
        if code is not None:
            return TracedSignal(outs[code], codes, returned)
        return settled(TracedSignal(None, codes, returned))

    return finish


def _apply(predicate: Any, slots: Slots) -> Any:
    captured = unify(b.region for b in slots.branches)
    programs = [
        closed(b.region, captured, [], results)
        for b, results in zip(slots.branches, slots.values, strict=True)
    ]
    for branch in slots.branches:
        branch.region.alive = False
    return apply_control(If(*programs), [predicate, *captured])
