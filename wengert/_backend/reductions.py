"""Reductions and running values along axes, fused with what they reduce."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from wengert._backend import types as t
from wengert._backend.emitter import Index
from wengert._backend.failures import no_entries
from wengert._backend.kernels import KERNELS, is_nan, reassociated
from wengert._backend.lowering import Lowering
from wengert._backend.structure import constant_array
from wengert._backend.values import Array, Scalar, Shape, Value
from wengert._ir.program import Equation

Combine = Callable[[Any, np.dtype, Any, Any], Any]


class Monoid(NamedTuple):
    """How entries are combined, and what no entries give (None: an error)."""

    combine: Combine
    start: Callable[[np.dtype], Any]
    of_nothing: bool = True


def _least(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return -math.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def _greatest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return math.inf
    return True if dtype.kind == "b" else np.iinfo(dtype).max


def _nothing(otherwise: Callable[[np.dtype], Any]) -> Callable[[np.dtype], Any]:
    """What loses against every float: NaN, which stays where all entries are."""
    return lambda dtype: math.nan if dtype.kind == "f" else otherwise(dtype)


def _kernel(name: str) -> Combine:
    return KERNELS[name][1]


MONOIDS = {
    "reduce_sum": Monoid(reassociated("add", "or_"), lambda _: 0),
    "masked_sum": Monoid(reassociated("add", "or_"), lambda _: 0),
    "reduce_prod": Monoid(reassociated("mul", "and_"), lambda _: 1),
    "reduce_max": Monoid(_kernel("maximum"), _least, False),
    "reduce_min": Monoid(_kernel("minimum"), _greatest, False),
    "reduce_fmax": Monoid(_kernel("fmax"), _nothing(_least), False),
    "reduce_fmin": Monoid(_kernel("fmin"), _nothing(_greatest), False),
    "reduce_any": Monoid(_kernel("logical_or"), lambda _: False),
    "reduce_all": Monoid(_kernel("logical_and"), lambda _: True),
}


_UFUNCS = {
    "reduce_max": "maximum",
    "reduce_min": "minimum",
    "reduce_fmax": "fmax",
    "reduce_fmin": "fmin",
}


def reduced(
    lo: Lowering,
    shape: Shape,
    axes: tuple[int, ...],
    dtype: np.dtype,
    monoid: Monoid,
    entry: Callable[[Shape], Any],
    flat: Callable[[Index], Any] | None = None,
) -> Value:
    """Entries of a shape combined over some axes."""
    e = lo.e
    kept = [i for i in range(len(shape)) if i not in axes]
    start = t.constant(monoid.start(dtype), dtype)
    if not kept:
        total = e.slot(t.register_type(dtype), start)

        def add(value: Any) -> None:
            old = e.b.load(total, typ=t.register_type(dtype))
            e.b.store(monoid.combine(e.b, dtype, old, value), total)

        if flat is not None:
            with e.loop(e.product(shape), entries=True) as k:
                add(flat(k))
        else:
            e.nest(shape, lambda here: add(entry(here)))
        return Scalar(e.b.load(total, typ=t.register_type(dtype)), dtype)
    out = lo.allocate(tuple(shape[i] for i in kept), dtype)
    if kept[-1] == len(shape) - 1:
        _by_rows(lo, out, shape, axes, start, monoid, entry)
    else:
        _by_entries(lo, out, shape, axes, start, monoid, entry)
    return out


def _by_rows(
    lo: Lowering,
    out: Array,
    shape: Shape,
    axes: tuple[int, ...],
    start: Any,
    monoid: Monoid,
    entry: Callable[[Shape], Any],
) -> None:
    """The last axis is kept: whole rows are combined, in the order of memory."""
    e, dtype = lo.e, out.dtype
    lo.fill(out, constant_array(start, out.shape, dtype))

    def add(here: Shape) -> None:
        own = tuple(k for i, k in enumerate(here) if i not in axes)
        value = monoid.combine(e.b, dtype, out.at(e, own), entry(here))
        out.put(e, own, value)

    e.nest(shape, add)


def _by_entries(
    lo: Lowering,
    out: Array,
    shape: Shape,
    axes: tuple[int, ...],
    start: Any,
    monoid: Monoid,
    entry: Callable[[Shape], Any],
) -> None:
    """An entry of the result at a time, in a register."""
    e, dtype = lo.e, out.dtype
    kind = t.register_type(dtype)
    total = e.slot(kind)
    inner = tuple(shape[i] for i in axes)

    def one(own: Shape) -> None:
        e.b.store(start, total)
        kept = iter(own)
        places = [None if i in axes else next(kept) for i in range(len(shape))]

        def add(rest: Shape) -> None:
            others = iter(rest)
            here = tuple(next(others) if p is None else p for p in places)
            old = e.b.load(total, typ=kind)
            e.b.store(monoid.combine(e.b, dtype, old, entry(here)), total)

        e.nest(inner, add)
        out.put(e, own, e.b.load(total, typ=kind))

    e.nest(out.shape, one)


def _require_entries(lo: Lowering, name: str, shape: Shape, axes: Any) -> bool:
    """Whether there is something to reduce; run-time extents are checked."""
    e = lo.e
    inner = e.product(shape[i] for i in axes)
    outer = e.product(n for i, n in enumerate(shape) if i not in axes)
    if isinstance(inner, int):
        return inner > 0 or outer == 0
    site = lo.sites.error(partial(no_entries, _UFUNCS[name]))
    fine = e.b.or_(e.compare("!=", inner, 0), e.compare("==", outer, 0))
    e.fail_unless(fine, site, list)
    return True


def _reduction(lo: Lowering, equation: Equation) -> list[Value] | None:
    name, out = equation.op.name, equation.outputs[0].type
    x, *mask = (lo.value(a) for a in equation.inputs)
    monoid, axes = MONOIDS[name], equation.params["axes"]
    dtype = out.dtype
    if "c" in (x.dtype.kind, dtype.kind) and name != "reduce_sum":
        return None
    if not monoid.of_nothing and not _require_entries(lo, name, x.shape, axes):
        return None
    e = lo.e
    zero = t.constant(0, dtype) if mask else None

    def value(given: Any, holds: Any = None) -> Any:
        cast = t.cast(e.b, given, x.dtype, dtype)
        return cast if holds is None else e.b.select(holds, cast, zero)

    def entry(here: Shape) -> Any:
        return value(x.at(e, here), *(m.at(e, here) for m in mask))

    readers = [v.flat(e) for v in (x, *mask)]
    flat = None
    if all(r is not None for r in readers):

        def flat(k: Index) -> Any:
            return value(*(read(k) for read in readers if read is not None))

    return [reduced(lo, x.shape, axes, dtype, monoid, entry, flat)]


# -- positions of extrema --------------------------------------------------------------


def _argument(relation: str) -> Any:
    def lower(lo: Lowering, equation: Equation) -> list[Value] | None:
        x, axis = lo.value(equation.inputs[0]), equation.params["axis"]
        if x.dtype.kind == "c" or not isinstance(axis, int) or not x.shape:
            return None
        n = x.shape[axis]
        if not isinstance(n, int) or n == 0:
            return None
        best = lambda own: _best_position(lo, x, axis, own, relation)  # noqa: E731
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        dtype = equation.outputs[0].type.dtype
        if not shape:
            return [Scalar(best(()), dtype)]
        x = lo.cheap(x)
        out = lo.allocate(shape, dtype)
        lo.e.nest(shape, lambda own: out.put(lo.e, own, best(own)))
        return [out]

    return lower


def _best_position(lo: Lowering, x: Value, axis: int, own: Shape, relation: str) -> Any:
    """The first position of the extremum, or of the first NaN."""
    e = lo.e

    def read(k: Index) -> Any:
        return x.at(e, (*own[:axis], k, *own[axis:]))

    best = e.slot(t.register_type(x.dtype), read(0))
    place = e.slot(t.I64, e.value(0))
    kind = {"f": "fcmp_ordered", "i": "icmp_signed"}.get(x.dtype.kind, "icmp_unsigned")
    with e.loop(x.shape[axis], 1) as k:
        value = read(k)
        old = e.b.load(best, typ=t.register_type(x.dtype))
        better = getattr(e.b, kind)(relation, value, old)
        if x.dtype.kind == "f":
            first = e.b.and_(is_nan(e.b, value), e.b.not_(is_nan(e.b, old)))
            better = e.b.or_(better, first)
        with e.when(better):
            e.b.store(value, best)
            e.b.store(e.value(k), place)
    return e.b.load(place, typ=t.I64)


# -- running values --------------------------------------------------------------------


def _along(
    lo: Lowering,
    out: Array,
    axis: int,
    start: Any,
    step: Callable[[Shape, Any], Any],
) -> None:
    """``out[k] = step(k, out[k - 1])`` along an axis, from a start."""
    e, kind = lo.e, t.register_type(out.dtype)
    others = (*out.shape[:axis], *out.shape[axis + 1 :])
    last = e.slot(kind)

    def line(own: Shape) -> None:
        e.b.store(start, last)
        with e.loop(out.shape[axis]) as k:
            here = (*own[:axis], k, *own[axis:])
            value = step(here, e.b.load(last, typ=kind))
            e.b.store(value, last)
            out.put(e, here, value)

    e.nest(others, line)


def _running(name: str, start: int) -> Any:
    def lower(lo: Lowering, equation: Equation) -> list[Value] | None:
        x, out = lo.value(equation.inputs[0]), equation.outputs[0].type
        if out.dtype.kind == "c" or not x.shape:
            return None
        target = lo.allocate(lo.shape(out), out.dtype)
        kernel, b, dtype = KERNELS[name][1], lo.e.b, t.computed(out.dtype)

        def step(here: Shape, before: Any) -> Any:
            value = t.cast(b, x.at(lo.e, here), x.dtype, dtype)
            value = kernel(b, dtype, t.cast(b, before, out.dtype, dtype), value)
            return t.cast(b, value, dtype, out.dtype)

        _along(lo, target, equation.params["axis"], t.constant(start, out.dtype), step)
        return [target]

    return lower


def _linear_recurrence(lo: Lowering, equation: Equation) -> list[Value] | None:
    out = equation.outputs[0].type
    a, b = (lo.value(i) for i in equation.inputs)
    dtype = t.computed(out.dtype)
    if dtype.kind != "f" or a.shape != b.shape:
        return None
    target = lo.allocate(lo.shape(out), out.dtype)
    e, axis = lo.e, equation.params["axis"]

    def step(here: Shape, before: Any) -> Any:
        factor = t.cast(e.b, a.at(e, here), a.dtype, dtype)
        drive = t.cast(e.b, b.at(e, here), b.dtype, dtype)
        before = t.cast(e.b, before, out.dtype, dtype)
        first = e.compare("==", here[axis], 0)
        moved = t.cast(e.b, e.b.fmul(factor, before), dtype, out.dtype)
        moved = t.cast(e.b, moved, out.dtype, dtype)
        value = e.b.select(first, drive, e.b.fadd(drive, moved))
        return t.cast(e.b, value, dtype, out.dtype)

    _along(lo, target, axis, t.constant(0, out.dtype), step)
    return [target]


REDUCTIONS = {
    **dict.fromkeys(MONOIDS, _reduction),
    "argmax": _argument(">"),
    "argmin": _argument("<"),
    "cumsum": _running("add", 0),
    "cumprod": _running("multiply", 1),
    "linear_recurrence": _linear_recurrence,
}
__all__ = ["REDUCTIONS"]
