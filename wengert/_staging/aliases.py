"""Arrays of which the run decides whether they are one.

After a branch or loop that rebinds a variable, its array may be one of several, and a
reshape may be a view or a copy: such arrays are *twins*. To read them is right
whichever they are. A write to one of them may be a write to the other, which is lost
then: every further use of it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple, NoReturn

import numpy as np

from wengert._array.traced import TracedArray, make_twins, root_of
from wengert._core import tree
from wengert._core.interp import CURRENT, Interpreter
from wengert._core.source import explain
from wengert.errors import MutationError


class Lost(Interpreter):
    """Owns arrays whose entries the staging no longer knows."""

    name = "lost"

    def __init__(self, parent: Interpreter, what: str, why: str, fix: str) -> None:
        super().__init__(parent)
        self.alive = False  # every use of the array is refused
        self.reason = what, why, fix

    def refuse_use(self) -> NoReturn:
        what, why, fix = self.reason
        raise MutationError(explain(what.format(place=self.begun), why=why, fix=fix))


class Merged(NamedTuple):
    """An array after a branch or loop, and what it is on each path."""

    array: TracedArray
    paths: Sequence[TracedArray | None]


def is_lost(value: Any) -> bool:
    """Whether a user value holds an array that is lost."""
    roots = map(root_of, tree.flatten(value, keep_grown=True)[0])
    return any(r is not None and isinstance(r._owner, Lost) for r in roots)


def refuse_lost(array: TracedArray) -> None:
    """Raise if an array that is needed now is lost."""
    if isinstance(array._owner, Lost):
        array._owner.refuse_use()


def origins(array: TracedArray, stage: Interpreter) -> list[TracedArray]:
    """What an array stands for in the first step of the loops that are staged."""
    found: list[TracedArray] = []
    for interpreter in stage.chain():
        known = getattr(interpreter, "origins", {}).get(id(array))
        if known is not None:
            array = known
            found.append(array)
    return found


def may_be(array: TracedArray | None, stage: Interpreter) -> list[TracedArray]:
    """The arrays that this one may be: itself, its twins, and what they stand for."""
    if array is None:
        return []
    first = [array, *array._twins]
    return [*first, *(o for a in first for o in origins(a, stage))]


def is_in(array: TracedArray | None, arrays: Iterable[TracedArray]) -> bool:
    return array is not None and any(a is array for a in arrays)


def relate(merged: Sequence[Merged], stage: Interpreter) -> None:
    """Make arrays twins of what they may be, and of each other."""
    candidates = [[may_be(p, stage) for p in one.paths] for one in merged]
    for (a, ours), (b, theirs) in combinations(zip(merged, candidates, strict=True), 2):
        meet = zip(a.paths, theirs, b.paths, ours, strict=False)
        if any(is_in(p, other) or is_in(q, own) for p, other, q, own in meet):
            make_twins(a.array, b.array)
    for one, found in zip(merged, candidates, strict=True):
        for other in (x for path in found for x in path):
            make_twins(one.array, other)


def lose_twins(array: TracedArray, stage: Interpreter) -> None:
    """An array is written to: what else it may be can no longer be used."""
    lost = Lost(
        stage,
        "an array is used that a write to another one (at {place}) may have changed",
        "whether the two are one array is decided when the program runs: by a branch, "
        "a loop, or the order in memory of an array that is reshaped.",
        "bind a copy where the second name is bound: x = y.copy()",
    )
    for twin in array._twins:
        for other in (twin, *origins(twin, stage)):
            if other is not array:
                lose(other, lost, stage)


def lose(array: TracedArray, owner: Lost, stage: Interpreter) -> None:
    """Refuse every use of an array; regions note it, for it holds on one path."""
    if isinstance(array._owner, Lost):
        return
    for interpreter in stage.chain():
        noted = getattr(interpreter, "lost", None)  # a region has it
        if noted is not None:
            noted.append((array, array._owner, owner))
    array._owner = owner
    array._version += 1  # its views ask again


class LostList(TracedArray):
    """A list that a branch or loop may have bound to another one: no use is right."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if hasattr(list, name):
            self._owner.refuse_use()
        return object.__getattribute__(self, name)


def lost_list(name: str) -> LostList:
    """What stands for a list where a branch or loop may have bound another one."""
    array = LostList(np.float64(0.0))
    array._owner = Lost(
        CURRENT.get(),
        f"the list {name!r} is used, and a branch or loop (at {{place}}) binds another "
        "one to the name",
        "a list that grows in compiled code is one array, which its name keeps.",
        "change the list: xs.append(x), xs.clear()",
    )
    return array


def lose_first(array: TracedArray, stage: Interpreter) -> None:
    """Lose an array that the first step of a loop wrote to, and the others did not."""
    lost = Lost(
        stage,
        "an array is used that a loop (at {place}) wrote to, before it bound the "
        "variable to another array",
        "what the array holds depends on the number of steps.",
        "give the loop a copy: x = x.copy() before it",
    )
    lose(array, lost, stage)
