"""Similarities of vectors, and losses that pull and push them."""

from __future__ import annotations

from typing import Any

import wengert.numpy as wnp
from wengert.nn.cross_entropy import cross_entropy
from wengert.nn.losses import same_shapes


def cosine_similarity(x: Any, y: Any, epsilon: float = 1e-8) -> Any:
    """``x·y / √(max(x·x, ε²) max(y·y, ε²))`` over the last axis.

    A vector shorter than ε counts as one of length ε, so that value and derivative are
    finite at 0.

    Returns:
        Array of the shape without the last axis.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> float(nn.cosine_similarity(np.array([3.0, 4.0]), np.array([4.0, 3.0])))
        0.96
        >>> float(nn.cosine_similarity(np.zeros(2), np.ones(2)))
        0.0
    """
    same_shapes("cosine_similarity", x, y)
    return wnp.sum(_unit(x, epsilon) * _unit(y, epsilon), axis=-1)


def _unit(x: Any, epsilon: float) -> Any:
    """``x / max(|x|, ε)``; the square is bounded, for the norm has a kink at 0."""
    squared = wnp.sum(wnp.square(x), axis=-1, keepdims=True)
    return x / wnp.sqrt(wnp.maximum(squared, epsilon**2))


def cosine_loss(predictions: Any, targets: Any, epsilon: float = 1e-8) -> Any:
    """``mean(1 - cosine_similarity(p, t))``.

    Raises:
        ShapeError: the shapes differ.
    """
    return wnp.mean(1.0 - cosine_similarity(predictions, targets, epsilon))


def contrastive(x: Any, y: Any, same: Any, margin: float = 1.0) -> Any:
    """``mean(s d² + (1 - s) max(0, m - d)²)``, d the distance of x and y.

    Args:
        x, y: Of shape (pairs, features).
        same: Of shape (pairs,): 1 or True where a pair belongs together.
        margin: How far apart the others shall be.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> x, y = np.zeros((2, 1)), np.array([[2.0], [0.25]])
        >>> float(nn.contrastive(x, y, np.array([True, False])))
        2.28125

    References:
        Hadsell, Chopra & LeCun, "Dimensionality reduction by learning an invariant
        mapping", CVPR 2006.
    """
    same_shapes("contrastive", x, y)
    squared = wnp.sum(wnp.square(x - y), axis=-1)
    same_shapes("contrastive", squared, same)
    together = wnp.asarray(same).astype(squared.dtype)
    # Where x is y the distance has no derivative; 0 is taken, as for the norm.
    apart = squared > 0
    distance = wnp.where(apart, wnp.sqrt(wnp.where(apart, squared, 1.0)), 0.0)
    push = wnp.square(wnp.maximum(margin - distance, 0.0))
    return wnp.mean(together * squared + (1.0 - together) * push)


def info_nce(x: Any, y: Any, temperature: Any = 0.1, epsilon: float = 1e-8) -> Any:
    """The cross-entropy of finding the partner of each x among all y, and back.

    ``z_ij = cos(x_i, y_j) / τ``; the mean of ``-log softmax(z)_ii`` over rows and
    columns.

    Args:
        x, y: Of shape (pairs, features); x_i and y_i belong together.
        temperature: Positive τ.
        epsilon: As in `cosine_similarity`.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> x = np.eye(3)
        >>> bool(nn.info_nce(x, x) < 1e-3 < nn.info_nce(x, x[::-1]))
        True

    References:
        van den Oord, Li & Vinyals, "Representation learning with contrastive
        predictive coding", 2018; Radford et al., ICML 2021 (both directions).
    """
    same_shapes("info_nce", x, y)
    z = _unit(x, epsilon) @ _unit(y, epsilon).T / temperature
    right = wnp.arange(z.shape[0])
    return 0.5 * (cross_entropy(z, right) + cross_entropy(z.T, right))
