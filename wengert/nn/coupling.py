"""Invertible layers with a known determinant, of which flows are made."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ArgumentError, ShapeError
from wengert.nn import checks
from wengert.nn.chain import Chain
from wengert.nn.layer import Context, Layer, apart, as_layer, main


@dataclasses.dataclass(frozen=True, init=False)
class AffineCoupling(Layer):
    """``y_1 = x_1``, ``y_2 = x_2 exp(s(x_1)) + t(x_1)``; log |det ∂y/∂x| = Σ s.

    x_1 is the first half of the last axis, x_2 the rest, or with ``flip=True`` the
    other way round. The scale is bounded, ``s = bound tanh(raw / bound)``, so that the
    inverse is as exact as the layer.

    It takes x of shape (..., features), or ``(x, log_det)``, and returns ``(y,
    log_det)``, of shape (...), to which it has added its own: a chain of couplings is a
    flow. `inverse` goes back.

    Args:
        net: A layer that takes x_1 and returns ``(raw, t)`` in one axis, twice as many
            entries as x_2 has.
        flip: Whether x_2 is the first half.
        bound: The largest |s|.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> net = nn.Chain(nn.Dense(16), nn.tanh, nn.Dense(2))
        >>> flow = nn.Chain(nn.AffineCoupling(net), nn.AffineCoupling(net, flip=True))
        >>> x = np.array([[0.5, -1.0]])
        >>> params, state = nn.setup(wg.random.key(0), flow, x)
        >>> (y, log_det), _ = nn.apply(flow, x, params, state)
        >>> np.allclose(nn.inverse(flow, y, params, state), x)
        True

    References:
        Dinh, Sohl-Dickstein & Bengio, "Density estimation using Real NVP", ICLR 2017.
    """

    net: Layer
    flip: bool
    bound: float

    def __init__(self, net: Any, flip: bool = False, bound: float = 2.0) -> None:
        object.__setattr__(self, "net", as_layer(net))
        object.__setattr__(self, "flip", flip)
        object.__setattr__(self, "bound", bound)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        sample = None if x is None else self._halves(main(x), context)[0]
        params, state, _ = context.setup(".net", self.net, key, sample)
        return params, state

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        x, before = x if isinstance(x, tuple) else (x, 0.0)
        kept, moved = self._halves(x, context)
        scale, shift, state = self._affine(kept, moved, params, state, context)
        y = self._joined(kept, moved * wnp.exp(scale) + shift)
        return (y, before + wnp.sum(scale, axis=-1)), state

    def inverse(self, y: Any, params: Any, state: Any, context: Context) -> Any:
        """The x of which `apply` makes y."""
        kept, moved = self._halves(y, context)
        scale, shift, _ = self._affine(kept, moved, params, state, context)
        return self._joined(kept, (moved - shift) * wnp.exp(-scale))

    def _halves(self, x: Any, context: Context) -> tuple[Any, Any]:
        """The part that stays, and the part that is moved."""
        checks.axes(context, x, 1, "with an axis of features")
        n = x.shape[-1]
        middle = n - n // 2
        first, second = x[..., :middle], x[..., middle:]
        return (second, first) if self.flip else (first, second)

    def _joined(self, kept: Any, moved: Any) -> Any:
        parts = [moved, kept] if self.flip else [kept, moved]
        return wnp.concatenate(parts, axis=-1)

    def _affine(
        self, kept: Any, moved: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any, Any]:
        both, state = context.apply(".net", self.net, kept, params, state)
        n = moved.shape[-1]
        if tuple(np.shape(both)) != (*moved.shape[:-1], 2 * n):
            raise ShapeError(
                explain(
                    f"{context.path}: expected the net to return an array of shape "
                    f"{(*moved.shape[:-1], 2 * n)}, got {tuple(np.shape(both))}",
                    why="that is a scale and a shift for each entry that is moved.",
                    fix=f"end it with nn.Dense({2 * n})",
                )
            )
        scale = self.bound * wnp.tanh(both[..., :n] / self.bound)
        return scale, both[..., n:], state


def inverse(model: Any, y: Any, params: Any, state: Any = ()) -> Any:
    """The x of which a model makes y.

    Args:
        model: An `AffineCoupling`, a layer with a method ``inverse(y, params, state,
            context)``, or a chain of these.
        y: As the model returns it, without the logarithm of the determinant.
        params, state: As for `apply`.

    Raises:
        ArgumentError: a layer has no inverse.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> layer = nn.AffineCoupling(nn.Dense(2))
        >>> params, state = nn.setup(wg.random.key(0), layer, np.ones((1, 2)))
        >>> nn.inverse(layer, np.zeros((1, 2)), params, state)
        array([[0., 0.]])
    """
    layer = as_layer(model)
    return _inverse(layer, y, params, state, Context(layer.name))


def _inverse(layer: Any, y: Any, params: Any, state: Any, context: Context) -> Any:
    if isinstance(layer, Chain):
        params = apart(context, "parameters", params, len(layer.layers))
        state = apart(context, "state", state, len(layer.layers))
        for i in reversed(range(len(layer.layers))):
            inside = context.inside(f"[{i}]", layer.layers[i])
            y = _inverse(layer.layers[i], y, params[i], state[i], inside)
        return y
    if not hasattr(layer, "inverse"):
        raise ArgumentError(
            explain(
                f"{context.path}: the layer has no inverse",
                fix="make a flow of nn.AffineCoupling, or give the layer a method "
                "inverse(y, params, state, context)",
            )
        )
    return layer.inverse(y, params, state, context)
