"""Trees of arguments and results as JSON: read back without the classes in them.

A node is a list: its kind first. A named tuple or dataclass of Wengert's own comes back
as what it is, one of the user's as a named tuple with the same fields.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from wengert._core.source import explain
from wengert.errors import ExportError, TreeError

Spec = list[Any]
_LISTS: dict[str, Any] = {"list": list, "tuple": tuple}


def spec_of(tree: Any) -> Spec:
    """The structure of a tree whose leaves are their numbers.

    Raises:
        ExportError: a node is of a class that has no fields.
    """
    kind = type(tree)
    if kind is int:
        return ["leaf", tree]
    if tree is None:
        return ["none"]
    if kind is dict and all(type(k) in (str, int) for k in tree):
        return ["dict", [[k, spec_of(v)] for k, v in tree.items()]]
    if kind in _LISTS.values():
        return [kind.__name__, [*map(spec_of, tree)]]
    names = _fields(kind)
    if names is None:
        raise ExportError(
            explain(
                f"save: a {kind.__name__} cannot be written to a file",
                fix="give and return lists, tuples, dictionaries with names or "
                "integers as keys, named tuples and dataclasses",
            )
        )
    parts = [[n, spec_of(getattr(tree, n))] for n in names]
    return ["fields", kind.__module__, kind.__qualname__, parts]


def _fields(kind: type) -> list[str] | None:
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return list(kind._fields)
    if dataclasses.is_dataclass(kind):
        return [f.name for f in dataclasses.fields(kind)]
    return None


def taken(spec: Spec, tree: Any, leaves: dict[int, Any], place: str) -> None:
    """Put the leaves of a tree where their numbers say.

    Raises:
        TreeError: the tree has another structure.
    """
    kind = spec[0]
    if kind == "leaf":
        leaves[spec[1]] = tree
        return
    if kind == "fields":
        for name, part in spec[3]:
            _need(hasattr(tree, name), f"something with a field {name}", place)
            taken(part, getattr(tree, name), leaves, f"{place}.{name}")
    elif kind == "dict":
        keys = [k for k, _ in spec[1]]
        fits = isinstance(tree, dict) and set(tree) == set(keys)
        _need(fits, f"a dictionary of {', '.join(map(repr, keys))}", place)
        for key, part in spec[1]:
            taken(part, tree[key], leaves, f"{place}[{key!r}]")
    elif kind == "none":
        _need(tree is None, "None", place)
    else:
        fits = type(tree) is _LISTS[kind] and len(tree) == len(spec[1])
        _need(fits, f"a {kind} of {len(spec[1])}", place)
        for i, part in enumerate(spec[1]):
            taken(part, tree[i], leaves, f"{place}[{i}]")


def _need(holds: bool, what: str, place: str) -> None:
    if not holds:
        raise TreeError(
            explain(
                f"{place} is no {what.removeprefix('a ')}",
                why="a saved function takes arguments like those it was saved with.",
                fix=f"give {what}",
            )
        )


def builder(spec: Spec) -> Callable[[list[Any]], Any]:
    """A function that makes a tree of its leaves."""
    kind = spec[0]
    if kind == "leaf":
        return lambda leaves: leaves[spec[1]]
    if kind == "none":
        return lambda leaves: None
    if kind == "dict":
        items = [(k, builder(part)) for k, part in spec[1]]
        return lambda leaves: {k: make(leaves) for k, make in items}
    if kind == "fields":
        _, module, name, parts = spec
        makes = [builder(part) for _, part in parts]
        new = _maker(module, name, [field for field, _ in parts])
        return lambda leaves: new([make(leaves) for make in makes])
    makes = [*map(builder, spec[1])]
    return lambda leaves: _LISTS[kind](make(leaves) for make in makes)


def _maker(module: str, name: str, fields: list[str]) -> Callable[[list[Any]], Any]:
    cls: Any = _class(module, name, fields)
    if not hasattr(cls, "__dataclass_fields__"):
        return lambda values: cls(*values)

    def made(values: list[Any]) -> Any:
        instance = object.__new__(cls)
        for field, value in zip(fields, values, strict=True):
            object.__setattr__(instance, field, value)
        return instance

    return made


def _class(module: str, name: str, fields: list[str]) -> Any:
    if not module.startswith("wengert.") or "<" in name:
        return namedtuple(name.rpartition(".")[2], fields)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
