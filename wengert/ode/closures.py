"""The numbers that a function reads besides its arguments, made arguments of it.

A right-hand side may be a closure over parameters. A derivative rule, and code that is
compiled once for many parameters, need them as values: they are taken out of the cells,
defaults, bound objects and partial applications through which the function reaches
them, and put back into a copy of it.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from types import CellType, FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._array.traced import TracedArray, TracedScalar
from wengert._frontend.callee import is_installed


class Taken(NamedTuple):
    """A value without its numbers: equal keys are put back by one another's `put`."""

    key: Hashable
    numbers: list[Any]
    put: Callable[[Iterator[Any]], Any]


class Same:
    """Equal to what stands for the very same object, which it keeps alive."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class Template:
    """A function without the numbers that it reads; called with them, the function."""

    def __init__(self, taken: Taken) -> None:
        self.key, self.put = taken.key, taken.put  # it outlives the numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def filled(self, numbers: list[Any]) -> Any:
        """The function, reading these numbers."""
        return self.put(iter(numbers))


def opened(fun: Any) -> tuple[Template, list[Any]]:
    """A callable, and a list of the numbers that it reads besides its arguments.

    Numbers in module variables stay where they are, and so do those of an object that
    is no pytree, but for traced values.
    """
    taken = _taken(fun, ())
    return Template(taken), taken.numbers


def is_number(value: Any) -> bool:
    """Whether a value is an array or a number that may have a derivative."""
    dtype = getattr(value, "dtype", None)  # a class may have one too
    return isinstance(value, (float, complex)) or isinstance(dtype, np.dtype)


def _taken(value: Any, within: tuple[Any, ...]) -> Taken:
    if isinstance(value, FunctionType):
        if any(value is f for f in within) or _writes_to_cells(value):
            return _whole(value)
        return _of_function(value, (*within, value))
    if isinstance(value, MethodType):
        return _of_parts((value.__func__, value.__self__), MethodType, within)
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return _of_parts(parts, _partial, within)
    return _of_tree(value, within)


def _whole(value: Any) -> Taken:
    return Taken(Same(value), [], lambda _: value)


def _partial(fun: Any, args: Any, keywords: Any) -> Any:
    return functools.partial(fun, *args, **keywords)


def _of_parts(
    parts: tuple[Any, ...], build: Callable[..., Any], within: tuple[Any, ...]
) -> Taken:
    keys, found, puts = _several(parts, within)
    return Taken(
        (build, *keys), found, lambda numbers: build(*[put(numbers) for put in puts])
    )


def _several(
    parts: Iterable[Any], within: tuple[Any, ...]
) -> tuple[list[Hashable], list[Any], list[Callable[..., Any]]]:
    taken = [_taken(part, within) for part in parts]
    keys, puts = [t.key for t in taken], [t.put for t in taken]
    return keys, [x for t in taken for x in t.numbers], puts


def _of_tree(value: Any, within: tuple[Any, ...]) -> Taken:
    leaves, structure = wg.tree.flatten(value)
    if structure.is_leaf():
        if not is_number(value):
            return _of_object(value, within)
        kind = np.ndarray if hasattr(value, "shape") and value.shape else float
        return Taken(kind, [value], next)
    keys, found, puts = _several(leaves, within)
    if not found:
        return _whole(value)  # the object itself, which the function may change

    def put(numbers: Iterator[Any]) -> Any:
        return wg.tree.unflatten(structure, [p(numbers) for p in puts])

    return Taken((structure, *keys), found, put)


def _of_object(value: Any, within: tuple[Any, ...]) -> Taken:
    """An object that is no pytree: itself, but for one that holds traced values."""
    cls, attributes = type(value), getattr(value, "__dict__", None)
    known = type(attributes) is dict and not any(value is f for f in within)
    if not known or not _is_users(cls):
        return _whole(value)
    taken = _taken(attributes, (*within, value))
    if not any(map(_is_traced, taken.numbers)):
        return _whole(value)

    put_all = taken.put

    def put(numbers: Iterator[Any]) -> Any:
        copy = object.__new__(cls)
        copy.__dict__.update(put_all(numbers))
        return copy

    return Taken((cls, taken.key), taken.numbers, put)


def _is_users(cls: type) -> bool:
    """Whether a class is from one of the user's own files."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return cls.__module__ == "__main__" or bool(file and not is_installed(file))


def _is_traced(value: Any) -> bool:
    # Code that is converted takes them for instances of NumPy's classes.
    return isinstance(value, (TracedArray, TracedScalar))


def _of_function(fun: FunctionType, within: tuple[Any, ...]) -> Taken:
    cells = fun.__closure__ or ()
    filled = tuple(map(_is_filled, cells))
    contents = [c.cell_contents for c in cells if _is_filled(c)]
    parts = (*contents, fun.__defaults__, fun.__kwdefaults__)
    keys, found, puts = _several(parts, within)
    if not found:
        return _whole(fun)
    # What the function reads of its module is seen by `jit` through this one.
    empty = _with_cells(fun, tuple(CellType() for _ in cells))

    def put(numbers: Iterator[Any]) -> FunctionType:
        *values, defaults, keywords = [put(numbers) for put in puts]
        rest = iter(values)
        new = tuple(CellType(next(rest)) if f else CellType() for f in filled)
        copy = _with_cells(empty, new)
        copy.__defaults__, copy.__kwdefaults__ = defaults, keywords
        return copy

    # The empty function keeps alive what has this id.
    return Taken((fun.__code__, id(fun.__globals__), filled, *keys), found, put)


def _with_cells(fun: FunctionType, cells: tuple[CellType, ...]) -> FunctionType:
    """A copy without defaults."""
    copy = FunctionType(
        fun.__code__, fun.__globals__, fun.__name__, None, cells or None
    )
    copy.__dict__.update(fun.__dict__)
    return copy


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=256)
def _stores(code: Any) -> bool:
    return any(
        i.opname in ("STORE_DEREF", "DELETE_DEREF") and i.argval in code.co_freevars
        for i in dis.get_instructions(code)
    )


def _writes_to_cells(fun: FunctionType) -> bool:
    """Whether a function has nonlocal variables, which a copy would not write to."""
    return _stores(fun.__code__)
