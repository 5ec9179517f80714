"""The body of a loop, staged by one run of it.

A variable whose length a step changes is not known by the first run, which takes the
lengths before the loop: the body is then run once more, for lengths that are values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

from wengert._array.traced import TracedArray, make_twins, root_of
from wengert._core.interp import CURRENT, using
from wengert._core.types import shape_of, type_of
from wengert._staging.aliases import is_in, is_lost, lost_list
from wengert._staging.cells import Cells
from wengert._staging.joins import (
    UNBOUND,
    Leaf,
    Variable,
    engine_leaf,
    is_another_list,
    take_apart,
)
from wengert._staging.lists import StagedList, growing
from wengert._staging.region import Region
from wengert._staging.signals import checked
from wengert._staging.stage import INDEX
from wengert._staging.watch import Watch

Axis = tuple[str, int, int]  # (variable, leaf, axis)


def stage_body(cells: Cells, step: Callable[[Any], Any], watch: Watch) -> Body:
    """One step of a loop, ``step(index)``, for lengths that each step may change.

    What a step changes of the objects that are watched is a variable of the loop.
    """
    changing: frozenset[Axis] = frozenset()
    dropped: frozenset[str] = frozenset()
    while True:
        body = growing(lambda: _one_run(Body(cells, changing, dropped), step, watch))
        found = changing | body.changed_axes(), dropped | body.other_lists()
        places = watch.take_changed()
        if found == (changing, dropped) and not places:
            return body
        changing, dropped = found
        body.abandon()
        cells.add(places)


def _one_run(body: Body, step: Callable[[Any], Any], watch: Watch) -> Body:
    try:
        body.run(step)
    except BaseException:
        watch.restore()
        body.abandon()
        raise
    return body


class Body:
    """The body of a loop as it is staged: one step.

    dropped: variables that a step binds to other lists, which it must not read before.
    """

    def __init__(
        self, cells: Cells, changing: frozenset[Axis], dropped: frozenset[str]
    ) -> None:
        self.region = Region(CURRENT.get(), loop=True)
        self.cells = cells
        self.changing = changing
        self.dropped = dropped
        self.entry = cells.read()
        self.index = self.region.parameter(INDEX)
        self.apart: dict[str, Variable] = {}
        self.params: dict[str, list[Any]] = {}
        self.entries: dict[str, list[Any]] = {}  # engine values of the leaves
        self.signal: Any = None

    def begin(self) -> None:
        """Give the variables the values that they have as a step begins."""
        stand_ins: dict[str, Any] = {}
        for name, value in self.entry.items():
            if name in self.dropped:
                stand_ins[name] = lost_list(name)
                continue
            if value is UNBOUND or is_lost(value):
                continue
            self.apart[name] = variable = take_apart(name, value)
            self.entries[name] = [self._entry(leaf) for leaf in variable.leaves]
            self.params[name] = [
                self._param(name, i, entry) if isinstance(leaf, Leaf) else leaf
                for i, (leaf, entry) in enumerate(
                    zip(variable.leaves, self.entries[name], strict=True)
                )
            ]
            stand_ins[name] = variable.rebuilt(
                [
                    leaf.rewrapped(p) if isinstance(leaf, Leaf) else leaf
                    for leaf, p in zip(variable.leaves, self.params[name], strict=True)
                ]
            )
            if isinstance(value, StagedList) and not value.grown:
                stand_ins[name] = StagedList(stand_ins[name], value.root)
        self.stand_ins = {
            name: take_apart(name, stand_ins[name]) for name in self.apart
        }
        self.cells.write(stand_ins)
        self._relate_stand_ins()

    def _entry(self, leaf: Any) -> Any:
        if not isinstance(leaf, Leaf):
            return leaf
        with using(self.region.parent):
            return engine_leaf(leaf)

    def _param(self, name: str, i: int, entry: Any) -> Any:
        with using(self.region.parent):
            type_ = type_of(entry)
            axes = {k for n, j, k in self.changing if (n, j) == (name, i)}
            return self.region.changing_parameter(type_, axes, entry)

    def _relate_stand_ins(self) -> None:
        """What stands for twins, or for one array, are twins."""
        merged = []
        for name, variable in self.apart.items():
            for i in range(len(variable.leaves)):
                array = self.stand_ins[name].array(i)
                entry = root_of(variable.array(i))
                if isinstance(array, TracedArray) and entry is not None:
                    self.region.origins[id(array)] = entry
                    merged.append((array, entry))
        for array, entry in merged:
            for twin in entry._twins:
                make_twins(array, twin)
        for (array, entry), (other, its) in combinations(merged, 2):
            if entry is its or is_in(its, entry._twins):
                make_twins(array, other)

    def is_written(self, name: str, i: int) -> bool:
        """Whether the body has written to an array that it began with."""
        array = self.stand_ins[name].array(i)
        value = self.params[name][i]
        return isinstance(array, TracedArray) and (
            array._value is not value or is_lost(array)
        )

    def abandon(self) -> None:
        """Leave things as they were, for another run."""
        self.cells.write(self.entry)
        self.region.abandon()

    def run(self, step: Callable[[Any], Any]) -> None:
        with self.region.entered():
            self.begin()
            self.signal = checked(partial(step, self.index))
            self.exit = self.cells.read()
            self.exits = {
                name: take_apart(name, value)
                for name, value in self.exit.items()
                if value is not UNBOUND
            }

    def other_lists(self) -> frozenset[str]:
        """The variables that have another list as the step ends, one that has grown."""
        return frozenset(
            name
            for name, before in self.apart.items()
            if name in self.exits
            and (
                is_another_list(before, self.exits[name])
                or (before.kind is not None and is_lost(self.exit[name]))
            )
        )

    def changed_axes(self) -> frozenset[Axis]:
        """The axes of variables that have another length as the step ends."""
        found: set[Axis] = set()
        for name, before in self.apart.items():
            end = self.exits.get(name)
            if end is None or end.structure != before.structure:
                continue
            for i, (leaf, last) in enumerate(
                zip(before.leaves, end.leaves, strict=True)
            ):
                if isinstance(leaf, Leaf) and isinstance(last, Leaf):
                    with self.region.entered():
                        lengths = shape_of(engine_leaf(last))
                    given = shape_of(self.params[name][i])
                    if len(given) == len(lengths):
                        pairs = enumerate(zip(given, lengths, strict=True))
                        found |= {(name, i, k) for k, (n, m) in pairs if n != m}
        return frozenset(found)
