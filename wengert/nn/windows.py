"""Windows over the spatial axes of images (batch, channels, *space)."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn import checks
from wengert.nn.layer import Context


def window_of(context: Context, window: Any, x: Any) -> tuple[int, ...]:
    """A window as stated, or of one length along each spatial axis of the sample."""
    if not isinstance(window, (int, np.integer)):
        return tuple(window)
    count = checks.size(context, "spatial axes", None, _space(x), 0)
    return (int(window),) * count


def _space(x: Any) -> Any:
    return None if x is None else np.empty(len(x.shape) - 2)


def images(context: Context, x: Any, count: int | None = None) -> None:
    """That an input is (batch, channels, *space), with so many spatial axes."""
    checks.axes(context, x, 3, "(batch, channels, *space)")
    if count is not None and len(x.shape) != count + 2:
        raise ShapeError(
            explain(
                f"{context.path}: expected (batch, channels, *space) with {count} "
                f"spatial axes, got {tuple(x.shape)}",
                fix="add the missing axes, for example x[:, None] for one channel",
            )
        )


def over(context: Context, window: Any, x: Any) -> tuple[int, ...]:
    """A window over the spatial axes of an input, which has as many as are stated."""
    images(context, x)
    found = each(window, len(x.shape) - 2)
    images(context, x, len(found))
    return found


def fits(
    context: Context, x: Any, window: Any, padding: Any, dilation: Any = 1
) -> None:
    """That a window fits into the space of an input."""
    if padding == "same":
        return
    space = tuple(x.shape[2:])
    count = len(space)
    window, gaps = each(window, count), each(dilation, count)
    pads = [(0, 0)] * count if padding == "valid" else each(padding, count)
    both = [sum(p) if isinstance(p, (tuple, list)) else 2 * p for p in pads]
    reaches = [d * (k - 1) + 1 for k, d in zip(window, gaps, strict=True)]
    rooms = [n + p for n, p in zip(space, both, strict=True)]
    if any(reach > room for reach, room in zip(reaches, rooms, strict=True)):
        raise ShapeError(
            explain(
                f"{context.path}: a window of {tuple(reaches)} does not fit into "
                f"{space} with padding {padding!r}",
                fix='pad more (padding="same" always fits), or take a smaller window',
            )
        )


def each(value: Any, count: int) -> tuple[Any, ...]:
    """One entry for each spatial axis."""
    if isinstance(value, (int, np.integer)):
        return (value,) * count
    return tuple(value)
