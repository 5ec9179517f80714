"""Ops that move entries: views of memory where they can be, else delayed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.emitter import Index
from wengert._backend.failures import negative_width
from wengert._backend.lowering import Lowering
from wengert._backend.values import (
    Array,
    Block,
    Lazy,
    Scalar,
    Shape,
    Value,
    broadcast_index,
    contiguous_array,
    same_extent,
    same_shape,
)
from wengert._ir.program import Equation, Var


def constant_array(value: Any, shape: Shape, dtype: np.dtype) -> Value:
    """One number everywhere."""
    if not shape:
        return Scalar(value, dtype)
    return Lazy(shape, dtype, lambda _: value, flat=lambda _: value, trivial=True)


def _full(lo: Lowering, equation: Equation) -> list[Value]:
    out = equation.outputs[0].type
    given = equation.params["value"]
    if isinstance(given, Var):
        scalar = lo.scope.values[given]
        value = t.cast(lo.e.b, scalar.at(lo.e, ()), scalar.dtype, out.dtype)
    else:
        value = t.constant(given, out.dtype)
    return [constant_array(value, lo.shape(out), out.dtype)]


def _empty(lo: Lowering, equation: Equation) -> list[Value]:
    out = equation.outputs[0].type
    value = ir.Constant(t.register_type(out.dtype), ir.Undefined)
    return [constant_array(value, lo.shape(out), out.dtype)]


def _iota(lo: Lowering, equation: Equation) -> list[Value]:
    out = equation.outputs[0].type

    def flat(i: Index) -> Any:
        return lo.e.value(i)

    return [
        Lazy(lo.shape(out), out.dtype, lambda at: flat(at[0]), flat=flat, trivial=True)
    ]


def broadcast(lo: Lowering, x: Value, shape: Shape) -> Value:
    """A value stretched to a shape."""
    if same_shape(x.shape, shape):
        return x
    if isinstance(x, Scalar):
        return constant_array(x.value, shape, x.dtype)
    for n, m in zip(x.shape, shape[len(shape) - len(x.shape) :], strict=True):
        if not _is_one(n):
            lo.require_extent(n, m)
    if isinstance(x, Array):
        return _broadcast_view(x, shape)
    source = lo.cheap(x)

    def entry(indices: Shape) -> Any:
        return source.at(lo.e, broadcast_index(source.shape, shape, indices))

    return Lazy(shape, x.dtype, entry, [source], trivial=source.trivial)


def _broadcast_view(x: Array, shape: Shape) -> Array:
    extra = len(shape) - len(x.shape)
    strides: list[Index] = [0] * extra
    for n, m, stride in zip(x.shape, shape[extra:], x.strides, strict=True):
        strides.append(stride if same_extent(n, m) or n != 1 else 0)
    return Array(
        x.pointer,
        shape,
        tuple(strides),
        x.dtype,
        x.block,
        contiguous=False,
        distinct=False,
    )


def _broadcast_to(lo: Lowering, equation: Equation) -> list[Value]:
    x = lo.value(equation.inputs[0])
    return [broadcast(lo, x, lo.shape(equation.outputs[0].type))]


def swap_of_last(rank: int) -> tuple[int, ...]:
    """The axes with the last two in each other's place."""
    return (*range(rank - 2), rank - 1, rank - 2)


def permute(lo: Lowering, x: Value, axes: tuple[int, ...]) -> Value:
    if axes == tuple(range(len(axes))):
        return x
    shape = tuple(x.shape[i] for i in axes)
    if isinstance(x, Array):
        strides = tuple(x.strides[i] for i in axes)
        swaps = axes == swap_of_last(len(axes))
        return Array(
            x.pointer,
            shape,
            strides,
            x.dtype,
            x.block,
            contiguous=swaps and x.swapped,
            distinct=x.distinct,
            swapped=swaps and x.contiguous,
        )

    def entry(indices: Shape) -> Any:
        back: list[Index] = [0] * len(axes)
        for axis, index in zip(axes, indices, strict=True):
            back[axis] = index
        return x.at(lo.e, tuple(back))

    return Lazy(shape, x.dtype, entry, [x], trivial=x.trivial)


def _transpose(lo: Lowering, equation: Equation) -> list[Value]:
    return [permute(lo, lo.value(equation.inputs[0]), equation.params["axes"])]


def _flip(lo: Lowering, equation: Equation) -> list[Value]:
    x, axes = lo.value(equation.inputs[0]), equation.params["axes"]
    e = lo.e
    if isinstance(x, Array):
        first = [e.sub(n, 1) if i in axes else 0 for i, n in enumerate(x.shape)]
        pointer = x.address(e, tuple(first))
        strides = tuple(
            e.mul(s, -1) if i in axes else s for i, s in enumerate(x.strides)
        )
        view = Array(
            pointer,
            x.shape,
            strides,
            x.dtype,
            x.block,
            contiguous=False,
            distinct=x.distinct,
        )
        return [view]

    def entry(indices: Shape) -> Any:
        turned = (
            e.sub(e.sub(n, 1), k) if i in axes else k
            for i, (n, k) in enumerate(zip(x.shape, indices, strict=True))
        )
        return x.at(e, tuple(turned))

    return [Lazy(x.shape, x.dtype, entry, [x], trivial=x.trivial)]


# -- reshape ---------------------------------------------------------------------------


def reshaped(lo: Lowering, x: Value, shape: Shape) -> Value:
    """The entries in C order, in another shape."""
    e = lo.e
    if same_shape(x.shape, shape):
        return x
    lo.require_size(shape, x.dtype)
    lo.require_extent(e.product(x.shape), e.product(shape))
    if not shape:
        return Scalar(x.at(e, (0,) * len(x.shape)), x.dtype)
    if isinstance(x, Scalar):
        return constant_array(x.value, shape, x.dtype)
    if isinstance(x, Lazy):
        flat = x.flat(e)
        if flat is None:
            x = lo.copy(x)
        else:
            return _flat_lazy(lo, x, flat, shape)
    view = _unit_axes_view(x, shape)
    if view is not None and not x.contiguous:
        return view
    whole = lo.contiguous(x)
    strides = _strides(lo, shape, whole.dtype.itemsize)
    return Array(
        whole.pointer, shape, strides, whole.dtype, whole.block, contiguous=True
    )


def _strides(lo: Lowering, shape: Shape, itemsize: int) -> Shape:
    from wengert._backend.values import contiguous_strides

    return contiguous_strides(lo.e, shape, itemsize)


def position(lo: Lowering, shape: Shape, indices: Shape) -> Index:
    """The position of an entry in C order."""
    place: Index = 0
    for n, index in zip(shape, indices, strict=True):
        place = lo.e.add(lo.e.mul(place, n), index)
    return place


def _flat_lazy(lo: Lowering, x: Lazy, flat: Any, shape: Shape) -> Lazy:
    def entry(indices: Shape) -> Any:
        return flat(position(lo, shape, indices))

    return Lazy(shape, x.dtype, entry, [x], flat=flat, trivial=x.trivial)


def _unit_axes_view(x: Array, shape: Shape) -> Array | None:
    """A view with other axes of length 1, if that is all that changes."""
    own = [(n, s) for n, s in zip(x.shape, x.strides, strict=True) if not _is_one(n)]
    wanted = [n for n in shape if not _is_one(n)]
    if not same_shape(tuple(n for n, _ in own), tuple(wanted)):
        return None
    rest = iter(own)
    strides = tuple(0 if _is_one(n) else next(rest)[1] for n in shape)
    return Array(
        x.pointer,
        shape,
        strides,
        x.dtype,
        x.block,
        contiguous=x.contiguous,
        distinct=x.distinct,
    )


def _is_one(n: Index) -> bool:
    return isinstance(n, int) and n == 1


def _reshape(lo: Lowering, equation: Equation) -> list[Value] | None:
    x = lo.value(equation.inputs[0])
    shape = lo.shape(equation.outputs[0].type)
    order = equation.params.get("order", "C")
    if order == "C":
        return [reshaped(lo, x, shape)]
    if order != "F":
        return None
    back = permute(lo, x, tuple(reversed(range(len(x.shape)))))
    turned = reshaped(lo, back, shape[::-1])
    return [permute(lo, turned, tuple(reversed(range(len(shape)))))]


# -- joining ---------------------------------------------------------------------------


def part_of(lo: Lowering, x: Array, axis: int, start: Index, length: Index) -> Array:
    """A range of one axis."""
    offset = lo.e.mul(start, x.strides[axis])
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    return Array(
        lo.e.offset(x.pointer, offset),
        shape,
        x.strides,
        x.dtype,
        x.block,
        contiguous=x.contiguous and axis == 0,
        distinct=x.distinct,
    )


def _concatenate(lo: Lowering, equation: Equation) -> list[Value]:
    axis, out = equation.params["axis"], equation.outputs[0].type
    target = lo.allocate(lo.shape(out), out.dtype)
    values = [lo.value(a) for a in equation.inputs]
    total: Index = 0
    for x in values:
        total = lo.e.add(total, x.shape[axis])
    lo.require_extent(total, target.shape[axis])
    start: Index = 0
    for x in values:
        lo.fill(part_of(lo, target, axis, start, x.shape[axis]), x)
        start = lo.e.add(start, x.shape[axis])
    return [target]


def padded(lo: Lowering, x: Value, widths: Any, shape: Shape) -> Array:
    """x between zeros: a pair of widths for each axis of a shape."""
    target = lo.allocate(shape, x.dtype)
    zero = t.constant(0, x.dtype)
    lo.fill(target, constant_array(zero, shape, x.dtype))
    inner = target
    for axis, (low, high) in enumerate(widths):
        total = lo.e.add(x.shape[axis], lo.e.add(low, high))
        lo.require_extent(total, shape[axis])
        inner = part_of(lo, inner, axis, low, x.shape[axis])
    lo.fill(inner, x)
    return target


def width(lo: Lowering, given: Any) -> Index:
    """How many zeros stand on one side: not less than none, nor too many to exist."""
    found = lo.extent(given)
    if not isinstance(found, int):
        site = lo.sites.error(negative_width)
        lo.e.fail_unless(lo.e.compare(">=", found, 0), site, list)
        lo.require_size((found,), np.dtype(np.uint8))
    return found


def _pad_zeros(lo: Lowering, equation: Equation) -> list[Value]:
    x = lo.value(equation.inputs[0])
    widths = [[width(lo, w) for w in pair] for pair in equation.params["widths"]]
    return [padded(lo, x, widths, lo.shape(equation.outputs[0].type))]


def _with_length(lo: Lowering, equation: Equation) -> list[Value]:
    """The memory of the operand itself where its length stays, or a longer one."""
    atom, axis = equation.inputs[0], equation.params["axis"]
    x, e = lo.value(atom), lo.e
    shape = lo.shape(equation.outputs[0].type)
    if axis == 0 and isinstance(x, Array) and lo.can_take(atom, x):
        if x.contiguous and x.block.kind == "heap" and x.pointer is x.block.pointer:
            return [_regrown(lo, x, shape)]
    target = lo.allocate(shape, x.dtype)
    n = e.minimum(x.shape[axis], shape[axis])
    lo.fill(target, constant_array(t.constant(0, x.dtype), shape, x.dtype))
    kept = Lazy((*shape[:axis], n, *shape[axis + 1 :]), x.dtype, partial(x.at, e), [x])
    lo.fill(part_of(lo, target, axis, 0, n), kept)
    return [target]


def _regrown(lo: Lowering, x: Array, shape: Shape) -> Array:
    """An array on the heap with another number of rows: moved if there are more."""
    e = lo.e
    lo.require_size(shape, x.dtype)
    old, new = (e.mul(e.product(s), x.dtype.itemsize) for s in (x.shape, shape))
    place = e.slot(t.PTR, x.pointer)
    with e.when(e.compare("<", old, new)):
        moved = lo.heap(new, zeros=True)
        e.copy_bytes(moved, x.pointer, old)
        e.count("copied", old)
        lo.release(x.block)
        e.b.store(moved, place)
    lo.scope.owned.discard(x.block)
    block = Block(e.b.load(place, typ=t.PTR), "heap", x.block.results)
    lo.scope.owned.add(block)
    return contiguous_array(e, block.pointer, shape, x.dtype, block)


def _triangle(relation: str) -> Any:
    def lower(lo: Lowering, equation: Equation) -> list[Value]:
        x, k = lo.value(equation.inputs[0]), equation.params["k"]
        e = lo.e

        def entry(indices: Shape) -> Any:
            row, column = indices[-2:]
            inside = e.compare(relation, e.sub(column, row), lo.extent(k))
            return e.b.select(inside, x.at(e, indices), t.constant(0, x.dtype))

        return [Lazy(x.shape, x.dtype, entry, [x])]

    return lower


# -- masks -----------------------------------------------------------------------------


def _flat_nonzero(lo: Lowering, equation: Equation) -> list[Value]:
    mask, out = lo.value(equation.inputs[0]), equation.outputs[0].type
    target, e = lo.allocate(lo.shape(out), out.dtype), lo.e
    (size,) = target.shape
    found = e.slot(t.I64, e.value(0))
    with e.loop(mask.shape[0]) as i:
        with e.when(mask.at(e, (i,))):
            place = e.b.load(found, typ=t.I64)
            with e.when(e.compare("<", place, size)):
                target.put(e, (place,), e.value(i))
            e.b.store(e.b.add(place, e.value(1)), found)
    lo.require_extent(e.b.load(found, typ=t.I64), size)
    return [target]


STRUCTURE = {
    "flat_nonzero": _flat_nonzero,
    "full": _full,
    "empty": _empty,
    "iota": _iota,
    "broadcast_to": _broadcast_to,
    "transpose": _transpose,
    "flip": _flip,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "pad_zeros": _pad_zeros,
    "with_length": _with_length,
    "tril": _triangle("<="),
    "triu": _triangle(">="),
}
