"""Python objects that functions reach, and what they held at a moment.

A region is staged once, whichever way the program will go: what it does to a list, an
attribute or a global from outside would happen once, at the wrong time. And a function
that is compiled has read such things while it was staged: they are compared at a call.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import is_
from types import (
    CellType,
    CodeType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NoReturn

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core import tree
from wengert._core.interp import Tracer
from wengert._core.source import ENGINE_FILES, INTERNAL_FILES, explain, is_engine
from wengert._frontend.callee import is_installed, left_alone
from wengert._staging.lists import StagedList
from wengert._staging.truth import is_staged
from wengert.errors import MutationError

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "<missing>"})()
_SEQUENCES = (deque, bytearray, set)
_PYTHONS = frozenset({"builtins", "collections", "functools", "itertools", "types"})
_VALUES = (bool, int, float, complex, str, bytes, type(None))
_OPAQUE = (*_VALUES, ModuleType, Tracer, TracedArray, TracedScalar)
# Where blocks are made of the user's blocks.
_BLOCKS = ("wengert._staging.combinators", "wengert._staging.runtime")
# What their objects hold is not for results: caches, locks, what has been warned of,
# annotations, and what the fields of a class were declared as.
_ASIDE = frozenset(
    {"_thread", "dataclasses", "logging", "threading", "typing", "warnings", "weakref"}
)


class Holder:
    """An object, and what it held: values by number or name, or one value."""

    library = False  # whether it is reached through what is a library's only

    def __init__(self, name: str, owner: Any, read: Callable[[], Any]) -> None:
        self.name = name
        self.owner = owner  # kept alive: its id is not used again
        self.read = read
        self.before = read()
        self.released: set[Any] = set()  # the keys that are a region's variables

    @property
    def parts(self) -> Iterable[Any]:
        """What it held."""
        return self.before.values() if type(self.before) is dict else self.before

    def unchanged(self) -> bool:
        if isinstance(self.owner, StagedList) and self.owner.grown:
            return list.__len__(self.owner) == 1  # but by its methods
        before, now = self.before, self.read()
        if len(before) != len(now):
            return False
        if self.released:
            return before.keys() == now.keys() and not [*self.changes()]
        if type(before) is not dict:
            return all(map(is_, before, now)) or all(map(same, before, now))
        if all(map(is_, before.values(), now.values())):
            return before.keys() == now.keys()
        return all(same(v, now.get(k, MISSING)) for k, v in before.items())

    def has_grown(self) -> bool:
        """Whether what changed was not there before, and has nothing traced."""
        if type(self.before) is not dict:
            return False
        now = self.read()
        return all(
            before is MISSING and not any(map(is_staged, tree.leaves(now[name])))
            for name, before in self.changes()
        )

    def settle(self) -> None:
        """Keep what is new, with arrays that the staging has made as NumPy's."""
        now = self.read()
        for name, _ in self.changes():
            self.write(name, tree.map(_plain, now[name]))

    def write(self, name: Any, value: Any) -> None:
        if isinstance(self.owner, dict):
            self.owner[name] = value
        else:
            _set_attribute(self.owner, name, value)

    def spelled(self, key: Any) -> str:
        """How the user may write what it holds."""
        of_items = isinstance(self.owner, dict)
        return f"{self.name}[{key!r}]" if of_items else f"{self.name}.{key}"

    def places(self) -> list[Place] | None:
        """Where it holds something else now; None if there is more or less in it."""
        if type(self.before) is not dict or self.before.keys() != self.read().keys():
            return None
        return [Place(self, key) for key, _ in self.changes()]

    def restore(self) -> None:
        """Have it hold again what it held."""
        owner, before = self.owner, self.before
        if isinstance(owner, (dict, set, deque)):
            owner.clear()
            extend = owner.extend if isinstance(owner, deque) else owner.update
            extend(before)
        elif isinstance(owner, (list, bytearray)):
            owner[:] = before
        elif type(before) is dict:
            for name, value in self.changes():
                if value is MISSING:
                    delattr(owner, name)
                else:
                    self.write(name, value)

    def changes(self) -> Iterator[tuple[Any, Any]]:
        """The keys that hold something else now, and what they held."""
        now = self.read()
        for name in {**self.before, **now}:
            before = self.before.get(name, MISSING)
            if name not in self.released and not same(before, now.get(name, MISSING)):
                yield name, before


class Variable(Holder):
    """A variable, and its value."""

    @property
    def parts(self) -> Iterable[Any]:
        return (self.before,)

    def unchanged(self) -> bool:
        now = self.read()
        return now is self.before or bool(self.released) or same(self.before, now)

    def has_grown(self) -> bool:
        return False

    def spelled(self, key: Any) -> str:
        return self.name

    def places(self) -> list[Place] | None:
        known = self.before is not MISSING and self.read() is not MISSING
        return [Place(self, None)] if known else None

    def restore(self) -> None:
        if self.before is not MISSING:
            self.write(None, self.before)

    def write(self, key: Any, value: Any) -> None:
        if isinstance(self.owner, dict):
            self.owner[self.name] = value
        else:
            self.owner.cell_contents = value


class Place:
    """Where an object holds a value that a region changes: a variable of the region."""

    def __init__(self, holder: Holder, key: Any) -> None:
        self.holder, self.key = holder, key
        self.name = holder.spelled(key)

    def read(self) -> Any:
        held = self.holder.read()
        return held[self.key] if type(held) is dict else held

    def write(self, value: Any) -> None:
        self.holder.write(self.key, value)


class Watch:
    """What some functions reach: by closures, globals, attributes, items and methods.

    excluded: cells of closures that may change.
    """

    def __init__(
        self, functions: Iterable[Any], excluded: Iterable[CellType] = ()
    ) -> None:
        self.holders: dict[Any, Holder] = {}
        self.compared: list[Holder] = []
        self._excluded = {id(cell) for cell in excluded}
        self._seen: dict[Any, Any] = {}
        self._library = False
        self._roots: list[Any] = []
        for function in functions:
            if isinstance(function, partial) and _is_own(function.func):
                continue  # the rest of a loop that is written out
            self._roots.append(function)
            self.note(getattr(function, "__name__", "function"), function)

    def note(self, name: str, value: Any) -> None:
        """Watch an object, and what it reaches."""
        pending = [(name, value, False)]
        while pending:
            name, value, library = pending.pop()
            if isinstance(value, _OPAQUE) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            self._library = library or _is_of_library(value)
            pending += [(*part, self._library) for part in self._parts(name, value)]

    def _hold(self, key: Any, holder: Holder) -> Iterable[tuple[str, Any]]:
        """Note what an object holds."""
        self.holders[key] = holder
        if not _is_frozen(holder.owner):  # nothing between two calls changes it
            self.compared.append(holder)
        holder.library = self._library
        return [(holder.name, part) for part in holder.parts]

    def _parts(self, name: str, value: Any) -> Iterable[tuple[str, Any]]:
        if isinstance(value, FunctionType):
            return self._of_function(name, value)
        if isinstance(value, MethodType):
            return [(name, value.__self__), (name, value.__func__)]
        if isinstance(value, type):
            return self._of_class(value)
        if isinstance(value, (tuple, frozenset)):
            return [(name, part) for part in value]
        if isinstance(value, (staticmethod, classmethod)):
            return [(name, value.__func__)]
        if isinstance(value, property):
            return [(name, f) for f in (value.fget, value.fset, value.fdel)]
        if isinstance(value, partial):
            return [(name, x) for x in (value.func, *value.args, value.keywords)]
        read = _reader(value)
        if read is None:
            return []
        cls = type(value)
        held = self._hold(id(value), Holder(name, value, read))
        return [*held, (cls.__name__, cls)]

    def _of_function(self, name: str, fun: FunctionType) -> Iterator[tuple[str, Any]]:
        yield name, getattr(fun, "__wrapped__", None)
        if left_alone(fun.__code__.co_filename):
            yield from self._of_runtime(name, fun)
            return
        for part in (fun.__defaults__, fun.__kwdefaults__, fun.__dict__):
            if part:
                yield name, part
        cells, library = fun.__closure__ or (), self._library
        # Those of a block are the variables of a call, of a library's function too.
        self._library = library and all(fun is not root for root in self._roots)
        for variable, cell in zip(fun.__code__.co_freevars, cells, strict=True):
            if id(cell) not in self._excluded:
                read = partial(_content, cell)
                yield from self._hold(id(cell), Variable(variable, cell, read))
        self._library = library
        if fun.__code__.co_filename in INTERNAL_FILES:
            return  # the names of this package's modules stand for one thing always
        names = names_in(fun.__code__)
        yield from self._of_namespace(fun.__globals__, names)
        for module in (*map(fun.__globals__.get, names), *map(_content, cells)):
            if isinstance(module, ModuleType) and _is_users(module):
                yield from self._of_namespace(vars(module), names)

    def _of_runtime(self, name: str, fun: FunctionType) -> Iterator[tuple[str, Any]]:
        """The user's blocks, where the runtime makes one block of several."""
        if fun.__module__ in _BLOCKS:
            self._library = False
            for cell in fun.__closure__ or ():
                found = _content(cell)
                blocks = found if isinstance(found, tuple) else (found,)
                self._roots += blocks
                yield from ((name, block) for block in blocks)

    def _of_namespace(
        self, namespace: dict[str, Any], names: set[str]
    ) -> Iterator[tuple[str, Any]]:
        for name in names:
            key = id(namespace), name
            if name in namespace and key not in self.holders:
                read = partial(namespace.get, name, MISSING)
                yield from self._hold(key, Variable(name, namespace, read))

    def _of_class(self, cls: type) -> Iterator[tuple[str, Any]]:
        if not _is_users(sys.modules.get(cls.__module__)):
            return
        name = cls.__name__
        yield from self._hold(id(cls), Holder(name, cls, partial(dict, vars(cls))))
        for base in cls.__bases__:
            yield base.__name__, base

    def is_current(self) -> bool:
        """Whether everything is as it was."""
        for holder in self.compared:  # a variable's read is a call of C
            known = type(holder) is Variable and holder.read() is holder.before
            if not known and not holder.unchanged():
                return False
        return True

    def _changed(self) -> Iterator[Holder]:
        return (h for h in self.holders.values() if not h.unchanged())

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Raise if the body of the context changes what is watched.

        What it adds is a cache, if nothing of it is traced: kept, and noticed at the
        next call. All else is as before if the body fails.
        """
        try:
            yield
            changed = list(self._changed())
            for holder in changed:
                if not holder.library and not holder.has_grown():
                    _refuse_state(holder)
            for holder in changed:
                if holder.library:
                    holder.before = holder.read()
                else:
                    holder.settle()
        except BaseException:
            self.restore()
            raise

    def restore(self) -> None:
        """Put back what has changed, but for what libraries hold."""
        for holder in self._changed():
            if not holder.library:
                holder.restore()

    def take_changed(self) -> list[Place]:
        """Where a region has changed something; all is as before again.

        What can be a variable of the region is watched no longer.

        Raises:
            MutationError: it cannot, as a list that is longer, or an iterator.
        """
        changed = [h for h in self._changed() if not h.library]
        found = [h.places() for h in changed]
        if None in found:
            self.refuse_change()
        places = [p for several in found for p in several or ()]
        self.restore()
        for place in places:
            place.holder.released.add(place.key)
        return places

    def refuse_change(self) -> None:
        for holder in self._changed():
            if holder.library:
                continue
            raise MutationError(
                explain(
                    f"{_described(holder)} is changed in a branch or loop that a "
                    "traced value decides",
                    why="it would be changed once, whichever way the program goes.",
                    fix="keep such values in local variables or arrays; copy a list, "
                    "xs = list(xs)",
                )
            )


def _refuse_state(holder: Holder) -> NoReturn:
    raise MutationError(
        explain(
            f"{_described(holder)} is changed in a function that is compiled",
            why="compiled code writes to arrays, not to other objects of Python.",
            fix="return the new value, or keep it in an array: a[...] = value; fill "
            "a cache before the call",
        )
    )


def same(before: Any, now: Any) -> bool:
    """Whether nothing can tell two values from each other."""
    if before is now:
        return True
    if type(before) is not type(now) or not isinstance(before, _VALUES):
        return False
    return bool(before == now) and repr(before) == repr(now)


def _described(holder: Holder) -> str:
    if isinstance(holder, Variable):
        return f"the variable {holder.name!r}"
    ours = isinstance(holder.owner, StagedList)
    kind = "list" if ours else type(holder.owner).__name__
    what = f"a {kind} reached by {holder.name!r}"
    if type(holder.before) is not dict:
        return what
    names = ", ".join(repr(name) for name, _ in holder.changes())
    return f"{names} of {what}"


def _reader(value: Any) -> Callable[[], Any] | None:
    """What reads the state of an object; None if it has none that we know of."""
    if isinstance(value, dict):
        return partial(dict, value)
    if isinstance(value, list):
        return partial(list.copy, value)
    if isinstance(value, _SEQUENCES):
        return partial(list, value)
    if isinstance(value, GeneratorType):
        return partial(_generator_state, value)
    module = type(value).__module__
    if module.split(".")[0] in _ASIDE or is_engine(module):
        return None
    if isinstance(value, Iterator):
        return partial(_iterator_state, value)
    slots = _slots(type(value))
    if slots:
        return partial(_attributes, value, slots)
    found = getattr(value, "__dict__", None)
    return partial(dict, found) if type(found) is dict else None


def _is_frozen(value: Any) -> bool:
    """Whether a value is an instance of a frozen dataclass."""
    params = vars(type(value)).get("__dataclass_params__")
    return params is not None and params.frozen


def _slots(cls: type) -> tuple[str, ...]:
    return tuple(
        name
        for base in cls.__mro__
        if base.__module__ != "builtins" and "__slots__" in vars(base)
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType)
    )


def _attributes(value: Any, slots: tuple[str, ...]) -> dict[str, Any]:
    found = {name: getattr(value, name, MISSING) for name in slots}
    return {**found, **getattr(value, "__dict__", {})}


def _iterator_state(iterator: Any) -> list[Any]:
    """How far an iterator of Python's has come, as it would be pickled."""
    if type(iterator).__module__ == "itertools":
        return [repr(iterator)]
    try:
        state = iterator.__reduce__()
    except TypeError:
        return []
    return list(_flat(state[1:]))


def _flat(state: Any) -> Iterator[Any]:
    for part in state:
        if isinstance(part, (tuple, list)):
            yield from _flat(part)
        else:
            yield part


def _generator_state(generator: GeneratorType[Any, Any, Any]) -> list[Any]:
    frame = generator.gi_frame
    return [] if frame is None else [frame.f_lasti, *frame.f_locals.values()]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _set_attribute(owner: Any, name: str, value: Any) -> None:
    """Whatever the class says of setting attributes."""
    if isinstance(owner, type):
        type.__setattr__(owner, name, value)
    else:
        object.__setattr__(owner, name, value)


def _plain(value: Any) -> Any:
    """An array as NumPy has it, if it is one whose numbers are known."""
    if not isinstance(value, (TracedArray, TracedScalar)):
        return value
    number = unwrap(value)
    while isinstance(number, Tracer):
        number = number.below
    array = np.array(number)
    return array[()] if isinstance(value, TracedScalar) else array


def _is_own(function: Any) -> bool:
    """Whether a function or method is one of this package, and no library's over it."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename in ENGINE_FILES


def _is_users(module: ModuleType | None) -> bool:
    """Whether a module is one of the user's own files."""
    file = getattr(module, "__file__", None)
    if file is None:
        return module is sys.modules["__main__"]
    return not is_installed(file) and file not in INTERNAL_FILES


def _is_of_library(value: Any) -> bool:
    """Whether a function or class is not of the user's own files.

    What it holds, such as a cache, is its own business; what an object of the user's
    holds is the user's, whatever its class.
    """
    if isinstance(value, FunctionType):
        return is_installed(value.__code__.co_filename)
    if not isinstance(value, type) or value.__module__ in _PYTHONS:
        return False
    return not _is_users(sys.modules.get(value.__module__))


def names_in(code: CodeType) -> set[str]:
    """The names of globals and attributes in a code, that of inner functions too."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= names_in(constant)
    return names
