"""Maxima and means over windows, over all of space, and to a given space."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert.nn import checks, windows
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class MaxPool(Layer):
    """The largest entry of each window of images (batch, channels, *space).

    Args:
        window: Entries along each spatial axis; an int: the same along all.
        strides: Step of the window; None: its own length.
        padding: As for `Conv`; what is added is never the largest.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.apply(nn.MaxPool(2), np.arange(4.0).reshape(1, 1, 4), ())[0]
        array([[[1., 3.]]])
    """

    window: int | tuple[int, ...]
    strides: Any = None
    padding: Any = 0

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        window = windows.over(context, self.window, x)
        windows.fits(context, x, window, self.padding)
        return wnp.max_pool(x, window, self.strides, self.padding), state


@dataclasses.dataclass(frozen=True)
class AveragePool(Layer):
    """The mean of each window of images (batch, channels, *space).

    Args:
        window, strides: As for `MaxPool`.
        padding: As for `Conv`; the zeros count.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.apply(nn.AveragePool(2), np.arange(4.0).reshape(1, 1, 4), ())[0]
        array([[[0.5, 2.5]]])
    """

    window: int | tuple[int, ...]
    strides: Any = None
    padding: Any = 0

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        window = windows.over(context, self.window, x)
        windows.fits(context, x, window, self.padding)
        return wnp.avg_pool(x, window, self.strides, self.padding), state


def global_average_pool(x: Any) -> Any:
    """Means over space: (batch, channels, *space) -> (batch, channels)."""
    return wnp.mean(x, axis=tuple(range(2, len(x.shape))))


def global_max_pool(x: Any) -> Any:
    """Maxima over space: (batch, channels, *space) -> (batch, channels)."""
    return wnp.max(x, axis=tuple(range(2, len(x.shape))))


def flatten(x: Any) -> Any:
    """All axes but the first in one: (batch, ...) -> (batch, features)."""
    return wnp.reshape(x, (x.shape[0], -1))


@dataclasses.dataclass(frozen=True)
class AdaptiveAveragePool(Layer):
    """Means over as many parts of each spatial axis as are asked for.

    Part i of m along an axis of n is from ``floor(i n / m)`` to
    ``ceil((i + 1) n / m)``: the parts overlap where m does not divide n.

    Args:
        outputs: Entries of the result along each spatial axis; an int: along all.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> layer = nn.AdaptiveAveragePool(2)
        >>> nn.apply(layer, np.arange(3.0).reshape(1, 1, 3), ())[0]
        array([[[0.5, 1.5]]])
    """

    outputs: int | tuple[int, ...]

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        for axis, count in _parts(self.outputs, x, context):
            weights = _averages(int(x.shape[axis]), count, x.dtype)
            x = wnp.moveaxis(wnp.moveaxis(x, axis, -1) @ weights, -1, axis)
        return x, state


@dataclasses.dataclass(frozen=True)
class AdaptiveMaxPool(Layer):
    """Maxima over as many parts of each spatial axis as are asked for.

    Args:
        outputs: As for `AdaptiveAveragePool`.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> layer = nn.AdaptiveMaxPool(2)
        >>> nn.apply(layer, np.arange(3.0).reshape(1, 1, 3), ())[0]
        array([[[1., 2.]]])
    """

    outputs: int | tuple[int, ...]

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        for axis, count in _parts(self.outputs, x, context):
            lead = (slice(None),) * axis
            parts = [
                wnp.max(x[(*lead, slice(begin, end))], axis=axis)
                for begin, end in _bounds(int(x.shape[axis]), count)
            ]
            x = wnp.stack(parts, axis=axis)
        return x, state


def _parts(outputs: Any, x: Any, context: Context) -> list[tuple[int, int]]:
    """Each spatial axis and the number of its parts."""
    windows.images(context, x)
    counts = windows.each(outputs, len(x.shape) - 2)
    windows.images(context, x, len(counts))
    checks.positive(context.path, **{f"outputs[{i}]": n for i, n in enumerate(counts)})
    return list(enumerate(counts, 2))


def _bounds(n: int, count: int) -> list[tuple[int, int]]:
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


def _averages(n: int, count: int, dtype: Any) -> np.ndarray:
    """The matrix (n, count) that takes an axis to the means of its parts."""
    weights = np.zeros((n, count), dtype)
    for i, (begin, end) in enumerate(_bounds(n, count)):
        weights[begin:end, i] = 1.0 / (end - begin)
    return weights
