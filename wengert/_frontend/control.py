"""Statements rewritten: blocks become functions that the runtime calls.

``if t: A else: B``, followed by R in its block, becomes::

    def __wg_then__(): nonlocal ...; A
    def __wg_else__(): nonlocal ...; B
    def __wg_rest__(): nonlocal ...; R
    return __wg__.if_(t, __wg_then__, __wg_else__, ("names",), __wg_rest__)

where A or B may jump; otherwise it is a statement, and R stays where it is. Loops are
alike, and so are the insides of a `with` or `match` that jumps. In such a function
every jump is the return of a signal (see `runtime`). In a `try` everything stays plain
but for these returns.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from wengert._frontend import scopes
from wengert._frontend.rewrite import Expressions, call, helper, lazy, load, located
from wengert._frontend.scopes import Function
from wengert._frontend.source import complete


@dataclass
class Scope:
    """The user's function whose statements are being rewritten."""

    plain: bool  # control flow stays as it is
    own: set[str] = field(default_factory=set)
    visible: set[str] = field(default_factory=set)  # own names and those of outer ones
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    rebound: set[str] = field(default_factory=set)  # by functions defined in it
    shared: set[str] = field(default_factory=set)  # rebound by its block functions
    in_block: bool = False  # in a block function, where a jump is a signal
    in_loop: bool = False  # in a loop that stays plain


class Statements(Expressions):
    """Rewrites whole functions."""

    def __init__(
        self, staging: bool, outer: tuple[str, ...], private: str | None
    ) -> None:
        super().__init__(staging, "__class__" in outer)
        self.private = private
        self.outer = frozenset(outer)  # names of the functions around the user's
        self.scope = Scope(plain=True, visible=set(outer))
        self._known: dict[int, tuple[ast.AST, set[str]]] = {}  # by the id of a node

    def is_outside(self, name: str) -> bool:
        return name not in self.scope.visible or name in self.outer

    @property
    def plain(self) -> bool:
        return self.scope.plain or self.in_class

    # -- definitions -------------------------------------------------------------------

    def definition(self, node: Function | ast.Lambda) -> None:
        """Rewrite the body of a function in place."""
        if isinstance(node, ast.Lambda):
            self.enter(node.args)
            node.body = self.visit(node.body)
            return
        saved = self.state, self.scope
        self.enter(node.args)
        self.scope = self._scope(node)
        node.body = self._body(node)
        self.state, self.scope = saved

    def _scope(self, node: Function) -> Scope:
        body: list[ast.AST] = [*node.body]
        declared_global = scopes.declared(body, ast.Global)
        declared_nonlocal = scopes.declared(body, ast.Nonlocal)
        parameters = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        own = (scopes.bound_names(body) | parameters) - declared_global
        own -= declared_nonlocal
        visible = (self.scope.visible | own) - declared_global
        return Scope(
            self._stays_plain(node),
            own,
            visible,
            declared_global,
            declared_nonlocal,
            {
                name
                for name in scopes.rebound_by_nested(body)
                if name in visible or self._mangled(name) in visible
            },
        )

    def _stays_plain(self, node: Function) -> bool:
        if not self.staging:
            return True
        if isinstance(node, ast.AsyncFunctionDef):
            self.record(node, "async function")
            return True
        if scopes.suspends(node.body):
            self.record(node, "generator")
            return True
        return False

    def _body(self, node: Function) -> list[Any]:
        if self.scope.plain:
            return self.several(node.body)
        count = 0 if ast.get_docstring(node, clean=False) is None else 1
        converted = self.block(node.body[count:], node)
        shared = sorted(self.scope.shared & self.scope.own)
        declarations = self._declare(self.scope.globals, self.scope.nonlocals, node)
        if shared:
            # Never run: it makes names that only block functions bind locals here.
            targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in shared]
            binding = ast.Assign(targets, ast.Constant(None))
            declarations.append(
                located(ast.If(ast.Constant(False), [binding], []), node)
            )
        return [*node.body[:count], *declarations, *converted]

    def _declare(
        self, global_names: set[str], nonlocal_names: set[str], place: ast.AST
    ) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        if global_names:
            statements.append(ast.Global(sorted(global_names)))
        if nonlocal_names:
            statements.append(ast.Nonlocal(sorted(nonlocal_names)))
        return [located(s, place) for s in statements]

    def visit_FunctionDef(self, node: Function) -> ast.AST:
        node.decorator_list = self.several(node.decorator_list)
        node.args = self.visit(node.args)
        if not self.reads_frame(node.body):
            self.definition(node)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = self.several(node.decorator_list)
        node.bases = self.several(node.bases)
        node.keywords = self.several(node.keywords)
        saved = self.in_class, self.has_class, self.private, self.in_comprehension
        self.in_class = self.has_class = True
        self.private, self.in_comprehension = node.name, False
        node.body = self.several(node.body)
        self.in_class, self.has_class, self.private, self.in_comprehension = saved
        return node

    # -- blocks ------------------------------------------------------------------------

    def block(self, statements: list[ast.stmt], place: ast.AST) -> list[Any]:
        """The statements of a block; the rest after one that may jump is a function."""
        out: list[Any] = []
        for i, statement in enumerate(statements):
            leaves = scopes.jumps(statement)
            if not self.in_try and self._is_construct(statement, leaves):
                rest = statements[i + 1 :] if leaves else []
                parts, signal = self._construct(statement, rest)
                out += parts
                if leaves:
                    signal = self._returned(signal)
                    return [*out, located(ast.Return(signal), statement)]
                out.append(located(ast.Expr(signal), statement))
            else:
                new = self.visit(statement)
                out += [] if new is None else [new]
        return out or [located(ast.Pass(), place)]

    def _is_construct(self, node: ast.stmt, leaves: bool) -> bool:
        if isinstance(node, (ast.With, ast.Match)):
            return leaves
        return isinstance(node, (ast.If, ast.For, ast.While))

    def _returned(self, signal: ast.expr) -> ast.expr:
        return signal if self.scope.in_block else call("result", signal)

    def _construct(
        self, node: Any, rest: list[ast.stmt]
    ) -> tuple[list[ast.stmt], ast.expr]:
        """Block functions of a construct, and the call that gives its signal."""
        written = self._written(node, rest)  # before the statements are rewritten
        if isinstance(node, (ast.With, ast.Match)):
            return self._inside(node, rest, written)
        if isinstance(node, ast.If):
            first = self.visit(node.test)
            name, arguments = "if_", [first]
            parts = [self._part("then", node.body, node)]
        else:
            # The end of the body and `continue` are one signal.
            body = [*node.body, ast.copy_location(ast.Continue(), node.body[-1])]
            if isinstance(node, ast.For):
                name, arguments = "for_", [self.visit(node.iter)]
                parts = [self._part("body", body, node, node.target)]
            else:
                name, arguments = "while_", []
                parts = [self._test(node), self._part("body", body, node)]
        arguments += [load(part.name) for part in parts]
        ends: list[ast.expr] = []
        for kind, statements in (("else", node.orelse), ("rest", rest)):
            if statements:
                parts.append(self._part(kind, statements, node))
                ends.append(load(parts[-1].name))
            else:
                ends.append(ast.Constant(None))
        arguments += [ends[0], written, ends[1]]
        return [*parts], located(call(name, *arguments), node)

    def _inside(
        self, node: ast.With | ast.Match, rest: list[ast.stmt], written: ast.expr
    ) -> tuple[list[ast.stmt], ast.expr]:
        """A `with` or `match` that jumps: what is inside gives a signal."""
        signal: ast.expr = load("__wg_signal__")
        if isinstance(node, ast.Match):
            bound = self._bound([node])
            saved, self.scope.in_block = self.scope.in_block, True
            matching = self.visit_Match(node)
            self.scope.in_block = saved
            body = self._function("match", [matching], bound, node, False)
            statements: list[ast.stmt] = [body]
            signal = ast.Call(load(body.name), [], [])
        else:
            node.items = self.several(node.items)
            body = self._part("with", node.body, node)
            # Unset where the context manager swallows an exception of the body.
            unset, found = (
                ast.Assign([ast.Name("__wg_signal__", ast.Store())], value)
                for value in (ast.Constant(None), ast.Call(load(body.name), [], []))
            )
            node.body = [located(found, node)]
            statements = [body, located(unset, node), node]
        after: ast.expr = ast.Constant(None)
        if rest:
            statements.append(self._part("rest", rest, node))
            after = load("__wg_rest__")
        return statements, located(call("after", signal, after, written), node)

    def _written(self, node: ast.stmt, rest: list[ast.stmt]) -> ast.expr:
        """The names that a construct and the rest of its block may rebind."""
        names = self._bound([node, *rest]) | self.scope.rebound
        names -= self.scope.globals
        mangled = sorted(self._mangled(name) for name in names)
        return ast.Tuple([ast.Constant(name) for name in mangled], ast.Load())

    def _bound(self, nodes: list[Any]) -> set[str]:
        """Names that nodes bind; asked again and again in nested blocks."""
        names: set[str] = set()
        for node in nodes:
            if id(node) not in self._known:
                self._known[id(node)] = node, scopes.bound_names([node])
            names |= self._known[id(node)][1]
        return names

    def _mangled(self, name: str) -> str:
        private = (self.private or "").lstrip("_")
        if not private or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{private}{name}"

    def _part(
        self,
        kind: str,
        statements: list[ast.stmt],
        place: ast.AST,
        target: ast.expr | None = None,
    ) -> ast.FunctionDef:
        """A block function; with a target, that of a loop, which takes the item."""
        bound = self._bound([*statements, *([target] if target else [])])
        saved, self.scope.in_block = self.scope.in_block, True
        body: list[ast.stmt] = []
        if target is not None:
            assign = ast.Assign([self.visit(target)], load("__wg_item__"))
            body.append(located(assign, target))
        body += self.block(statements, place)
        self.scope.in_block = saved
        return self._function(kind, body, bound, place, target is not None)

    def _test(self, node: ast.While) -> ast.FunctionDef:
        """The condition of a loop."""
        bound = scopes.bound_names([node.test])
        answer = ast.copy_location(ast.Return(self.visit(node.test)), node.test)
        return self._function("test", [answer], bound, node, False)

    def _function(
        self,
        kind: str,
        body: list[ast.stmt],
        bound: set[str],
        place: ast.AST,
        takes_item: bool,
    ) -> ast.FunctionDef:
        names = bound | self.scope.rebound
        shared = names - self.scope.globals
        self.scope.shared |= shared
        body = [*self._declare(names & self.scope.globals, shared, place), *body]
        items = [ast.arg("__wg_item__")] if takes_item else []
        parameters = ast.arguments([], items, None, [], [], None, [])
        function = ast.FunctionDef(f"__wg_{kind}__", parameters, body, [], None)
        return located(complete(function), place)

    # -- jumps -------------------------------------------------------------------------

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        node.value = node.value and self.listed(node.value)
        if self.plain or not self.scope.in_block:
            return node
        value = node.value or ast.Constant(None)
        return located(ast.Return(call("Return", value)), node)

    def visit_Break(self, node: ast.Break | ast.Continue) -> ast.AST:
        if self.plain or self.scope.in_loop:
            return node
        name = "BREAK" if isinstance(node, ast.Break) else "CONTINUE"
        return located(ast.Return(helper(name)), node)

    visit_Continue = visit_Break

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        parts = [part for part in (node.exc, node.cause) if part is not None]
        if self.plain or self.in_try or not parts or self.stays(node, *parts):
            return self.generic_visit(node)
        signal = call("raise_", *(lazy(self.visit(part)) for part in parts))
        return located(ast.Return(self._returned(signal)), node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        parts = [] if node.msg is None else [node.msg]
        if self.plain or self.stays(node, *parts):
            return self.generic_visit(node)
        check = call(
            "assert_", self.visit(node.test), *(lazy(self.visit(p)) for p in parts)
        )
        return located(ast.If(load("__debug__"), [ast.Expr(check)], []), node)

    # -- other statements --------------------------------------------------------------

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> ast.AST | None:
        """Stated again at the top of every function that needs it."""
        return node if self.scope.plain or self.in_class else None

    visit_Nonlocal = visit_Global

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Annotations of locals are not evaluated; shared names must have none."""
        shared = self.scope.in_block and not self.in_class
        if not shared or not isinstance(node.target, ast.Name):
            self.generic_visit(node)
            node.value = node.value and self.listed(node.value)
            return node
        if node.value is None:
            return None
        value = self.listed(self.visit(node.value))
        return located(ast.Assign([node.target], value), node)

    def visit_With(self, node: ast.With) -> ast.AST:
        if self.plain:
            return self.generic_visit(node)
        node.items = self.several(node.items)
        node.body = self.block(node.body, node)
        return node

    def visit_Match(self, node: ast.Match) -> ast.Match:
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.guard = case.guard and self.visit(case.guard)
            case.body = self._inner(case.body, node)
        if not self.plain:
            self.record(node, "match")
        return node

    def _inner(self, statements: list[ast.stmt], place: ast.AST) -> list[Any]:
        if self.plain:
            return self.several(statements)
        return self.block(statements, place)

    def visit_If(self, node: ast.If | ast.For | ast.While) -> ast.AST:
        """One that stays plain, in a `try` for example."""
        if isinstance(node, ast.For):
            node.target, node.iter = self.visit(node.target), self.visit(node.iter)
        else:
            node.test = self.visit(node.test)
        saved = self.scope.in_loop
        self.scope.in_loop = saved or not isinstance(node, ast.If)
        node.body = self._inner(node.body, node)
        self.scope.in_loop = saved
        node.orelse = self._inner(node.orelse, node) if node.orelse else []
        return node

    visit_For = visit_While = visit_If

    def visit_Try(self, node: Any) -> ast.AST:
        """It stays plain: what a traced value decides could raise on either path."""
        if self.plain:
            return self.generic_visit(node)
        if any(isinstance(n, _DECIDING) for n in scopes.own_nodes([node])):
            self.record(node, "try")
        saved, self.in_try = self.in_try, True
        node.body = self.block(node.body, node)
        for handler in node.handlers:
            handler.type = handler.type and self.visit(handler.type)
            handler.body = self.block(handler.body, node)
        for name in ("orelse", "finalbody"):
            statements = getattr(node, name)
            if statements:
                setattr(node, name, self.block(statements, node))
        self.in_try = saved
        return node

    visit_TryStar = visit_Try


_DECIDING = (ast.If, ast.For, ast.While, ast.Assert, ast.IfExp, ast.BoolOp)
