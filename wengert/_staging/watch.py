"""Python objects that a compiled region must not change.

A region is staged once, whichever way the program will go: what it does to a list,
dictionary or attribute from outside would happen once, at the wrong time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from wengert._array.traced import TracedArray, TracedScalar
from wengert._core.interp import Tracer
from wengert._core.source import explain
from wengert._staging.lists import StagedList
from wengert.errors import MutationError

_CONTAINERS = (list, dict, set, bytearray)
_OPAQUE = (ModuleType, type, FunctionType, Tracer, TracedArray, TracedScalar)


class Watch:
    """The mutable objects that some functions reach by their variables."""

    def __init__(self, blocks: Iterable[Any]) -> None:
        self.states: dict[int, tuple[str, Any, Any]] = {}
        for block in blocks:
            for name, value in _variables(block):
                self.note(name, value)

    def note(self, name: str, value: Any) -> None:
        if id(value) in self.states or not _is_mutable(value):
            return
        state = _state(value)
        self.states[id(value)] = name, value, state
        for part in state.values() if isinstance(state, dict) else state:
            self.note(name, part)

    def changed(self) -> tuple[str, Any] | None:
        """A name and an object that is no longer what it was."""
        for name, value, state in self.states.values():
            if isinstance(value, StagedList) and value.grown:
                if list.__len__(value) != 1:  # changed past its own methods
                    return name, value
            elif not _same(state, _state(value)):
                return name, value
        return None

    def refuse_change(self) -> None:
        found = self.changed()
        if found is not None:
            name, value = found
            raise MutationError(
                explain(
                    f"a {type(value).__name__} reached by {name!r} is changed in "
                    "a branch or loop that a traced value decides",
                    why="it would be changed once, whichever way the program goes.",
                    fix="keep such values in local variables or arrays; copy a list, "
                    "xs = list(xs)",
                )
            )


def _variables(block: Any) -> Iterator[tuple[str, Any]]:
    code = getattr(block, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, block.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue
    for name in code.co_names:
        if name in block.__globals__:
            yield name, block.__globals__[name]


def _is_mutable(value: Any) -> bool:
    if isinstance(value, _CONTAINERS):
        return True
    if isinstance(value, _OPAQUE) or type(value).__module__.startswith("wengert."):
        return False
    return isinstance(getattr(value, "__dict__", None), dict)


def _state(value: Any) -> Any:
    """A shallow copy, which keeps the parts alive: an identity is not used again."""
    if isinstance(value, list):
        return list.copy(value)
    if isinstance(value, _CONTAINERS):
        return value.copy()
    return dict(value.__dict__)


def _same(before: Any, after: Any) -> bool:
    if len(before) != len(after):
        return False
    if isinstance(before, dict):
        return all(k in after and after[k] is v for k, v in before.items())
    if isinstance(before, (set, bytearray)):
        return bool(before == after)
    return all(a is b for a, b in zip(before, after, strict=True))
