"""Variables whose value depends on the path taken: joined leaf by leaf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core import tree
from wengert._core.source import explain
from wengert._core.types import dtype_of, ndim_of
from wengert._ops.structure import astype
from wengert.errors import JoinError

NUMBERS = (bool, int, float, complex, np.generic)
ARRAYS = (np.ndarray, TracedArray)
Unbound = type("Unbound", (), {"__repr__": lambda _: "<unbound>"})
_ONE_TYPE = "give it one shape, dtype and structure on all paths"
_ONE_LIST = "change the list, as xs.append(x) does, rather than bind another one"
UNBOUND = Unbound()  # a name without a value


class Leaf(NamedTuple):
    """A number or array of a variable, as user code sees it."""

    value: Any
    scalar: bool

    def rewrapped(self, value: Any) -> Any:
        """An engine value in the place of this one."""
        return TracedScalar(value) if self.scalar else TracedArray(value)


class Variable(NamedTuple):
    """A user's variable, taken apart."""

    name: str
    structure: Any
    leaves: list[Any]  # `Leaf`, or the object itself where it is neither
    kind: Any = None  # of a list of ours; one that has grown is a leaf

    @property
    def is_list(self) -> bool:
        """Whether it is a list, or one that has grown."""
        grown = [x for x in self.leaves if isinstance(x, tree.Listed)]
        return self.kind is not None or bool(grown)

    def array(self, i: int) -> Any:
        """The array of user code that a leaf is, if it is one."""
        leaf = self.leaves[i]
        return leaf.value if isinstance(leaf, Leaf) else None

    def rebuilt(self, values: Sequence[Any]) -> Any:
        value = tree.unflatten(self.structure, values)
        return value if self.kind is None else self.kind(value)


def take_apart(name: str, value: Any) -> Variable:
    leaves, structure = tree.flatten(value, keep_grown=True)
    is_ours = isinstance(value, tree.Listed) and not value.grown
    kind = type(value) if is_ours else None
    return Variable(name, structure, [_leaf(x) for x in leaves], kind)


def _leaf(x: Any) -> Any:
    if isinstance(x, (*NUMBERS, TracedScalar)):
        return Leaf(x, True)
    return Leaf(x, False) if isinstance(x, ARRAYS) else x


def same(a: Any, b: Any) -> bool:
    """Whether two leaves are one, whichever path was taken."""
    x = a.value if isinstance(a, Leaf) else a
    y = b.value if isinstance(b, Leaf) else b
    if x is y:
        return True
    if isinstance(x, tree.Listed) or isinstance(y, tree.Listed):
        return False
    if isinstance(a, Leaf) or isinstance(b, Leaf):
        return type(x) is type(y) and isinstance(x, NUMBERS) and bool(x == y)
    return type(x) is type(y) and bool(x == y)


class Joined(NamedTuple):
    """One variable of several paths: what they share, and what is to be joined."""

    variable: Variable
    differing: list[int]  # leaves that differ

    def finished(self, outs: Sequence[Any]) -> Any:
        """The variable, with engine values for the leaves that differ."""
        given = dict(zip(self.differing, outs, strict=True))
        leaves = [
            leaf.rewrapped(given[i])
            if i in given
            else leaf.value
            if isinstance(leaf, Leaf)
            else leaf
            for i, leaf in enumerate(self.variable.leaves)
        ]
        return self.variable.rebuilt(leaves)


def join(first: Variable, second: Variable) -> Joined:
    """What two values of one variable have in common."""
    if first.structure != second.structure:
        refuse_structures(first, second)
    differing = []
    for i, (a, b) in enumerate(zip(first.leaves, second.leaves, strict=True)):
        if same(a, b):
            continue
        if not (isinstance(a, Leaf) and isinstance(b, Leaf)):
            fix = _ONE_LIST if first.is_list or second.is_list else _ONE_TYPE
            refuse_join(first.name, _described(a), _described(b), fix)
        differing.append(i)
    leaves = [
        Leaf(a.value, a.scalar and b.scalar) if isinstance(a, Leaf) else a
        for a, b in zip(first.leaves, second.leaves, strict=True)
    ]
    return Joined(first._replace(leaves=leaves), differing)


def common_dtype(name: str, a: Any, b: Any) -> Any:
    """The dtype of two engine values of one leaf; Python's numbers are weak."""
    if ndim_of(a) != ndim_of(b):
        refuse_join(name, _described(a), _described(b))
    return np.result_type(dtype_of(a), dtype_of(b))


def converted(value: Any, dtype: Any) -> Any:
    """An engine value of this dtype."""
    if isinstance(value, NUMBERS):
        return np.dtype(dtype).type(value)
    return value if value.dtype == dtype else astype(value, dtype=np.dtype(dtype))


def engine_leaf(leaf: Leaf) -> Any:
    return leaf.value if isinstance(leaf.value, NUMBERS) else unwrap(leaf.value)


def _described(x: Any) -> str:
    x = x.value if isinstance(x, Leaf) else x
    if isinstance(x, tree.Listed):
        return "a list that has grown"
    if hasattr(x, "dtype"):
        return f"{x.dtype}{list(x.shape)}"
    return f"{type(x).__name__} {x!r}"


def refuse_structures(first: Variable, second: Variable) -> None:
    """Raise: a variable is a list, tuple or other pytree of two kinds."""
    lists = first.is_list or second.is_list
    fix = _ONE_LIST if lists else _ONE_TYPE
    refuse_join(first.name, _structure(first), _structure(second), fix)


def _structure(variable: Variable) -> str:
    grown = any(isinstance(x, tree.Listed) for x in variable.leaves)
    return "a list that has grown" if grown else str(variable.structure)


def refuse_join(name: str, first: str, second: str, fix: str = _ONE_TYPE) -> None:
    raise JoinError(
        explain(
            f"the variable {name!r} is {first} on one path, and {second} on another",
            why="a branch or loop that is compiled leaves one type in each variable.",
            fix=fix,
        )
    )
