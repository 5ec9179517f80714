"""Layers side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert.nn.layer import Context, Layer, apart, as_layer


@dataclasses.dataclass(frozen=True, init=False)
class Parallel(Layer):
    """``x -> combine(layer_1(x), ..., layer_n(x))``.

    Args:
        *layers: Layers, and plain functions of an array.
        combine: Function of the results; None: they are returned as a tuple.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Parallel(nn.Dense(4), nn.Dense(2), combine=nn.concatenated)
        >>> params, state = nn.setup(wg.random.key(0), model, np.ones((1, 3)))
        >>> nn.apply(model, np.ones((5, 3)), params, state)[0].shape
        (5, 6)
    """

    layers: tuple[Layer, ...]
    combine: Callable[..., Any] | None

    def __init__(self, *layers: Any, combine: Callable[..., Any] | None = None) -> None:
        object.__setattr__(self, "layers", tuple(map(as_layer, layers)))
        object.__setattr__(self, "combine", combine)

    @property
    def takes_given(self) -> bool:
        return all(layer.takes_given for layer in self.layers)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        keys = wg.random.split(key, len(self.layers))
        entries = [
            context.setup(f"[{i}]", layer, own, x)
            for i, (layer, own) in enumerate(zip(self.layers, keys, strict=True))
        ]
        return tuple(p for p, _, _ in entries), tuple(s for _, s, _ in entries)

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        params = apart(context, "parameters", params, len(self.layers))
        state = apart(context, "state", state, len(self.layers))
        ys, after = [], []
        for i, layer in enumerate(self.layers):
            y, s = context.apply(f"[{i}]", layer, x, params[i], state[i])
            ys.append(y)
            after.append(s)
        return self.combine(*ys) if self.combine else tuple(ys), tuple(after)


def concatenated(*ys: Any) -> Any:
    """Arrays joined along the last axis, to combine what `Parallel` returns."""
    return wnp.concatenate(ys, axis=-1)
