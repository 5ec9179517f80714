"""What is refused before an optimiser starts, and of what a function returns."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError
from wengert.optim.iterate import Stopping

PYTHON_NUMBERS = (bool, int, float, complex)


def check_start(name: str, x0: Any) -> None:
    """Refuse a start that is not made of finite floats."""
    for path, leaf in zip(wg.tree.paths(x0, "x0"), wg.tree.leaves(x0), strict=True):
        kind = kind_of(leaf)
        if kind in "iubc":
            number = "complex" if kind == "c" else "integer"
            raise DTypeError(
                explain(
                    f"{name}: {path} is a number or array of dtype {dtype_of(leaf)}",
                    why=f"a step from {number} values is not one of that dtype.",
                    fix="split it into real and imaginary parts, as a tuple"
                    if kind == "c"
                    else "start with floats: 1.0, or x0.astype(float)",
                )
            )
    vector, _ = wg.tree.ravel(x0)
    if len(vector) == 0:
        raise ArgumentError(
            explain(
                f"{name}: x0 has no numbers to change",
                fix="start with an array of floats, or a tree of them",
            )
        )
    if not np.all(np.isfinite(vector)):
        raise ArgumentError(
            explain(
                f"{name}: x0 has a NaN or an infinity",
                why="every step from there is NaN.",
                fix="start where the function is finite",
            )
        )


def check_stopping(name: str, stopping: Stopping) -> None:
    """Refuse tolerances and numbers of iterations that make no sense."""
    for field, value in zip(Stopping._fields, stopping, strict=True):
        if not value >= 0:
            raise ArgumentError(
                explain(
                    f"{name}: the limit for the {field} is {value!r}",
                    fix="give tolerances and maxiter that are 0 or greater",
                )
            )


def choose(name: str, method: Any, methods: dict[str, Any]) -> Any:
    """A method by its name, or as it is given."""
    if isinstance(method, str):
        found = methods.get(method.lower())
    else:
        found = method if hasattr(method, "step") else None
    if found is None:
        raise ArgumentError(
            explain(
                f"{name}: there is no method {method!r}",
                fix=f"choose one of {', '.join(map(repr, methods))}",
            )
        )
    return found


def check_option(what: str, value: Any, fits: bool, fix: str) -> None:
    """Refuse a parameter of a method, called by the ``__post_init__`` of its class."""
    if not fits:
        raise ArgumentError(explain(f"{what}={value!r}", fix=fix))


def check_scalar(name: str, value: Any) -> None:
    """Refuse a value of an objective that is not one real number."""
    if dtype_of(value) is None or np.shape(value) != ():
        raise ShapeError(
            explain(
                f"{name}: the function returned {described(value)}",
                why="only a number has a minimum.",
                fix="return one number, such as np.sum(r**2), or give residuals to "
                "least_squares",
            )
        )
    if kind_of(value) != "f":
        raise DTypeError(
            explain(
                f"{name}: the function returned {described(value)}",
                fix="return a real float, such as np.abs(z) ** 2 of a complex z",
            )
        )


def check_residuals(name: str, found: Any) -> None:
    """Refuse residuals that are not arrays of real numbers."""
    leaves = wg.tree.leaves(found)
    for leaf in leaves:
        if dtype_of(leaf) is None:
            _refuse_residuals(name, described(leaf))
        if kind_of(leaf) != "f":
            raise DTypeError(
                explain(
                    f"{name}: the function returned {described(leaf)}",
                    fix="return real floats; of complex residuals, both parts",
                )
            )
    if not leaves or (leaves[0] is found and np.shape(found) == ()):
        _refuse_residuals(name, "one number" if leaves else "no numbers")
    if sum(np.size(leaf) for leaf in leaves) == 0:
        raise ShapeError(
            explain(
                f"{name}: the function returned no numbers",
                fix="return one residual or more",
            )
        )


def _refuse_residuals(name: str, what: str) -> NoReturn:
    raise ShapeError(
        explain(
            f"{name}: the function returned {what}",
            why="the squares of residuals are summed here.",
            fix="return the array of residuals itself: model(x) - data; np.array([r]) "
            "of a single one",
        )
    )


def dtype_of(value: Any) -> Any:
    """The dtype of a number or array; None for anything else."""
    if hasattr(value, "dtype"):
        return value.dtype
    return np.dtype(type(value)) if isinstance(value, PYTHON_NUMBERS) else None


def kind_of(value: Any) -> str:
    """The kind of its dtype, "O" for what is no number."""
    dtype = dtype_of(value)
    return "O" if dtype is None else dtype.kind


def described(value: Any) -> str:
    if dtype_of(value) is None:
        return f"a {type(value).__name__}"
    if np.shape(value) == ():
        return f"a number of dtype {dtype_of(value)}"
    return f"an array of {dtype_of(value)} of shape {np.shape(value)}"
