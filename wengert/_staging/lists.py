"""Lists of converted code: Python's own, until a region changes them.

A list that a compiled branch or loop changes is an array with a run-time length from
then on. Which lists these are is found by staging: the first change in a region ends
the staging of the outermost region around it that the list comes from outside of; the
list becomes rows of a buffer there, and the region is staged anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, SupportsIndex

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core import tree
from wengert._core.interp import CURRENT, is_known
from wengert._core.source import Site, explain, user_site
from wengert._staging.region import Region
from wengert._staging.store import Entry, Store, entry_of, joined
from wengert.errors import MutationError, StagedValueError

_NUMBERS = (int, float, complex, np.number, np.bool_, TracedScalar)


class Grow(BaseException):
    """Ends the staging of a region: a list from outside changes in it.

    No `Exception`, for code of the user must not catch it.
    """

    def __init__(self, which: StagedList, entry: Entry | None) -> None:
        super().__init__()
        self.list = which
        self.entry = entry


def growing(build: Callable[[], Any]) -> Any:
    """What `build()` stages, anew for each list that is found to grow in it."""
    while True:
        try:
            return build()
        except Grow as found:
            if found.list.home is not CURRENT.get():
                raise
            found.list.grow(found.entry)


class _Rows:
    """Stands in the memory of a list that has grown: what reads that must fail."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        _refuse_length("is read by code that is not converted")

    __array__ = __float__ = __int__ = __index__ = __bool__ = __iter__ = _refuse
    __complex__ = __len__ = _refuse
    __hash__ = None  # type: ignore[assignment]


def _refused(name: str) -> Any:
    """A method of Python's lists that changes what is not their end."""
    original = getattr(list, name)

    def method(self: StagedList, *args: Any, **kwargs: Any) -> Any:
        if self.is_pythons():
            return original(self, *args, **kwargs)
        return self.refuse(
            f"list.{name}() changes its middle",
            "append to it, and sort or reorder the array: np.array(xs)",
        )

    method.__name__ = name
    return method


def _read_by(name: str) -> Any:
    """A method of Python's lists that reads all entries."""
    original = getattr(list, name)

    def method(self: StagedList, *args: Any, **kwargs: Any) -> Any:
        if self.grown:
            _refuse_length(f"is needed while compiling, for {name}")
        return original(self, *args, **kwargs)

    method.__name__ = name
    return method


class StagedList(tree.Listed):
    """A list that staging may make an array of.

    `home` is the interpreter under which it was made. In a loop that binds its variable
    anew a list stands for the one before the loop: `root`.
    """

    __slots__ = ("home", "made", "root", "store")

    def __init__(self, items: Any = (), root: StagedList | None = None) -> None:
        super().__init__(items)
        self.home: Any = CURRENT.get() if root is None else root.home
        self.root = self if root is None else root
        self.made: Site = user_site(2) if root is None else root.made
        self.store: Store | None = None

    @property
    def grown(self) -> bool:  # type: ignore[override]
        return self.store is not None

    def as_tree(self) -> Any:
        if self.store is None:
            return list.copy(self)
        return tree.unflatten(self.store.entry.structure, self.store.arrays())

    def entries(self) -> Any:
        return list.__len__(self) if self.store is None else self.store.count()

    # -- growing -----------------------------------------------------------------------

    def is_pythons(self) -> bool:
        """Whether it is Python's list here; a change in a region is none of it."""
        return self.store is None and _region_above(self.home) is None

    def grow(self, entry: Entry | None) -> None:
        """Become rows of a buffer, or of one of wider dtypes."""
        entries = [] if entry is None else [entry]
        if self.store is not None:
            entries.append(self.store.entry)
        else:
            entries += [self._entry(x) for x in list.copy(self)]
        if not entries:
            self.refuse(
                "an entry is taken from it before one is appended",
                "append an entry before the loop",
            )
        total = entries[0]
        for other in entries[1:]:
            total = joined(total, other, self.made)
        if self.store is not None:
            self.store.retype(total)
            return
        self.store = Store(total, list.copy(self))
        list.clear(self)
        list.append(self, _Rows())

    def _entry(self, value: Any) -> Entry:
        return entry_of(value, self.home, self.made)

    def _rows(self, entry: Entry | None = None) -> Store:
        """What holds the entries, such an entry included."""
        if self.store is not None and entry is not None:
            entry = joined(self.store.entry, entry, self.made)
        if self.store is not None and entry in (None, self.store.entry):
            return self.store
        region = _region_above(self.home)
        if region is None:
            self.grow(entry)
        elif region.parent is self.home:
            raise Grow(self.root, entry)
        else:
            self.refuse(
                "it was made outside the innermost transformation",
                "make it in the function that changes it, and return it",
            )
        assert self.store is not None
        return self.store

    def refuse(self, what: str, fix: str) -> NoReturn:
        raise MutationError(
            explain(
                f"the list made at {self.made} changes in a compiled branch or loop, "
                f"and {what}",
                why="such a list is an array that grows at its end.",
                fix=fix,
            )
        )

    # -- changes -----------------------------------------------------------------------

    def append(self, value: Any) -> None:
        if self.is_pythons():
            super().append(value)
        else:
            self._rows(self._entry(value)).append(value)

    def extend(self, values: Any) -> None:
        if self.is_pythons():
            super().extend(values)
            return
        if isinstance(values, StagedList) and values.grown:
            values = values.as_tree()
        if isinstance(values, TracedArray):
            first = tree.map(lambda x: x[0], values)
            self._rows(self._entry(first)).extend([unwrap(values)])
            return
        for value in values:
            self.append(value)

    def __iadd__(self, values: Any) -> StagedList:
        self.extend(values)
        return self

    def pop(self, index: SupportsIndex = -1) -> Any:
        if self.is_pythons():
            return super().pop(index)
        if isinstance(index, TracedScalar) or operator.index(index) != -1:
            self.refuse(
                "an entry is taken from its beginning or middle",
                "take it from the end, xs.pop(), or count what is done: xs[k]; k += 1",
            )
        return self._rows().pop()

    def clear(self) -> None:
        if self.is_pythons():
            super().clear()
        else:
            self._rows().clear()

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.is_pythons() and not isinstance(index, TracedScalar):
            super().__setitem__(index, value)
            return
        if isinstance(index, slice):
            self.refuse("a slice of it is assigned", "assign the entries, one by one")
        store = self._rows(self._entry(value))
        store.put(store.place(_number(index), "assignment "), value)

    def __delitem__(self, index: Any) -> None:
        if self.is_pythons():
            super().__delitem__(index)
        elif isinstance(index, slice):
            self.refuse(
                "a slice of it is deleted", "take entries from the end: xs.pop()"
            )
        else:
            self.pop(index)

    insert, remove = _refused("insert"), _refused("remove")
    sort, reverse = _refused("sort"), _refused("reverse")
    __imul__ = _refused("__imul__")

    # -- reading -----------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        if self.store is None:
            if isinstance(index, TracedScalar) and not is_known(unwrap(index)):
                return self._number_at(index)
            return super().__getitem__(index)
        if isinstance(index, slice):
            return self.store.part(index)
        return self.store.item(self.store.place(_number(index), ""))

    def _number_at(self, index: Any) -> Any:
        """The entry at a place that the program finds, if the entries are numbers.

        It is read of a copy: the list stays one whose length Python knows.
        """
        entries = list.copy(self)
        if not entries or not all(isinstance(x, _NUMBERS) for x in entries):
            return super().__getitem__(index)
        rows = self.copy()
        rows.grow(None)
        return rows[index]

    def __iter__(self) -> Iterator[Any]:
        """The entries; an error if the list has grown meanwhile."""
        k = 0
        while k < len(self):
            yield self[k]
            k += 1

    def __len__(self) -> int:
        if self.store is not None:
            _refuse_length("is needed while compiling")
        return super().__len__()

    def copy(self) -> StagedList:
        new = StagedList(() if self.grown else list.copy(self))
        if self.store is not None:
            new.store = self.store.copy()
            list.append(new, _Rows())
        return new

    def __reduce__(self) -> Any:
        """A copy by `copy` or `pickle` is a list of Python's."""
        return list, (list(self),)

    def __add__(self, other: Any) -> Any:
        new = self.copy()
        new.extend(other)
        return new

    def __radd__(self, other: Any) -> Any:
        new = StagedList(other)
        new.extend(self)
        return new

    __contains__, index, count = map(_read_by, ("__contains__", "index", "count"))
    __mul__, __rmul__ = _read_by("__mul__"), _read_by("__rmul__")
    __reversed__ = _read_by("__reversed__")
    __lt__, __le__, __gt__, __ge__ = map(
        _read_by, ("__lt__", "__le__", "__gt__", "__ge__")
    )

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if self.grown or (isinstance(other, StagedList) and other.grown):
            _refuse_length("is needed while compiling, for ==")
        return list.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.as_tree())


class Entries:
    """The entries of a list that has grown, one by one."""

    checkpoints: Any = None

    def __init__(self, of: StagedList) -> None:
        assert of.store is not None
        self.store = of.store
        self.before = of.store.length._read()

    def __iter__(self) -> Iterator[Any]:
        _refuse_length("is needed while compiling")

    def is_staged(self, unrolled: int) -> bool:
        return True

    def length(self) -> Any:
        return self.before

    def item(self, i: Any) -> Any:
        return self.store.item(i)

    def refuse_change(self) -> None:
        """Raise if a loop over the entries has changed their number."""
        if self.store.length._read() is not self.before:
            raise MutationError(
                explain(
                    "a compiled loop goes over a list and changes it",
                    why="Python's loop would go on with what is appended.",
                    fix="use an index: while k < len(xs): x = xs[k]; k += 1",
                )
            )


def _number(index: Any) -> Any:
    if isinstance(index, TracedScalar):
        return unwrap(index)
    return np.int64(operator.index(index))


def _region_above(home: Any) -> Region | None:
    """The outermost region that is staged above an interpreter."""
    found = None
    for interpreter in CURRENT.get().chain():
        if interpreter is home:
            return found
        if isinstance(interpreter, Region):
            found = interpreter
    return None


def _refuse_length(what: str) -> NoReturn:
    raise StagedValueError(
        explain(
            f"the length of a list that grows in a compiled branch or loop {what}",
            why="it is known only when the compiled function runs.",
            fix="read its entries in a loop, by index, or as an array, np.array(xs)",
        )
    )
