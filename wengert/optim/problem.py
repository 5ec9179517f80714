"""What the user gives, as functions of one vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError
from wengert.optim.checks import check_residuals, check_scalar
from wengert.optim.iterate import Problem


def scalar_problem(
    name: str, f: Callable[..., Any], unravel: Callable[[Any], Any], args: Any
) -> Problem:
    """A function that returns a number."""

    def objective(x: Any) -> Any:
        value = f(unravel(x), *args)
        check_scalar(name, value)
        return value

    def residuals(x: Any) -> Any:
        raise ArgumentError(
            explain(
                f"{name}: this method is one for residuals",
                fix="give the residuals, not their sum of squares, to least_squares",
            )
        )

    return Problem(objective, wg.value_and_grad(objective), residuals)


def residual_problem(
    name: str, f: Callable[..., Any], unravel: Callable[[Any], Any], args: Any
) -> Problem:
    """Half the sum of squares of what a function returns."""

    def residuals(x: Any) -> Any:
        found = f(unravel(x), *args)
        check_residuals(name, found)
        return wg.tree.ravel(found)[0]

    def objective(x: Any) -> Any:
        return 0.5 * np.sum(residuals(x) ** 2)

    return Problem(objective, wg.value_and_grad(objective), residuals)
