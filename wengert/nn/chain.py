"""One layer after the other."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
from wengert.nn.layer import Context, Layer, apart, as_layer


@dataclasses.dataclass(frozen=True, init=False)
class Chain(Layer):
    """``x -> layer_n(... layer_1(x))``.

    Args:
        *layers: Layers, and plain functions of an array.
        given: Whether the input is ``(x, *given)``: what is given (a mask, the edges of
            a graph, the output of an encoder) goes, beside x, to every layer that
            takes it, and x alone goes through the others.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Chain(nn.Dense(4, inputs=3), np.tanh, nn.Dense(1, inputs=4))
        >>> params, state = nn.setup(wg.random.key(0), model)
        >>> nn.apply(model, np.ones((2, 3)), params, state)[0].shape
        (2, 1)
    """

    layers: tuple[Layer, ...]
    given: bool

    def __init__(self, *layers: Any, given: bool = False) -> None:
        object.__setattr__(self, "layers", tuple(map(as_layer, layers)))
        object.__setattr__(self, "given", given)

    @property
    def takes_given(self) -> bool:
        return self.given

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        x, given = self._apart(x)
        params, states = [], []
        keys = wg.random.split(key, len(self.layers)) if self.layers else ()
        for i, (layer, own) in enumerate(zip(self.layers, keys, strict=True)):
            sample = _joined(layer, x, given)
            p, s, x = context.setup(f"[{i}]", layer, own, sample)
            params.append(p)
            states.append(s)
        return tuple(params), tuple(states)

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        x, given = self._apart(x)
        params = apart(context, "parameters", params, len(self.layers))
        state = apart(context, "state", state, len(self.layers))
        after = []
        for i, layer in enumerate(self.layers):
            y = _joined(layer, x, given)
            x, s = context.apply(f"[{i}]", layer, y, params[i], state[i])
            after.append(s)
        return x, tuple(after)

    def _apart(self, x: Any) -> tuple[Any, tuple[Any, ...]]:
        if self.given and isinstance(x, tuple):
            return x[0], x[1:]
        return x, ()


def _joined(layer: Layer, x: Any, given: tuple[Any, ...]) -> Any:
    """What a layer of a chain takes."""
    return (x, *given) if given and layer.takes_given else x
