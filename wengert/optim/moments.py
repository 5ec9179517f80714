"""Transformations that remember gradients: momentum, and scales by their moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert.optim.leaves import (
    debiased,
    filled,
    fitted,
    mapped,
    moving_average,
    squared,
)
from wengert.optim.transformation import Transformation


class TraceState(NamedTuple):
    """The decaying sum of gradients."""

    trace: Any


def trace(decay: Any, nesterov: bool = False) -> Transformation:
    """Momentum: a decaying sum of the gradients, t ← g + decay · t.

    Args:
        decay: How much of the sum is kept.
        nesterov: Look ahead: return g + decay · t of the new t (Sutskever et al.,
            ICML 2013).

    Example:
        >>> import wengert as wg
        >>> momentum = wg.optim.trace(0.9)
        >>> state = momentum.init(0.0)
        >>> first, state = momentum.update(1.0, state)
        >>> second, state = momentum.update(1.0, state)
        >>> float(first), float(second)
        (1.0, 1.9)
    """

    def add(g: Any, t: Any) -> Any:
        return g + fitted(decay, g) * t

    def init(params: Any) -> TraceState:
        return TraceState(filled(params))

    def update(updates: Any, state: TraceState, params: Any = None) -> Any:
        summed = mapped(add, updates, state.trace)
        updates = mapped(add, updates, summed) if nesterov else summed
        return updates, TraceState(summed)

    return Transformation(init, update)


class EmaState(NamedTuple):
    """A moving average, and of how many values it is."""

    count: Any
    ema: Any


def ema(decay: Any, debias: bool = True) -> Transformation:
    """The exponential moving average of what it is given: gradients, or weights.

    For an average of the weights, update it with the parameters after each step.

    Args:
        decay: How much of the average is kept.
        debias: Divide by ``1 - decay**count``, so that it is an average from the first
            value on, and not one with the zeros that it began with.

    Example:
        >>> import numpy as np, wengert as wg
        >>> averaging = wg.optim.ema(0.99)
        >>> state = averaging.init(np.zeros(1))
        >>> for params in (np.array([1.0]), np.array([3.0])):
        ...     average, state = averaging.update(params, state)
        >>> average.round(3)
        array([2.005])
    """

    def init(params: Any) -> EmaState:
        return EmaState(np.int64(0), filled(params))

    def update(updates: Any, state: EmaState, params: Any = None) -> Any:
        average = moving_average(decay, updates, state.ema)
        count = state.count + 1
        found = debiased(decay, average, count) if debias else average
        return found, EmaState(count, average)

    return Transformation(init, update)


class AdamState(NamedTuple):
    """The first and second moments of the gradients, and of how many."""

    count: Any
    mu: Any
    nu: Any


def scale_by_adam(
    b1: Any = 0.9,
    b2: Any = 0.999,
    eps: Any = 1e-8,
    eps_root: Any = 0.0,
    *,
    nesterov: bool = False,
) -> Transformation:
    """Adam's direction: m̂ / (√(v̂ + eps_root) + eps).

    m and v are the moving averages of g and g², hats without their bias (Kingma & Ba,
    ICLR 2015). `nesterov` looks ahead, as NAdam does (Dozat, 2016).

    Args:
        b1, b2: How much of each average is kept.
        eps: Keeps the quotient finite.
        eps_root: The same under the root, where the update is to be differentiated.
        nesterov: Use b1 · m̂ + (1 - b1) · ĝ in place of m̂.
    """

    def init(params: Any) -> AdamState:
        return AdamState(np.int64(0), filled(params), filled(params))

    def update(updates: Any, state: AdamState, params: Any = None) -> Any:
        count = state.count + 1
        mu = moving_average(b1, updates, state.mu)
        nu = moving_average(b2, mapped(squared, updates), state.nu)
        if nesterov:
            ahead = debiased(b1, mu, count + 1)
            first = moving_average(b1, debiased(b1, updates, count), ahead)
        else:
            first = debiased(b1, mu, count)
        second = debiased(b2, nu, count)

        def direction(m: Any, v: Any) -> Any:
            return m / (np.sqrt(v + fitted(eps_root, v)) + fitted(eps, v))

        return mapped(direction, first, second), AdamState(count, mu, nu)

    return Transformation(init, update)


def scale_by_adamax(b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> Transformation:
    """Adamax's direction: m̂ / u, where u ← max(|g| + eps, b2 · u).

    Kingma & Ba, ICLR 2015, section 7: Adam with the infinity norm.
    """

    def largest(u: Any, g: Any) -> Any:
        return np.maximum(np.abs(g) + fitted(eps, u), fitted(b2, u) * u)

    def init(params: Any) -> AdamState:
        return AdamState(np.int64(0), filled(params), filled(params))

    def update(updates: Any, state: AdamState, params: Any = None) -> Any:
        count = state.count + 1
        mu = moving_average(b1, updates, state.mu)
        nu = mapped(largest, state.nu, updates)
        directions = mapped(lambda m, u: m / u, debiased(b1, mu, count), nu)
        return directions, AdamState(count, mu, nu)

    return Transformation(init, update)


class MomentState(NamedTuple):
    """The decaying or full sum of squared gradients."""

    nu: Any


def scale_by_rss(
    initial_accumulator_value: float = 0.1, eps: Any = 1e-7
) -> Transformation:
    """Adagrad's direction: g / √(s + eps), s the sum of all g².

    Duchi, Hazan & Singer, JMLR 12 (2011).
    """

    def direction(g: Any, s: Any) -> Any:
        used = np.where(s > 0, s, 1.0)
        return np.where(s > 0, g / np.sqrt(used + fitted(eps, s)), 0.0)

    def init(params: Any) -> MomentState:
        return MomentState(filled(params, initial_accumulator_value))

    def update(updates: Any, state: MomentState, params: Any = None) -> Any:
        nu = mapped(lambda s, g: s + squared(g), state.nu, updates)
        return mapped(direction, updates, nu), MomentState(nu)

    return Transformation(init, update)


def _over_root(g: Any, v: Any, eps: Any, eps_in_sqrt: bool) -> Any:
    small = fitted(eps, v)
    return g / (np.sqrt(v + small) if eps_in_sqrt else np.sqrt(v) + small)


def scale_by_rms(
    decay: Any = 0.9,
    eps: Any = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
) -> Transformation:
    """RMSProp's direction: g / √(v + eps), v the moving average of g².

    Tieleman & Hinton, 2012. ``eps_in_sqrt=False`` adds `eps` to the root, as PyTorch
    does.
    """

    def init(params: Any) -> MomentState:
        return MomentState(filled(params, initial_scale))

    def update(updates: Any, state: MomentState, params: Any = None) -> Any:
        nu = moving_average(decay, mapped(squared, updates), state.nu)
        scaled = mapped(lambda g, v: _over_root(g, v, eps, eps_in_sqrt), updates, nu)
        return scaled, MomentState(nu)

    return Transformation(init, update)


class StddevState(NamedTuple):
    """The moving averages of the gradients and of their squares."""

    mu: Any
    nu: Any


def scale_by_stddev(
    decay: Any = 0.9,
    eps: Any = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
) -> Transformation:
    """Centred RMSProp's direction: g / √(v - m² + eps), averages of g² and g.

    Graves, 2013, arXiv:1308.0850.
    """

    def init(params: Any) -> StddevState:
        return StddevState(filled(params), filled(params, initial_scale))

    def update(updates: Any, state: StddevState, params: Any = None) -> Any:
        mu = moving_average(decay, updates, state.mu)
        nu = moving_average(decay, mapped(squared, updates), state.nu)
        variance = mapped(lambda v, m: v - squared(m), nu, mu)
        scaled = mapped(
            lambda g, v: _over_root(g, v, eps, eps_in_sqrt), updates, variance
        )
        return scaled, StddevState(mu, nu)

    return Transformation(init, update)


class AdadeltaState(NamedTuple):
    """The moving averages of squared gradients, and of squared updates."""

    e_g: Any
    e_x: Any


def scale_by_adadelta(rho: Any = 0.9, eps: Any = 1e-6) -> Transformation:
    """Adadelta's direction: g · √(E[x²] + eps) / √(E[g²] + eps).

    Zeiler, 2012, arXiv:1212.5701; x are the updates so far.
    """

    def init(params: Any) -> AdadeltaState:
        return AdadeltaState(filled(params), filled(params))

    def update(updates: Any, state: AdadeltaState, params: Any = None) -> Any:
        e_g = moving_average(rho, mapped(squared, updates), state.e_g)

        def step(g: Any, of_g: Any, of_x: Any) -> Any:
            small = fitted(eps, g)
            return np.sqrt(of_x + small) / np.sqrt(of_g + small) * g

        steps = mapped(step, updates, e_g, state.e_x)
        e_x = moving_average(rho, mapped(squared, steps), state.e_x)
        return steps, AdadeltaState(e_g, e_x)

    return Transformation(init, update)


class LionState(NamedTuple):
    """The moving average of the gradients."""

    mu: Any


def scale_by_lion(b1: Any = 0.9, b2: Any = 0.99) -> Transformation:
    """Lion's direction: the sign of (1 - b1) · g + b1 · m; then m moves by b2.

    Chen et al., 2023, arXiv:2302.06675.
    """

    def init(params: Any) -> LionState:
        return LionState(filled(params))

    def update(updates: Any, state: LionState, params: Any = None) -> Any:
        ahead = moving_average(b1, updates, state.mu)
        mu = moving_average(b2, updates, state.mu)
        return mapped(np.sign, ahead), LionState(mu)

    return Transformation(init, update)
