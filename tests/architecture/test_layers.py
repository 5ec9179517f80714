"""A module imports from its own layer and from those below it, nowhere else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_files import FILES, module_name, syntax

# From the bottom up; a module belongs to the longest name that begins its own.
LAYERS = [
    ["wengert.errors"],
    ["wengert._core"],
    ["wengert._ops"],
    ["wengert._ir"],
    ["wengert._passes"],
    ["wengert._backend"],
    ["wengert._array"],
    ["wengert._modes"],
    ["wengert._control"],
    ["wengert.numpy", "wengert.scipy"],
    ["wengert._frontend"],
    ["wengert._staging"],
    ["wengert.smooth"],
    ["wengert.explain"],
    ["wengert"],
    ["wengert.optim", "wengert.random", "wengert.scipy.optimize"],
    ["wengert.data", "wengert.implicit"],
    ["wengert.nn", "wengert.ode", "wengert.uncertainty"],
    ["wengert.infer", "wengert.train"],
    ["wengert.export"],
    ["wengert.examples"],
    ["wengert.cli", "wengert.__main__"],
]
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Imports upwards that are still there, and why. The list may only shrink.
EXCEPTIONS: dict[tuple[str, str], str] = {}

HEAVY = [
    "llvmlite",
    "matplotlib",
    "sympy",
    "mpmath",
    "torch",
    "autograd",
    "rich",
    "click",
]


def _rank(module: str) -> int:
    names = [n for n in RANKS if module == n or module.startswith(n + ".")]
    return RANKS[max(names, key=len)]


def _imports(tree: ast.AST) -> set[str]:
    """Modules imported anywhere in a file, inside functions too, but not for types."""
    found = set()
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        pending += ast.iter_child_nodes(node)
    modules = {module_name(path) for path in FILES}
    return found & modules


def _upward(path: Path) -> set[tuple[str, str]]:
    importer = module_name(path)
    imported = _imports(syntax(path))
    # `from package import module` names the package too; what is meant is the module.
    packages = {m for m in imported if any(n.startswith(m + ".") for n in imported)}
    return {(importer, m) for m in imported - packages if _rank(m) > _rank(importer)}


def test_imports_go_down():
    found = set().union(*map(_upward, FILES))
    assert found == set(EXCEPTIONS), (
        "move the code down, or shrink the list of exceptions"
    )


def test_import_is_light():
    program = f"import sys, wengert; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
