"""Losses of numbers: means over everything, predictions first and targets second."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError


def same_shapes(name: str, x: Any, y: Any) -> None:
    """That predictions and targets are of one shape: broadcasting is a wrong loss."""
    if tuple(np.shape(x)) != tuple(np.shape(y)):
        raise ShapeError(
            explain(
                f"nn.{name}: predictions of shape {tuple(np.shape(x))} and targets of "
                f"shape {tuple(np.shape(y))}",
                why="broadcast, each prediction would meet several targets.",
                fix="give both one shape, for example predictions[:, 0]",
            )
        )


def squared_error(predictions: Any, targets: Any) -> Any:
    """``mean((p - t)²)``.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
        2.0
    """
    same_shapes("squared_error", predictions, targets)
    return wnp.mean(wnp.square(predictions - targets))


def absolute_error(predictions: Any, targets: Any) -> Any:
    """``mean(|p - t|)``; its derivative is 0 where both are equal.

    Raises:
        ShapeError: the shapes differ.
    """
    same_shapes("absolute_error", predictions, targets)
    return wnp.mean(wnp.abs(predictions - targets))


def huber(predictions: Any, targets: Any, delta: float = 1.0) -> Any:
    """``mean(h(p - t))``, h(e) = e²/2 up to ``|e| = δ``, then ``δ (|e| - δ/2)``.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.huber(np.array([0.5, 3.0]), np.zeros(2)))
        1.3125

    References:
        Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35, 1964.
    """
    same_shapes("huber", predictions, targets)
    error = wnp.abs(predictions - targets)
    near = wnp.minimum(error, delta)
    return wnp.mean(near * (error - 0.5 * near))


def binary_cross_entropy(logits: Any, targets: Any) -> Any:
    """``mean(log(1 + exp(z)) - t z)``, the cross-entropy of ``sigmoid(z)`` and t.

    No logit makes it overflow: where the sigmoid rounds to 0 or 1, it is the distance
    of z from the right side.

    Args:
        logits: Any real z.
        targets: Of the same shape, from 0 to 1, or booleans.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.binary_cross_entropy(np.array([800.0]), np.array([0.0])))
        800.0
    """
    same_shapes("binary_cross_entropy", logits, targets)
    targets = wnp.asarray(targets).astype(logits.dtype)
    return wnp.mean(wnp.softplus(logits) - targets * logits)
