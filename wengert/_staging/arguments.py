"""Arguments of the user's functions, as far as two calls of one have to share them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core import tree
from wengert._core.types import PYTHON_SCALARS, type_of
from wengert._staging.stage import Extent, StageTracer

_BY_VALUE = (bool, int, float, complex, str, bytes, type(None))


def same_function(f: Any, g: Any) -> bool:
    """Whether two functions do the same: one object, or code with equal variables."""
    if f is g:
        return True
    if type(f) is not FunctionType or type(g) is not FunctionType:
        return False
    return (
        f.__code__ is g.__code__
        and f.__defaults__ == g.__defaults__
        and f.__kwdefaults__ == g.__kwdefaults__
        and _same_cells(f.__closure__ or (), g.__closure__ or ())
    )


def _same_cells(a: Sequence[Any], b: Sequence[Any]) -> bool:
    try:
        pairs = [(x.cell_contents, y.cell_contents) for x, y in zip(a, b, strict=True)]
    except ValueError:  # a variable without a value
        return False
    return all(x is y or (x is a[i] and y is b[i]) for i, (x, y) in enumerate(pairs))


class Item(NamedTuple):
    """What a call knows of a leaf of its arguments."""

    kind: str  # "array", "scalar", "number" or "static"
    value: Any  # of a number or what is static
    dtype: Any = None
    shape: tuple[Any, ...] = ()  # ints, or the numbers of extents
    extent: int | None = None  # of a scalar that is an extent: its number


class ExtentNumber(NamedTuple):
    """A run-time extent, by its number among those of the arguments."""

    number: int


class Arguments:
    """The arguments of a call, and what two calls have to share to be one function.

    It is found out at the first question, for most functions never call themselves.
    """

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    @cached_property
    def _flat(self) -> tuple[list[Any], Any]:
        return tree.flatten((self.args, self.kwargs))

    @property
    def leaves(self) -> list[Any]:
        return self._flat[0]

    @property
    def structure(self) -> Any:
        return self._flat[1]

    @cached_property
    def extents(self) -> dict[Any, tuple[int, int]]:
        """The run-time extents, each with a leaf and an axis where it is."""
        found: dict[Any, tuple[int, int]] = {}
        for i, leaf in enumerate(self.leaves):
            for axis, n in enumerate(getattr(engine_value(leaf), "shape", ())):
                if isinstance(n, Extent):
                    found.setdefault(n.var, (i, axis))
        return found

    @cached_property
    def items(self) -> list[Item]:
        numbers = {var: number for number, var in enumerate(self.extents)}
        return [_item(leaf, engine_value(leaf), numbers) for leaf in self.leaves]

    @cached_property
    def places(self) -> list[int]:
        """Where each leaf stands for the first time, if it is an array."""
        return [_first(self.leaves, i) for i in range(len(self.leaves))]

    def with_traced(self, positions: Sequence[int]) -> Arguments:
        """The same with numbers in these places as traced scalars."""
        new = Arguments(self.args, self.kwargs)
        new.items = [*self.items]
        for i in positions:
            dtype = np.result_type(type(self.items[i].value))
            new.items[i] = Item("scalar", None, dtype)
        return new

    def is_like(self, other: Arguments) -> bool:
        """Whether two calls differ in Python's numbers at most."""
        return (
            self.structure == other.structure
            and self.places == other.places
            and all(map(_alike, self.items, other.items))
        )

    def changed(self, other: Arguments) -> tuple[int, ...]:
        """The numbers in which two calls that are alike differ."""
        pairs = enumerate(zip(self.items, other.items, strict=True))
        return tuple(i for i, (a, b) in pairs if repr(a.value) != repr(b.value))

    def are_floats(self, positions: Sequence[int]) -> bool:
        return all(type(self.items[i].value) in (float, complex) for i in positions)

    def serves(self, other: Arguments) -> bool:
        """Whether the function of these arguments can be called with the others."""
        return (
            self.structure == other.structure
            and self.places == other.places
            and all(map(_serves, self.items, other.items))
        )


def engine_value(leaf: Any) -> Any:
    if isinstance(leaf, (TracedArray, TracedScalar)):
        return unwrap(leaf)
    return leaf


def _item(leaf: Any, x: Any, numbers: dict[Any, int]) -> Item:
    if isinstance(leaf, PYTHON_SCALARS):
        return Item("number", leaf)
    is_scalar = isinstance(leaf, (TracedScalar, np.generic))
    if not (is_scalar or isinstance(leaf, (TracedArray, np.ndarray))):
        return Item("static", leaf)
    type_ = type_of(x)
    shape = tuple(
        ExtentNumber(numbers[n.var]) if isinstance(n, Extent) else n
        for n in type_.shape
    )
    extent = numbers.get(x.var) if isinstance(x, StageTracer) else None
    kind = "scalar" if is_scalar else "array"
    return Item(kind, None, np.dtype(type_.dtype), shape, extent)


def _first(leaves: Sequence[Any], i: int) -> int:
    """Where an array stands among the arguments for the first time."""
    if not isinstance(leaves[i], (TracedArray, np.ndarray)):
        return i
    return next(k for k, x in enumerate(leaves) if x is leaves[i])


def _alike(a: Item, b: Item) -> bool:
    if a.kind == "number":
        return b.kind == "number" and type(a.value) is type(b.value)
    return same_item(a, b)


def same_item(a: Item, b: Item) -> bool:
    if a._replace(value=None) != b._replace(value=None):
        return False
    if a.value is b.value:
        return True
    if isinstance(a.value, _BY_VALUE):
        return type(a.value) is type(b.value) and repr(a.value) == repr(b.value)
    return same_function(a.value, b.value)


def _serves(a: Item, b: Item) -> bool:
    if a.kind == "scalar" and b.kind == "number" and a.extent is None:
        return bool(a.dtype == np.result_type(type(b.value)))
    return same_item(a, b)
