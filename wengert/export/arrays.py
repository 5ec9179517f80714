"""Ops on whole arrays in ONNX: shapes, reductions, indexing.

``rule(graph, equation, *values)`` gives the result, or None where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._ops.index import Slot, axes_indexed, fill_slots, layout
from wengert.export.elementwise import log1p
from wengert.export.graph import Graph, Value

Rule = Callable[..., Value | None]


def _full(graph: Graph, equation: Any) -> Value:
    p = equation.params
    one = graph.constant(np.full((), p.get("value", 0), p["dtype"]))
    return one.expand(p["shape"])


def _held(graph: Graph, equation: Any) -> Value:
    return graph.constant(equation.params["source"].array)


def _iota(graph: Graph, equation: Any) -> Value:
    return graph.constant(np.arange(equation.params["size"]))


def _cast(graph: Graph, equation: Any, x: Value) -> Value:
    return x.cast(equation.outputs[0].type.dtype)


def _reshape(graph: Graph, equation: Any, x: Value) -> Value | None:
    if equation.params.get("order", "C") not in ("C", "K") and x.ndim > 1:
        return None
    return x.reshape(*equation.params["shape"])


def _flip(graph: Graph, equation: Any, x: Value) -> Value:
    for axis in equation.params["axes"]:
        x = x.slice(axis, x.shape[axis] - 1, -1, -1)
    return x


def _concatenate(graph: Graph, equation: Any, *xs: Value) -> Value:
    out = equation.outputs[0].type
    same = [x.cast(out.dtype) for x in xs]
    return graph.node(
        "Concat", same, out.dtype, out.shape, axis=equation.params["axis"]
    )


def _pad(graph: Graph, equation: Any, x: Value) -> Value:
    widths = np.array(equation.params["widths"], np.int64).T.ravel()
    out = equation.outputs[0].type
    zero = graph.constant(np.zeros((), x.dtype))
    return graph.node("Pad", [x, graph.constant(widths), zero], x.dtype, out.shape)


def _triangle(upper: int) -> Rule:
    def rule(graph: Graph, equation: Any, x: Value) -> Value:
        k = graph.constant(np.array(equation.params["k"]))
        return graph.node("Trilu", [x, k], x.dtype, x.shape, upper=upper)

    return rule


def _where(graph: Graph, equation: Any, mask: Value, x: Value, y: Value) -> Value:
    dtype = equation.outputs[0].type.dtype
    return graph.where(mask.cast(bool), x.cast(dtype), y.cast(dtype))


# -- reductions ------------------------------------------------------------------------


def _reduction(op: str) -> Rule:
    def rule(graph: Graph, equation: Any, x: Value) -> Value:
        dtype = equation.outputs[0].type.dtype
        return x.cast(dtype).reduced(op, equation.params["axes"])

    return rule


def _masked_sum(graph: Graph, equation: Any, x: Value, mask: Value) -> Value:
    dtype = equation.outputs[0].type.dtype
    kept = graph.where(mask, x.cast(dtype), 0.0)
    return kept.reduced("ReduceSum", equation.params["axes"])


def _truth(op: str) -> Rule:
    def rule(graph: Graph, equation: Any, x: Value) -> Value:
        numbers = x.cast(bool).cast(np.int32)
        return numbers.reduced(op, equation.params["axes"]).cast(bool)

    return rule


def _cumsum(graph: Graph, equation: Any, x: Value) -> Value:
    x = x.cast(equation.outputs[0].type.dtype)
    axis = graph.constant(np.array(equation.params["axis"]))
    return graph.node("CumSum", [x, axis], x.dtype, x.shape)


def _below_top(graph: Graph, x: Value, axes: Any) -> tuple[Value, Value]:
    """x less its maximum; beside an infinite maximum the rest is at -inf."""
    top = x.reduced("ReduceMax", axes, keep=True)
    infinite = graph.elementwise("IsInf", top)
    highest = graph.elementwise("And", x.equals(top), top.above(0.0))
    beside = graph.where(highest, x.like(0.0), -math.inf)
    return graph.where(infinite, beside, x - top), top


def _log_total(graph: Graph, below: Value, axes: Any) -> Value:
    """log of the sum of exp(below): those at the top are counted, not summed."""
    at_top = below.equals(0.0)
    count = at_top.cast(below.dtype).reduced("ReduceSum", axes, keep=True)
    powers = graph.where(at_top, 0.0, graph.elementwise("Exp", below))
    n = graph.where(count.equals(0.0), 1.0, count)
    rest = powers.reduced("ReduceSum", axes, keep=True)
    return log1p(rest / n) + graph.elementwise("Log", n)


def _softmax(graph: Graph, equation: Any, x: Value) -> Value:
    axes = equation.params["axes"]
    weights = graph.elementwise("Exp", _below_top(graph, x, axes)[0])
    total = weights.reduced("ReduceSum", axes, keep=True)
    return weights / graph.where(total.equals(0.0), 1.0, total)


def _log_softmax(graph: Graph, equation: Any, x: Value) -> Value:
    axes = equation.params["axes"]
    below, _ = _below_top(graph, x, axes)
    return below - _log_total(graph, below, axes)


def _logsumexp(graph: Graph, equation: Any, x: Value) -> Value:
    axes = equation.params["axes"]
    below, top = _below_top(graph, x, axes)
    total = top + _log_total(graph, below, axes)
    return total.reshape(*equation.outputs[0].type.shape)


# -- indexing --------------------------------------------------------------------------


def _getitem(graph: Graph, equation: Any, x: Value, *indices: Value) -> Value | None:
    out, index = equation.outputs[0].type, equation.params["index"]
    if not indices:
        for item, axis in axes_indexed(index, (), x.ndim):
            if type(item) is int:
                item = slice(item, item + 1 if item != -1 else None)
            if isinstance(item, slice):
                x = x.slice(axis, *item.indices(x.shape[axis]))
        return x.reshape(*out.shape)
    places = _places(graph, x, indices, index)
    if places is None:
        return None
    flat = x.reshape(math.prod(x.shape))
    return graph.node("Gather", [flat, places], x.dtype, out.shape)


def _write(**how: str) -> Rule:
    def rule(
        graph: Graph, equation: Any, x: Value, v: Value, *indices: Value
    ) -> Value | None:
        places = _places(graph, x, indices, equation.params["index"])
        if places is None:
            return None
        count, size = math.prod(places.shape), math.prod(x.shape)
        v = v.cast(x.dtype).expand(places.shape)
        parts = [x.reshape(size), places.reshape(count), v.reshape(count)]
        out = graph.node("ScatterElements", parts, x.dtype, (size,), axis=0, **how)
        return out.reshape(*x.shape)

    return rule


def _places(graph: Graph, x: Value, indices: Any, index: Any) -> Value | None:
    """Where each entry of a part stands in the array; none for a boolean mask.

    An index out of bounds becomes one behind the array, which is an error there too.
    """
    if any(i.dtype == bool for i in indices):
        return None
    size = math.prod(x.shape)
    zeros = tuple(np.zeros(i.shape, np.int64) if i.shape else 0 for i in indices)
    base = np.arange(size).reshape(x.shape)[fill_slots(index, zeros)]
    total = graph.constant(np.asarray(base, np.int64))
    if not indices:
        return total
    at = layout(index, indices, x.ndim)
    for item, axis in axes_indexed(index, indices, x.ndim):
        if type(item) is Slot:
            behind = base.ndim - at.position - at.rank
            total = total + _steps(graph, x, indices[item.k], axis, behind)
    return total


def _steps(graph: Graph, x: Value, i: Value, axis: int, behind: int) -> Value:
    """What an index on an axis adds to the place, with axes behind its own."""
    i, n = i.cast(np.int64), x.shape[axis]
    if i.shape:
        i = i.reshape(*i.shape, *(1,) * behind)
    outside = graph.elementwise("Or", i.below(-n), i.above(n - 1))
    inside = graph.where(i.below(0), i + n, i) * math.prod(x.shape[axis + 1 :])
    return graph.where(outside, math.prod(x.shape), inside)


def _take(graph: Graph, equation: Any, x: Value, i: Value) -> Value:
    out = equation.outputs[0].type
    given = [x, i.cast(np.int64)]
    return graph.node("Gather", given, x.dtype, out.shape, axis=equation.params["axis"])


ARRAYS: dict[str, Rule] = {
    "full": _full,
    "empty": _full,
    "held": _held,
    "iota": _iota,
    "astype": _cast,
    "promote": _cast,
    "copy": lambda graph, equation, x: x,
    "broadcast_to": lambda graph, equation, x: x.expand(equation.params["shape"]),
    "reshape": _reshape,
    "transpose": lambda graph, equation, x: x.transpose(equation.params["axes"]),
    "flip": _flip,
    "concatenate": _concatenate,
    "pad_zeros": _pad,
    "tril": _triangle(0),
    "triu": _triangle(1),
    "where": _where,
    "reduce_sum": _reduction("ReduceSum"),
    "masked_sum": _masked_sum,
    "reduce_prod": _reduction("ReduceProd"),
    "reduce_max": _reduction("ReduceMax"),
    "reduce_min": _reduction("ReduceMin"),
    "reduce_any": _truth("ReduceMax"),
    "reduce_all": _truth("ReduceMin"),
    "cumsum": _cumsum,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "getitem": _getitem,
    "update": _write(),
    "add_at": _write(reduction="add"),
    "take": _take,
}
