"""The syntax tree of a function object."""

from __future__ import annotations
import __future__

import ast
import contextlib
import inspect
import linecache
import textwrap
import threading
import tokenize
import warnings
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from wengert._frontend.scopes import Function, is_function, own_nodes

FUTURE_FLAGS = sum(
    getattr(__future__, name).compiler_flag for name in __future__.all_feature_names
)
_ONE_AT_A_TIME = threading.RLock()


class Definition(NamedTuple):
    """A definition in a file, and what of its surroundings the compiler looks at."""

    node: Function | ast.Lambda
    private: str | None  # the class whose private names it sees
    imports: tuple[str, ...]  # names that the module imports


def find(fun: FunctionType, strict: bool = True) -> Definition | None:
    """The definition that a function was compiled from; None if it is not to be found.

    A file that has changed since it was imported has no definition with equal code.
    `strict=False` takes the word of the file, for code that we have compiled ourselves.
    """
    code = fun.__code__
    text = _text(fun)
    names = fun.__globals__.items()
    modules = tuple([k for k, v in names if isinstance(v, ModuleType)])
    found = _matching(text, code, strict, modules)
    if found is None:
        # The text may be older than the code, where the file was imported again.
        linecache.checkcache(code.co_filename)
        if _text(fun) != text:
            found = _matching(_text(fun), code, strict, modules)
    return found


def _text(fun: FunctionType) -> str:
    return "".join(linecache.getlines(fun.__code__.co_filename, fun.__globals__))


def _matching(
    text: str, code: CodeType, strict: bool, modules: tuple[str, ...]
) -> Definition | None:
    line = code.co_firstlineno
    found = _definitions(text).get(line, [])
    if not found:
        # Of a block it is not known whether it imports what it calls modules.
        alone = _definitions(_block(text, line)).get(line, [])
        found = [*alone, *(d._replace(imports=modules) for d in alone)]
    candidates = [
        definition
        for definition in found
        if getattr(definition.node, "name", "<lambda>") == code.co_name
    ]
    if len(candidates) == 1 and (not strict or _rewritten_by_pytest(code)):
        return candidates[0]
    for definition in candidates:
        if _same_code(compiled(definition, code, code.co_freevars), code):
            return definition
    return None


def _block(text: str, line: int) -> str:
    """The definition that begins at a line of a file that is not all Python."""
    lines = text.splitlines(keepends=True)[line - 1 :]
    with contextlib.suppress(SyntaxError, tokenize.TokenError):
        lines = inspect.getblock(lines)
    return "\n" * (line - 1) + textwrap.dedent("".join(lines))


@lru_cache(maxsize=64)  # whole files
def _definitions(text: str) -> dict[int, list[Definition]]:
    """The definitions of a file by their first line, which is that of a decorator."""
    found: dict[int, list[Definition]] = {}
    try:
        with _alone():
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return found
    imports = tuple(
        alias.asname or alias.name.split(".")[0]
        for node in own_nodes([tree])
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    )
    for node, private in _walk(tree):
        first = node.decorator_list[:1] if is_function(node) else []
        line = first[0].lineno if first else node.lineno
        found.setdefault(line, []).append(Definition(node, private, imports))
    return found


def _walk(tree: ast.Module) -> Iterator[tuple[Function | ast.Lambda, str | None]]:
    pending: list[tuple[ast.AST, str | None]] = [(tree, None)]
    while pending:
        node, private = pending.pop()
        if is_function(node) or isinstance(node, ast.Lambda):
            yield node, private
        inner = node.name if isinstance(node, ast.ClassDef) else private
        pending += [(child, inner) for child in ast.iter_child_nodes(node)]


# -- compiling -------------------------------------------------------------------------


def compiled(
    definition: Definition, code: CodeType, outer: tuple[str, ...]
) -> CodeType | None:
    """The code of a definition in the file of `code`; `outer` are names of cells."""
    node = _bare(definition.node)
    statement: ast.stmt = (
        node if is_function(node) else ast.copy_location(ast.Expr(node), node)
    )
    # Inside a class, so that private names are mangled, and that the function does not
    # see itself as an outer name. Names of underscores only mangle nothing.
    scope = complete(ast.ClassDef(definition.private or "_", [], [], [statement], []))
    hidden: list[ast.stmt] = [] if scope.name in outer else [ast.Global([scope.name])]
    parameters = ast.arguments([], [ast.arg(n) for n in outer], None, [], [], None, [])
    factory = complete(
        ast.FunctionDef("factory", parameters, [*hidden, scope], [], None)
    )
    # Methods of imported modules are called by other instructions.
    imports = [ast.Import([ast.alias("_", n)]) for n in definition.imports if n != "*"]
    module = ast.fix_missing_locations(ast.Module([*imports, factory], []))
    flags = code.co_flags & FUTURE_FLAGS
    try:
        with _alone():
            found: CodeType | None = compile(
                module, code.co_filename, "exec", flags, dont_inherit=True
            )
    except (SyntaxError, ValueError, RecursionError):
        return None
    for _ in range(3):
        found = next((c for c in nested(found)), None) if found else None
    return found


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Without warnings, which the user has seen when the file was imported.

    One thread at a time: Python 3.11 counts the depth of all syntax trees that are made
    in one place (CPython issue 106905), and the filters of warnings are everybody's.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _bare(node: Function | ast.Lambda) -> Any:
    """A definition without what the surrounding scope evaluates."""
    args = node.args
    plain = ast.arguments(
        [ast.arg(a.arg) for a in args.posonlyargs],
        [ast.arg(a.arg) for a in args.args],
        args.vararg and ast.arg(args.vararg.arg),
        [ast.arg(a.arg) for a in args.kwonlyargs],
        [None for _ in args.kwonlyargs],
        args.kwarg and ast.arg(args.kwarg.arg),
        [],
    )
    if isinstance(node, ast.Lambda):
        return ast.copy_location(ast.Lambda(plain, node.body), node)
    kind = type(node)
    # Code begins at the line of the first decorator, so one that does nothing is kept.
    decorators: list[ast.expr] = [
        ast.copy_location(ast.Constant(None), d) for d in node.decorator_list[:1]
    ]
    bare = kind(node.name, plain, node.body, decorators, None)
    return ast.copy_location(complete(bare), node)


def complete(node: Any) -> Any:
    """A definition with the field that Python has added in 3.12, and wants filled."""
    if "type_params" in node._fields:
        setattr(node, "type_params", [])
    return node


def nested(code: CodeType) -> Iterator[CodeType]:
    return (c for c in code.co_consts if isinstance(c, CodeType))


_COMPARED = (
    "co_name co_code co_names co_varnames co_freevars co_cellvars co_firstlineno "
    "co_linetable co_argcount co_posonlyargcount co_kwonlyargcount"
).split()


def _same_code(a: CodeType | None, b: CodeType) -> bool:
    if a is None or any(getattr(a, name) != getattr(b, name) for name in _COMPARED):
        return False
    return len(a.co_consts) == len(b.co_consts) and all(
        _same_constant(x, y) or (x, y) == (a.co_qualname, b.co_qualname)
        for x, y in zip(a.co_consts, b.co_consts, strict=True)
    )


def _same_constant(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, CodeType):
        return _same_code(a, b)
    return a == b or repr(a) == repr(b)


def _rewritten_by_pytest(code: CodeType) -> bool:
    """Whether asserts in it were rewritten, so that its code is not the source's."""
    return "@pytest_ar" in code.co_names or any(map(_rewritten_by_pytest, nested(code)))
