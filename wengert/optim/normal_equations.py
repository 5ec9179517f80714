"""The linear least-squares problems of Gauss-Newton and Levenberg-Marquardt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.optim.conjugate_gradients import model_step

LEAST_DAMPING = 1e-14  # of a matrix with a diagonal of ones: it is regular


class Solved(NamedTuple):
    """The step p, the D² that scaled the damping, pᵀD²p, and how many products."""

    step: Any
    scale: Any
    scaled_square: Any
    products: Any


def damped_step(
    residuals: Callable[[Any], Any],
    x: Any,
    gradient: Any,
    damping: Any,
    scale: Any,
    linear: str,
) -> Solved:
    """The step p of (JᵀJ + λD²) p = -g, with the Jacobian J of the residuals at x.

    Args:
        residuals: a function of a vector that returns one.
        x, gradient: where, and g = Jᵀr there.
        damping: λ.
        scale: the D² of the step before, which only grow.
        linear: "dense" forms J, and D are the lengths of its columns; "products" takes
            conjugate gradients, on products with J and Jᵀ, and one number for all of D.

    References:
        Moré, The Levenberg-Marquardt algorithm, 1978, on D.
    """
    return SOLVERS[linear](residuals, x, gradient, damping, scale)


def _dense(residuals: Any, x: Any, gradient: Any, damping: Any, scale: Any) -> Solved:
    jacobian = wg.jacobian(residuals)(x)
    scale = np.maximum(scale, np.sum(jacobian**2, axis=0))
    lengths = np.sqrt(np.where(scale > 0, scale, 1.0))
    columns = jacobian / lengths
    matrix = columns.T @ columns + damping * np.eye(len(x))
    scaled = -np.linalg.solve(matrix, gradient / lengths)
    return Solved(scaled / lengths, scale, np.sum(scaled**2), len(x))


def _by_products(
    residuals: Any, x: Any, gradient: Any, damping: Any, scale: Any
) -> Solved:
    _, pushforward = wg.linearize(residuals, x)
    _, pullback = wg.vjp(residuals, x)
    along = np.sum(pushforward(gradient) ** 2) / np.sum(gradient**2)
    scale = np.maximum(scale, along)
    weight = damping * scale[0]
    found = model_step(lambda v: pullback(pushforward(v))[0] + weight * v, gradient)
    square = scale[0] * np.sum(found.step**2)
    return Solved(found.step, scale, square, 2 * found.products + 1)


SOLVERS = {"dense": _dense, "products": _by_products}
NAMES = ", ".join(map(repr, SOLVERS))
