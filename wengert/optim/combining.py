"""Transformations of transformations: of some leaves, by groups, of several steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, TreeError
from wengert.optim.leaves import filled, fitted, mapped
from wengert.optim.transformation import Transformation


def _marks(name: str, marks: Any, tree: Any) -> list[Any]:
    """The mark of each leaf: of a prefix tree, or a function that makes one."""
    found = marks(tree) if callable(marks) else marks
    try:
        return wg.tree.broadcast_prefix(found, tree)
    except ValueError as error:
        raise TreeError(
            explain(
                f"{name}: marks do not fit the parameters: {error}",
                fix="give a pytree like the parameters, or a prefix of it",
            )
        ) from None


def _only(tree: Any, chosen: list[bool]) -> Any:
    """A tree with None, which has no leaves, in the place of those not chosen."""
    leaves, structure = wg.tree.flatten(tree)
    kept = [x if take else None for x, take in zip(leaves, chosen, strict=True)]
    return wg.tree.unflatten(structure, kept)


def _merged(old: Any, new: Any, chosen: list[bool]) -> Any:
    leaves, structure = wg.tree.flatten(old)
    fresh = iter(wg.tree.leaves(new))
    taken = [next(fresh) if take else x for x, take in zip(leaves, chosen, strict=True)]
    return wg.tree.unflatten(structure, taken)


def _of_chosen(
    inner: Transformation, chosen: list[bool], updates: Any, state: Any, params: Any
) -> Any:
    """An update of the leaves that are chosen; the others stay as they are."""
    weights = None if params is None else _only(params, chosen)
    new, state = inner.update(_only(updates, chosen), state, weights)
    return _merged(updates, new, chosen), state


def masked(inner: Transformation, mask: Any) -> Transformation:
    """A transformation of some of the leaves; the others pass through.

    Args:
        inner: What is done to them. Its state has no entries for the others.
        mask: A pytree of bools like the parameters, or a prefix of it, or a function of
            the parameters that returns it.

    Example:
        >>> import numpy as np, wengert as wg
        >>> decay = wg.optim.add_decayed_weights(0.1)
        >>> only_w = wg.optim.masked(decay, {"w": True, "b": False})
        >>> params = {"w": np.ones(1), "b": np.ones(1)}
        >>> zeros = {"w": np.zeros(1), "b": np.zeros(1)}
        >>> only_w.update(zeros, only_w.init(params), params)[0]
        {'w': array([0.1]), 'b': array([0.])}
    """

    def init(params: Any) -> Any:
        return inner.init(_only(params, _marks("masked", mask, params)))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        chosen = _marks("masked", mask, updates if params is None else params)
        return _of_chosen(inner, chosen, updates, state, params)

    return Transformation(init, update)


def partition(
    transformations: Mapping[str, Transformation], labels: Any
) -> Transformation:
    """Transformations by group: each leaf has the one that its label names.

    Args:
        transformations: By label.
        labels: A pytree of labels like the parameters, or a prefix of it, or a function
            of the parameters that returns it.

    Raises:
        ArgumentError: a label that names no transformation.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.partition(
        ...     {"fast": wg.optim.sgd(1.0), "frozen": wg.optim.set_to_zero()},
        ...     {"head": "fast", "body": "frozen"},
        ... )
        >>> params = {"head": np.ones(1), "body": np.ones(1)}
        >>> opt.update(params, opt.init(params), params)[0]
        {'head': array([-1.]), 'body': array([0.])}
    """
    if not transformations:
        raise ArgumentError(
            explain("partition: no transformations", fix="give one for each label")
        )

    def groups(tree: Any) -> dict[str, list[bool]]:
        found = _marks("partition", labels, tree)
        for label in found:
            if label not in transformations:
                raise ArgumentError(
                    explain(
                        f"partition: no transformation for the label {label!r}",
                        fix=f"use one of {', '.join(map(repr, transformations))}",
                    )
                )
        return {name: [label == name for label in found] for name in transformations}

    def init(params: Any) -> dict[str, Any]:
        return {
            name: transformations[name].init(_only(params, chosen))
            for name, chosen in groups(params).items()
        }

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        states = {}
        for name, chosen in groups(updates if params is None else params).items():
            updates, states[name] = _of_chosen(
                transformations[name], chosen, updates, state[name], params
            )
        return updates, states

    return Transformation(init, update)


class MultiStepsState(NamedTuple):
    """The mean gradient of the steps since the last update, and of how many."""

    mini_step: Any
    acc_grads: Any
    inner_state: Any


def multi_steps(inner: Transformation, every: int) -> Transformation:
    """Accumulates gradients: one update, by their mean, in `every` steps.

    The updates of the steps between are zeros. As one batch of `every` times the size
    does, where the loss is a mean.

    Example:
        >>> import numpy as np, wengert as wg
        >>> opt = wg.optim.multi_steps(wg.optim.sgd(1.0), every=2)
        >>> state = opt.init(np.zeros(1))
        >>> first, state = opt.update(np.array([1.0]), state)
        >>> second, state = opt.update(np.array([3.0]), state)
        >>> first, second
        (array([0.]), array([-2.]))
    """
    if every < 1:
        raise ArgumentError(
            explain(f"multi_steps: every={every!r}", fix="give a number from 1 on")
        )

    def init(params: Any) -> MultiStepsState:
        return MultiStepsState(np.int64(0), filled(params), inner.init(params))

    def update(updates: Any, state: MultiStepsState, params: Any = None) -> Any:
        step = state.mini_step + 1
        mean = mapped(
            lambda a, g: a + (g - a) / fitted(step, a), state.acc_grads, updates
        )
        zeros = mapped(np.zeros_like, mean)
        if step == every:
            found, inner_state = inner.update(mean, state.inner_state, params)
            return found, MultiStepsState(np.int64(0), zeros, inner_state)
        return zeros, MultiStepsState(step, mean, state.inner_state)

    return Transformation(init, update)
