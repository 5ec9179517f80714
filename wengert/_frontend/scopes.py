"""What statements bind, and whether they may jump."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeGuard

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def is_function(node: ast.AST) -> TypeGuard[Function]:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Nodes that belong to the scope of these, not to functions and classes in them.

    Of a nested definition come the node itself and what the outer scope evaluates; of a
    comprehension everything, since an assignment expression in it binds outside.
    """
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        pending += _own_children(node)


def _own_children(node: ast.AST) -> Iterable[ast.AST]:
    if is_function(node):
        return [*node.decorator_list, *_defaults(node.args)]
    if isinstance(node, ast.Lambda):
        return _defaults(node.args)
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
    return ast.iter_child_nodes(node)


def _defaults(args: ast.arguments) -> list[ast.AST]:
    return [d for d in (*args.defaults, *args.kw_defaults) if d is not None]


# -- names -----------------------------------------------------------------------------


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that these nodes bind, rebind or delete in their own scope."""
    found: Counter[str] = Counter()
    for node in own_nodes(nodes):
        found.update(_bound_by(node))
        if isinstance(node, ast.comprehension):
            # Its targets are names of its own.
            for target in ast.walk(node.target):
                found.subtract(_bound_by(target))
    return {name for name, count in found.items() if count > 0}


def _bound_by(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.Name):
        return () if isinstance(node.ctx, ast.Load) else (node.id,)
    if is_function(node):
        return (node.name,)
    if isinstance(node, ast.ClassDef):
        return {node.name} | declared(node.body, ast.Nonlocal)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return (node.name,) if node.name else ()
    if isinstance(node, ast.MatchMapping):
        return (node.rest,) if node.rest else ()
    return ()


def declared(statements: Iterable[ast.AST], kind: type[ast.stmt]) -> set[str]:
    """Names of the `global` or `nonlocal` statements of this scope."""
    return {
        name
        for node in own_nodes(statements)
        if isinstance(node, kind)
        for name in node.names  # type: ignore[attr-defined]
    }


def rebound_by_nested(statements: Iterable[ast.AST]) -> set[str]:
    """Names of this scope that functions defined in it may rebind by `nonlocal`."""
    names: set[str] = set()
    for node in own_nodes(statements):
        if is_function(node) or isinstance(node, ast.ClassDef):
            if is_function(node):
                names |= declared(node.body, ast.Nonlocal)
            names |= rebound_by_nested(node.body)
    return names


# -- jumps -----------------------------------------------------------------------------


def jumps(node: ast.AST, in_loop: bool = False) -> bool:
    """Whether a statement may end its block: return, raise, break or continue."""
    if isinstance(node, (ast.Return, ast.Raise)):
        return True
    if isinstance(node, (ast.Break, ast.Continue)):
        return not in_loop
    if is_function(node) or isinstance(node, (ast.ClassDef, ast.expr)):
        return False
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        return any(jumps(s, True) for s in node.body) or any(
            jumps(s, in_loop) for s in node.orelse
        )
    return any(jumps(child, in_loop) for child in ast.iter_child_nodes(node))


# -- functions that stay plain ---------------------------------------------------------

_FRAME_READERS = {"locals", "vars", "dir", "eval", "exec"}


def frame_readers(statements: Iterable[ast.AST]) -> list[ast.Call]:
    """Calls, directly in this scope, that read the names of its frame."""
    found = []
    for node in own_nodes(statements):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            needed = 1 if node.func.id in ("eval", "exec") else 0
            given = len(node.args) + len(node.keywords)
            if node.func.id in _FRAME_READERS and given <= needed:
                found.append(node)
    return found


def suspends(statements: Iterable[ast.AST]) -> bool:
    """Whether a function with this body is a generator."""
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own_nodes(statements))


def bound_to_scope(node: ast.expr) -> tuple[ast.AST, str] | None:
    """What in an expression would change if a function of its own evaluated it."""
    for inner in own_nodes([node]):
        if isinstance(inner, ast.NamedExpr):
            return inner, "assignment expression"
        if isinstance(inner, (ast.Yield, ast.YieldFrom)):
            return inner, "yield"
        if isinstance(inner, ast.Await):
            return inner, "await"
        if isinstance(inner, ast.comprehension) and inner.is_async:
            return inner.target, "await"
    return None
