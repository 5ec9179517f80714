"""A layer several times over."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert.nn import checks
from wengert.nn.layer import Context, Layer, as_layer


@dataclasses.dataclass(frozen=True, init=False)
class Repeat(Layer):
    """``x -> layer(... layer(x))``, with parameters of its own at each place.

    They are stacked along a new first axis, and the places are the steps of a loop: a
    deep model is compiled as quickly as one layer. The layer keeps the shape of x.

    Args:
        layer: A layer or a function.
        times: How often it is applied, at least once.
        shared: Whether all places have the same parameters; state is handed on from
            one to the next.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Repeat(nn.Residual(nn.Chain(nn.Dense(3), nn.tanh)), 10)
        >>> params, state = nn.setup(wg.random.key(0), model, np.ones((1, 3)))
        >>> params[0][0]["weight"].shape
        (10, 3, 3)
    """

    layer: Layer
    times: int
    shared: bool

    def __init__(self, layer: Any, times: int, shared: bool = False) -> None:
        checks.positive("Repeat", times=times)
        object.__setattr__(self, "layer", as_layer(layer))
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "shared", shared)

    @property
    def takes_given(self) -> bool:
        return self.layer.takes_given

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        if self.shared:
            return context.setup("", self.layer, key, x)[:2]
        params, states = [], []
        for i, own in enumerate(wg.random.split(key, self.times)):
            p, s, _ = context.setup(f"[{i}]", self.layer, own, x)
            params.append(p)
            states.append(s)
        return _stacked(params), _stacked(states)

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        start, given = x, ()
        if self.takes_given and isinstance(x, tuple):
            start, given = x[0], x[1:]

        def once(x: Any, p: Any, s: Any) -> tuple[Any, Any]:
            joined = (x, *given) if given else x
            return context.apply("", self.layer, joined, p, s)

        if self.shared:
            x = start
            for _ in range(self.times):
                x, state = once(x, params, state)
            return x, state
        return wg.scan(lambda x, own: once(x, *own), start, (params, state), self.times)


def _stacked(trees: list[Any]) -> Any:
    return wg.tree.map(lambda *leaves: wnp.stack(leaves), *trees)
