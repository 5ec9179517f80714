"""Products of arrays: dot, matmul, einsum and their kin.

Outside a transformation NumPy's own functions run, with all their arguments.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, wrap
from wengert._core.interp import CURRENT, EVALUATE
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import shape_of
from wengert._ops import contraction as ops
from wengert._ops.arithmetic import multiply
from wengert._ops.indexing import getitem
from wengert._ops.structure import concatenate, move_axis, reshape, swap_last
from wengert.errors import ShapeError
from wengert.numpy._dispatch import as_array
from wengert.numpy._ufunc import Ufunc, _store, evaluate
from wengert.numpy.selecting import diagonal
from wengert.numpy.shaping import normalize_axis, transpose

__all__ = [
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matmul",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
]

_PLAIN = (np.ndarray, np.generic, int, float, complex)


def is_plain(*operands: Any) -> bool:
    """Whether no transformation runs, and the operands (unwrapped) are NumPy's."""
    return CURRENT.get() is EVALUATE and all(isinstance(x, _PLAIN) for x in operands)


def run(op: Op, *operands: Any, **params: Any) -> Any:
    """Apply an op to engine values, whatever their library."""
    interpreter = CURRENT.get()
    if interpreter is EVALUATE:
        return evaluate(op, operands, params)
    return interpreter.apply(op, operands, params)


def finish(name: str, value: Any, out: Any) -> Any:
    """A result as user code sees it, written to ``out=`` if that is given."""
    return wrap(value) if out is None else _store(name, value, out, True)


class Contraction(Ufunc):
    """A function of two stacks of vectors or matrices, called as the NumPy ufunc is."""

    def __call__(self, x1: Any, x2: Any, /, out: Any = None, **kwargs: Any) -> Any:
        x, y = as_array(x1), as_array(x2)
        if isinstance(out, tuple):
            (out,) = out
        if is_plain(x, y) and self.ufunc is not None:
            return self.ufunc(x, y, out=out, **kwargs)
        if self.__name__ == "vecdot" and "axis" in kwargs:
            axis = kwargs.pop("axis")
            x, y = _axis_last(x, axis), _axis_last(y, axis)
        if kwargs:
            return self._plain((x1, x2), {**kwargs, "out": out})
        return finish(self.__name__, run(self.op, x, y), out)


matmul = Contraction("matmul", ops.matmul)
matvec = Contraction("matvec", ops.matvec)
vecdot = Contraction("vecdot", ops.vecdot)


def _axis_last(x: Any, axis: Any) -> Any:
    ndim = len(x.shape)
    return move_axis(x, normalize_axis(axis, ndim), ndim - 1)


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """``numpy.dot``."""
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.dot(x, y, out=out)
    return finish("dot", run(ops.dot, x, y), out)


def inner(a: Any, b: Any, /) -> Any:
    """``numpy.inner``: the sum of products over the last axes."""
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.inner(x, y)
    return wrap(run(ops.dot, x, swap_last(y) if x.shape and len(y.shape) > 1 else y))


def outer(a: Any, b: Any, out: Any = None) -> Any:
    """``numpy.outer``: all products of an entry of ``a`` and one of ``b``."""
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.outer(x, y, out=out)
    x, y = reshape(x, shape=(_size(x), 1)), reshape(y, shape=(1, _size(y)))
    return finish("outer", run(multiply, x, y), out)


def _size(x: Any) -> Any:
    size = 1
    for extent in x.shape:
        size = size * extent
    return size


def vdot(a: Any, b: Any, /) -> Any:
    """``numpy.vdot``: the inner product of the flattened arrays, ``a`` conjugated."""
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.vdot(x, y)
    return wrap(
        run(ops.vdot, reshape(x, shape=(_size(x),)), reshape(y, shape=(_size(y),)))
    )


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``numpy.tensordot``: the sum of products over pairs of axes."""
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.tensordot(x, y, axes)
    return wrap(run(ops.tensordot, x, y, axes=_axis_pairs(axes, x.ndim, y.ndim)))


def _axis_pairs(axes: Any, x_ndim: int, y_ndim: int) -> tuple[tuple[int, ...], ...]:
    """`tensordot`'s axes as two tuples of axes that are not negative."""
    if isinstance(axes, (int, np.integer)):
        pair: Any = range(-int(axes), 0), range(int(axes))
    else:
        pair = ([a] if isinstance(a, (int, np.integer)) else a for a in axes)
    x_axes, y_axes = pair
    return (
        tuple(normalize_axis(i, x_ndim) for i in x_axes),
        tuple(normalize_axis(i, y_ndim) for i in y_axes),
    )


def einsum(
    subscripts: Any,
    *operands: Any,
    out: Any = None,
    optimize: Any = False,
    **kwargs: Any,
) -> Any:
    """``numpy.einsum``, in both of its call forms.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> wg.grad(lambda a: wnp.einsum("ii", a))(np.ones((2, 2)))
        array([[1., 0.],
               [0., 1.]])
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists(subscripts, *operands)
    xs = [as_array(x) for x in operands]
    if is_plain(*xs):
        return np.einsum(subscripts, *xs, out=out, optimize=optimize, **kwargs)
    _check_ranks(subscripts, xs)
    if len(operands) == 1 and isinstance(operands[0], TracedArray) and out is None:
        seen = _seen(subscripts, operands[0])
        if seen is not None:
            return seen
    return finish(
        "einsum", run(ops.einsum, *xs, subscripts=subscripts, optimize=optimize), out
    )


def _seen(subscripts: str, a: TracedArray) -> TracedArray | None:
    """One operand without a sum, as a view of it; None where there is a sum."""
    source, arrow, target = subscripts.replace(" ", "").partition("->")
    named = source.replace("...", "")
    others = "".join(ops.spare_letters(source, len(a.shape) - len(named)))
    source = source.replace("...", others)
    if arrow:
        target = target.replace("...", others)
    else:
        target = others + "".join(c for c in sorted(set(named)) if named.count(c) == 1)
    extents = set(zip(source, a.shape, strict=True))
    if set(source) != set(target) or len(extents) != len(target):
        return None
    for letter in target:
        while source.count(letter) > 1:
            i = source.index(letter)
            j = source.index(letter, i + 1)
            a = diagonal(a, 0, i, j)
            source = source[:i] + source[i + 1 : j] + source[j + 1 :] + letter
    return transpose(a, [source.index(letter) for letter in target])


def _from_lists(*arguments: Any) -> tuple[str, tuple[Any, ...]]:
    """``einsum(a, [0, 1], b, [1], [0])`` as subscripts and operands."""
    count = len(arguments) // 2
    lists = arguments[1 : 2 * count : 2]
    output = arguments[2 * count :]
    numbers = sorted(set(chain(*lists, *output)) - {Ellipsis})
    letters = dict(zip(numbers, ops.spare_letters("", len(numbers)), strict=True))
    letters[Ellipsis] = "..."
    texts = ["".join(letters[i] for i in item) for item in (*lists, *output)]
    text = ",".join(texts[:count]) + "".join("->" + item for item in texts[count:])
    return text, arguments[: 2 * count : 2]


def _check_ranks(subscripts: str, xs: list[Any]) -> None:
    inputs = subscripts.replace(" ", "").partition("->")[0].split(",")
    if len(inputs) != len(xs):
        raise ShapeError(
            explain(
                f"einsum: {subscripts!r} describes {len(inputs)} operand(s), "
                f"got {len(xs)}",
                fix="write one comma-separated group of letters for each operand",
            )
        )
    for i, (labels, x) in enumerate(zip(inputs, xs, strict=True)):
        named, rank = len(labels.replace("...", "")), len(x.shape)
        if rank < named or rank > named and "..." not in labels:
            raise ShapeError(
                explain(
                    f"einsum: {labels!r} names {named} axes of operand {i}, which has "
                    f"shape {tuple(x.shape)}",
                    fix="write one letter for each axis, or ... for several",
                )
            )


def kron(a: Any, b: Any) -> Any:
    """``numpy.kron``: the Kronecker product."""
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.kron(x, y)
    ndim = max(len(x.shape), len(y.shape))
    x_shape = (1,) * (ndim - len(x.shape)) + tuple(x.shape)
    y_shape = (1,) * (ndim - len(y.shape)) + tuple(y.shape)
    product = run(
        multiply,
        reshape(x, shape=tuple(chain(*((n, 1) for n in x_shape)))),
        reshape(y, shape=tuple(chain(*((1, n) for n in y_shape)))),
    )
    shape = tuple(n * m for n, m in zip(x_shape, y_shape, strict=True))
    return wrap(reshape(product, shape=shape))


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    """``numpy.cross`` of three-dimensional vectors.

    Raises:
        ShapeError: a vector is not three-dimensional.
    """
    x, y = as_array(a), as_array(b)
    if is_plain(x, y):
        return np.cross(x, y, axisa, axisb, axisc, axis)
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = _axis_last(x, axisa), _axis_last(y, axisb)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ShapeError(
            explain(
                f"cross: expected vectors of 3 entries, got {x.shape[-1]} "
                f"and {y.shape[-1]}",
                fix="for vectors in the plane, write "
                "a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]",
            )
        )
    x0, x1, x2 = (getitem(x, index=(Ellipsis, i)) for i in range(3))
    y0, y1, y2 = (getitem(y, index=(Ellipsis, i)) for i in range(3))
    parts = [x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0]
    last = len(shape_of(parts[0]))
    out = concatenate(*(reshape(p, shape=(*shape_of(p), 1)) for p in parts), axis=last)
    return wrap(move_axis(out, last, normalize_axis(axisc, last + 1)))
