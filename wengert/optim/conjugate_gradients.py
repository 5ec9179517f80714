"""Conjugate gradients for a quadratic model of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class ModelStep(NamedTuple):
    """A step, by how much the model falls, and how many products it took."""

    step: Any
    fall: Any
    products: Any


def model_step(
    hessian_times: Callable[[Any], Any], gradient: Any, radius: Any = np.inf
) -> ModelStep:
    """Minimise gᵀp + ½ pᵀHp, nearly, inside a ball.

    Where the model curves down, the step goes to the edge of the ball; without a ball
    it ends before that direction, unless it is the first, that of steepest descent.

    Args:
        hessian_times: the product of H with a vector.
        gradient: g; the smaller it is, the smaller the residual that is asked for.
        radius: of the ball.

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.1 and 7.2
        (Steihaug).
    """
    size = np.sqrt(np.sum(gradient**2))
    # The book has 0.5: in a narrow valley that takes three times the iterations.
    tolerance = np.minimum(0.01, np.sqrt(size)) * size
    step = np.zeros(len(gradient))
    residual, search = gradient, -gradient  # the residual is the model's gradient
    square, products = size**2, 0
    while products < 2 * len(gradient):
        product = hessian_times(search)
        products += 1
        curvature = np.dot(search, product)
        length, edge = square / curvature, _to_edge(step, search, radius)
        inside = curvature > 0 and length < edge
        if not inside:
            length = edge if np.isfinite(edge) else np.where(products == 1, 1.0, 0.0)
        step = step + length * search
        residual = residual + length * product
        before, square = square, np.sum(residual**2)
        if not inside or np.sqrt(square) < tolerance:
            break
        search = (square / before) * search - residual
    return ModelStep(step, -0.5 * np.dot(step, gradient + residual), products)


def _to_edge(step: Any, search: Any, radius: Any) -> Any:
    """How many times `search` fits between `step` and the edge of the ball."""
    a, b = np.sum(search**2), np.dot(step, search)
    c = np.sum(step**2) - radius**2
    return (np.sqrt(b * b - a * c) - b) / a
