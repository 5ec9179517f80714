"""Functions converted: new code in the place of the old."""

from __future__ import annotations

import ast
import copy
import re
import weakref
from types import CellType, CodeType, FunctionType
from typing import Any, Generic, NamedTuple, TypeVar

from wengert._frontend import scopes, source
from wengert._frontend.control import Statements
from wengert._frontend.rewrite import HELPER
from wengert._frontend.sites import Unconvertible, site

Value = TypeVar("Value")


class ByIdentity(Generic[Value]):
    """A dictionary whose keys are compared by identity, and not kept alive by it."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Value]] = {}

    def get(self, key: Any) -> Value | None:
        entry = self._entries.get(id(key))
        return None if entry is None else entry[1]

    def put(self, key: Any, value: Value) -> None:
        entries, number = self._entries, id(key)
        reference = weakref.ref(key, lambda _: entries.pop(number, None))
        entries[number] = reference, value


class Converted(NamedTuple):
    """What became of a function's code."""

    code: CodeType | None  # None where it stays as it is
    sites: list[Unconvertible]
    cells: tuple[int, ...] = ()  # places of its cells: in the old closure, then helper


class Converter:
    """Converts code, each code object once in each mode."""

    def __init__(self) -> None:
        self._eager: ByIdentity[Converted] = ByIdentity()
        self._staging: ByIdentity[Converted] = ByIdentity()
        self._made: ByIdentity[bool] = ByIdentity()  # code from here: was it staging?

    def convert(self, fun: FunctionType, staging: bool) -> Converted:
        """The converted code of a function."""
        table = self._staging if staging else self._eager
        known = table.get(fun.__code__)
        if known is None:
            known = self._convert(fun, staging)
            table.put(fun.__code__, known)
        return known

    def made(self, code: CodeType) -> bool:
        """Whether this code is the result of a conversion."""
        return self._made.get(code) is not None

    def _convert(self, fun: FunctionType, staging: bool) -> Converted:
        code = fun.__code__
        made = self._made.get(code)
        if made is not None and made >= staging:
            return Converted(None, [])  # code for staging serves eagerly too
        definition = source.find(fun, strict=made is None)
        if definition is None:
            place = ast.Pass(lineno=code.co_firstlineno, col_offset=0)
            return Converted(None, [site(place, "missing source")])
        node = definition.node
        body: list[Any] = node.body if scopes.is_function(node) else [node.body]
        readers = scopes.frame_readers(body)
        if readers:
            return Converted(None, [site(r, "use of the frame") for r in readers])
        return self._rewritten(definition, code, staging)

    def _rewritten(
        self, definition: source.Definition, code: CodeType, staging: bool
    ) -> Converted:
        outer = tuple([name for name in code.co_freevars if name != HELPER])
        rewriter = Statements(staging, outer, definition.private)
        try:
            definition = definition._replace(node=copy.deepcopy(definition.node))
            rewriter.definition(definition.node)
        except RecursionError:
            return Converted(None, [site(definition.node, "deep nesting")])
        new = source.compiled(definition, code, (*outer, HELPER))
        if new is None or not {*new.co_freevars} <= {*outer, HELPER}:
            return Converted(None, [site(definition.node, "deep nesting")])
        new = _renamed(new, new.co_qualname, code.co_qualname, code.co_name)
        self._register(new, staging)
        places = {name: i for i, name in enumerate(code.co_freevars)}
        places[HELPER] = len(places)  # after those; code made before has one of its own
        cells = tuple([places[name] for name in new.co_freevars])
        return Converted(new, rewriter.sites, cells)

    def _register(self, code: CodeType, staging: bool) -> None:
        self._made.put(code, staging)
        for inner in source.nested(code):
            self._register(inner, staging)


_HIDDEN = re.compile(r"__wg_[a-z]+__\.<locals>\.")
_HIDDEN_NAME = re.compile(r"__wg_[a-z]+__")


def _renamed(code: CodeType, old: str, new: str, name: str) -> CodeType:
    """Code with the names that the user's source gives it; `name`: the user's function.

    A block function takes the name of the function that it is a block of.
    """
    qualname = new + _HIDDEN.sub("", code.co_qualname.removeprefix(old))
    if not _HIDDEN_NAME.fullmatch(code.co_name):
        name = code.co_name
    constants: list[Any] = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constant = _renamed(constant, old, new, name)
        elif constant == code.co_qualname:
            constant = qualname  # which a class body assigns to `__qualname__`
        constants.append(constant)
    return code.replace(co_name=name, co_qualname=qualname, co_consts=tuple(constants))


def with_code(fun: FunctionType, converted: Converted, helper: CellType) -> Any:
    """The converted function, with globals, cells and defaults of the original."""
    assert converted.code is not None
    cells = (*(fun.__closure__ or ()), helper)
    closure = tuple([cells[i] for i in converted.cells])
    new = FunctionType(
        converted.code, fun.__globals__, fun.__name__, fun.__defaults__, closure
    )
    new.__kwdefaults__ = fun.__kwdefaults__
    return new


def dressed(new: FunctionType, fun: FunctionType) -> FunctionType:
    """A converted function as the user sees it: with the attributes of the original."""
    new.__dict__.update(fun.__dict__)
    new.__annotations__ = fun.__annotations__
    new.__qualname__ = fun.__qualname__
    new.__module__ = fun.__module__
    new.__doc__ = fun.__doc__
    new.__wrapped__ = fun  # type: ignore[attr-defined]
    return new


CONVERTER = Converter()
