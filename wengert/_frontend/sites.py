"""Places of a function that cannot be converted, and how they are shown."""

from __future__ import annotations

import ast
import linecache
from typing import NamedTuple


class Unconvertible(NamedTuple):
    """A construct that stays plain Python, so that no traced value may reach it."""

    line: int
    col: int
    construct: str
    reason: str
    rewrite: str


# Reason and rewrite of every construct that stays plain.
CONSTRUCTS: dict[str, tuple[str, str]] = {
    "generator": (
        "a generator stops and goes on between its statements.",
        "return a list or an array of what it yields",
    ),
    "async function": (
        "a coroutine is suspended at each await.",
        "write an ordinary function",
    ),
    "try": (
        "both sides of a traced branch would run inside one handler.",
        "test for the condition with if before the operation that raises",
    ),
    "match": (
        "patterns are tested by Python itself.",
        "write the cases as if and elif",
    ),
    "assignment expression": (
        "a name bound by := inside an operand that may not run.",
        "assign in a statement of its own, before",
    ),
    "await": (
        "an operand that may not run cannot be suspended.",
        "await in a statement of its own, before",
    ),
    "yield": (
        "an operand that may not run cannot be suspended.",
        "yield in a statement of its own, before",
    ),
    "class body": (
        "names of a class body are not seen by the functions that branches become.",
        "compute the value before the class statement",
    ),
    "comprehension filter": (
        "the length of the result would depend on a traced value.",
        "write a for loop with an if, or select with np.where",
    ),
    "use of the frame": (
        "locals(), vars(), dir(), eval() and exec() read the names of one frame, and "
        "branches become functions with frames of their own.",
        "name the variables, or pass eval and exec a dictionary",
    ),
    "missing source": (
        "the function's source text is not there to be read.",
        "define the function in a file, and import it again after a change",
    ),
    "deep nesting": (
        "the statements are nested too deeply for Python's compiler.",
        "split the function in two",
    ),
}


def site(node: ast.AST, construct: str) -> Unconvertible:
    reason, rewrite = CONSTRUCTS[construct]
    line = getattr(node, "lineno", 1)
    return Unconvertible(
        line, getattr(node, "col_offset", 0), construct, reason, rewrite
    )


def show(sites: list[Unconvertible], file: str) -> str:
    """A paragraph for each site: file, line, source text with a caret, and why."""
    return "\n".join(_paragraph(s, file) for s in sites)


def _paragraph(s: Unconvertible, file: str) -> str:
    lines = [f"{file}:{s.line}: {s.construct}"]
    source = linecache.getline(file, s.line).rstrip("\n")
    if source:
        # Columns of the syntax tree count bytes of UTF-8.
        column = len(source.encode()[: s.col].decode(errors="ignore"))
        margin = len(source) - len(source.lstrip())
        lines += [f"    {source.strip()}", "    " + " " * (column - margin) + "^"]
    lines += [f"  {s.reason}", f"  Fix: {s.rewrite}"]
    return "\n".join(lines)
