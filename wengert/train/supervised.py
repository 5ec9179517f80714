"""The loss of a model of `wengert.nn` on pairs of inputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wengert as wg


def supervised(model: Any, loss: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A loss for `fit` from a model and a function of predictions and targets.

    Args:
        model: A layer of `wengert.nn`.
        loss: ``loss(predictions, targets) -> number``, or a metric.

    Returns:
        ``f(params, state, batch, training) -> (value, state)`` of batches
        ``(inputs, targets)``.

    Example:
        >>> import numpy as np, wengert as wg
        >>> model = wg.nn.Dense(1)
        >>> params, state = wg.nn.setup(wg.random.key(0), model, np.ones((4, 2)))
        >>> f = wg.train.supervised(model, lambda y, t: np.mean((y - t) ** 2))
        >>> value, state = f(params, state, (np.ones((4, 2)), np.ones((4, 1))), True)
        >>> value.shape
        ()
    """

    def of_batch(params: Any, state: Any, batch: Any, training: bool) -> Any:
        inputs, targets = batch
        found, state = wg.nn.apply(model, inputs, params, state, training=training)
        return loss(found, targets), state

    return of_batch
