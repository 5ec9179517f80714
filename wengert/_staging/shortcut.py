"""A call of compiled code whose arguments are of types that were there before.

Most calls are like the one before them: a training step has pytrees of the same
structure, with arrays of the same types. A function in Python that is written for them
takes the leaves out, checks them, and puts the results together, with no look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._staging.current import Current
from wengert._staging.function import Result

_PLAIN = 0x0101  # NPY_ARRAY_C_CONTIGUOUS and NPY_ARRAY_ALIGNED
_NUMBERS = "?bhilqBHILQefd"  # the dtypes that are packed as they are
_BY_VALUE = (bool, int, str, bytes)


class Shortcut(NamedTuple):
    """One form of a function, for arguments of exactly these types."""

    take: Callable[[Any], Any]  # the words of the operands; None: other arguments
    is_current: Current
    call: Callable[[Sequence[Any]], Any]  # results for words; None: other arrays
    rebuild: Callable[[Sequence[Any]], Any]

    def __call__(self, args: Any) -> Any:
        """The result in a tuple; None where this is not for such arguments."""
        words = self.take(args)
        if words is None or not self.is_current():
            return None
        results = self.call(words)
        return None if results is None else (self.rebuild(results),)


class _Source:
    """The lines of a function in Python, and the constants that it refers to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self.names = 0

    def name(self) -> str:
        self.names += 1
        return f"x{self.names}"

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def refuse_if(self, condition: str) -> None:
        self.lines.append(f"if {condition}: return None")

    def function(self, parameter: str, result: str) -> Any:
        body = "".join(f"\n  {line}" for line in [*self.lines, f"return {result}"])
        scope = dict(self.constants)
        exec(f"def made({parameter}):{body}", scope)
        return scope["made"]


def taker(args: tuple[Any, ...], given: Sequence[int]) -> Callable[[Any], Any] | None:
    """A function from arguments like these to the operands among their leaves.

    Arrays become the addresses of their objects, which native code compares; those
    without axes are numbers. The function returns None where the structure, the types
    of numbers, or what is no operand differ, and where two arrays are one object.

    given: the places of the operands among the leaves.
    """
    source, leaves = _Source(), list[tuple[str, Any]]()
    _take(source, "args", args, leaves)
    found = tree.leaves(args)
    if len(found) != len(leaves) or any(
        a is not b for a, (_, b) in zip(found, leaves, strict=True)
    ):
        return None  # with nodes of other kinds, or in another order
    for place, (name, leaf) in enumerate(leaves):
        if place not in given:
            _check_same(source, name, leaf)
        elif not _check_type(source, name, leaf):
            return None
    words, ids = [], []
    for place in given:
        name, leaf = leaves[place]
        words.append(name)
        if type(leaf) is np.ndarray:
            ids.append(source.name())
            source.lines.append(f"{ids[-1]} = id({name})")
            words[-1] = ids[-1] if leaf.ndim else f"{name}[()]"
    if len(ids) > 1:
        source.refuse_if(f"len({{{', '.join(ids)}}}) != {len(ids)}")
    made = source.function("args", f"({''.join(f'{word}, ' for word in words)})")

    def take(args: Any) -> Any:
        try:
            return made(args)
        except KeyError:
            return None

    return take


def _take(source: _Source, name: str, value: Any, leaves: list[Any]) -> None:
    """Take a pytree apart; each leaf is added with its name.

    A node of a kind that is not known here is taken for a leaf.
    """
    kind = type(value)
    if value is None:
        source.refuse_if(f"{name} is not None")
        return
    keys = (
        _keys(value) if kind is dict else range(len(value)) if _is_row(kind) else None
    )
    if keys is None:
        leaves.append((name, value))
        return
    parts = [source.name() for _ in keys]
    source.refuse_if(
        f"type({name}) is not {source.constant(kind)} or len({name}) != {len(value)}"
    )
    if kind is dict:
        for part, key in zip(parts, keys, strict=True):
            source.lines.append(f"{part} = {name}[{source.constant(key)}]")
    elif parts:
        source.lines.append(f"{', '.join(parts)}, = {name}")
    for part, key in zip(parts, keys, strict=True):
        _take(source, part, value[key], leaves)


def _keys(value: dict[Any, Any]) -> list[Any] | None:
    """The keys in the order of leaves; None where they have no order of their own."""
    try:
        return sorted(value)
    except TypeError:
        return None


def _is_row(kind: type) -> bool:
    """Whether it is a list, tuple or named tuple."""
    is_named = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return kind is list or kind is tuple or is_named


def _check_same(source: _Source, name: str, leaf: Any) -> None:
    """Have a leaf that the program was made for be the same again."""
    same = f"{name} is {source.constant(leaf)}"
    if isinstance(leaf, _BY_VALUE):
        kind = source.constant(type(leaf))
        same = f"type({name}) is {kind} and {name} == {source.constant(leaf)}"
    source.refuse_if(f"not ({same})")


def _check_type(source: _Source, name: str, leaf: Any) -> bool:
    """Have an operand be of the type of this one; whether native code can take it."""
    kind = type(leaf)
    if kind is np.ndarray and leaf.ndim:
        return leaf.flags.num & _PLAIN == _PLAIN and bool(leaf.dtype.isnative)
    source.refuse_if(f"type({name}) is not {source.constant(kind)}")
    if kind is np.ndarray:  # packed as a number, which native code cannot compare
        dtype = source.constant(leaf.dtype)
        source.refuse_if(f"{name}.ndim != 0 or {name}.dtype is not {dtype}")
    elif kind in (float, int):
        return True
    return isinstance(leaf, (np.generic, np.ndarray)) and leaf.dtype.char in _NUMBERS


def rebuilder(
    structure: Any, results: Sequence[Result], shapes: Sequence[Any]
) -> Callable[[Sequence[Any]], Any] | None:
    """A function from the results of a program to what the user's function returned.

    shapes: those of the program's results.
    """
    source = _Source()
    names = []
    for result in results:
        if result.place is None:
            names.append(source.constant(result.static))
        elif shapes[result.place] == () and not result.scalar:
            names.append(f"{source.constant(np.asarray)}(outs[{result.place}])")
        else:
            names.append(f"outs[{result.place}]")
    text = _put(source, tree.unflatten(structure, [_Mark(name) for name in names]))
    return None if text is None else source.function("outs", text)


class _Mark(NamedTuple):
    """The place of a leaf, by the expression for it."""

    text: str


def _put(source: _Source, value: Any) -> str | None:
    """An expression for a pytree of marks; None, if it has nodes of other kinds."""
    kind = type(value)
    if kind is _Mark:
        return str(value.text)
    if value is None:
        return "None"
    if kind is not dict and not _is_row(kind):
        return None
    parts = [_put(source, part) for part in (value.values() if kind is dict else value)]
    if None in parts:
        return None
    if kind is dict:
        pairs = zip(map(source.constant, value), parts, strict=True)
        return "{" + ", ".join(f"{key}: {part}" for key, part in pairs) + "}"
    inside = "".join(f"{part}, " for part in parts)
    if kind is list:
        return f"[{inside}]"
    return f"({inside})" if kind is tuple else f"{source.constant(kind)}({inside})"
