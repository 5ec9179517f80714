"""Convolution, correlation and pooling.

Arrays have the layout (batch, channels, *space), kernels (channels_out, channels_in /
groups, *window). As in all of machine learning, `conv` is a cross-correlation.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

import wengert.numpy as wnp
from wengert._array.traced import wrap
from wengert._core.source import explain
from wengert._core.types import is_complex, is_inexact
from wengert._ops import convolution as ops
from wengert._ops.convolution import Window
from wengert._ops.reduction import reduce_sum
from wengert._ops.structure import flip, pad_zeros, where
from wengert.errors import ArgumentError, ShapeError
from wengert.numpy._dispatch import as_array
from wengert.numpy.contraction import is_plain, run

__all__ = ["avg_pool", "conv", "conv_transpose", "convolve", "correlate", "max_pool"]


# -- arguments ------------------------------------------------------------------------


def _per_axis(name: str, what: str, value: Any, count: int) -> tuple[int, ...]:
    """An int, or one for each spatial axis, all positive."""
    values = (value,) * count if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) != count or any(v < 1 for v in values):
        raise ArgumentError(
            explain(
                f"{name}: {what}={value!r} with {count} spatial axes",
                fix="give a positive int, or one for each spatial axis",
            )
        )
    return tuple(int(v) for v in values)


def _padding(
    name: str, padding: Any, space: Any, window: Any, strides: Any, dilation: Any
) -> tuple[tuple[int, int], ...]:
    """(before, after) for each spatial axis."""
    count = len(space)
    if padding == "valid":
        return ((0, 0),) * count
    if padding == "same":
        return tuple(map(_same_padding, space, window, strides, dilation))
    try:
        entries = (
            [padding] * count
            if isinstance(padding, (int, np.integer))
            else list(padding)
        )
        pairs = [
            (p, p) if isinstance(p, (int, np.integer)) else tuple(p) for p in entries
        ]
    except TypeError:
        pairs = []
    if len(pairs) != count or any(len(p) != 2 or min(p) < 0 for p in pairs):
        raise ArgumentError(
            explain(
                f"{name}: padding={padding!r} with {count} spatial axes",
                fix='give "valid", "same", an int, or for each spatial axis an int '
                "or a pair (before, after), none of them negative",
            )
        )
    return tuple((int(low), int(high)) for low, high in pairs)


def _same_padding(n: int, k: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding for ceil(n / stride) places; of an odd amount the end gets one more."""
    places = -(-n // stride)
    total = max((places - 1) * stride + dilation * (k - 1) + 1 - n, 0)
    return total // 2, total - total // 2


def _how(
    name: str, space: Any, window: Any, strides: Any, padding: Any, dilation: Any
) -> Window:
    count = len(space)
    strides = _per_axis(name, "strides", strides, count)
    dilation = _per_axis(name, "dilation", dilation, count)
    pads = _padding(name, padding, space, window, strides, dilation)
    return Window(strides, pads, dilation)


def _check_fit(name: str, how: Window, space: Any, window: Any) -> None:
    if min(window, default=1) < 1 or min(how.out_extents(space, window), default=1) < 1:
        raise ShapeError(
            explain(
                f"{name}: a window of {tuple(window)}, dilation {how.dilation}, does "
                f"not fit into {tuple(space)} with padding {how.padding}",
                fix='pad more (padding="same" always fits), or take a smaller window',
            )
        )


def _check_ranks(name: str, x: Any, w: Any) -> None:
    if len(x.shape) < 3 or len(x.shape) != len(w.shape):
        raise ShapeError(
            explain(
                f"{name}: expected (batch, channels, *space) and a kernel of as many "
                f"axes, got {tuple(x.shape)} and {tuple(w.shape)}",
                fix="add the missing axes, for example x[None, None] for one signal of "
                "one channel",
            )
        )


def _check_channels(name: str, x: Any, w: Any, channels: int, groups: int) -> None:
    if groups < 1 or x.shape[1] != channels or w.shape[0] % groups:
        raise ShapeError(
            explain(
                f"{name}: {tuple(x.shape)} has {x.shape[1]} channels, but the kernel "
                f"{tuple(w.shape)} with groups={groups} takes {channels}",
                why="each group of channels has kernels of its own.",
                fix="give both arrays the same number of channels (per group), and a "
                "number of output channels that groups divides",
            )
        )


# -- convolution ----------------------------------------------------------------------


def conv(
    x: Any,
    w: Any,
    strides: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of arrays with kernels, over any number of spatial axes.

    Args:
        x: Of shape (batch, channels_in, *space).
        w: Of shape (channels_out, channels_in / groups, *window).
        strides: Step of the window: an int, or one for each spatial axis.
        padding: Zeros around x: an int; an int or a pair (before, after) for each
            spatial axis; ``"valid"``, none; ``"same"``, as many as make the result
            ceil(space / strides) long.
        dilation: Distance of the entries of x that neighbours in the window meet.
        groups: Number of groups of channels that are convolved on their own.

    Returns:
        Array of shape (batch, channels_out, *places), with
        ``(space + padding - dilation * (window - 1) - 1) // strides + 1`` places.

    Raises:
        ShapeError: the shapes do not fit each other, or the window not into x.
        ArgumentError: strides, padding or dilation do not fit the number of axes.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> x, w = np.arange(5.0).reshape(1, 1, 5), np.array([[[1.0, 2.0]]])
        >>> wnp.conv(x, w)
        array([[[ 2.,  5.,  8., 11.]]])
        >>> wg.grad(lambda w: wnp.conv(x, w, strides=2).sum())(w)
        array([[[2., 4.]]])

    References:
        Dumoulin & Visin, "A guide to convolution arithmetic for deep learning",
        arXiv:1603.07285, 2016.
    """
    x, w = as_array(x), as_array(w)
    _check_ranks("conv", x, w)
    _check_channels("conv", x, w, w.shape[1] * groups, groups)
    space, window = x.shape[2:], w.shape[2:]
    how = _how("conv", space, window, strides, padding, dilation)
    _check_fit("conv", how, space, window)
    return wrap(run(ops.conv, x, w, how=how, groups=groups))


def conv_transpose(
    x: Any,
    w: Any,
    strides: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    output_padding: Any = 0,
) -> Any:
    """The transpose of `conv` with the same kernel and settings ("deconvolution").

    Args:
        x: Of shape (batch, channels_in, *space), as `conv` would return it.
        w: Of shape (channels_in, channels_out / groups, *window).
        strides, dilation, groups: As for `conv`.
        padding: As for `conv`, in numbers; it takes entries from the result.
        output_padding: Places to add at the end of each spatial axis, fewer than the
            stride: `conv` maps several lengths to one.

    Returns:
        Array of shape (batch, channels_out, *places), with ``(space - 1) * strides -
        padding + dilation * (window - 1) + 1 + output_padding`` places.

    Raises:
        ShapeError: the shapes do not fit each other.
        ArgumentError: strides, padding or dilation do not fit the number of axes.

    Example:
        >>> import numpy as np, wengert.numpy as wnp
        >>> wnp.conv_transpose(np.ones((1, 1, 2)), np.array([[[1.0, 2.0]]]), strides=2)
        array([[[1., 2., 1., 2.]]])
    """
    name = "conv_transpose"
    x, w = as_array(x), as_array(w)
    _check_ranks(name, x, w)
    _check_channels(name, x, w, w.shape[0], groups)
    window = w.shape[2:]
    if isinstance(padding, str) and padding != "valid":
        raise ArgumentError(
            explain(
                f"{name}: padding={padding!r}, but the length of the result depends "
                "on it",
                fix="give the padding in numbers",
            )
        )
    how = _how(name, x.shape[2:], window, strides, padding, dilation)
    if not isinstance(output_padding, (tuple, list)):
        output_padding = (output_padding,) * len(window)
    space = tuple(
        (n - 1) * stride - low - high + gap * (k - 1) + 1 + extra
        for n, k, stride, (low, high), gap, extra in zip(
            x.shape[2:], window, how.strides, how.padding, how.dilation, output_padding,
            strict=True,
        )
    )  # fmt: skip
    if min(space) < 1 or how.out_extents(space, window) != tuple(x.shape[2:]):
        raise ShapeError(
            explain(
                f"{name}: no array of shape {space} is convolved to "
                f"{tuple(x.shape[2:])}",
                fix="take less padding, and output_padding from 0 to strides - 1",
            )
        )
    return wrap(run(ops.conv_input, x, w, how=how, groups=groups, space=space))


def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """``numpy.convolve``: of two sequences."""
    x, y = as_array(a), as_array(v)
    if is_plain(x, y):
        return np.convolve(x, y, mode)
    x, y = (i if len(i.shape) else i.reshape((1,)) for i in (x, y))
    return wrap(run(ops.convolve, x, y, mode=_checked_mode("convolve", mode)))


def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """``numpy.correlate``: the cross-correlation of two sequences, ``v`` conjugated."""
    x, y = as_array(a), as_array(v)
    if is_plain(x, y):
        return np.correlate(x, y, mode)
    mode = _checked_mode("correlate", mode)
    if x.shape[0] >= y.shape[0]:
        return wrap(run(ops.convolve, x, _flipped(y), mode=mode))
    return wrap(_flipped(run(ops.convolve, y, _flipped(x), mode=mode)))


def _flipped(x: Any) -> Any:
    """In reverse order, conjugated."""
    x = flip(x, axes=(0,))
    return x.conj() if is_complex(x) else x


def _checked_mode(name: str, mode: str) -> str:
    if mode not in ("full", "same", "valid"):
        raise ArgumentError(
            explain(f"{name}: mode={mode!r}", fix='give "full", "same" or "valid"')
        )
    return mode


# -- pooling --------------------------------------------------------------------------


def _pool_windows(name: str, x: Any, window: Any, strides: Any, padding: Any) -> Any:
    """``(x, window, how)`` of a pooling over the axes after the second."""
    count = len(x.shape) - 2
    if count < 1:
        raise ShapeError(
            explain(
                f"{name}: expected (batch, channels, *space), got {tuple(x.shape)}",
                fix="add the missing axes, for example x[None, None]",
            )
        )
    window = _per_axis(name, "window", window, count)
    strides = window if strides is None else strides
    how = _how(name, x.shape[2:], window, strides, padding, 1)
    _check_fit(name, how, x.shape[2:], window)
    return window, how


def max_pool(x: Any, window: Any, strides: Any = None, padding: Any = 0) -> Any:
    """The largest entry of each window.

    Ties share the derivative equally, as in `max`. Padding never is the largest.

    Args:
        x: Of shape (batch, channels, *space).
        window: Its extents: an int, or one for each spatial axis.
        strides: Step of the window; by default windows do not overlap.
        padding: As for `conv`.

    Returns:
        Array of shape (batch, channels, *places).

    Raises:
        ShapeError: x has no spatial axes, or the window does not fit.
        ArgumentError: window, strides or padding do not fit the number of axes.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> x = np.array([[[1.0, 3.0, 2.0, 2.0]]])
        >>> wnp.max_pool(x, 2)
        array([[[3., 2.]]])
        >>> wg.grad(lambda x: wnp.max_pool(x, 2).sum())(x)
        array([[[0. , 1. , 0.5, 0.5]]])
    """
    x = as_array(x)
    window, how = _pool_windows("max_pool", x, window, strides, padding)
    count = len(window)
    if any(low or high for low, high in how.padding):
        x, how = _pad_with_lowest(x, how), how._replace(padding=((0, 0),) * count)
    if _tile(how, x.shape[2:], window):
        return wnp.max(wnp.reshape(wrap(x), _tiles(x, window)), axis=_inner(count))
    patches = run(ops.windows, x, how=how, window=window)
    return wnp.max(wrap(patches), axis=tuple(range(-count, 0)))


def _tile(how: Window, space: Any, window: Any) -> bool:
    """Whether each entry is in one window, so that a reshape has them all."""
    tiled = [
        isinstance(n, int) and n % k == 0 and stride == k and low == high == 0
        for n, k, stride, (low, high) in zip(
            space, window, how.strides, how.padding, strict=True
        )
    ]
    return all(tiled)


def _tiles(x: Any, window: Any) -> tuple[Any, ...]:
    """(batch, channels, *space) with each axis of space in two: tiles, and within."""
    parts = [(n // k, k) for n, k in zip(x.shape[2:], window, strict=True)]
    return (*x.shape[:2], *(n for part in parts for n in part))


def _inner(count: int) -> tuple[int, ...]:
    """The axes within the tiles."""
    return tuple(range(3, 3 + 2 * count, 2))


def _pad_with_lowest(x: Any, how: Window) -> Any:
    widths = ((0, 0), (0, 0), *how.padding)
    dtype = np.dtype(x.dtype)
    lowest = -np.inf if is_inexact(dtype) else np.iinfo(dtype).min
    inside = np.pad(np.ones((1, 1, *x.shape[2:]), bool), widths)
    return run(where, inside, run(pad_zeros, x, widths=widths), dtype.type(lowest))


def avg_pool(x: Any, window: Any, strides: Any = None, padding: Any = 0) -> Any:
    """The mean of each window; padding counts as zeros.

    Args:
        x: Of shape (batch, channels, *space).
        window: Its extents: an int, or one for each spatial axis.
        strides: Step of the window; by default windows do not overlap.
        padding: As for `conv`.

    Returns:
        Array of shape (batch, channels, *places).

    Raises:
        ShapeError: x has no spatial axes, or the window does not fit.
        ArgumentError: window, strides or padding do not fit the number of axes.

    Example:
        >>> import numpy as np, wengert.numpy as wnp
        >>> wnp.avg_pool(np.array([[[1.0, 3.0, 2.0, 2.0]]]), 2)
        array([[[2., 2.]]])
    """
    x = as_array(x)
    window, how = _pool_windows("avg_pool", x, window, strides, padding)
    patches = run(ops.windows, x, how=how, window=window)
    ndim = len(patches.shape)
    total = run(reduce_sum, patches, axes=tuple(range(ndim - len(window), ndim)))
    return wrap(total * (1.0 / prod(window)))
