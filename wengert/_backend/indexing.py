"""Indexing as NumPy's: reads are views or gathers, writes are in place if they may."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from wengert._backend import types as t
from wengert._backend.elementwise import mapped
from wengert._backend.emitter import Index
from wengert._backend.failures import cannot_write, out_of_bounds
from wengert._backend.lowering import Lowering
from wengert._backend.structure import (
    broadcast,
    constant_array,
    position,
    reshaped,
)
from wengert._backend.values import (
    Array,
    Lazy,
    Scalar,
    Shape,
    Value,
    broadcast_index,
    same_extent,
    same_shape,
)
from wengert._ir.program import Equation, Var
from wengert._ops.index import Slot

INT64 = np.dtype(np.int64)


class Point(NamedTuple):
    """One position of an axis; it has passed the bounds check."""

    position: Index


class Span(NamedTuple):
    """A range of an axis."""

    start: Index
    step: int
    length: Index


class Gather(NamedTuple):
    """Positions of an axis from an array of integers."""

    positions: Value


class NewAxis(NamedTuple):
    """An axis of length 1."""


Item = Point | Span | Gather | NewAxis


# -- bounds ----------------------------------------------------------------------------


def checked(lo: Lowering, index: Index, n: Index, axis: int) -> Index:
    """An index from the start of an axis; the program fails where it is outside."""
    if isinstance(index, int) and isinstance(n, int) and -n <= index < n:
        return index + n if index < 0 else index
    e = lo.e
    given, extent = e.value(index), e.value(n)
    if isinstance(index, int) and index >= 0:
        wrapped = given
    else:
        negative = e.compare("<", given, 0)
        wrapped = e.b.select(negative, e.b.add(given, extent), given)
    site = lo.sites.error(partial(out_of_bounds, axis), INT64, INT64)
    inside = e.b.icmp_unsigned("<", wrapped, extent)
    e.fail_unless(inside, site, lambda: [given, extent])
    return wrapped


# -- parsing ---------------------------------------------------------------------------


def _span(lo: Lowering, s: slice, n: Index, number: Callable[[Any], Index]) -> Span:
    start, stop = (None if v is None else number(v) for v in (s.start, s.stop))
    step = 1 if s.step is None else int(s.step)
    e = lo.e
    if isinstance(n, int) and all(v is None or type(v) is int for v in (start, stop)):
        low, high, step = slice(start, stop, step).indices(n)
        return Span(low, step, len(range(low, high, step)))
    bottom, top = (0, n) if step > 0 else (-1, e.sub(n, 1))
    first, last = (bottom, top) if step > 0 else (top, bottom)
    low = first if start is None else _clipped(lo, start, n, bottom, top)
    high = last if stop is None else _clipped(lo, stop, n, bottom, top)
    span = e.sub(high, low) if step > 0 else e.sub(low, high)
    size = abs(step)
    length = e.maximum(e.floordiv(e.add(e.maximum(span, 0), size - 1), size), 0)
    return Span(low, step, length)


def _clipped(lo: Lowering, bound: Index, n: Index, bottom: Index, top: Index) -> Index:
    e = lo.e
    if isinstance(bound, int):
        if bound >= 0:
            return e.minimum(bound, top)
        return e.maximum(e.add(bound, n), bottom)
    negative = e.compare("<", bound, 0)
    wrapped = e.b.select(
        negative, e.value(e.add(bound, n)), e.value(e.minimum(bound, top))
    )
    return e.maximum(wrapped, bottom)


def _expanded(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """An index without an ellipsis, with an item for every axis."""
    used = sum(item is not None and item is not Ellipsis for item in index)
    rest = [slice(None)] * (ndim - used)
    items: list[Any] = []
    for item in index:
        items += rest if item is Ellipsis else [item]
    return items if Ellipsis in [i for i in index if i is Ellipsis] else items + rest


def _supported(index: tuple[Any, ...], indices: list[Value]) -> bool:
    if any(v.dtype.kind not in "iu" for v in indices):
        return False
    steps = (i.step for i in index if isinstance(i, slice))
    return all(s is None or type(s) is int for s in steps)


def parse(
    lo: Lowering,
    shape: Shape,
    index: tuple[Any, ...],
    indices: list[Value],
    inside: Set[int] = frozenset(),
) -> list[Item] | None:
    """The items of an index, or None; `inside` are the axes that need no check."""
    if not _supported(index, indices):
        return None

    def number(item: Any) -> Index:
        if isinstance(item, Slot):
            return lo.number(indices[item.k])
        return lo.extent(item)

    items: list[Item] = []
    axis = 0
    for item in _expanded(index, len(shape)):
        if item is None:
            items.append(NewAxis())
            continue
        n = shape[axis]
        if isinstance(item, slice):
            items.append(_span(lo, item, n, number))
        elif isinstance(item, Slot) and indices[item.k].shape:
            items.append(Gather(indices[item.k]))
        else:
            at = number(item)
            items.append(Point(at if axis in inside else checked(lo, at, n, axis)))
        axis += 1
    return items


# -- basic indexing --------------------------------------------------------------------


def view(lo: Lowering, x: Array, items: list[Item]) -> Array:
    """Basic indexing of memory."""
    e = lo.e
    offset: Index = 0
    shape: list[Index] = []
    strides: list[Index] = []
    contiguous = x.contiguous
    axis = 0
    for item in items:
        if isinstance(item, NewAxis):
            shape.append(1)
            strides.append(0)
            continue
        stride = x.strides[axis]
        if isinstance(item, Point):
            offset = e.add(offset, e.mul(item.position, stride))
            contiguous = contiguous and not shape
        elif isinstance(item, Span):
            offset = e.add(offset, e.mul(item.start, stride))
            whole = same_extent(item.length, x.shape[axis]) and item.step == 1
            contiguous = contiguous and (whole or (not shape and item.step == 1))
            shape.append(item.length)
            strides.append(e.mul(stride, item.step))
        axis += 1
    return Array(
        e.offset(x.pointer, offset),
        tuple(shape),
        tuple(strides),
        x.dtype,
        x.block,
        contiguous=contiguous,
        distinct=x.distinct,
    )


def _delayed_view(lo: Lowering, x: Value, items: list[Item], shape: Shape) -> Lazy:
    """Basic indexing of a delayed array."""
    e = lo.e

    def entry(indices: Shape) -> Any:
        rest = iter(indices)
        own: list[Index] = []
        for item in items:
            if isinstance(item, Point):
                own.append(item.position)
                continue
            index = next(rest)
            if isinstance(item, Span):
                own.append(e.add(item.start, e.mul(index, item.step)))
        return x.at(e, tuple(own))

    return Lazy(shape, x.dtype, entry, [x], trivial=x.trivial)


def _getitem(lo: Lowering, equation: Equation) -> list[Value] | None:
    x, *indices = (lo.value(a) for a in equation.inputs)
    out = equation.outputs[0].type
    index = equation.params["index"]
    items = parse(lo, x.shape, index, indices, lo.inside(equation))
    if items is None:
        return None
    declared = lo.shape(out)
    if any(isinstance(i, Gather) for i in items):
        return [_gathered(lo, x, items, declared)]
    if not declared:
        positions = tuple(i.position for i in items if isinstance(i, Point))
        return [Scalar(x.at(lo.e, positions), x.dtype)]
    if not isinstance(x, Array):
        for found, n in zip(_lengths(items), declared, strict=True):
            lo.require_extent(found, n)
        return [_delayed_view(lo, x, items, declared)]
    taken = view(lo, x, items)
    for found, n in zip(taken.shape, declared, strict=True):
        lo.require_extent(found, n)
    taken.shape = declared
    return [taken]


def _lengths(items: list[Item]) -> list[Index]:
    found: list[Index] = []
    for item in items:
        if isinstance(item, Span):
            found.append(item.length)
        elif isinstance(item, NewAxis):
            found.append(1)
    return found


# -- advanced indexing -----------------------------------------------------------------


class Region:
    """The entries that an index selects: their shape, and where each of them is.

    The block of axes made by arrays stands where they do if they are adjacent (single
    positions count as arrays here), else in front.
    """

    def __init__(self, lo: Lowering, x_shape: Shape, items: list[Item]) -> None:
        self.lo = lo
        self.x_shape = x_shape
        self.items = items
        advanced = [
            k for k, item in enumerate(items) if isinstance(item, (Gather, Point))
        ]
        gathers = [item for item in items if isinstance(item, Gather)]
        self.block = _broadcast_shapes([g.positions.shape for g in gathers])
        adjacent = bool(advanced) and advanced == list(
            range(advanced[0], advanced[-1] + 1)
        )
        before = items[: advanced[0]] if adjacent and gathers else []
        self.place = len(before)
        rest = _lengths(items)
        self.shape: Shape = (*rest[: self.place], *self.block, *rest[self.place :])

    def source(self, block: Shape, others: Shape) -> Shape:
        """Indices into x, of indices of the block and of the other axes; checked."""
        lo, e = self.lo, self.lo.e
        rest = iter(others)
        own: list[Index] = []
        for item in self.items:
            if isinstance(item, NewAxis):
                next(rest)
            elif isinstance(item, Point):
                own.append(item.position)
            elif isinstance(item, Span):
                own.append(e.add(item.start, e.mul(next(rest), item.step)))
            else:
                values = item.positions
                given = values.at(e, broadcast_index(values.shape, self.block, block))
                index = t.cast(e.b, given, values.dtype, INT64)
                axis = len(own)
                own.append(checked(lo, index, self.x_shape[axis], axis))
        return tuple(own)

    def visit(self, body: Callable[[Shape, Shape], None]) -> None:
        """``body(indices of the region, indices of x)``, in the order of the block."""
        e, place = self.lo.e, self.place
        others = (*self.shape[:place], *self.shape[place + len(self.block) :])

        def outer(block: Shape) -> None:
            def inner(rest: Shape) -> None:
                here = (*rest[:place], *block, *rest[place:])
                body(here, self.source(block, rest))

            e.nest(others, inner)

        e.nest(self.block, outer)


def _broadcast_shapes(shapes: list[Shape]) -> Shape:
    rank = max(map(len, shapes), default=0)
    out: list[Index] = [1] * rank
    for shape in shapes:
        for i in range(1, len(shape) + 1):
            n = shape[-i]
            if not (isinstance(n, int) and n == 1):
                out[-i] = n
    return tuple(out)


def _gathered(lo: Lowering, x: Value, items: list[Item], declared: Shape) -> Array:
    e = lo.e
    x = lo.cheap(x)
    held: list[Item] = [
        Gather(lo.cheap(i.positions)) if isinstance(i, Gather) else i for i in items
    ]
    region = Region(lo, x.shape, held)
    for found, n in zip(region.shape, declared, strict=True):
        lo.require_extent(found, n)
    out = lo.allocate(declared, x.dtype)
    region.visit(lambda here, own: out.put(e, here, x.at(e, own)))
    return out


def _take(lo: Lowering, equation: Equation) -> list[Value] | None:
    x, positions = (lo.value(a) for a in equation.inputs)
    axis = equation.params["axis"]
    if positions.dtype.kind not in "iu":
        return None
    index: tuple[Any, ...] = (*(slice(None),) * axis, Slot(0))
    items = parse(lo, x.shape, index, [positions])
    if items is None:
        return None
    declared = lo.shape(equation.outputs[0].type)
    if positions.shape:
        return [_gathered(lo, x, items, declared)]
    if not declared:
        places = tuple(i.position for i in items if isinstance(i, Point))
        return [Scalar(x.at(lo.e, places), x.dtype)]
    if isinstance(x, Array):
        taken = view(lo, x, items)
        taken.shape = declared
        return [taken]
    return [_delayed_view(lo, x, items, declared)]


# -- writes ----------------------------------------------------------------------------


def writable(lo: Lowering, equation: Equation, v: Value) -> tuple[Array, Value]:
    """Memory for the result of an update, and the value that is written into it.

    The memory of x itself if nothing reads it any more: of what does, delayed arrays
    and views are evaluated first, which costs no more than the copy of x would.
    """
    atom = equation.inputs[0]
    x = lo.value(atom)
    scope = lo.scope
    free = (
        isinstance(x, Array)
        and isinstance(atom, Var)
        and x.distinct
        and x.block in scope.owned
        and scope.dies(atom)
    )
    if free and isinstance(x, Array) and not _worth_moving(lo, atom, x):
        free = False
    if not free or not isinstance(x, Array):
        target = scope.destinations.get(equation.outputs[0])
        if target is None or not target.block.claim():
            return lo.copy(x), v
        scope.owned.add(target.block)
        return lo.copy(x, target), v
    if x.block in v.blocks:
        v = lo.copy(v)
    for var, value in list(scope.values.items()):
        if var is not atom and x.block in value.blocks and not scope.dies(var):
            scope.unbind(var)
            scope.bind(var, lo.copy(value))
    return x, v


def _worth_moving(lo: Lowering, atom: Any, x: Array) -> bool:
    """Whether to write to x itself: not if it is part of a block that is read later."""
    if x.pointer is x.block.pointer and x.contiguous:
        return True
    return not any(
        x.block in value.blocks and not lo.scope.dies(var)
        for var, value in lo.scope.values.items()
        if var is not atom
    )


def _write(add: bool) -> Callable[[Lowering, Equation], list[Value] | None]:
    def lower(lo: Lowering, equation: Equation) -> list[Value] | None:
        x, v, *indices = (lo.value(a) for a in equation.inputs)
        index = equation.params["index"]
        mask = _whole_mask(index, indices, x, v)
        if mask is not None:
            return [_write_masked(lo, equation, mask, add)]
        if not x.shape:
            return _write_scalar(lo, equation, add)
        if any(i.dtype.kind == "b" for i in indices):
            return None
        indices = [lo.cheap(i) for i in indices]
        items = parse(lo, x.shape, index, indices, lo.inside(equation))
        if items is None:
            return None
        out, v = writable(lo, equation, v)
        _write_region(lo, out, v, items, add)
        return [out]

    return lower


def _write_scalar(lo: Lowering, equation: Equation, add: bool) -> list[Value] | None:
    """A write to all of an array of shape (), which is a register."""
    x, v, *indices = (lo.value(a) for a in equation.inputs)
    index = equation.params["index"]
    whole = all(item is Ellipsis or item is None for item in index)
    if indices or not whole or any(n != 1 for n in v.shape):
        return None
    e = lo.e
    entry = v.at(e, tuple(0 for _ in v.shape))
    common = t.computed(np.result_type(x.dtype, v.dtype)) if add else v.dtype
    if add:
        old = t.cast(e.b, x.at(e, ()), x.dtype, common)
        entry = sum_of(lo, old, t.cast(e.b, entry, v.dtype, common), common)
    return [Scalar(t.cast(e.b, entry, common, x.dtype), x.dtype)]


def _write_region(
    lo: Lowering, out: Array, v: Value, items: list[Item], add: bool
) -> None:
    e = lo.e
    if any(isinstance(i, Gather) for i in items):
        held = [
            Gather(_apart(lo, i.positions, out)) if isinstance(i, Gather) else i
            for i in items
        ]
        region = Region(lo, out.shape, held)
        v = fitted(lo, lo.cheap(v), region.shape)
        region.visit(lambda here, own: put(lo, out, own, v, here, region.shape, add))
        return
    part = view(lo, out, items)
    v = fitted(lo, v, part.shape)
    if not add:
        lo.fill(part, v)
        return
    e.nest(part.shape, lambda here: put(lo, part, here, v, here, part.shape, True))


def _apart(lo: Lowering, positions: Value, out: Array) -> Value:
    return lo.copy(positions) if out.block in positions.blocks else positions


def put(
    lo: Lowering,
    out: Array,
    own: Shape,
    v: Value,
    here: Shape,
    region: Shape,
    add: bool,
) -> None:
    """Write, or add, an entry of v; a sum has NumPy's common dtype."""
    e = lo.e
    entry = v.at(e, broadcast_index(v.shape, region, here))
    if not add:
        out.put(e, own, t.cast(e.b, entry, v.dtype, out.dtype))
        return
    common = t.computed(np.result_type(out.dtype, v.dtype))
    old = t.cast(e.b, out.at(e, own), out.dtype, common)
    total = sum_of(lo, old, t.cast(e.b, entry, v.dtype, common), common)
    out.put(e, own, t.cast(e.b, total, common, out.dtype))


def sum_of(lo: Lowering, a: Any, b: Any, dtype: np.dtype) -> Any:
    from wengert._backend.kernels import KERNELS

    return KERNELS["add"][1](lo.e.b, dtype, a, b)


def fitted(lo: Lowering, v: Value, shape: Shape) -> Value:
    """A value that broadcasts to what is written; NumPy's error where it does not."""
    extra = len(v.shape) - len(shape)
    if extra > 0:  # leading axes of length 1, which assignment drops
        v = reshaped(lo, v, v.shape[extra:])
    for n, m in zip(v.shape, shape[len(shape) - len(v.shape) :], strict=True):
        if isinstance(n, int) and n == 1:
            continue
        if not same_extent(n, m):
            site = lo.sites.error(cannot_write, INT64, INT64)
            pair = [lo.e.value(n), lo.e.value(m)]
            lo.e.fail_unless(lo.e.compare("==", n, m), site, lambda: pair)
    return v


def _whole_mask(
    index: tuple[Any, ...], indices: list[Value], x: Value, v: Value
) -> Value | None:
    """The mask, if the index is one over the leading axes and one number is written."""
    if index != (Slot(0),) or len(indices) != 1 or indices[0].dtype.kind != "b":
        return None
    mask = indices[0]
    fits = len(mask.shape) == len(x.shape) and bool(mask.shape) and not v.shape
    return mask if fits and same_shape(mask.shape, x.shape) else None


def _write_masked(lo: Lowering, equation: Equation, mask: Value, add: bool) -> Value:
    """A number where a mask is true."""
    x, v, out = lo.value(equation.inputs[0]), lo.value(equation.inputs[1]), None
    e = lo.e
    dtype = equation.outputs[0].type.dtype
    common = t.computed(np.result_type(dtype, v.dtype)) if add else dtype

    def compute(holds: Any, old: Any) -> Any:
        new = t.cast(e.b, v.at(e, ()), v.dtype, common)
        if add:
            new = sum_of(lo, t.cast(e.b, old, dtype, common), new, common)
        return e.b.select(holds, t.cast(e.b, new, common, dtype), old)

    if not lo.can_take(equation.inputs[0], x) or not isinstance(x, Array):
        return mapped(lo, [mask, x], x.shape, dtype, compute)
    out = x

    def write(here: Shape) -> None:
        with e.when(mask.at(e, here)):
            out.put(e, here, compute(t.constant(1, np.dtype(bool)), out.at(e, here)))

    if x.block in mask.blocks:
        mask = lo.copy(mask)
    e.nest(out.shape, write)
    return out


def _last_writer(lo: Lowering, equation: Equation) -> list[Value] | None:
    """Whether each entry of a region is the last that is written to its place."""
    e, out = lo.e, equation.outputs[0].type
    indices = [lo.cheap(lo.value(a)) for a in equation.inputs]
    shape = tuple(map(lo.extent, equation.params["shape"]))
    items = parse(lo, shape, equation.params["index"], indices)
    if items is None:
        return None
    region, target = Region(lo, shape, items), lo.allocate(lo.shape(out), out.dtype)
    for found, n in zip(region.shape, target.shape, strict=True):
        lo.require_extent(found, n)
    owner = lo.allocate(shape, INT64)  # read only where it is written

    def number(here: Shape) -> Any:
        return e.value(position(lo, region.shape, here))

    def compare(here: Shape, own: Shape) -> None:
        target.put(e, here, e.compare("==", owner.at(e, own), number(here)))

    region.visit(lambda here, own: owner.put(e, own, number(here)))
    region.visit(compare)
    return [target]


INDEXING = {
    "last_writer": _last_writer,
    "getitem": _getitem,
    "take": _take,
    "update": _write(False),
    "add_at": _write(True),
}
__all__ = ["INDEXING", "broadcast", "constant_array"]
