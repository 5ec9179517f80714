"""Convolutions and sliding windows.

The three products of inputs (batch, channels, *space), kernels (channels_out,
channels / groups, *window) and outputs (batch, channels_out, *space) are contractions
of one trilinear form, so that each is the transpose of the others: `conv` makes
outputs, `conv_input` inputs and `conv_kernel` kernels. Layout as in Dumoulin & Visin,
"A guide to convolution arithmetic for deep learning", arXiv:1603.07285, 2016.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import Op
from wengert._core.types import ArrayType, Params
from wengert._ops.contraction import lane_type
from wengert._ops.families import Sample, bilinear, linear
from wengert._ops.indexing import getitem
from wengert._ops.structure import flip, move_axis, pad_zeros, reshape, spread


class Window(NamedTuple):
    """How a window slides: an entry per spatial axis; `padding` is (before, after)."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def out_extents(self, space: Any, window: Any) -> tuple[Any, ...]:
        """How many places each axis has for the window; 0 or less: it does not fit."""
        return tuple(
            (n + low + high - dilation * (k - 1) - 1) // stride + 1
            for n, k, stride, (low, high), dilation in zip(
                space, window, self.strides, self.padding, self.dilation, strict=True
            )
        )


def _slide(x: np.ndarray, window: Any, how: Window) -> np.ndarray:
    """(*lead, *space) -> (*lead, *out, *window), a view of the padded array."""
    lead = x.ndim - len(window)
    if any(low or high for low, high in how.padding):
        x = np.pad(x, ((0, 0),) * lead + how.padding)
    reach = tuple(d * (k - 1) + 1 for d, k in zip(how.dilation, window, strict=True))
    axes = tuple(range(lead, x.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axes)
    index = (slice(None),) * lead
    index += tuple(slice(None, None, s) for s in how.strides)
    index += tuple(slice(None, None, d) for d in how.dilation)
    return windows[index]


def _unslide(windows: np.ndarray, space: Any, how: Window) -> np.ndarray:
    """The transpose of `_slide`: entries of windows are added where they came from."""
    count = len(space)
    lead, out = windows.shape[: -2 * count], windows.shape[-2 * count : -count]
    padded = [n + low + high for n, (low, high) in zip(space, how.padding, strict=True)]
    x = np.zeros((*lead, *padded), windows.dtype)
    whole: tuple[Any, ...] = (Ellipsis,)
    for place in product(*map(range, windows.shape[-count:])):
        covered = tuple(
            slice(p * d, p * d + (n - 1) * s + 1, s)
            for p, d, n, s in zip(place, how.dilation, out, how.strides, strict=True)
        )
        x[whole + covered] += windows[whole + place]
    inner = tuple(
        slice(low, low + n) for n, (low, _) in zip(space, how.padding, strict=True)
    )
    return x[whole + inner]


# -- the three products ---------------------------------------------------------------


def _channels_last(y: np.ndarray, groups: int) -> np.ndarray:
    """Outputs (N, O, *out) -> (groups, N * places, O / groups)."""
    grouped = y.reshape(len(y), groups, y.shape[1] // groups, prod(y.shape[2:]))
    shape = (groups, len(y) * grouped.shape[3], grouped.shape[2])
    return grouped.transpose(1, 0, 3, 2).reshape(shape)


def _patches(x: np.ndarray, window: Any, how: Window, groups: int) -> np.ndarray:
    """Inputs (N, C, *space) -> (groups, N * places, C / groups * prod(window))."""
    count = len(window)
    windows = _slide(x, window, how)
    out = windows.shape[2 : 2 + count]
    channels = x.shape[1] // groups
    grouped = windows.reshape(len(x), groups, channels, *windows.shape[2:])
    axes = (1, 0, *range(3, 3 + count), 2, *range(3 + count, 3 + 2 * count))
    shape = (groups, len(x) * prod(out), channels * prod(window))
    return grouped.transpose(axes).reshape(shape)


def _kernel_rows(w: np.ndarray, groups: int) -> np.ndarray:
    """Kernels (O, C / groups, *window) -> (groups, O / groups, C / groups * window)."""
    return w.reshape(groups, w.shape[0] // groups, prod(w.shape[1:]))


def _conv_evaluate(x: Any, w: Any, *, how: Window, groups: int) -> Any:
    out = how.out_extents(x.shape[2:], w.shape[2:])
    patches = _patches(x, w.shape[2:], how, groups)
    y = patches @ _kernel_rows(w, groups).swapaxes(1, 2)
    y = y.reshape(groups, len(x), prod(out), w.shape[0] // groups)
    return y.transpose(1, 0, 3, 2).reshape(len(x), w.shape[0], *out)


def _conv_input_evaluate(
    y: Any, w: Any, *, how: Window, groups: int, space: Any
) -> Any:
    channels, window, out = w.shape[1], w.shape[2:], y.shape[2:]
    count = len(window)
    patches = _channels_last(y, groups) @ _kernel_rows(w, groups)
    patches = patches.reshape(groups, len(y), *out, channels, *window)
    axes = (1, 0, 2 + count, *range(2, 2 + count), *range(3 + count, 3 + 2 * count))
    x = _unslide(patches.transpose(axes), space, how)
    return x.reshape(len(y), groups * channels, *space)


def _conv_kernel_evaluate(
    x: Any, y: Any, *, how: Window, groups: int, window: Any
) -> Any:
    patches = _patches(x, window, how, groups)
    w = _channels_last(y, groups).swapaxes(1, 2) @ patches
    return w.reshape(y.shape[1], x.shape[1] // groups, *window)


def _product_type(shape: Any, x: ArrayType, y: ArrayType) -> ArrayType:
    return ArrayType(tuple(shape), np.result_type(x.dtype, y.dtype))


def _conv_type(x: ArrayType, w: ArrayType, *, how: Window, groups: int) -> ArrayType:
    out = how.out_extents(x.shape[2:], w.shape[2:])
    return _product_type((x.shape[0], w.shape[0], *out), x, w)


def _fold(x: Any, axis: int) -> Any:
    """Lanes (axis 0) folded into another axis, as its slower part."""
    x = move_axis(x, 0, axis - 1)
    shape = (
        *x.shape[: axis - 1],
        x.shape[axis - 1] * x.shape[axis],
        *x.shape[axis + 1 :],
    )
    return reshape(x, shape=shape)


def _unfold(x: Any, axis: int, size: Any) -> Any:
    """The inverse: axis ``axis - 1`` holds ``size`` lanes, and they go to axis 0."""
    shape = (*x.shape[: axis - 1], size, x.shape[axis - 1] // size, *x.shape[axis:])
    return move_axis(reshape(x, shape=shape), axis - 1, 0)


def _fold_batch(op: Any, size: Any, batched: Any, operands: Any, p: Params) -> Any:
    """Lanes of (N, channels, ...) operands become examples, or with kernels groups."""
    x, w = operands
    if not batched[1]:
        return _unfold(op(_fold(x, 1), w, **p), 1, size)
    x, w = spread(size, batched, operands)
    p = {**p, "groups": size * p["groups"]}
    return _unfold(op(_fold(x, 2), _fold(w, 1), **p), 2, size)


def _kernel_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    x, y = spread(size, batched, operands)
    p = {**p, "groups": size * p["groups"]}
    return _unfold(conv_kernel(_fold(x, 2), _fold(y, 2), **p), 1, size)


_BOTH = (0, 1)
_PLAIN_1 = Window((1,), ((0, 0),), (1,))
_BUSY_1 = Window((2,), ((1, 2),), (2,))
_BUSY_2 = Window((2, 1), ((1, 0), (0, 2)), (1, 2))

conv: Op = bilinear(
    "conv",
    _conv_evaluate,
    abstract=_conv_type,
    transpose_lhs=lambda ct, x_type, w, **p: conv_input(
        ct, w, space=x_type.shape[2:], **p
    ),
    transpose_rhs=lambda ct, x, w_type, **p: conv_kernel(
        x, ct, window=w_type.shape[2:], **p
    ),
    batch=lambda size, batched, operands, p: _fold_batch(
        conv, size, batched, operands, p
    ),
    samples=[
        Sample(((2, 3, 5), (4, 3, 2)), {"how": _PLAIN_1, "groups": 1}, _BOTH),
        Sample(((1, 4, 9), (2, 2, 3)), {"how": _BUSY_1, "groups": 2}, _BOTH),
        Sample(((2, 2, 5, 4), (2, 1, 3, 2)), {"how": _BUSY_2, "groups": 2}, _BOTH),
        Sample(((0, 1, 4), (1, 1, 2)), {"how": _PLAIN_1, "groups": 1}, _BOTH),
    ],
)
conv_input: Op = bilinear(
    "conv_input",
    _conv_input_evaluate,
    abstract=lambda y, w, *, how, groups, space: _product_type(
        (y.shape[0], groups * w.shape[1], *space), y, w
    ),
    transpose_lhs=lambda ct, _y, w, *, how, groups, space: conv(
        ct, w, how=how, groups=groups
    ),
    transpose_rhs=lambda ct, y, w_type, *, how, groups, space: conv_kernel(
        ct, y, how=how, groups=groups, window=w_type.shape[2:]
    ),
    batch=lambda size, batched, operands, p: _fold_batch(
        conv_input, size, batched, operands, p
    ),
    samples=[
        Sample(
            ((2, 4, 4), (4, 3, 2)), {"how": _PLAIN_1, "groups": 1, "space": (5,)}, _BOTH
        ),
        Sample(
            ((1, 2, 4), (2, 2, 3)), {"how": _BUSY_1, "groups": 2, "space": (9,)}, _BOTH
        ),
    ],
)
conv_kernel: Op = bilinear(
    "conv_kernel",
    _conv_kernel_evaluate,
    abstract=lambda x, y, *, how, groups, window: _product_type(
        (y.shape[1], x.shape[1] // groups, *window), x, y
    ),
    transpose_lhs=lambda ct, x_type, y, *, how, groups, window: conv_input(
        y, ct, how=how, groups=groups, space=x_type.shape[2:]
    ),
    transpose_rhs=lambda ct, x, _y, *, how, groups, window: conv(
        x, ct, how=how, groups=groups
    ),
    batch=_kernel_batch,
    samples=[
        Sample(
            ((2, 3, 5), (2, 4, 4)),
            {"how": _PLAIN_1, "groups": 1, "window": (2,)},
            _BOTH,
        ),
        Sample(
            ((1, 4, 9), (1, 2, 4)), {"how": _BUSY_1, "groups": 2, "window": (3,)}, _BOTH
        ),
    ],
)

# -- windows, for pooling -------------------------------------------------------------


def _windows_type(x: ArrayType, *, how: Window, window: Any) -> ArrayType:
    lead, space = x.shape[: -len(window)], x.shape[-len(window) :]
    return ArrayType((*lead, *how.out_extents(space, window), *window), x.dtype)


windows: Op = linear(
    "windows",
    lambda x, *, how, window: _slide(x, window, how),
    abstract=_windows_type,
    transposes=(
        lambda ct, x_type, *, how, window: unwindow(
            ct, how=how, space=x_type.shape[-len(window) :]
        ),
    ),
    batch=lambda size, batched, operands, p: windows(*operands, **p),
    samples=[
        Sample(((2, 9),), {"how": _BUSY_1, "window": (3,)}),
        Sample(((5, 4),), {"how": _BUSY_2, "window": (3, 2)}),
    ],
)
unwindow: Op = linear(
    "unwindow",
    lambda x, *, how, space: _unslide(x, space, how),
    abstract=lambda x, *, how, space: ArrayType(
        (*x.shape[: -2 * len(space)], *space), x.dtype
    ),
    transposes=(
        lambda ct, x_type, *, how, space: windows(
            ct, how=how, window=x_type.shape[-len(space) :]
        ),
    ),
    batch=lambda size, batched, operands, p: unwindow(*operands, **p),
    samples=[
        Sample(((2, 4, 3),), {"how": _BUSY_1, "space": (9,)}),
        Sample(((2, 4, 3, 2),), {"how": _BUSY_2, "space": (5, 4)}),
    ],
)

# -- NumPy's convolve -----------------------------------------------------------------


def mode_slice(mode: str, n: Any, m: Any) -> slice:
    """The part of the full convolution of n and m entries that a mode returns."""
    short, long = min(n, m), max(n, m)
    if mode == "full":
        return slice(0, n + m - 1)
    if mode == "same":
        return slice((short - 1) // 2, (short - 1) // 2 + long)
    return slice(short - 1, long)


def _convolve_type(x: ArrayType, y: ArrayType, *, mode: str) -> ArrayType:
    part = mode_slice(mode, x.shape[0], y.shape[0])
    return _product_type((part.stop - part.start,), x, y)


def _convolve_lhs(ct: Any, x_type: ArrayType, y: Any, *, mode: str) -> Any:
    n, m = x_type.shape[0], y.shape[0]
    part = mode_slice(mode, n, m)
    full = pad_zeros(ct, widths=((part.start, n + m - 1 - part.stop),))
    return convolve(full, flip(y, axes=(0,)), mode="valid")


def _convolve_rhs(ct: Any, x: Any, y_type: ArrayType, *, mode: str) -> Any:
    return _convolve_lhs(ct, y_type, x, mode=mode)


def _convolve_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    """A convolution with a group for each lane; with one kernel, an example each."""
    x, y = operands
    if not batched[0]:
        return _convolve_batch(size, (True, False), (y, x), p)
    n, m = x.shape[1], lane_type(y, batched[1]).shape[0]
    how = Window((1,), ((m - 1, m - 1),), (1,))
    w = reshape(flip(y, axes=(y.ndim - 1,)), shape=(size if batched[1] else 1, 1, m))
    if batched[1]:
        full = conv(reshape(x, shape=(1, size, n)), w, how=how, groups=size)
    else:
        full = conv(reshape(x, shape=(size, 1, n)), w, how=how, groups=1)
    full = reshape(full, shape=(size, n + m - 1))
    return getitem(full, index=(slice(None), mode_slice(p["mode"], n, m)))


convolve: Op = bilinear(
    "convolve",
    np.convolve,
    abstract=_convolve_type,
    transpose_lhs=_convolve_lhs,
    transpose_rhs=_convolve_rhs,
    batch=_convolve_batch,
    samples=[
        Sample(((5,), (3,)), {"mode": "full"}, _BOTH),
        Sample(((5,), (4,)), {"mode": "same"}, _BOTH),
        Sample(((3,), (6,)), {"mode": "same"}, _BOTH),
        Sample(((5,), (2,)), {"mode": "valid"}, _BOTH),
        Sample(((2,), (5,)), {"mode": "valid"}, _BOTH),
        Sample(((1,), (1,)), {"mode": "full"}, _BOTH),
    ],
)
