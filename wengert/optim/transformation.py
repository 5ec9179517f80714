"""Gradient transformations: what they are, how they compose, how they are applied.

In the manner of Optax (DeepMind, 2020): an optimiser is a pair of pure functions, and
most are chains of smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError
from wengert.optim.leaves import fitted, mapped

Schedule = Callable[[Any], Any]


class Transformation(NamedTuple):
    """A gradient transformation: two pure functions.

    Attributes:
        init: ``init(params) -> state``: the state, a pytree, that goes with a pytree
            of parameters (arrays or scalars of floats).
        update: ``update(updates, state, params=None) -> (updates, state)``: gradients,
            or what came before in a chain, as they leave, with their structure, shapes
            and dtypes, and the next state.

    Both run eagerly, compiled (as part of a training step), batched, and may be
    differentiated, in numbers such as the learning rate too.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.sgd(0.5)
        >>> params = {"w": np.array([1.0, 2.0])}
        >>> state = opt.init(params)
        >>> gradients = wg.grad(lambda p: np.sum(p["w"] ** 2))(params)
        >>> updates, state = opt.update(gradients, state, params)
        >>> wg.optim.apply_updates(params, updates)
        {'w': array([0., 0.])}
    """

    init: Callable[[Any], Any]
    update: Callable[..., tuple[Any, Any]]


def stateless(update: Callable[[Any, Any], Any]) -> Transformation:
    """A transformation without a state, from ``update(updates, params) -> updates``."""

    def init(params: Any) -> Any:
        return ()

    def with_state(updates: Any, state: Any, params: Any = None) -> Any:
        return update(updates, params), state

    return Transformation(init, with_state)


def identity() -> Transformation:
    """Leaves gradients as they are.

    Example:
        >>> import wengert as wg
        >>> wg.optim.identity().update(1.5, ())
        (1.5, ())
    """
    return stateless(lambda updates, params: updates)


def set_to_zero() -> Transformation:
    """Makes updates zero, whatever the gradients: parameters stay as they are.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.optim.set_to_zero().update(np.array([1.0, np.nan]), ())[0]
        array([0., 0.])
    """
    return stateless(lambda updates, params: mapped(np.zeros_like, updates))


def scale(step_size: Any) -> Transformation:
    """Multiplies updates with a number.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.optim.scale(-2.0).update(np.array([1.0, 2.0]), ())[0]
        array([-2., -4.])
    """
    return stateless(
        lambda updates, params: mapped(lambda u: fitted(step_size, u) * u, updates)
    )


class CountState(NamedTuple):
    """How many updates there have been."""

    count: Any


def scale_by_schedule(schedule: Schedule) -> Transformation:
    """Multiplies updates with ``schedule(count)``; `count` is 0 at the first one.

    Example:
        >>> import wengert as wg
        >>> halving = wg.optim.scale_by_schedule(lambda count: 0.5**count)
        >>> state = halving.init(8.0)
        >>> first, state = halving.update(8.0, state)
        >>> second, state = halving.update(8.0, state)
        >>> float(first), float(second)
        (8.0, 4.0)
    """

    def init(params: Any) -> CountState:
        return CountState(np.int64(0))

    def update(updates: Any, state: CountState, params: Any = None) -> Any:
        size = schedule(state.count)
        updates = mapped(lambda u: fitted(size, u) * u, updates)
        return updates, CountState(state.count + 1)

    return Transformation(init, update)


def scale_by_learning_rate(learning_rate: Any) -> Transformation:
    """Multiplies updates with minus the learning rate, a number or a schedule.

    Example:
        >>> import wengert as wg
        >>> wg.optim.scale_by_learning_rate(0.5).update(3.0, ())
        (-1.5, ())
    """
    if callable(learning_rate):
        return scale_by_schedule(lambda count: -learning_rate(count))
    return scale(-learning_rate)


def chain(*transformations: Transformation) -> Transformation:
    """Transformations one after the other, as one.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.chain(wg.optim.clip_by_global_norm(1.0), wg.optim.sgd(0.1))
        >>> state = opt.init(np.zeros(2))
        >>> opt.update(np.array([30.0, 40.0]), state)[0].round(3)
        array([-0.06, -0.08])
    """

    def init(params: Any) -> tuple[Any, ...]:
        return tuple([each.init(params) for each in transformations])

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        if not isinstance(state, tuple) or len(state) != len(transformations):
            raise ArgumentError(
                explain(
                    f"chain: a state of another optimiser: {type(state).__name__}, for "
                    f"{len(transformations)} transformations",
                    fix="give the state from init(params), or from the last update",
                )
            )
        states = []
        for each, own in zip(transformations, state, strict=True):
            updates, own = each.update(updates, own, params)
            states.append(own)
        return updates, tuple(states)

    return Transformation(init, update)


def apply_updates(params: Any, updates: Any) -> Any:
    """Parameters with updates added, in the parameters' own dtypes.

    Where an update is None, the parameter stays as it is.

    Raises:
        TreeError: `updates` has another structure.
        ShapeError: an update has another shape than its parameter.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.optim.apply_updates({"w": np.ones(2)}, {"w": np.array([0.5, -0.5])})
        {'w': array([1.5, 0.5])}
    """
    given = wg.tree.map(lambda p: p, params)
    return mapped(lambda p, u: p if u is None else p + u, given, updates)


def need_params(name: str, params: Any) -> None:
    """Refuse an update that needs the parameters, and was not given them."""
    if params is None:
        raise ArgumentError(
            explain(
                f"{name}: the parameters are missing",
                why="the update depends on them.",
                fix="give them: opt.update(gradients, state, params)",
            )
        )
