"""Contractions: products summed over axes.

Every row evaluates the NumPy function of its name, because `dot`, `matmul` and `einsum`
of the same arrays may differ in their last bit. Rules may leave a cotangent with the
axes along which its operand was broadcast: the tape sums over them.
"""

from __future__ import annotations

import string
from math import prod
from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import Op
from wengert._core.types import (
    ArrayType,
    Params,
    broadcast_shapes,
    is_complex,
    type_of,
)
from wengert._ops.families import (
    Sample,
    Scatter,
    align_ranks,
    bilinear,
    match,
    structural,
)
from wengert._ops.index import Slot
from wengert._ops.reduction import reduce_sum
from wengert._ops.structure import (
    broadcast_to,
    conform,
    move_axis,
    numbered,
    reshape,
    swap_last,
    transpose,
)

_BOTH = (0, 1)


def conj(x: Any) -> Any:
    return x.conj() if is_complex(x) else x


def column(x: Any) -> Any:
    """A last axis of length 1 more."""
    return reshape(x, shape=(*x.shape, 1))


def row(x: Any) -> Any:
    """A last axis but one of length 1 more."""
    return reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def drop_last(x: Any) -> Any:
    """Without the last axis, which has length 1."""
    return reshape(x, shape=tuple(x.shape[:-1]))


def permuted(x: Any, axes: tuple[int, ...]) -> Any:
    return x if axes == tuple(range(len(axes))) else transpose(x, axes=axes)


def lane_type(x: Any, is_batched: bool) -> ArrayType:
    """Type of an operand in one lane."""
    type_ = type_of(x)
    return ArrayType(type_.shape[1:], type_.dtype) if is_batched else type_


# -- matmul ---------------------------------------------------------------------------


def _matmul_type(x: ArrayType, y: ArrayType) -> ArrayType:
    """``(*b, m, k), (*b, k, n) -> (*b, m, n)``; without m or n for a vector."""
    return ArrayType(_matmul_shape(x.shape, y.shape), np.result_type(x.dtype, y.dtype))


def _matmul_shape(x: tuple[Any, ...], y: tuple[Any, ...]) -> tuple[Any, ...]:
    columns = y[-1:] if len(y) > 1 else ()
    return (*broadcast_shapes(x[:-2], y[:-2]), *x[-2:-1], *columns)


def _matmul_lhs(ct: Any, x_type: ArrayType, y: Any) -> Any:
    if y.ndim == 1:
        return ct * y if x_type.ndim == 1 else column(ct) * y
    if x_type.ndim > 1:
        return matmul(ct, swap_last(y))
    return matmul(y, ct) if y.ndim == 2 else drop_last(matmul(y, column(ct)))


def _matmul_rhs(ct: Any, x: Any, y_type: ArrayType) -> Any:
    if x.ndim == 1:
        return x * ct if y_type.ndim == 1 else column(x) * row(ct)
    if x.ndim > 2 and y_type.ndim <= 2:  # one product, not a sum of many
        rows = prod(x.shape[:-1])
        ct = reshape(ct, shape=(rows, *y_type.shape[1:]))
        x = reshape(x, shape=(rows, x.shape[-1]))
    return matmul(swap_last(x), ct)


def _matmul_batch(size: Any, batched: Any, operands: Any, _: Params) -> Any:
    (x, y), (x_batched, y_batched) = operands, batched
    x_rank, y_rank = x.ndim - x_batched, y.ndim - y_batched
    if not y_batched and x_rank == 1 and y_rank <= 2:
        return matmul(x, y)
    if not x_batched and x_rank == 2 and y_rank == 1:
        return matmul(y, swap_last(x))
    lane = _matmul_shape(x.shape[int(x_batched) :], y.shape[int(y_batched) :])
    x = row(x) if x_rank == 1 else x
    y = column(y) if y_rank == 1 else y
    out = matmul(*align_ranks(batched, (x, y)))
    return reshape(out, shape=(size, *lane))


matmul: Op = bilinear(
    "matmul",
    "matmul",
    abstract=_matmul_type,
    transpose_lhs=_matmul_lhs,
    transpose_rhs=_matmul_rhs,
    batch=_matmul_batch,
    samples=[
        Sample(((2, 3), (3, 4)), {}, _BOTH),
        Sample(((3,), (3,)), {}, _BOTH),
        Sample(((2, 3), (3,)), {}, _BOTH),
        Sample(((3,), (3, 2)), {}, _BOTH),
        Sample(((5, 2, 3), (3, 4)), {}, _BOTH),
        Sample(((5, 2, 3), (3,)), {}, _BOTH),
        Sample(((2, 3), (5, 3, 4)), {}, _BOTH),
        Sample(((3,), (5, 3, 4)), {}, _BOTH),
        Sample(((2, 1, 2, 3), (4, 3, 2)), {}, _BOTH),
        Sample(((2, 0), (0, 3)), {}, _BOTH),
        Sample(((1, 1), (1, 1)), {}, _BOTH),
    ],
)


def _matvec_type(x: ArrayType, y: ArrayType) -> ArrayType:
    shape = broadcast_shapes(x.shape[:-2], y.shape[:-1])
    return ArrayType((*shape, x.shape[-2]), np.result_type(x.dtype, y.dtype))


def _matvec_batch(size: Any, batched: Any, operands: Any, _: Params) -> Any:
    x, y = operands
    return drop_last(matmul(*align_ranks(batched, (x, column(y)))))


matvec: Op = bilinear(
    "matvec",
    getattr(np, "matvec", lambda x, y: np.matmul(x, y[..., None])[..., 0]),
    abstract=_matvec_type,
    transpose_lhs=lambda ct, _x, y: column(ct) * row(y),
    transpose_rhs=lambda ct, x, _y: matvec(swap_last(x), ct),
    batch=_matvec_batch,
    samples=[
        Sample(((2, 3), (3,)), {}, _BOTH),
        Sample(((4, 2, 3), (4, 3)), {}, _BOTH),
        Sample(((2, 3), (4, 3)), {}, _BOTH),
        Sample(((4, 1, 2, 3), (5, 3)), {}, _BOTH),
    ],
)

# -- tensordot and dot ----------------------------------------------------------------


def _free(ndim: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i for i in range(ndim) if i not in axes)


def _tensordot_type(x: ArrayType, y: ArrayType, *, axes: Any) -> ArrayType:
    kept = [x.shape[i] for i in _free(x.ndim, axes[0])]
    kept += [y.shape[i] for i in _free(y.ndim, axes[1])]
    return ArrayType(tuple(kept), np.result_type(x.dtype, y.dtype))


def _tensordot_lhs(ct: Any, x_type: ArrayType, y: Any, *, axes: Any) -> Any:
    """``ct`` has the free axes of x, then those of y."""
    x_free, y_free = _free(x_type.ndim, axes[0]), _free(y.ndim, axes[1])
    last = tuple(range(len(x_free), ct.ndim))
    part = tensordot(ct, y, axes=(last, y_free))
    found = [*x_free, *(axes[0][axes[1].index(i)] for i in sorted(axes[1]))]
    return permuted(part, tuple(found.index(i) for i in range(x_type.ndim)))


def _tensordot_rhs(ct: Any, x: Any, y_type: ArrayType, *, axes: Any) -> Any:
    x_free, y_free = _free(x.ndim, axes[0]), _free(y_type.ndim, axes[1])
    part = tensordot(x, ct, axes=(x_free, tuple(range(len(x_free)))))
    found = [*(axes[1][axes[0].index(i)] for i in sorted(axes[0])), *y_free]
    return permuted(part, tuple(found.index(i) for i in range(y_type.ndim)))


def _shifted(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i + 1 for i in axes)


def _tensordot_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    (x, y), (x_axes, y_axes) = operands, p["axes"]
    if not batched[1]:
        return tensordot(x, y, axes=(_shifted(x_axes), y_axes))
    if not batched[0]:
        out = tensordot(x, y, axes=(x_axes, _shifted(y_axes)))
        return move_axis(out, x.ndim - len(x_axes), 0)
    x_free, y_free = _free(x.ndim - 1, x_axes), _free(y.ndim - 1, y_axes)
    lane = [x.shape[i + 1] for i in x_free] + [y.shape[i + 1] for i in y_free]
    summed = prod(x.shape[i + 1] for i in x_axes)
    x = permuted(x, (0, *_shifted(x_free), *_shifted(x_axes)))
    y = permuted(y, (0, *_shifted(y_axes), *_shifted(y_free)))
    rows, columns = prod(lane[: len(x_free)]), prod(lane[len(x_free) :])
    out = matmul(
        reshape(x, shape=(size, rows, summed)),
        reshape(y, shape=(size, summed, columns)),
    )
    return reshape(out, shape=(size, *lane))


tensordot: Op = bilinear(
    "tensordot",
    "tensordot",
    abstract=_tensordot_type,
    transpose_lhs=_tensordot_lhs,
    transpose_rhs=_tensordot_rhs,
    batch=_tensordot_batch,
    samples=[
        Sample(((2, 3, 4), (4, 3, 5)), {"axes": ((1, 2), (1, 0))}, _BOTH),
        Sample(((2, 3), (3, 4)), {"axes": ((1,), (0,))}, _BOTH),
        Sample(((2,), (3,)), {"axes": ((), ())}, _BOTH),
        Sample(((2, 3), (3, 2)), {"axes": ((0, 1), (1, 0))}, _BOTH),
        Sample(((2, 0), (0, 3)), {"axes": ((1,), (0,))}, _BOTH),
    ],
)


def _dot_axes(x: Any, y: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (x.ndim - 1,), (max(y.ndim - 2, 0),)


def _has_scalar(x: Any, y: Any) -> bool:
    return x.ndim == 0 or y.ndim == 0


def _dot_evaluate(xp: Any, x: Any, y: Any) -> Any:
    if xp is np:
        return np.dot(x, y)
    return x * y if _has_scalar(x, y) else xp.tensordot(x, y, axes=_dot_axes(x, y))


def _dot_type(x: ArrayType, y: ArrayType) -> ArrayType:
    if _has_scalar(x, y):
        return ArrayType((*x.shape, *y.shape), np.result_type(x.dtype, y.dtype))
    return _tensordot_type(x, y, axes=_dot_axes(x, y))


def _dot_lhs(ct: Any, x_type: ArrayType, y: Any) -> Any:
    if _has_scalar(x_type, y):
        return ct * y
    if x_type.ndim <= 2 and y.ndim <= 2:
        return _matmul_lhs(ct, x_type, y)
    return _tensordot_lhs(ct, x_type, y, axes=_dot_axes(x_type, y))


def _dot_rhs(ct: Any, x: Any, y_type: ArrayType) -> Any:
    if _has_scalar(x, y_type):
        return x * ct
    if x.ndim <= 2 and y_type.ndim <= 2:
        return _matmul_rhs(ct, x, y_type)
    return _tensordot_rhs(ct, x, y_type, axes=_dot_axes(x, y_type))


def _dot_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    x, y = map(lane_type, operands, batched)
    if _has_scalar(x, y):
        first, second = align_ranks(batched, operands)
        return first * second
    if x.ndim <= 2 and y.ndim <= 2:
        return _matmul_batch(size, batched, operands, p)
    return _tensordot_batch(size, batched, operands, {"axes": _dot_axes(x, y)})


dot: Op = bilinear(
    "dot",
    _dot_evaluate,
    abstract=_dot_type,
    transpose_lhs=_dot_lhs,
    transpose_rhs=_dot_rhs,
    batch=_dot_batch,
    samples=[
        Sample(((2, 3), (3, 4)), {}, _BOTH),
        Sample(((3,), (3,)), {}, _BOTH),
        Sample(((2, 3), (3,)), {}, _BOTH),
        Sample(((3,), (3, 2)), {}, _BOTH),
        Sample(((5, 2, 3), (3,)), {}, _BOTH),
        Sample(((5, 2, 3), (4, 3, 2)), {}, _BOTH),
        Sample(((0,), (0,)), {}, _BOTH),
        Sample(((), (3,)), {}, _BOTH),
        Sample(((2, 3), ()), {}, _BOTH),
    ],
)

# -- inner products that conjugate their first operand --------------------------------


def _vecdot_type(x: ArrayType, y: ArrayType) -> ArrayType:
    shape = broadcast_shapes(x.shape[:-1], y.shape[:-1])
    return ArrayType(shape, np.result_type(x.dtype, y.dtype))


def _vecdot_jvp(primals: Any, tangents: Any, out: Any, _: Params) -> Any:
    (x, y), (dx, dy) = primals, tangents
    total = None if dx is None else vecdot(dx, y)
    if dy is not None:
        term = vecdot(x, dy)
        total = term if total is None else total + term
    return match(total, out)


def _vecdot_batch(size: Any, batched: Any, operands: Any, _: Params) -> Any:
    return vecdot(*align_ranks(batched, operands))


def _inner_product(name: str, evaluate: Any, samples: list[Sample]) -> Any:
    return structural(
        name,
        evaluate,
        abstract=_vecdot_type,
        jvp=_vecdot_jvp,
        vjps=(
            lambda ct, _out, _x, y: column(conj(ct)) * y if ct.ndim else conj(ct) * y,
            lambda ct, _out, x, _y: column(ct) * x if ct.ndim else ct * x,
        ),
        batch=_vecdot_batch,
        samples=samples,
    )


vecdot = _inner_product(
    "vecdot",
    "vecdot",
    [
        Sample(((3,), (3,)), {}, _BOTH),
        Sample(((2, 3), (3,)), {}, _BOTH),
        Sample(((2, 1, 3), (4, 3)), {}, _BOTH),
        Sample(((2, 0), (2, 0)), {}, _BOTH),
    ],
)
vdot = _inner_product(
    "vdot",
    lambda xp, x, y: np.vdot(x, y) if xp is np else xp.vecdot(x, y),
    [Sample(((3,), (3,)), {}, _BOTH), Sample(((0,), (0,)), {}, _BOTH)],
)

# -- einsum ---------------------------------------------------------------------------


class Labels(NamedTuple):
    """An einsum with a letter for every axis."""

    inputs: tuple[str, ...]
    output: str

    @property
    def subscripts(self) -> str:
        return f"{','.join(self.inputs)}->{self.output}"


def spare_letters(used: str, count: int) -> str:
    return "".join([c for c in string.ascii_letters if c not in used][:count])


def parse_subscripts(subscripts: str, ranks: list[int]) -> Labels:
    """Subscripts as NumPy takes them; axes of an ellipsis get letters of their own."""
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    hidden = [
        rank - len(labels.replace("...", ""))
        for labels, rank in zip(inputs, ranks, strict=True)
        if "..." in labels
    ]
    extra = spare_letters(text, max(hidden, default=0))
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        output = "..." + "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1)
        )
    return Labels(
        tuple(
            labels.replace(
                "...", extra[len(extra) - rank + len(labels.replace("...", "")) :]
            )
            for labels, rank in zip(inputs, ranks, strict=True)
        ),
        output.replace("...", extra),
    )


def _extents(labels: Labels, shapes: list[Any]) -> dict[str, Any]:
    """The length of each label; 1 only if it is 1 in every operand."""
    extents: dict[str, Any] = {}
    for letters, shape in zip(labels.inputs, shapes, strict=True):
        for letter, n in zip(letters, shape, strict=True):
            if extents.get(letter, 1) == 1:
                extents[letter] = n
    return extents


def _einsum_type(
    *types: ArrayType, subscripts: str, optimize: Any = False
) -> ArrayType:
    labels = parse_subscripts(subscripts, [t.ndim for t in types])
    extents = _extents(labels, [t.shape for t in types])
    shape = tuple(extents[letter] for letter in labels.output)
    return ArrayType(shape, np.result_type(*(t.dtype for t in types)))


def _einsum_evaluate(*xs: Any, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *xs, optimize=optimize)


def _einsum_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    total = None
    for i, dx in enumerate(tangents):
        if dx is not None:
            term = einsum(*primals[:i], dx, *primals[i + 1 :], **p)
            total = term if total is None else total + term
    return match(total, out)


def _einsum_vjp(
    position: int, ct: Any, out: Any, *xs: Any, subscripts: str, optimize: Any = False
) -> Any:
    """The einsum of the cotangent with the other operands, into the labels of this one.

    Labels that stand nowhere else were summed over: the cotangent is the same all along
    them. A repeated label took a diagonal: the cotangent goes back to it.
    """
    labels = parse_subscripts(subscripts, [len(x.shape) for x in xs])
    own = labels.inputs[position]
    length = dict(zip(own, xs[position].shape, strict=True))
    rest = [i for i in range(len(xs)) if i != position]
    others = [ct, *(conj(xs[i]) for i in rest)]
    inputs = (labels.output, *(labels.inputs[i] for i in rest))
    elsewhere = _extents(Labels(inputs, ""), [x.shape for x in others])
    target = "".join(c for c in length if elsewhere.get(c) in (1, length[c]))
    part = einsum(
        *others,
        subscripts=Labels(inputs, target).subscripts,
        optimize=optimize or len(xs) > 2,
    )
    part = reshape(
        part, shape=tuple(elsewhere[c] if c in target else 1 for c in length)
    )
    part = broadcast_to(part, shape=tuple(length.values()))
    if len(length) == len(own):
        return part
    like = ArrayType(part.shape, xs[position].dtype)
    return _on_diagonal(conform(part, like), own, length)


def _on_diagonal(part: Any, own: str, length: dict[str, Any]) -> Scatter:
    indices = []
    for letter in own:
        place = tuple(n if c == letter else 1 for c, n in length.items())
        indices.append(numbered(length[letter], place))
    return Scatter(part, tuple(indices), tuple(Slot(k) for k in range(len(own))))


def _einsum_batch(size: Any, batched: Any, operands: Any, p: Params) -> Any:
    ranks = [lane_type(x, b).ndim for x, b in zip(operands, batched, strict=True)]
    labels = parse_subscripts(p["subscripts"], ranks)
    lane = spare_letters("".join(labels.inputs), 1)
    inputs = tuple(
        lane + letters if is_batched else letters
        for letters, is_batched in zip(labels.inputs, batched, strict=True)
    )
    subscripts = Labels(inputs, lane + labels.output).subscripts
    return einsum(*operands, **{**p, "subscripts": subscripts})


def _einsum_sample(subscripts: str, *shapes: tuple[int, ...]) -> Sample:
    return Sample(shapes, {"subscripts": subscripts}, tuple(range(len(shapes))))


einsum: Op = structural(
    "einsum",
    _einsum_evaluate,
    abstract=_einsum_type,
    jvp=_einsum_jvp,
    vjps=_einsum_vjp,
    batch=_einsum_batch,
    samples=[
        _einsum_sample("ij,jk->ik", (2, 3), (3, 4)),
        _einsum_sample("ii->i", (3, 3)),
        _einsum_sample("ii", (3, 3)),
        _einsum_sample("ij->j", (2, 3)),
        _einsum_sample("ij,j", (2, 3), (3,)),
        _einsum_sample("i,j,k->", (2,), (3,), (4,)),
        _einsum_sample("bij,bjk,k->bi", (2, 3, 4), (2, 4, 3), (3,)),
        _einsum_sample("...i,...i->...", (2, 3), (4, 1, 3)),
        _einsum_sample("iij,jj->i", (3, 3, 2), (2, 2)),
        _einsum_sample("ij,jk->ik", (1, 3), (1, 2)),
        _einsum_sample("i,i->i", (0,), (0,)),
        _einsum_sample(",i->i", (), (3,)),
    ],
    variadic=True,
    keeps_operands=True,
)


def trace_of_product(x: Any, y: Any) -> Any:
    """The sum of ``x * y`` over the last two axes."""
    product = x * y
    return reduce_sum(product, axes=(product.ndim - 2, product.ndim - 1))
