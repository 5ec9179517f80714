"""Builders of rows: most ops state their derivative once, and every mode follows.

- `elementwise`: one partial derivative per operand, a function of result and operands;
- `linear`: its transpose, one per linear operand;
- `bilinear`: a transpose per operand;
- `structural`: explicit jvp and vjps, for what fits none;
- `piecewise_constant`: derivative zero wherever it has one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from wengert._core.interp import CURRENT, EVALUATE
from wengert._core.op import Op, Undefined
from wengert._core.types import (
    PYTHON_SCALARS,
    ArrayType,
    Params,
    broadcast_shapes,
    is_complex,
    ndim_of,
    shape_of,
    type_of,
)

Rule = Callable[..., Any]
_float64 = np.float64
_float32 = np.float32


class Domain(NamedTuple):
    """Where the generated tests sample an elementwise op: an interval, and how."""

    low: float = -2.0
    high: float = 2.0
    complex: bool = False
    stress: tuple[float, ...] = ()
    integer: bool = False


class Sample(NamedTuple):
    """One generated test case of an op: operands (arrays, or shapes of random ones)."""

    operands: tuple[Any, ...]
    params: Params = {}
    differentiate: tuple[int, ...] = (0,)
    batch: bool = True


class Kink(NamedTuple):
    """A point where a row's derivative is a convention.

    ``hit(*operands)`` is an array of bools; the other fields are the published table.
    """

    hit: Callable[..., Any]
    where: str
    ours: str
    jax: str = ""
    torch: str = ""
    example: tuple[Any, ...] = ()
    derivative: tuple[float, ...] = ()


class Scatter(NamedTuple):
    """A cotangent of part of an operand: `value` belongs at `key` of it.

    The index operands that fill the slots of the key are in `indices`.
    """

    value: Any
    indices: tuple[Any, ...]
    key: tuple[Any, ...]


def ONE(*_: Any) -> Any:
    """The partial derivative 1, which costs nothing."""
    return 1.0


def MINUS_ONE(*_: Any) -> Any:
    """The partial derivative -1."""
    return -1.0


def pass_on(ct: Any, *_: Any) -> Any:
    """The vjp rule of the partial derivative 1; the tape does without the call."""
    return ct


# -- elementwise ---------------------------------------------------------------------


def elementwise(
    name: str,
    evaluate: str | Rule,
    partials: tuple[Any, ...],
    *,
    domains: tuple[Domain, ...] | None = None,
    kinks: Kink | None = None,
    dtype: Rule | None = None,
) -> Op:
    """A function applied entry by entry, with broadcasting.

    ``partials[i](out, *operands)`` is the partial derivative with respect to operand i;
    `ONE` and `MINUS_ONE` say so without a multiplication. Holomorphic where it is
    evaluated on complex numbers.
    """
    return Op(
        name,
        "elementwise",
        evaluate=evaluate,
        abstract=_broadcast_type(name, dtype),
        jvp=_elementwise_jvp(partials),
        vjps=tuple(_elementwise_vjp(partial) for partial in partials),
        batch=batch_elementwise(name),
        samples=domains if domains is not None else (Domain(),) * len(partials),
        kinks=kinks,
        partials=partials,
    )


def piecewise_constant(
    name: str,
    evaluate: str | Rule,
    *,
    reason: str,
    arity: int = 1,
    abstract: Rule | None = None,
    batch: Rule | None = None,
    domains: Any = None,
    kinks: Kink | None = None,
) -> Op:
    """An op whose derivative is zero where it exists: its result has no dependence."""
    no_rule = Undefined(f"its derivative is zero: {reason}")
    return Op(
        name,
        "piecewise constant",
        evaluate=evaluate,
        abstract=abstract or _broadcast_type(name, None),
        jvp=no_rule,
        vjps=(no_rule,) * arity,
        batch=batch or batch_elementwise(name),
        samples=domains if domains is not None else (Domain(),) * arity,
        cut=reason,
        kinks=kinks,
    )


def _elementwise_jvp(partials: tuple[Any, ...]) -> Rule:
    def jvp(
        primals: tuple[Any, ...], tangents: tuple[Any, ...], out: Any, _: Params
    ) -> Any:
        total = None
        for tangent, partial in zip(tangents, partials, strict=True):
            if tangent is None:
                continue
            if partial is ONE:
                term = tangent
            elif partial is MINUS_ONE:
                term = -tangent
            else:
                term = scale(tangent, partial(out, *primals))
            total = term if total is None else total + term
        return match(total, out)

    return jvp


def _elementwise_vjp(partial: Any) -> Rule:
    if partial is ONE:
        return pass_on
    if partial is MINUS_ONE:
        return lambda ct, *_: -ct
    if isinstance(partial, Undefined):
        return partial

    def vjp(ct: Any, *residuals: Any) -> Any:
        weight = partial(*residuals)
        if CURRENT.get() is EVALUATE:
            return weigh(ct, weight)
        return scale_op(ct, conjugate(weight))

    vjp.partial = partial  # type: ignore[attr-defined]
    return vjp


def weigh(ct: Any, weight: Any) -> Any:
    """``scale(ct, conjugate(weight))`` of arrays: the hottest call of the engine.

    Where the product has no NaN, no zero of `ct` has met an infinity.
    """
    product = ct * weight
    if type(product) is np.ndarray:
        if type(weight) is float and isfinite(weight):
            return product
        flat = product if product.ndim == 1 else product.ravel("K")
        # One pass that sees every NaN: cheaper than isnan().any() at every size.
        check = flat.dot(flat)
    else:
        check = product
    kind = type(check)
    if (kind is _float64 or kind is _float32) and check == check:
        return product
    return _scale_evaluate(ct, conjugate(weight))


def conjugate(x: Any) -> Any:
    if type(x) is np.ndarray and x.dtype.kind != "c":
        return x
    if type(x) is complex:
        return x.conjugate()
    if not is_complex(x):
        return x
    if hasattr(x, "conj"):
        return x.conj()
    from wengert._ops.complex import conj

    return conj(x)  # arrays of the standard have no such method


def _broadcast_type(name: str, dtype: Rule | None) -> Rule:
    def abstract(*types: ArrayType, **_: Any) -> ArrayType:
        shape = broadcast_shapes(*(t.shape for t in types))
        if dtype is not None:
            return ArrayType(shape, dtype(*(t.dtype for t in types)))
        from wengert._core.op import OPS

        return ArrayType(shape, _dtype_of_result(OPS[name], *(t.dtype for t in types)))

    return abstract


@cache
def _dtype_of_result(op: Op, *dtypes: np.dtype) -> np.dtype:
    """What NumPy gives operands of these dtypes."""
    with np.errstate(all="ignore"):
        found: np.ndarray = op.evaluate(*(np.ones(1, dtype) for dtype in dtypes))
    return found.dtype


def batch_elementwise(name: str) -> Rule:
    """Batched operands get ones between the batch axis and their own, as needed."""

    def batch(
        size: Any, batched: tuple[bool, ...], operands: Any, params: Params
    ) -> Any:
        from wengert._core.op import OPS

        return OPS[name](*align_ranks(batched, operands), **params)

    return batch


def align_ranks(batched: tuple[bool, ...], operands: tuple[Any, ...]) -> list[Any]:
    ranks = [
        ndim_of(x) - is_batched for x, is_batched in zip(operands, batched, strict=True)
    ]
    rank = max(ranks)
    if ranks.count(rank) == len(ranks):
        return list(operands)
    from wengert._ops.structure import reshape

    return [
        reshape(x, shape=(x.shape[0],) + (1,) * (rank - own) + tuple(x.shape[1:]))
        if is_batched and own < rank
        else x
        for x, own, is_batched in zip(operands, ranks, batched, strict=True)
    ]


def match(tangent: Any, out: Any) -> Any:
    """A tangent with the shape and dtype of its primal."""
    if type(tangent) is np.float64 and type(out) is np.float64:
        return tangent
    from wengert._ops.structure import astype, broadcast_to

    if shape_of(tangent) != out.shape:
        tangent = broadcast_to(tangent, shape=out.shape)
    if tangent.dtype != out.dtype:
        tangent = astype(tangent, dtype=out.dtype)
    return tangent


# -- the product of a tangent or cotangent and a partial derivative --------------------


def _scale_evaluate(t: Any, w: Any, *, both: bool = False) -> Any:
    """``t * w``, but 0 where ``t`` is 0 (``both``: or ``w`` is), whatever ``w``."""
    product = t * w
    if type(product) is np.float64:
        if product == product:
            return product
    elif type(w) is float and isfinite(w):
        return product
    elif type(product) is np.ndarray:
        flat = product if product.ndim == 1 else product.reshape(-1)
        # One pass that sees every NaN: cheaper than isnan().any() at every size.
        check = flat.dot(flat)
        if check == check:
            return product
    zero = (t == 0) | (w == 0) if both else t == 0
    if isinstance(product, (np.ndarray, np.generic)):
        return np.where(zero, product.dtype.type(0), product)[()]
    return _repair_any(t, w, product, zero)


def _repair_any(_t: Any, _w: Any, product: Any, zero: Any) -> Any:
    if isinstance(product, (float, complex, int)):
        return type(product)(0) if zero else product
    from array_api_compat import array_namespace

    xp = array_namespace(product)
    return xp.where(zero, xp.zeros_like(product), product)


def _scale_jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
    (t, w), (dt, dw) = primals, tangents
    total = None if dt is None else scale_op(dt, w, **p)
    if dw is not None:
        term = scale_op(t, dw, both=True)
        total = term if total is None else total + term
    return match(total, out)


scale_op: Op = Op(
    "scale",
    "elementwise",
    evaluate=_scale_evaluate,
    abstract=lambda t, w, **_: ArrayType(
        broadcast_shapes(t.shape, w.shape), np.result_type(t.dtype, w.dtype)
    ),
    jvp=_scale_jvp,
    vjps=(
        lambda ct, _out, _t, w, **p: scale_op(ct, conjugate(w), **p),
        lambda ct, _out, t, _w, **p: scale_op(
            ct, t.conj() if is_complex(t) else t, both=True
        ),
    ),
    batch=batch_elementwise("scale"),
    samples=(Domain(), Domain()),
)
scale_op.evaluate_with = lambda _xp, t, w, **p: _scale_evaluate(t, w, **p)


def scale(t: Any, w: Any) -> Any:
    """A tangent or cotangent times a partial derivative; an exact zero stays zero.

    `scale_op` without the detour when nothing is traced.
    """
    if CURRENT.get() is EVALUATE:
        return _scale_evaluate(t, w)
    return scale_op(t, w)


# -- linear and bilinear --------------------------------------------------------------


def linear(
    name: str,
    evaluate: str | Rule,
    *,
    abstract: Rule,
    transposes: Any,
    batch: Any,
    samples: Any,
    variadic: bool = False,
    consumes: bool = False,
) -> Op:
    """An op linear in its first operands, as many as there are transposes.

    ``transposes[i](ct, x_type, *others, **params)`` maps a cotangent of the result to
    one of operand i. The operands after them (indices, masks) are not differentiated.
    A variadic op is linear in all its operands and has one transpose, which takes the
    position first.
    """
    count = 0 if variadic else len(transposes)

    def jvp(
        primals: tuple[Any, ...], tangents: tuple[Any, ...], out: Any, p: Params
    ) -> Any:
        n = len(primals) if variadic else count
        given = [
            zero_like(x) if t is None else t
            for x, t in zip(primals[:n], tangents[:n], strict=True)
        ]
        return match(OP(*given, *primals[n:], **p), out)

    OP: Op = Op(
        name,
        "linear",
        evaluate=evaluate,
        abstract=abstract,
        jvp=jvp,
        vjps=transposes if variadic else tuple(map(_without_out, transposes)),
        batch=batch,
        samples=samples,
        variadic=variadic,
        consumes=consumes,
    )
    return OP


def _without_out(transpose: Rule) -> Rule:
    """A transpose as a vjp rule: it does not see the result."""
    if isinstance(transpose, Undefined):
        return transpose
    import inspect

    names = list(inspect.signature(transpose).parameters.values())

    def vjp(ct: Any, _out: Any, *operands: Any, **p: Any) -> Any:
        return transpose(ct, *operands, **p)

    placeholder = inspect.Parameter("_out", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    vjp.__signature__ = inspect.Signature([names[0], placeholder, *names[1:]])  # type: ignore[attr-defined]
    return vjp


def bilinear(
    name: str,
    evaluate: str | Rule,
    *,
    abstract: Rule,
    transpose_lhs: Rule,
    transpose_rhs: Rule,
    batch: Any,
    samples: Any,
) -> Op:
    """An op linear in each of two operands; the other one is kept.

    ``transpose_lhs(ct, x_type, y, **params)``,
    ``transpose_rhs(ct, x, y_type, **params)``.
    """

    def jvp(primals: Any, tangents: Any, out: Any, p: Params) -> Any:
        (x, y), (dx, dy) = primals, tangents
        total = None if dx is None else OP(dx, y, **p)
        if dy is not None:
            term = OP(x, dy, **p)
            total = term if total is None else total + term
        return match(total, out)

    def vjp_lhs(ct: Any, _out: Any, x_type: ArrayType, y: Any, **p: Any) -> Any:
        return transpose_lhs(ct, x_type, y.conj() if is_complex(y) else y, **p)

    def vjp_rhs(ct: Any, _out: Any, x: Any, y_type: ArrayType, **p: Any) -> Any:
        return transpose_rhs(ct, x.conj() if is_complex(x) else x, y_type, **p)

    OP: Op = Op(
        name,
        "bilinear",
        evaluate=evaluate,
        abstract=abstract,
        jvp=jvp,
        vjps=(vjp_lhs, vjp_rhs),
        batch=batch,
        samples=samples,
    )
    return OP


def structural(
    name: str,
    evaluate: str | Rule,
    *,
    abstract: Any,
    jvp: Any,
    vjps: Any,
    batch: Any,
    samples: Any,
    variadic: bool = False,
    keeps_operands: bool = False,
    multiple: bool = False,
    kinks: Kink | None = None,
) -> Op:
    """An op with explicit rules."""
    return Op(
        name,
        "structural",
        evaluate=evaluate,
        abstract=abstract,
        jvp=jvp,
        vjps=vjps,
        batch=batch,
        samples=samples,
        variadic=variadic,
        keeps_operands=keeps_operands,
        multiple=multiple,
        kinks=kinks,
    )


def zeros_of(type_: ArrayType) -> Any:
    from wengert._ops.structure import full

    return full(shape=tuple(type_.shape), value=0.0, dtype=type_.dtype)


def zero_like(x: Any) -> Any:
    """A zero tangent for an operand; a Python scalar stays one, and weak."""
    return 0.0 if isinstance(x, PYTHON_SCALARS) else zeros_of(type_of(x))
