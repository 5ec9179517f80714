"""What staging read besides the arguments: globals, closures and attributes.

Arrays reached that way are inputs of the compiled function, whatever they hold when it
is called. Everything else has been built in, and is compared at each call.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from wengert._frontend.callee import left_alone
from wengert._staging.watch import Watch

_MISSING: Any = object()


class Guards:
    """The values of names that a function and those it reaches have read."""

    def __init__(self, fun: Any, static: Iterable[Any]) -> None:
        reached = _Reached()
        reached.follow([fun, *static])
        self.places = reached.places
        self.watch = Watch(reached.functions)
        for value in reached.objects:
            self.watch.note("an argument", value)

    def hold(self) -> bool:
        """Whether everything is as it was when the function was staged."""
        for read, value in self.places:
            now = read()
            if now is not value and not _equal(now, value):
                return False
        return self.watch.changed() is None


class _Reached:
    """What staging may have called or read, from some values on."""

    def __init__(self) -> None:
        self.places: list[tuple[Callable[[], Any], Any]] = []
        self.functions: list[FunctionType] = []
        self.objects: list[Any] = []
        self.seen: dict[int, Any] = {}  # kept alive: an identity is not used again
        self.names: set[str] = set()  # that code mentions
        self.spaces: dict[int, Any] = {}  # namespaces of classes and modules
        self.noted: set[tuple[int, str]] = set()  # names in them that are guarded

    def follow(self, pending: list[Any]) -> None:
        while pending:
            value = pending.pop()
            if id(value) not in self.seen:
                self.seen[id(value)] = value
                pending += self._parts(value)
            if not pending:
                pending += self._attributes()

    def _parts(self, value: Any) -> Iterator[Any]:
        if isinstance(value, FunctionType):
            yield getattr(value, "__wrapped__", None)
            if not left_alone(value.__code__.co_filename):
                yield from self._function(value)
            return
        self.objects.append(value)
        if isinstance(value, MethodType):
            yield from (value.__self__, value.__func__)
        elif isinstance(value, partial):
            yield from (value.func, value.keywords, *value.args)
        elif isinstance(value, dict):
            yield from value.values()
        elif isinstance(value, (list, tuple)):
            yield from value
        elif isinstance(value, (staticmethod, classmethod)):
            yield value.__func__
        elif isinstance(value, property):
            yield value.fget
        elif isinstance(value, type):
            self._add_spaces(cls for cls in value.__mro__ if _is_users(cls))
        elif isinstance(value, ModuleType):
            if not left_alone(getattr(value, "__file__", None) or types.__file__):
                self._add_spaces([value])
        elif _is_users(type(value)):
            yield from (type(value), *getattr(value, "__dict__", {}).values())

    def _function(self, fun: FunctionType) -> Iterator[Any]:
        self.functions.append(fun)
        self.names |= _global_names(fun.__code__)
        for place in _names(fun):
            self.places.append(place)
            yield place[1]

    def _add_spaces(self, owners: Iterable[Any]) -> None:
        for owner in owners:
            self.seen[id(owner)] = owner
            self.spaces[id(owner)] = vars(owner)

    def _attributes(self) -> list[Any]:
        """Those that code mentions, or that Python calls by itself."""
        found = []
        for owner, own in self.spaces.items():
            implicit = {n for n in own if _is_method_of_python(n, own[n])}
            for name in own.keys() & self.names | implicit:
                if (owner, name) not in self.noted:
                    self.noted.add((owner, name))
                    self.places.append((partial(own.get, name, _MISSING), own[name]))
                    found.append(own[name])
        return found


def _is_method_of_python(name: str, value: Any) -> bool:
    return name.startswith("__") and isinstance(value, FunctionType)


def _is_users(cls: type) -> bool:
    """Whether a class comes from a file whose functions are converted."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return cls.__module__ == "__main__" or (file is not None and not left_alone(file))


def _names(fun: FunctionType) -> Iterator[tuple[Callable[[], Any], Any]]:
    for cell in fun.__closure__ or ():
        yield partial(_content, cell), _content(cell)
    namespace = fun.__globals__
    for name in _global_names(fun.__code__):
        if name in namespace:
            value = namespace[name]
            yield partial(namespace.get, name, _MISSING), value


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _global_names(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _global_names(constant)
    return names


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b) or not isinstance(a, (int, float, complex, str, bytes)):
        return False
    return bool(a == b)
