"""Traced values that a function reads from outside, made arguments of it.

A function with derivative rules of its own has the derivatives that its rules give,
which are those of its arguments. So what a user's function reads by its closure, as a
default or as an attribute of the object that it is a method of, has to be an argument
too, where it may depend on an input. What is reached in another way (a global) is not
found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType
from typing import Any

from wengert._array.traced import TracedArray, TracedScalar
from wengert._core import tree

_TRACED = (TracedArray, TracedScalar)
_MADE_BY_A_CLASS_STATEMENT = 1 << 9  # Py_TPFLAGS_HEAPTYPE


class _Slot:
    """Stands for a traced value in a copy of what reads it."""

    def __init__(self, place: int) -> None:
        self.place = place


def is_traced(value: Any) -> bool:
    """Whether this is an array or a number that a transformation follows."""
    return isinstance(value, _TRACED)


def lifted(functions: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The traced values that functions read, and what puts others in their place.

    Args:
        functions: A pytree of functions.

    Returns:
        ``(values, rebuild)``; ``rebuild(values)`` is `functions` again, as copies where
        they read one of the values.
    """
    values: list[Any] = []
    slots: set[_Slot] = set()  # of this call: those of others may be reached too

    def slot(value: Any) -> _Slot:
        new = _Slot(len(values))
        values.append(value)
        slots.add(new)
        return new

    def rebuild(given: list[Any]) -> Any:
        copies = _Copies(lambda x: type(x) is _Slot and x in slots, at(given))
        return copies.of(template)

    def at(given: list[Any]) -> Callable[[_Slot], Any]:
        return lambda slot: given[slot.place]

    template = _Copies(is_traced, slot).of(functions)
    return values, rebuild


class _Copies:
    """Copies of all that holds one of some values, with others in their place.

    What holds none is not copied, nor is anything twice.
    """

    def __init__(
        self, replaced: Callable[[Any], bool], instead: Callable[[Any], Any]
    ) -> None:
        self.replaced = replaced
        self.instead = instead
        self.made: dict[int, Any] = {}  # by the id of the original

    def of(self, value: Any) -> Any:
        if self.replaced(value):
            return self.instead(value)
        if not self._held(value, set()):
            return value
        if type(value) is FunctionType:
            return self._function(value)
        if type(value) is MethodType:
            return MethodType(self.of(value.__func__), self.of(value.__self__))
        if type(value) is functools.partial:
            args, keywords = self.of(value.args), self.of(value.keywords)
            return functools.partial(self.of(value.func), *args, **keywords)
        if _is_object(value):
            return self._object(value)
        leaves, structure = tree.flatten(value, is_leaf=self.replaced)
        return tree.unflatten(structure, map(self.of, leaves))

    def _held(self, value: Any, seen: set[int]) -> bool:
        """Whether one of the values is reached from here."""
        if self.replaced(value):
            return True
        if id(value) in seen:
            return False
        seen.add(id(value))
        return any(self._held(part, seen) for part in self._parts(value))

    def _parts(self, value: Any) -> Iterator[Any]:
        if type(value) is FunctionType:
            yield from map(_content, value.__closure__ or ())
            yield from (value.__defaults__, value.__kwdefaults__)
        elif type(value) is MethodType:
            yield from (value.__func__, value.__self__)
        elif type(value) is functools.partial:
            yield from (value.func, value.args, value.keywords)
        elif _is_object(value):
            yield from vars(value).values()
        else:
            leaves = tree.flatten(value, is_leaf=self.replaced)[0]
            yield from (leaf for leaf in leaves if leaf is not value)

    def _function(self, fun: FunctionType) -> Any:
        if id(fun) in self.made:
            return self.made[id(fun)]
        cells = tuple([CellType() for _ in fun.__closure__ or ()])
        copy = FunctionType(fun.__code__, fun.__globals__, fun.__name__, None, cells)
        self.made[id(fun)] = copy  # now: it may be reached from its own cells
        copy.__dict__.update(fun.__dict__)
        copy.__defaults__ = self.of(fun.__defaults__)
        copy.__kwdefaults__ = self.of(fun.__kwdefaults__)
        for cell, old in zip(cells, fun.__closure__ or (), strict=True):
            content = _content(old)
            if content is not _EMPTY:
                cell.cell_contents = self.of(content)
        return copy

    def _object(self, value: Any) -> Any:
        if id(value) not in self.made:
            copy = self.made[id(value)] = object.__new__(type(value))
            for name, part in vars(value).items():
                object.__setattr__(copy, name, self.of(part))
        return self.made[id(value)]


_EMPTY = object()


def _content(cell: CellType) -> Any:
    """What a cell holds; a variable may have no value yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _is_object(value: Any) -> bool:
    """Whether this is an object with attributes, of a class that a user has written."""
    kind = type(value)
    if not kind.__flags__ & _MADE_BY_A_CLASS_STATEMENT or isinstance(value, type):
        return False
    is_plain = hasattr(value, "__dict__") and kind.__new__ is object.__new__
    return is_plain and not kind.__module__.startswith("wengert.")
