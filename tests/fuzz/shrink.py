"""Smaller programs that fail in the same way: statements are deleted one by one."""

from __future__ import annotations

import ast
import contextlib
import copy
import signal
from collections.abc import Callable, Iterator
from typing import Any


def shrink(text: str, fails: Callable[[str], bool], rounds: int = 6) -> str:
    """The program after all deletions and simplifications that keep it failing."""
    for _ in range(rounds):
        before = text
        for change in (_statements, _expressions):
            text = _once(text, change, fails)
        if text == before:
            break
    return text


def _once(text: str, change: Any, fails: Callable[[str], bool]) -> str:
    place = 0
    while True:
        candidates = list(change(ast.parse(text)))
        if place >= len(candidates):
            return text
        smaller = ast.unparse(ast.fix_missing_locations(candidates[place]())) + "\n"
        if smaller != text and len(smaller) < len(text) and _fails(smaller, fails):
            text = smaller
        else:
            place += 1


def _fails(text: str, fails: Callable[[str], bool]) -> bool:
    """Whether it fails in time: a program without one of its lines may run for ever."""
    with contextlib.suppress(TimeoutError), _limit(5):
        return fails(text)
    return False


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _statements(tree: ast.Module) -> Iterator[Callable[[], ast.Module]]:
    """Without one statement, or with what it holds in its place."""
    for n, node in enumerate(ast.walk(tree)):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if not isinstance(block, list) or isinstance(node, ast.Module):
                continue
            for i, statement in enumerate(block):
                yield _edited(tree, n, field, i, "delete")
                if isinstance(statement, (ast.If, ast.For, ast.While)):
                    yield _edited(tree, n, field, i, "unwrap")
    for i, statement in enumerate(tree.body):
        if isinstance(statement, ast.FunctionDef) and statement.name != "f":
            yield _edited(tree, 0, "body", i, "delete")


def _edited(
    tree: ast.Module, n: int, field: str, i: int, how: str
) -> Callable[[], ast.Module]:
    def edit() -> ast.Module:
        edited = copy.deepcopy(tree)
        node = list(ast.walk(edited))[n]
        block = getattr(node, field)
        block[i : i + 1] = [] if how == "delete" else block[i].body
        if not block and field == "body":
            block.append(ast.Pass())
        return edited

    return edit


def _expressions(tree: ast.Module) -> Iterator[Callable[[], ast.Module]]:
    """With a part of an expression in the place of the whole, or a number."""
    for n, node in enumerate(ast.walk(tree)):
        for name, value in ast.iter_fields(node):
            values = value if isinstance(value, list) else [value]
            for i, old in enumerate(values):
                if not isinstance(old, (ast.Call, ast.BinOp, ast.IfExp, ast.BoolOp)):
                    continue
                parts = [c for c in ast.iter_child_nodes(old) if _is_value(c)]
                for part in (*parts, ast.Constant(0.7)):
                    yield _replaced(tree, n, name, i, value, part)


def _is_value(node: ast.AST) -> bool:
    return isinstance(node, ast.expr) and not ast.unparse(node).startswith("np.a")


def _replaced(
    tree: ast.Module, n: int, name: str, i: int, value: Any, part: ast.expr
) -> Callable[[], ast.Module]:
    def edit() -> ast.Module:
        edited = copy.deepcopy(tree)
        node = list(ast.walk(edited))[n]
        if isinstance(value, list):
            getattr(node, name)[i] = part
        else:
            setattr(node, name, part)
        return edited

    return edit
