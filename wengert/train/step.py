"""The step of a training, compiled; and what is refused of its data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, DTypeError, ShapeError, TrainingError


def training_step(loss: Callable[..., Any], opt: Any) -> Callable[..., Any]:
    """The compiled step, from parameters, states and a batch to the next ones.

    ``step(params, opt_state, state, batch) -> (params, opt_state, state, value)``
    """

    def objective(params: Any, state: Any, batch: Any) -> Any:
        value, new = checked(loss(params, state, batch, True))
        _check_state(state, new)
        return value, new

    @wg.jit
    def step(params: Any, opt_state: Any, state: Any, batch: Any) -> Any:
        of_params = wg.value_and_grad(objective, has_aux=True)
        (value, state), gradients = of_params(params, state, batch)
        updates, opt_state = opt.update(gradients, opt_state, params)
        return wg.optim.apply_updates(params, updates), opt_state, state, value

    return step


def evaluation(functions: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
    """``evaluate(params, state, batch)``: the value of each function, compiled."""

    @wg.jit
    def evaluate(params: Any, state: Any, batch: Any) -> Any:
        return [checked(f(params, state, batch, False))[0] for f in functions.values()]

    return evaluate


def checked(found: Any) -> Any:
    """What a loss has returned, if that is a number and a state."""
    if not isinstance(found, tuple) or len(found) != 2:
        raise ArgumentError(
            explain(
                f"fit: the loss returned a {type(found).__name__}, and no pair",
                fix="return the value and the next state: return value, state",
            )
        )
    if np.shape(found[0]) != ():
        raise ShapeError(
            explain(
                f"fit: the loss returned an array of shape {np.shape(found[0])}",
                fix="return one number, such as its mean, with the next state",
            )
        )
    return found


def _check_state(state: Any, new: Any) -> None:
    given, found = wg.tree.names(state), wg.tree.names(new)
    if given != found:
        raise ArgumentError(
            explain(
                f"fit: the loss was given a state of {_listed(given)}, and "
                f"returned one of {_listed(found)}",
                fix="begin with the structure that the loss returns: "
                "fit(..., state=...)",
            )
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + ", ..." * (len(names) > 5) or "nothing"


def rows_of(batch: Any, where: str) -> int:
    """How many rows a batch has; refuses what is no tree of arrays of numbers."""
    leaves = wg.tree.leaves(batch)
    kinds = [getattr(getattr(leaf, "dtype", None), "kind", "none") for leaf in leaves]
    if not _NUMBERS.issuperset(kinds):
        _refuse_type(batch, kinds, where)
    for leaf in leaves:
        if np.ndim(leaf):
            return len(leaf)
    raise ShapeError(
        explain(
            f"fit: {where} has no rows",
            fix="give pytrees of arrays that have a row for each sample",
        )
    )


_NUMBERS = frozenset("fiubcV")  # V: those of ml_dtypes


def _refuse_type(batch: Any, kinds: list[str], where: str) -> NoReturn:
    k = next(k for k, kind in enumerate(kinds) if kind not in _NUMBERS)
    leaf, path = wg.tree.leaves(batch)[k], wg.tree.paths(batch, "batch")[k]
    raise DTypeError(
        explain(
            f"fit: {path} of {where} is of type "
            f"{getattr(leaf, 'dtype', None) or type(leaf).__name__}",
            fix="give batches that are pytrees of arrays of numbers",
        )
    )


def refuse_not_finite(value: Any, batch: Any, params: Any, where: str) -> None:
    """Raise for a loss that is not finite, and say what else is not."""
    if math.isfinite(value):
        return
    bad = [*_not_finite(batch, "batch"), *_not_finite(params, "params")]
    raise TrainingError(
        explain(
            f"fit: the loss is {value} in {where}",
            why=f"not finite before that step: {', '.join(bad[:4])}."
            if bad
            else "batch and parameters were finite before that step.",
            fix="clean the data; or bound the gradients (clip_by_global_norm), and "
            "lower the learning rate. The last checkpoint is as it was",
        )
    )


def _not_finite(tree: Any, root: str) -> list[str]:
    pairs = zip(wg.tree.paths(tree, root), wg.tree.leaves(tree), strict=True)
    return [path for path, x in pairs if not np.all(np.isfinite(np.asarray(x)))]
