"""What staging read besides the arguments: globals, closures and attributes.

Arrays reached that way are inputs of the compiled function, whatever they hold when it
is called. Everything else has been built in, and is compared at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from wengert._frontend.callee import left_alone
from wengert._staging.watch import Watch

_MISSING: Any = object()


class Guards:
    """The values of names that a function and those it reaches have read."""

    def __init__(self, fun: Any, static: Iterable[Any]) -> None:
        self.places: list[tuple[Callable[[], Any], Any]] = []
        functions: dict[int, FunctionType] = {}
        pending = [fun, *static]
        objects: list[Any] = []
        while pending:
            value = pending.pop()
            if isinstance(value, MethodType):
                objects.append(value.__self__)
                value = value.__func__
            wrapped = getattr(value, "__wrapped__", None)
            if isinstance(wrapped, FunctionType):
                pending.append(wrapped)
            if not isinstance(value, FunctionType):
                objects.append(value)
                continue
            if id(value) in functions or left_alone(value.__code__.co_filename):
                continue
            functions[id(value)] = value
            for read, found in _names(value):
                self.places.append((read, found))
                pending.append(found)
        self.watch = Watch(functions.values())
        for value in objects:
            self.watch.note("an argument", value)

    def hold(self) -> bool:
        """Whether everything is as it was when the function was staged."""
        for read, value in self.places:
            now = read()
            if now is not value and not _equal(now, value):
                return False
        return self.watch.changed() is None


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
