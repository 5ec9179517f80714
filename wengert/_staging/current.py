"""Whether what a watch has seen is as it was, asked at every call of compiled code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter, is_, itemgetter
from types import CellType
from typing import Any

from wengert._staging.watch import MISSING, Holder, Variable, Watch

_contents = attrgetter("cell_contents")


class Current:
    """What a watch saw, arranged so that few calls compare all of it by identity.

    What is not the same object may be equal still: then the watch itself answers.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.cells: list[CellType] = []
        self.contents: list[Any] = []
        self.live: list[tuple[Any, list[Any], list[Any]]] = []  # dicts, keys, values
        self.others: list[Holder] = []
        namespaces: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for holder in watch.compared:
            owner, before = holder.owner, holder.before
            if holder.released or before is MISSING:
                self.others.append(holder)
            elif isinstance(holder, Variable) and type(owner) is CellType:
                self.cells.append(owner)
                self.contents.append(before)
            elif isinstance(holder, Variable) and type(owner) is dict:
                found = namespaces.setdefault(id(owner), (owner, {}))
                found[1][holder.name] = before
            elif type(before) is dict and _is_live(holder.read):
                live = holder.read.args[0]  # type: ignore[attr-defined]
                self.live.append((live, [*before], [*before.values()]))
            else:
                self.others.append(holder)
        self.namespaces = [
            (owner, _getter([*names]), [*names.values()])
            for owner, names in namespaces.values()
        ]

    def __call__(self) -> bool:
        return self._is_same() or self.watch.is_current()

    def _is_same(self) -> bool:
        try:
            if not all(map(is_, map(_contents, self.cells), self.contents)):
                return False
            for owner, get, before in self.namespaces:
                if not all(map(is_, get(owner), before)):
                    return False
        except (KeyError, ValueError):  # a variable without a value
            return False
        for live, keys, values in self.live:
            if len(live) != len(keys) or not all(map(is_, live.values(), values)):
                return False
            if not all(map(is_, live, keys)):
                return False
        return all(h.read() is h.before or h.unchanged() for h in self.others)


def _is_live(read: Callable[[], Any]) -> bool:
    """Whether it copies a dict, or the attributes of a class or object."""
    return type(read) is partial and read.func is dict


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda namespace: (namespace[names[0]],)
    return itemgetter(*names)
