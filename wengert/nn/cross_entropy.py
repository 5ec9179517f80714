"""Losses of distributions: cross-entropy and the Kullback-Leibler divergence."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn.losses import same_shapes


def cross_entropy(logits: Any, targets: Any, weights: Any = None) -> Any:
    """``mean(-Σ_k t_k log softmax(z)_k)``, classes on the last axis.

    With ``log softmax(z) = z - max z - log Σ exp(z - max z)`` nothing overflows, and no
    logarithm of 0 is taken.

    Args:
        logits: Any real z, of shape (..., classes).
        targets: The number of the right class, integers of shape (...), or
            probabilities of shape (..., classes).
        weights: Of shape (...): the mean is ``Σ w loss / Σ w``. 0 where padding is.

    Returns:
        A number.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> z = np.array([[0.0, 1000.0], [0.0, 0.0]])
        >>> float(nn.cross_entropy(z, np.array([1, 0])))
        0.34657359027997264
        >>> wg.grad(nn.cross_entropy)(z, np.array([1, 0]))
        array([[ 0.  ,  0.  ],
               [-0.25,  0.25]])
    """
    losses = _entropies(logits, targets)
    if weights is None:
        return wnp.mean(losses)
    same_shapes("cross_entropy", losses, weights)
    return wnp.sum(weights * losses) / wnp.sum(weights)


def _entropies(logits: Any, targets: Any) -> Any:
    """The loss of each distribution."""
    shape, found = tuple(logits.shape), tuple(np.shape(targets))
    integers = np.dtype(targets.dtype).kind in "iu"
    if found != (shape[:-1] if integers else shape):
        raise ShapeError(
            explain(
                f"nn.cross_entropy: logits of shape {shape} and "
                f"{'integer' if integers else 'probability'} targets of shape {found}",
                fix="give an integer for each row of logits, or a probability for "
                "each of them",
            )
        )
    if not integers:
        return -wnp.sum(targets * wnp.log_softmax(logits, axis=-1), axis=-1)
    rows = logits.reshape(-1, shape[-1])
    right = rows[wnp.arange(rows.shape[0]), targets.reshape(-1)]
    return wnp.logsumexp(rows, axis=-1) - right


def kl_divergence(logits: Any, targets: Any) -> Any:
    """``mean(Σ_k t_k (log t_k - log softmax(z)_k))``, ``KL(t ‖ softmax(z))``.

    Args:
        logits: Any real z, of shape (..., classes).
        targets: Probabilities of that shape; where one is 0 its term is 0.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.kl_divergence(np.zeros((1, 4)), np.full((1, 4), 0.25)))
        0.0
    """
    same_shapes("kl_divergence", logits, targets)
    positive = targets > 0
    logs = wnp.where(positive, wnp.log(wnp.where(positive, targets, 1.0)), 0.0)
    terms = targets * (logs - wnp.log_softmax(logits, axis=-1))
    return wnp.mean(wnp.sum(terms, axis=-1))


def kl_normal(mean: Any, log_variance: Any) -> Any:
    """``mean(Σ_k (μ_k² + exp(l_k) - l_k - 1) / 2)``, ``KL(N(μ, exp l) ‖ N(0, 1))``.

    The sum is over the last axis: the divergence in the bound of a variational
    autoencoder. ``exp(l) - 1`` is taken as one function, exact for small l.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.kl_normal(np.ones((1, 2)), np.zeros((1, 2))))
        1.0
    """
    same_shapes("kl_normal", mean, log_variance)
    terms = wnp.square(mean) + wnp.expm1(log_variance) - log_variance
    return wnp.mean(0.5 * wnp.sum(terms, axis=-1))
