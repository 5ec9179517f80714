"""Calls and expressions rewritten to ask the runtime."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from wengert._frontend import scopes
from wengert._frontend.runtime import COMPARISONS
from wengert._frontend.sites import Unconvertible, site

# Ends in underscores, so that it is not mangled in a class.
HELPER = "__wg__"

_SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
assert set(_SYMBOLS.values()) == set(COMPARISONS)
# What a runtime compares in its own way.
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.In: "in_",
    ast.NotIn: "not_in",
}


def _fits_a_scalar(index: ast.expr) -> bool:
    """Whether an index of ``None``, ``...`` and ``()`` is written there."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return all(
        isinstance(p, ast.Constant) and (p.value is None or p.value is ...)
        for p in parts
    )


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def helper(name: str) -> ast.Attribute:
    return ast.Attribute(load(HELPER), name, ast.Load())


def call(name: str, *args: ast.expr) -> ast.Call:
    """A call of the runtime."""
    return ast.Call(helper(name), list(args), [])


def located(new: Any, old: ast.AST) -> Any:
    """`new`, and what it is made of down to nodes with a place, at that of `old`."""
    pending = [new]
    while pending:
        node = pending.pop()
        if hasattr(node, "lineno"):
            continue
        if "lineno" in node._attributes:
            ast.copy_location(node, old)
        pending += ast.iter_child_nodes(node)
    return new


def lazy(value: ast.expr) -> ast.Lambda:
    """A function without parameters that evaluates an expression."""
    empty = ast.arguments([], [], None, [], [], None, [])
    return ast.copy_location(ast.Lambda(empty, value), value)


class Expressions(ast.NodeTransformer):
    """Rewrites calls, and with `staging` whatever decides by a truth value."""

    def __init__(self, staging: bool, has_class: bool) -> None:
        self.staging = staging
        self.has_class = has_class  # whether there is a `__class__` to be seen
        self.sites: list[Unconvertible] = []
        self.first: str | None = None  # the first parameter of the innermost function
        self.in_class = False  # directly in a class body
        self.in_comprehension = False
        self.in_try = False  # where whatever decides stays plain

    def record(self, node: ast.AST, construct: str) -> None:
        self.sites.append(site(node, construct))

    def reads_frame(self, body: Iterable[ast.AST]) -> bool:
        """Whether a function with this body has to stay as it is."""
        readers = scopes.frame_readers(body)
        for reader in readers:
            self.record(reader, "use of the frame")
        return bool(readers)

    def several(self, nodes: Iterable[Any]) -> list[Any]:
        return [self.visit(node) for node in nodes]

    # -- calls -------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self._super(node)
        node.func = self._called(node.func)
        node.args = self.several(node.args)
        node.keywords = self.several(node.keywords)
        if not self._is_of_a_module(node.func):
            node.args = [self.listed(arg) for arg in node.args]
            for keyword in node.keywords:
                keyword.value = self.listed(keyword.value)
        node.func = located(call("callee", node.func), node.func)
        return node

    def _is_of_a_module(self, func: ast.expr) -> bool:
        """Whether a function is likely to be one of a library, as ``np.array``."""
        if not isinstance(func, ast.Attribute) or not isinstance(func.value, ast.Call):
            return False
        reached = func.value.args  # the name has been rewritten
        return bool(reached) and isinstance(reached[0], ast.Name)

    def _called(self, func: ast.expr) -> ast.expr:
        """What is called: a name or attribute of it stays as it is."""
        if isinstance(func, ast.Name):
            return func
        if isinstance(func, ast.Attribute):
            func.value = self.visit(func.value)
            return func
        return self.visit(func)

    # -- values from outside -----------------------------------------------------------

    def is_outside(self, name: str) -> bool:
        """Whether a name is one of the user's function itself; see `control`."""
        return False

    def _reached(self, node: Any) -> ast.AST:
        if not self.staging or not isinstance(node.ctx, ast.Load) or self.in_class:
            return node
        return located(call("reached", node), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._reached(node) if self.is_outside(node.id) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return self._reached(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node  # Python takes a dotted name there, and no call

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """What is indexed is an input too, if it is an array that staging knows not.

        A default, an entry of a list that a loop goes through, what a library returned:
        a plain array cannot be indexed by a traced value.
        """
        self.generic_visit(node)
        if self.staging and isinstance(node.value, ast.Name) and not self.in_class:
            node.value = located(call("reached", node.value), node.value)
        if _fits_a_scalar(node.slice) and isinstance(node.ctx, ast.Load):
            node.value = located(call("indexed", node.value), node.value)
        return self._reached(node)

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        node.value = self.listed(node.value)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        self.generic_visit(node)
        node.value = self.listed(node.value)
        return node

    def listed(self, value: ast.expr) -> ast.expr:
        """An expression whose lists are lists that may grow, where it displays any."""
        if not self.staging or self.in_class:
            return value
        if isinstance(value, (ast.List, ast.Tuple)):
            value.elts = [self.listed(item) for item in value.elts]
        elif isinstance(value, ast.Dict):
            value.values = [self.listed(item) for item in value.values]
        elif isinstance(value, ast.ListComp):
            value.elt = self.listed(value.elt)
        if isinstance(value, (ast.List, ast.ListComp)):
            return located(call("listed", value), value)
        return value

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Of an array that staging knows not, ``a += 1`` writes to an input."""
        self.generic_visit(node)
        if not self.staging or self.in_class:
            return node
        if isinstance(node.target, ast.Attribute):
            return self._augmented(node, node.target)
        if not isinstance(node.target, ast.Name):
            return node
        name = node.target.id
        given = call("reached", ast.Name(name, ast.Load()))
        bind = ast.Assign([ast.Name(name, ast.Store())], given)
        return located(ast.If(ast.Constant(True), [bind, node], []), node)

    def _augmented(self, node: ast.AugAssign, target: ast.Attribute) -> ast.AST:
        """``owner.name += 1``; an array from outside is stored as it is."""
        owner, value = HELPER + "owner__", HELPER + "value__"
        attribute = ast.Attribute(load(owner), target.attr, ast.Load())
        store = ast.Attribute(load(owner), target.attr, ast.Store())
        node.target = ast.copy_location(ast.Name(value, ast.Store()), target)
        statements = [
            ast.Assign([ast.Name(owner, ast.Store())], target.value),
            ast.Assign([ast.Name(value, ast.Store())], call("reached", attribute)),
            node,
            ast.Assign([store], call("stored", load(value))),
            ast.Delete([ast.Name(name, ast.Del()) for name in (owner, value)]),
        ]
        return located(ast.If(ast.Constant(True), statements, []), node)

    def _super(self, node: ast.Call) -> ast.AST:
        """``super()`` reads its frame, which may be that of a branch: say it in full.

        In a comprehension, a frame of its own too, Python's error stays.
        """
        explicit = node.args or node.keywords
        seen = self.has_class and self.first and not self.in_comprehension
        if explicit or not self.first or not seen:
            return self.generic_visit(node)
        names = load("__class__"), load(self.first)
        node.args = [located(name, node) for name in names]
        return node

    # -- scopes inside expressions -----------------------------------------------------

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args = self.visit(node.args)
        if self.reads_frame([node.body]):
            return node
        saved = self.state
        self.enter(node.args)
        node.body = self.visit(node.body)
        self.state = saved
        return node

    def enter(self, args: ast.arguments) -> None:
        """Go on in the body of a function with these parameters."""
        names = [*args.posonlyargs, *args.args]
        self.first = names[0].arg if names else None
        self.in_class = self.in_comprehension = self.in_try = False

    @property
    def state(self) -> tuple[str | None, bool, bool, bool]:
        """What `enter` changes."""
        return self.first, self.in_class, self.in_comprehension, self.in_try

    @state.setter
    def state(self, state: tuple[str | None, bool, bool, bool]) -> None:
        self.first, self.in_class, self.in_comprehension, self.in_try = state

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        """Defaults only: annotations stay as they are."""
        node.defaults = self.several(node.defaults)
        node.kw_defaults = [d and self.visit(d) for d in node.kw_defaults]
        return node

    def _comprehension(self, node: Any) -> ast.AST:
        if self.staging and any(g.ifs for g in node.generators):
            self.record(node, "comprehension filter")
        saved = self.in_comprehension
        self.in_comprehension = True
        self.generic_visit(node)
        self.in_comprehension = saved
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    # -- truth values ------------------------------------------------------------------

    def stays(self, node: ast.AST, *operands: ast.expr) -> bool:
        """Whether operands cannot be evaluated by functions of their own."""
        if not self.staging or self.in_try:
            return True
        if self.in_class:
            self.record(node, "class body")
            return True
        for operand in operands:
            found = scopes.bound_to_scope(operand)
            if found is not None:
                self.record(*found)
                return True
        return False

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        first, *others = node.values
        if self.stays(node, *others):
            return self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        lazily = [lazy(self.visit(other)) for other in others]
        return located(call(name, self.visit(first), *lazily), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if self.staging and not self.in_try and isinstance(node.op, ast.Not):
            return located(call("not_", node.operand), node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if self.stays(node, node.body, node.orelse):
            return self.generic_visit(node)
        self.generic_visit(node)
        branches = lazy(node.body), lazy(node.orelse)
        return located(call("choose", node.test, *branches), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if len(node.ops) == 1:
            return self._comparison(node)
        if self.stays(node, *node.comparators):
            return self.generic_visit(node)
        self.generic_visit(node)
        links: list[ast.expr] = []
        for op, operand in zip(node.ops, node.comparators, strict=True):
            links += [ast.Constant(_SYMBOLS[type(op)]), lazy(operand)]
        return located(call("compare", node.left, *links), node)

    def _comparison(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        name = _COMPARISONS.get(type(node.ops[0]))
        if name is None or not self.staging or self.in_try:
            return node
        return located(call(name, node.left, node.comparators[0]), node)
