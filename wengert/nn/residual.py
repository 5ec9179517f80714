"""A layer that adds to its input."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn.layer import Context, Layer, apart, as_layer, main


@dataclasses.dataclass(frozen=True, init=False)
class Residual(Layer):
    """``x -> shortcut(x) + layer(x)``.

    Args:
        layer: A layer or a function.
        shortcut: One that gives x the shape of the sum; None: x itself.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Residual(nn.Chain(nn.Dense(8), nn.relu, nn.Dense(3)))
        >>> params, state = nn.setup(wg.random.key(0), model, np.ones((1, 3)))
        >>> nn.apply(model, np.ones((5, 3)), params, state)[0].shape
        (5, 3)

    References:
        He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    layer: Layer
    shortcut: Layer | None

    def __init__(self, layer: Any, shortcut: Any = None) -> None:
        object.__setattr__(self, "layer", as_layer(layer))
        short = None if shortcut is None else as_layer(shortcut)
        object.__setattr__(self, "shortcut", short)

    @property
    def takes_given(self) -> bool:
        return self.layer.takes_given

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        first, second = wg.random.split(key)
        params, state, _ = context.setup("", self.layer, first, x)
        if self.shortcut is None:
            return (params, ()), (state, ())
        own, after, _ = context.setup(".shortcut", self.shortcut, second, main(x))
        return (params, own), (state, after)

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        params = apart(context, "parameters", params, 2)
        state = apart(context, "state", state, 2)
        y, inner = context.apply("", self.layer, x, params[0], state[0])
        x, own = main(x), ()
        if self.shortcut is not None:
            x, own = context.apply(".shortcut", self.shortcut, x, params[1], state[1])
        if tuple(x.shape) != tuple(y.shape):
            raise ShapeError(
                explain(
                    f"{context.path}: {tuple(x.shape)} + {tuple(y.shape)}",
                    why="a residual layer adds what its layer makes of x to x.",
                    fix="make both shapes equal, or give a shortcut, for example "
                    "shortcut=nn.Dense(outputs, bias=False)",
                )
            )
        return x + y, (inner, own)
