"""Training as the examples do it: a pass over the data is one native call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import wengert as wg
from wengert import nn


class Learner(NamedTuple):
    """What a step of training changes: trees of arrays."""

    params: Any
    state: Any
    opt_state: Any


Loss = Callable[[Any, Any, Any, Any], Any]  # (params, state, key, batch)
Epoch = Callable[[Learner, Any, Any], tuple[Learner, Any]]


def learner(key: Any, model: Any, x: Any, optimiser: Any, dtype: Any = None) -> Learner:
    """A model before its first step, for inputs like `x`."""
    params, state = nn.setup(key, model, x, dtype)
    return Learner(params, state, optimiser.init(params))


def epoch_of(loss: Loss, optimiser: Any, size: int) -> Epoch:
    """``epoch(learner, key, data)``: a pass over the data in batches of `size`.

    `data` is a tree of arrays of one length; what is left over after the last whole
    batch is not used in this pass. ``loss(params, state, key, batch)`` returns its
    value and the next state. The pass returns the learner and the mean loss.
    """
    gradient = wg.value_and_grad(loss, has_aux=True)

    @wg.jit
    def epoch(learner: Learner, key: Any, data: Any) -> tuple[Learner, Any]:
        params, state, opt_state = learner
        n = len(wg.tree.leaves(data)[0])
        order = wg.random.permutation(key, n)[: n // size * size].reshape(-1, size)
        total = 0.0
        for pick in order:
            key = wg.random.fold_in(key, 0)
            batch = wg.tree.map(lambda x, pick=pick: x[pick], data)
            (value, state), grads = gradient(params, state, key, batch)
            updates, opt_state = optimiser.update(grads, opt_state, params)
            params = wg.optim.apply_updates(params, updates)
            total = total + value
        return Learner(params, state, opt_state), total / len(order)

    return epoch
