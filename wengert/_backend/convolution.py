"""Convolutions and sliding windows: products of matrices, or loops for small ones.

The three products of inputs, kernels and outputs are sums of the same terms: a term has
an output's place, a window's entry, and the input's entry that is at
``place * stride + entry * dilation - padding``. For each entry of a window, the places
where that is inside the input are a range, so that nothing is tested inside the loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert._backend import types as t
from wengert._backend.contraction import Term, contract
from wengert._backend.emitter import Index
from wengert._backend.failures import empty_operand
from wengert._backend.kernels import KERNELS
from wengert._backend.lowering import Lowering
from wengert._backend.reductions import MONOIDS
from wengert._backend.structure import (
    constant_array,
    padded,
    permute,
    reshaped,
    width,
)
from wengert._backend.values import Array, Shape, Value, is_static
from wengert._ir.program import Equation
from wengert._ops.convolution import Window

SUM = MONOIDS["reduce_sum"]
LARGE = 4096  # multiplications; below it copying for BLAS costs more than loops


def _covered(
    lo: Lowering, shift: Index, n: Index, places: Index, stride: int
) -> tuple[Index, Index]:
    """The places whose entry ``place * stride - shift`` is one of n."""
    e = lo.e
    first = e.floordiv(e.add(e.maximum(shift, 0), stride - 1), stride)
    behind = e.maximum(e.add(e.add(n, shift), stride - 1), 0)
    return first, e.minimum(e.floordiv(behind, stride), places)


class _Slide:
    """How a window slides, with the widths of its padding as registers."""

    def __init__(self, lo: Lowering, how: Window) -> None:
        self.lo, self.how = lo, how
        self.padding = [[width(lo, w) for w in pair] for pair in how.padding]

    def places(self, axis: int, n: Index, k: Index) -> Index:
        """How often a window of k entries fits on an axis, its padding included."""
        e, stride = self.lo.e, self.how.strides[axis]
        reach = e.mul(e.sub(k, 1), self.how.dilation[axis])
        return e.floordiv(
            e.maximum(e.add(e.sub(n, e.add(reach, 1)), stride), 0), stride
        )

    def windows(self, x: Value, shape: Shape) -> Array:
        """``(*lead, *space)`` as ``(*lead, *places, *window)``: a view of padded x."""
        lo, e = self.lo, self.lo.e
        rank = len(self.padding)
        lead = len(x.shape) - rank
        widths = [[0, 0]] * lead + self.padding
        if any(not isinstance(w, int) or w for pair in widths for w in pair):
            pairs = zip(x.shape, widths, strict=True)
            extents = tuple(e.add(n, e.add(low, high)) for n, (low, high) in pairs)
            x = padded(lo, x, widths, extents)
        x = lo.array(x)
        for axis in range(rank):
            n, k = x.shape[lead + axis], shape[lead + rank + axis]
            lo.require_extent(self.places(axis, n, k), shape[lead + axis])
        steps = (*self.how.strides, *self.how.dilation)
        own = (*x.strides[lead:], *x.strides[lead:])
        strides = tuple(e.mul(s, step) for s, step in zip(own, steps, strict=True))
        return Array(
            x.pointer,
            shape,
            (*x.strides[:lead], *strides),
            x.dtype,
            x.block,
            contiguous=False,
            distinct=False,
        )

    def visit(
        self,
        space: Shape,
        places: Shape,
        entry: Shape,
        body: Callable[[Shape, Shape], None],
    ) -> None:
        """``body(place, position in the input)`` of one entry of the window."""
        e, strides = self.lo.e, self.how.strides
        ranges = []
        for axis, k in enumerate(entry):
            shift = e.sub(self.padding[axis][0], e.mul(k, self.how.dilation[axis]))
            ends = _covered(self.lo, shift, space[axis], places[axis], strides[axis])
            ranges.append((shift, *ends))

        def run(place: Shape) -> None:
            if len(place) == len(entry):
                pairs = zip(place, strides, ranges, strict=True)
                body(place, tuple(e.sub(e.mul(o, s), r[0]) for o, s, r in pairs))
                return
            _, first, stop = ranges[len(place)]
            with e.loop(stop, first) as o:
                run((*place, o))

        run(())


def _zeros(lo: Lowering, equation: Equation) -> Array:
    out = equation.outputs[0].type
    target = lo.allocate(lo.shape(out), out.dtype)
    zero = t.constant(0, out.dtype)
    lo.fill(target, constant_array(zero, target.shape, out.dtype))
    return target


def _add(lo: Lowering, target: Array, here: Shape, value: Any) -> None:
    total = KERNELS["add"][1](lo.e.b, target.dtype, target.at(lo.e, here), value)
    target.put(lo.e, here, total)


# -- matrices --------------------------------------------------------------------------


class _Matrices:
    """A convolution as a product of matrices, for BLAS.

    The patches that windows see are a matrix with a row for each entry of a kernel and
    a column for each place; kernels have a row for each of their channels, outputs too.
    """

    def __init__(self, lo: Lowering, how: Window, shapes: tuple[Shape, ...]) -> None:
        self.lo, self.slide = lo, _Slide(lo, how)
        self.x_shape, self.w_shape, self.y_shape = shapes
        _require_fit(lo, self.x_shape, self.w_shape, self.y_shape, 1)
        e = lo.e
        self.channels = self.w_shape[0]
        self.entries = e.product(self.w_shape[1:])
        self.places = e.mul(self.y_shape[0], e.product(self.y_shape[2:]))

    def patches(self, x: Value) -> Value:
        (n, c, *_), out, window = self.x_shape, self.y_shape[2:], self.w_shape[2:]
        seen = self.slide.windows(x, (n, c, *out, *window))
        rank = len(window)
        places, entries = range(2, 2 + rank), range(2 + rank, 2 + 2 * rank)
        turned = permute(self.lo, seen, (1, *entries, 0, *places))
        return reshaped(self.lo, turned, (self.entries, self.places))

    def kernels(self, w: Value) -> Value:
        return reshaped(self.lo, w, (self.channels, self.entries))

    def outputs(self, y: Value) -> Value:
        turned = permute(self.lo, y, _swapped(len(self.y_shape)))
        return reshaped(self.lo, turned, (self.channels, self.places))

    def as_outputs(self, product: Value) -> Value:
        (n, o, *out) = self.y_shape
        whole = reshaped(self.lo, product, (o, n, *out))
        return permute(self.lo, whole, _swapped(len(self.y_shape)))

    def add_patches(self, product: Value, target: Array) -> None:
        """Entries of patches added to the input's, where they came from."""
        lo, e = self.lo, self.lo.e
        (n, c, *_), out, window = self.x_shape, self.y_shape[2:], self.w_shape[2:]
        patches = reshaped(lo, product, (c, *window, n, *out))

        def one(here: Shape) -> None:
            lead, k = here[:2], here[2:]

            def add(place: Shape, at: Shape) -> None:
                value = patches.at(e, (lead[1], *k, lead[0], *place))
                _add(lo, target, (*lead, *at), value)

            self.slide.visit(self.x_shape[2:], out, k, add)

        e.nest((n, c, *window), one)


def _swapped(rank: int) -> tuple[int, ...]:
    return (1, 0, *range(2, rank))


def _product(lo: Lowering, x: Value, y: Value) -> Value:
    return contract(lo, [Term(x, "ik"), Term(y, "kj")], "ij", x.dtype)


def _transposed(lo: Lowering, x: Value) -> Value:
    return permute(lo, x, (1, 0))


def _require_fit(lo: Lowering, x: Shape, w: Shape, y: Shape, groups: int) -> None:
    """As many examples and channels on both sides."""
    lo.require_extent(x[0], y[0])
    lo.require_extent(x[1], lo.e.mul(w[1], groups))
    lo.require_extent(w[0], y[1])


def _is_large(groups: int, w: Shape, y: Shape, *dtypes: np.dtype) -> bool:
    """Whether copying patches for BLAS pays."""
    if groups != 1 or any(d.kind != "f" or d != dtypes[0] for d in dtypes):
        return False
    extents = (*w, y[0], *y[2:])
    return not is_static(extents) or math.prod(extents) > LARGE


# -- loops -----------------------------------------------------------------------------


class _Loops:
    """The loops over the terms of a convolution; one of the arrays is the result."""

    def __init__(self, lo: Lowering, params: Any, x: Value, w: Value, y: Value) -> None:
        self.lo, self.slide = lo, _Slide(lo, params["how"])
        self.groups: int = params["groups"]
        self.x, self.w, self.y = (lo.array(v) for v in (x, w, y))
        _require_fit(lo, x.shape, w.shape, y.shape, self.groups)

    def each_kernel_entry(self, body: Callable[[Shape, Index, Index], None]) -> None:
        """``body(its index, channel of the input, channel of the output)``."""
        e = self.lo.e
        channels_out, channels = self.w.shape[:2]
        each = e.floordiv(channels_out, self.groups)

        def one(index: Shape) -> None:
            group, o, c, *k = index
            own = e.add(e.mul(group, each), o)
            body((own, c, *k), e.add(e.mul(group, channels), c), own)

        e.nest((self.groups, each, channels, *self.w.shape[2:]), one)

    def terms(
        self, n: Index, own: Shape, c: Index, o: Index, body: Callable[..., None]
    ) -> None:
        """``body(indices of x, indices of y)`` of an example and a kernel's entry."""

        def visit(place: Shape, at: Shape) -> None:
            body((n, c, *at), (n, o, *place))

        self.slide.visit(self.x.shape[2:], self.y.shape[2:], own[2:], visit)

    def entry(self, x: Array, here: Shape, dtype: np.dtype) -> Any:
        return t.cast(self.lo.e.b, x.at(self.lo.e, here), x.dtype, dtype)

    def product(self, x: Any, y: Any, dtype: np.dtype) -> Any:
        return KERNELS["multiply"][1](self.lo.e.b, dtype, x, y)

    def outputs(self) -> None:
        dtype = self.y.dtype

        def add(factor: Any, i: Shape, j: Shape) -> None:
            value = self.product(self.entry(self.x, i, dtype), factor, dtype)
            _add(self.lo, self.y, j, value)

        self._scattered(dtype, add)

    def inputs(self) -> None:
        dtype = self.x.dtype

        def add(factor: Any, i: Shape, j: Shape) -> None:
            value = self.product(self.entry(self.y, j, dtype), factor, dtype)
            _add(self.lo, self.x, i, value)

        self._scattered(dtype, add)

    def _scattered(self, dtype: np.dtype, add: Callable[..., None]) -> None:
        """A kernel's entry times all that it meets."""

        def one(n: Index, own: Shape, c: Index, o: Index) -> None:
            factor = self.entry(self.w, own, dtype)
            self.terms(n, own, c, o, lambda i, j: add(factor, i, j))

        with self.lo.e.loop(self.y.shape[0]) as n:
            self.each_kernel_entry(lambda own, c, o: one(n, own, c, o))

    def kernels(self) -> None:
        e, w = self.lo.e, self.w
        kind = t.register_type(w.dtype)
        total = e.slot(kind)

        def add(i: Shape, j: Shape) -> None:
            x, y = (self.entry(v, k, w.dtype) for v, k in ((self.x, i), (self.y, j)))
            term = self.product(x, y, w.dtype)
            old = e.b.load(total, typ=kind)
            e.b.store(SUM.combine(e.b, w.dtype, old, term), total)

        def one(own: Shape, c: Index, o: Index) -> None:
            e.b.store(t.constant(0, w.dtype), total)
            with e.loop(self.y.shape[0]) as n:
                self.terms(n, own, c, o, add)
            w.put(e, own, e.b.load(total, typ=kind))

        self.each_kernel_entry(one)


def _conv(lo: Lowering, equation: Equation) -> list[Value]:
    x, w = (lo.value(a) for a in equation.inputs)
    out, groups = equation.outputs[0].type, equation.params["groups"]
    shape = lo.shape(out)
    if _is_large(groups, w.shape, shape, x.dtype, w.dtype, out.dtype):
        m = _Matrices(lo, equation.params["how"], (x.shape, w.shape, shape))
        return [m.as_outputs(_product(lo, m.kernels(w), m.patches(x)))]
    loops = _Loops(lo, equation.params, x, w, _zeros(lo, equation))
    loops.outputs()
    return [loops.y]


def _conv_input(lo: Lowering, equation: Equation) -> list[Value]:
    y, w = (lo.value(a) for a in equation.inputs)
    groups, target = equation.params["groups"], _zeros(lo, equation)
    if _is_large(groups, w.shape, y.shape, y.dtype, w.dtype, target.dtype):
        m = _Matrices(lo, equation.params["how"], (target.shape, w.shape, y.shape))
        m.add_patches(_product(lo, _transposed(lo, m.kernels(w)), m.outputs(y)), target)
        return [target]
    loops = _Loops(lo, equation.params, target, w, y)
    loops.inputs()
    return [loops.x]


def _conv_kernel(lo: Lowering, equation: Equation) -> list[Value]:
    x, y = (lo.value(a) for a in equation.inputs)
    out, groups = equation.outputs[0].type, equation.params["groups"]
    shape = lo.shape(out)
    if _is_large(groups, shape, y.shape, x.dtype, y.dtype, out.dtype):
        m = _Matrices(lo, equation.params["how"], (x.shape, shape, y.shape))
        sums = _product(lo, m.outputs(y), _transposed(lo, m.patches(x)))
        return [reshaped(lo, sums, shape)]
    loops = _Loops(lo, equation.params, x, _zeros(lo, equation), y)
    loops.kernels()
    return [loops.w]


# -- windows ---------------------------------------------------------------------------


def _windows(lo: Lowering, equation: Equation) -> list[Value]:
    slide = _Slide(lo, equation.params["how"])
    shape = lo.shape(equation.outputs[0].type)
    return [slide.windows(lo.value(equation.inputs[0]), shape)]


def _unwindow(lo: Lowering, equation: Equation) -> list[Value]:
    """Entries of windows added where they came from."""
    e, x = lo.e, lo.cheap(lo.value(equation.inputs[0]))
    target, slide = _zeros(lo, equation), _Slide(lo, equation.params["how"])
    rank = len(equation.params["space"])
    lead = len(target.shape) - rank
    space, places = target.shape[lead:], x.shape[lead : lead + rank]
    for n, m in zip(x.shape[:lead], target.shape[:lead], strict=True):
        lo.require_extent(n, m)

    def one(here: Shape) -> None:
        first, k = here[:lead], here[lead:]

        def add(place: Shape, at: Shape) -> None:
            _add(lo, target, (*first, *at), x.at(e, (*first, *place, *k)))

        slide.visit(space, places, k, add)

    e.nest((*target.shape[:lead], *x.shape[lead + rank :]), one)
    return [target]


# -- NumPy's convolve ------------------------------------------------------------------


def _convolve(lo: Lowering, equation: Equation) -> list[Value]:
    """``y[j]`` times all of x, added to the part that the mode returns."""
    e, target = lo.e, _zeros(lo, equation)
    x, y = (lo.cheap(lo.value(a)) for a in equation.inputs)
    for value, name in ((x, "a"), (y, "v")):
        site = lo.sites.error(partial(empty_operand, name))
        e.fail_unless(e.compare(">", value.shape[0], 0), site, list)
    if is_static((*x.shape, *y.shape)) and x.shape[0] < y.shape[0]:
        x, y = y, x
    start = _first(lo, equation.params["mode"], x.shape[0], y.shape[0])
    places, dtype = target.shape[0], target.dtype
    with e.loop(y.shape[0]) as j:
        factor = t.cast(e.b, y.at(e, (j,)), y.dtype, dtype)
        shift = e.sub(j, start)
        first, stop = _covered(lo, shift, x.shape[0], places, 1)
        with e.loop(stop, first) as i:
            entry = t.cast(e.b, x.at(e, (e.sub(i, shift),)), x.dtype, dtype)
            _add(lo, target, (i,), KERNELS["multiply"][1](e.b, dtype, entry, factor))
    return [target]


def _first(lo: Lowering, mode: str, n: Index, m: Index) -> Index:
    """Where in the full convolution a mode's part begins."""
    short = lo.e.sub(lo.e.minimum(n, m), 1)
    if mode == "full":
        return 0
    return lo.e.floordiv(short, 2) if mode == "same" else short


CONVOLUTIONS = {
    "conv": _conv,
    "conv_input": _conv_input,
    "conv_kernel": _conv_kernel,
    "windows": _windows,
    "unwindow": _unwindow,
    "convolve": _convolve,
}
__all__ = ["CONVOLUTIONS"]
