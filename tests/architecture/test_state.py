"""The package's state is the op table and one ContextVar, which is always restored."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

import wengert as wg
from tests.architecture.source_files import FILES, label, syntax
from wengert._core.interp import CURRENT, EVALUATE

MUTATORS = {"append", "add", "clear", "extend", "insert", "pop", "setdefault", "update"}


def _assigned(tree: ast.Module) -> set[str]:
    """Names of containers assigned at the top of a module."""
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(
                node.value, (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.Call)
            ):
                names |= {t.id for t in targets if isinstance(t, ast.Name)}
    return names


def _mutated(function: ast.AST) -> Iterator[str]:
    """Names whose items are set, or that a mutating method is called on."""
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(
            node.ctx, (ast.Store, ast.Del)
        ):
            if isinstance(node.value, ast.Name):
                yield node.value.id
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in MUTATORS and isinstance(node.func.value, ast.Name):
                yield node.func.value.id


def _local(function: ast.FunctionDef) -> set[str]:
    arguments = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    stored = {
        n.id
        for n in ast.walk(function)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return arguments | stored


@pytest.mark.parametrize("path", FILES, ids=label)
def test_functions_change_no_module_state(path):
    tree = syntax(path)
    for function in ast.walk(tree):
        assert not isinstance(function, ast.Global), f"line {function.lineno}"
        if isinstance(function, ast.FunctionDef):
            changed = set(_mutated(function)) & _assigned(tree) - _local(function)
            assert changed <= {"OPS"}, (function.name, changed)


def test_one_context_variable():
    calls = [
        (label(path), node.lineno)
        for path in FILES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in ("ContextVar", "local")
    ]
    assert [file for file, _ in calls] == ["wengert/_core/interp.py"]


def test_the_context_is_restored_after_an_error():
    def fails(x):
        raise ZeroDivisionError

    transformations = [
        lambda: wg.grad(fails)(1.0),
        lambda: wg.jvp(fails, (1.0,), (1.0,)),
        lambda: wg.linearize(fails, 1.0),
        lambda: wg.vmap(fails)([1.0]),
        lambda: wg.grad(wg.grad(fails))(1.0),
    ]
    for transformation in transformations:
        with pytest.raises((ZeroDivisionError, wg.errors.WengertError)):
            transformation()
        assert CURRENT.get() is EVALUATE
