"""Sums, means and maxima over the entries that belong to each of several segments."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp


def segment_sum(values: Any, segments: Any, count: Any) -> Any:
    """``y[s] = Σ values[e]`` over the e with ``segments[e] = s``, 0 if there are none.

    Args:
        values: Of shape (entries, ...).
        segments: The segment of each entry, integers of shape (entries,).
        count: Number of segments.

    Returns:
        Array of shape (count, ...).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.segment_sum(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), 3)
        array([5., 0., 2.])
    """
    total = wnp.zeros((count, *values.shape[1:]), values.dtype)
    wnp.add.at(total, segments, values)
    return total


def segment_mean(values: Any, segments: Any, count: Any) -> Any:
    """As `segment_sum`, divided by the number of entries; 0 if there are none."""
    ones = wnp.ones(values.shape[:1], values.dtype)
    entries = wnp.maximum(segment_sum(ones, segments, count), 1.0)
    along = (-1, *(1 for _ in values.shape[1:]))
    return segment_sum(values, segments, count) / entries.reshape(along)


def segment_max(values: Any, segments: Any, count: Any) -> Any:
    """As `segment_sum`, the largest entry; 0 if there are none.

    Entries that are equally large share the derivative equally.
    """
    stopped = wg.stop_gradient(values)
    top = _tops(stopped, segments, count)
    is_top = (stopped == top[segments]).astype(values.dtype)
    ties = segment_sum(is_top, segments, count)[segments]
    return segment_sum(values * is_top / ties, segments, count)


def segment_softmax(values: Any, segments: Any, count: Any) -> Any:
    """``exp(v_e) / Σ exp(v_f)`` over the f of the same segment, without overflow.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.segment_softmax(np.array([0.0, 1e9, 0.0]), np.array([0, 1, 0]), 2)
        array([0.5, 1. , 0.5])
    """
    top = _tops(wg.stop_gradient(values), segments, count)
    weights = wnp.exp(values - top[segments])
    return weights / segment_sum(weights, segments, count)[segments]


def _tops(values: Any, segments: Any, count: Any) -> Any:
    """The largest entry of each segment, -inf if there are none."""
    top = wnp.full((count, *values.shape[1:]), -np.inf, values.dtype)
    for e in range(values.shape[0]):
        top[segments[e]] = wnp.maximum(top[segments[e]], values[e])
    return top
