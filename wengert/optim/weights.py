"""Transformations that bound updates, or that look at the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.optim.combining import masked
from wengert.optim.leaves import fitted, global_norm, mapped, squared
from wengert.optim.transformation import (
    Transformation,
    identity,
    need_params,
    stateless,
)


def clip(max_delta: Any) -> Transformation:
    """Clips each entry to the interval from -max_delta to max_delta.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.optim.clip(1.0).update(np.array([0.5, -3.0]), ())[0]
        array([ 0.5, -1. ])
    """

    def clipped(u: Any) -> Any:
        limit = fitted(max_delta, u)
        return np.clip(u, -limit, limit)

    return stateless(lambda updates, params: mapped(clipped, updates))


def clip_by_global_norm(max_norm: Any) -> Transformation:
    """Shortens the updates, all together, to a length of at most max_norm.

    Pascanu, Mikolov & Bengio, ICML 2013.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.optim.clip_by_global_norm(1.0).update(np.array([3.0, 4.0]), ())[0]
        array([0.6, 0.8])
    """

    def update(updates: Any, params: Any) -> Any:
        norm = global_norm(updates)
        # Divided only where it is too long: a norm of 0 has no direction.
        long = norm >= max_norm
        shorter = np.where(long, max_norm / np.where(long, norm, 1.0), 1.0)
        return mapped(lambda u: u * fitted(shorter, u), updates)

    return stateless(update)


def add_decayed_weights(weight_decay: Any = 0.0, mask: Any = None) -> Transformation:
    """Adds the weights, times a number, to the updates.

    Before the scale by moments it is L2 regularisation, after it decoupled weight decay
    (Loshchilov & Hutter, ICLR 2019).

    Args:
        weight_decay: The number.
        mask: A pytree of bools like the parameters, or a prefix of it, or a function of
            the parameters that returns it: which weights decay.

    Example:
        >>> import numpy as np, wengert as wg
        >>> decay = wg.optim.add_decayed_weights(0.1)
        >>> decay.update(np.zeros(2), (), np.array([1.0, 2.0]))[0]
        array([0.1, 0.2])
    """

    def update(updates: Any, params: Any) -> Any:
        need_params("add_decayed_weights", params)
        return mapped(lambda u, p: u + fitted(weight_decay, u) * p, updates, params)

    if isinstance(weight_decay, (int, float)) and weight_decay == 0:
        return identity()
    made = stateless(update)
    return made if mask is None else masked(made, mask)


def scale_by_trust_ratio(
    trust_coefficient: Any = 1.0, eps: Any = 0.0
) -> Transformation:
    """Scales the updates of each array by the ratio of the lengths of array and update.

    A ratio with a length of 0 counts as 1 (You et al., ICLR 2020: LAMB).
    """

    def scaled(u: Any, p: Any) -> Any:
        weights, step = np.sum(squared(p)), np.sum(squared(u))
        both = (weights > 0) & (step > 0)
        length = np.sqrt(np.where(both, step, 1.0)) + fitted(eps, u)
        ratio = fitted(trust_coefficient, u) * np.sqrt(np.where(both, weights, 1.0))
        return u * fitted(np.where(both, ratio / length, 1.0), u)

    def update(updates: Any, params: Any) -> Any:
        need_params("scale_by_trust_ratio", params)
        return mapped(scaled, updates, params)

    return stateless(update)
