"""Parameters that several layers of a model share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from wengert._core.source import explain
from wengert.errors import TreeError
from wengert.nn.layer import Context, Layer, as_layer

Path = tuple[Any, ...]


@dataclasses.dataclass(frozen=True, init=False)
class Shared(Layer):
    """A model some of whose parameters are others of its parameters.

    The gradient of a shared parameter is the sum over its uses.

    Args:
        model: A layer.
        ties: For each place in the tree of parameters that has none of its own, the
            place whose parameters it uses; both are tuples of keys and indices. What
            is there has the same shapes.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Chain(nn.Embedding(50, 8), nn.Dense(50, bias=False))
        >>> model = nn.Shared(model, {(1, "weight"): (0, "weight")})
        >>> params, state = nn.setup(wg.random.key(0), model, np.array([[3, 4]]))
        >>> params[0]["weight"].shape, params[1]
        ((50, 8), {'weight': ()})
    """

    model: Layer
    ties: tuple[tuple[Path, Path], ...]

    def __init__(self, model: Any, ties: Mapping[Path, Path]) -> None:
        object.__setattr__(self, "model", as_layer(model))
        pairs = ties.items() if isinstance(ties, Mapping) else ties
        object.__setattr__(self, "ties", tuple((tuple(a), tuple(b)) for a, b in pairs))

    @property
    def takes_given(self) -> bool:
        return self.model.takes_given

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        params, state, _ = context.setup("", self.model, key, x)
        for place, source in self.ties:
            _at(context, params, source)
            _at(context, params, place)
            params = _with(context, params, place, ())
        return params, state

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        full = params
        for place, source in self.ties:
            full = _with(context, full, place, _at(context, params, source))
        return context.apply("", self.model, x, full, state)


def _at(context: Context, tree: Any, path: Path) -> Any:
    """The part of a tree at a path."""
    for step in path:
        _check(context, tree, step, path)
        tree = tree[step]
    return tree


def _with(context: Context, tree: Any, path: Path, value: Any) -> Any:
    """The tree with another part at a path."""
    if not path:
        return value
    step, *rest = path
    _check(context, tree, step, path)
    inner = _with(context, tree[step], tuple(rest), value)
    if isinstance(tree, dict):
        return {**tree, step: inner}
    return (*tree[:step], inner, *tree[step + 1 :])


def _check(context: Context, tree: Any, step: Any, path: Path) -> None:
    keys = list(tree) if isinstance(tree, dict) else []
    if isinstance(tree, tuple):
        keys = list(range(len(tree)))
    if step not in keys:
        raise TreeError(
            explain(
                f"{context.path}: the parameters have no place {path!r}: {step!r} is "
                f"not one of {keys!r}",
                fix="look at the tree that nn.setup returns for the model alone",
            )
        )
