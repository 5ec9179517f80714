"""Functions applied entry by entry that are no ufuncs of NumPy."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert._array.convert import cast
from wengert._array.traced import TracedArray, has_traced, unwrap, wrap
from wengert._core.interp import CURRENT, is_known
from wengert._core.source import explain
from wengert._core.types import is_bool, is_complex, is_inexact, type_of
from wengert._ops import arithmetic as ops
from wengert._ops import special
from wengert._ops.complex import imag as imag_op
from wengert._ops.complex import real as real_op
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem
from wengert._ops.structure import copy as copy_op
from wengert._ops.structure import where as where_op
from wengert._ops.transcendental import arctan2
from wengert.errors import DTypeError
from wengert.numpy._ufunc import _store, apply

__all__ = [
    "allclose",
    "angle",
    "around",
    "array_equal",
    "astype",
    "clip",
    "fix",
    "imag",
    "interp",
    "isclose",
    "nan_to_num",
    "real",
    "relu",
    "round",
    "select",
    "sigmoid",
    "sinc",
    "softplus",
    "where",
]


def _is_numpy(*xs: Any) -> bool:
    """Whether NumPy itself can take these arguments: none is traced."""
    plain = (np.ndarray, np.generic, float, int, complex, list, tuple, type(None))
    return all(isinstance(x, plain) and not has_traced(x) for x in xs)


def _value(x: Any) -> Any:
    """An engine value with a shape and a dtype."""
    value = unwrap(x)
    return value if hasattr(value, "dtype") else np.asarray(value)[()]


# -- functions that NumPy does not have ------------------------------------------------


def sigmoid(x: Any) -> Any:
    """The logistic function ``1 / (1 + exp(-x))``, accurate for every x.

    Example:
        >>> import wengert.numpy as wnp
        >>> float(wnp.sigmoid(0.0))
        0.5
    """
    return apply(special.sigmoid, x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, a smooth `relu`; it does not overflow.

    Example:
        >>> import wengert.numpy as wnp
        >>> float(wnp.softplus(800.0))
        800.0
    """
    return apply(special.softplus, x)


def relu(x: Any) -> Any:
    """``max(x, 0)``; its derivative at 0 is 0.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> float(wg.grad(wnp.relu)(0.0))
        0.0
    """
    return apply(ops.relu, x)


# -- rounding and selection ------------------------------------------------------------


def sinc(x: Any) -> Any:
    """``numpy.sinc``: sin(pi x) / (pi x); all derivatives are accurate near 0 too."""
    return apply(special.sinc, x)


def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    """``numpy.clip``; at a bound the derivative is shared, 1/2 to each."""
    low = a_min if min is None else min
    high = a_max if max is None else max
    x = unwrap(a)
    x = x if hasattr(x, "dtype") else np.asarray(x)[()]
    if low is None and high is None:
        result = CURRENT.get().apply(ops.positive, (x,), {})
    elif high is None:
        result = CURRENT.get().apply(ops.maximum, (x, unwrap(low)), {})
    elif low is None:
        result = CURRENT.get().apply(ops.minimum, (x, unwrap(high)), {})
    else:
        result = CURRENT.get().apply(ops.clip, (x, unwrap(low), unwrap(high)), {})
    return wrap(result) if out is None else _store("clip", result, out, True)


def round(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    """``numpy.round``; its derivative is 0."""
    x = _value(a)
    decimals = operator.index(decimals)
    if decimals == 0 and is_inexact(x.dtype) and not is_complex(x):
        result = ops.rint(x)
    else:
        result = ops.round_decimals(x, decimals=decimals)
    return wrap(result) if out is None else _store("round", result, out, True)


around = round


def fix(x: Any, out: Any = None) -> Any:
    """``numpy.fix``: rounds towards 0; its derivative is 0."""
    result = ops.trunc(_value(x))
    return wrap(result) if out is None else _store("fix", result, out, True)


def _condition(x: Any) -> Any:
    """A condition as truth values, which depend on nothing."""
    value = _value(x)
    return value if is_bool(value.dtype) else ops.not_equal(value, 0)


def where(condition: Any, *branches: Any) -> Any:
    """``numpy.where``: entries of one array or another; of one argument, `nonzero`.

    The branch that is not taken gets derivative exactly 0, whatever its own derivative.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> float(wg.grad(lambda x: wnp.where(x > 0, x * x, -x))(-3.0))
        -1.0
    """
    if not branches:
        import wengert.numpy as wnp

        return wnp.nonzero(condition)
    x, y = branches
    mask = unwrap(condition) if _is_xp_bool(condition) else _condition(condition)
    return wrap(CURRENT.get().apply(where_op, (mask, unwrap(x), unwrap(y)), {}))


def _is_xp_bool(x: Any) -> bool:
    return hasattr(x, "__array_namespace__") and "bool" in str(x.dtype)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``numpy.select``: for each entry the first choice whose condition holds."""
    if _is_numpy(condlist, choicelist, default):
        return wrap(np.select(condlist, choicelist, default))
    choices = [unwrap(choice) for choice in choicelist]
    out = unwrap(default)
    dtype = np.result_type(*map(_dtype_or_kind, (*choices, out)))
    for cond, choice in reversed(list(zip(condlist, choices, strict=True))):
        mask = _value(cond)
        if mask.dtype != np.bool_:
            raise DTypeError(
                explain(
                    f"select: expected conditions of dtype bool, got {mask.dtype}",
                    fix="compare, as in x > 0, or write x != 0",
                )
            )
        out = where_op(mask, choice, out)
    return wrap(cast(out, dtype))


def _dtype_or_kind(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else type(x)


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """``numpy.nan_to_num``; a replaced entry has derivative 0 in `x`."""
    if _is_numpy(x, nan, posinf, neginf):
        return wrap(np.nan_to_num(x, copy, nan, posinf, neginf))
    value = _value(x)
    if not is_inexact(value.dtype):
        return wrap(copy_op(value))
    bounds = np.finfo(value.dtype)
    fills = (
        unwrap(nan),
        float(bounds.max) if posinf is None else unwrap(posinf),
        float(bounds.min) if neginf is None else unwrap(neginf),
    )
    if is_complex(value):
        parts = (_finite(real_op(value), *fills), _finite(imag_op(value), *fills))
        result = cast(parts[0] + 1j * parts[1], value.dtype)
    else:
        result = _finite(value, *fills)
    if not copy and isinstance(x, TracedArray):
        return x._assign(result)
    return wrap(result)


def _finite(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    result = where_op(ops.isnan(x), nan, x)
    result = where_op(ops.equal(x, np.inf), posinf, result)
    return cast(where_op(ops.equal(x, -np.inf), neginf, result), x.dtype)


# -- comparison of arrays --------------------------------------------------------------


def isclose(
    a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False
) -> Any:
    """``numpy.isclose``: truth values, which have no derivative."""
    if _is_numpy(a, b, rtol, atol):
        return wrap(np.isclose(a, b, rtol, atol, equal_nan))
    x, y = _value(a), _value(b)
    with np.errstate(invalid="ignore"):
        margin = unwrap(atol) + unwrap(rtol) * ops.absolute(y)
        near = ops.less_equal(ops.absolute(x - y), margin)
    result = ops.logical_or(ops.logical_and(near, ops.isfinite(y)), ops.equal(x, y))
    if equal_nan:
        result = ops.logical_or(result, ops.logical_and(ops.isnan(x), ops.isnan(y)))
    return wrap(result)


def allclose(
    a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False
) -> Any:
    """``numpy.allclose``; under `jit` a traced truth value."""
    return _all(isclose(a, b, rtol, atol, equal_nan))


def _all(truths: Any) -> Any:
    """Whether all are true: Python's bool, where that is known."""
    import wengert.numpy as wnp

    found = wnp.all(truths)
    return bool(found) if is_known(unwrap(found)) else found


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """``numpy.array_equal``; under `jit` a traced truth value."""
    x, y = _value(a1), _value(a2)
    if tuple(x.shape) != tuple(y.shape):
        return False
    same = ops.equal(x, y)
    if equal_nan:
        same = ops.logical_or(same, ops.logical_and(ops.isnan(x), ops.isnan(y)))
    return _all(wrap(same))


# -- parts and dtypes ------------------------------------------------------------------


def real(val: Any) -> Any:
    """``numpy.real``: of a complex array a view, as in NumPy."""
    if _is_numpy(val):
        return np.real(val)
    if not is_complex(_value(val)):
        return val
    if isinstance(val, TracedArray):
        return val.real  # type: ignore[attr-defined]
    return apply(real_op, val)


def imag(val: Any) -> Any:
    """``numpy.imag``: of a complex array a view, as in NumPy."""
    if _is_numpy(val):
        return np.imag(val)
    if is_complex(_value(val)) and isinstance(val, TracedArray):
        return val.imag  # type: ignore[attr-defined]
    return apply(imag_op, val)


def angle(z: Any, deg: bool = False) -> Any:
    """``numpy.angle``: the argument of a complex number; its derivative at 0 is 0."""
    value = _value(z)
    parts = (imag_op(value), real_op(value)) if is_complex(value) else (0, value)
    result = arctan2(*parts)
    return wrap(result * (180 / np.pi) if deg else result)


def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """``numpy.astype``; a cast to integer or bool has derivative 0.

    A cast from complex to real takes the real part.
    """
    dtype = np.dtype(dtype)
    if isinstance(x, (np.ndarray, np.generic)):
        return wrap(x.astype(dtype, copy=copy))
    value = _value(x)
    if value.dtype != dtype:
        return wrap(cast(value, dtype))
    return wrap(copy_op(value)) if copy else x


# -- interpolation ---------------------------------------------------------------------


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """``numpy.interp``, differentiable in `x`, `xp`, `fp`, `left` and `right`.

    At a knot the derivative in `x` is the slope on its right; at the last one, on its
    left. Outside the knots it is 0.

    Example:
        >>> import numpy as np, wengert as wg, wengert.numpy as wnp
        >>> knots, values = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0])
        >>> float(wg.grad(lambda x: wnp.interp(x, knots, values))(1.5))
        3.0
    """
    if _is_numpy(x, xp, fp, left, right, period):
        return wrap(np.interp(x, xp, fp, left, right, period))
    if period is not None:
        return _periodic_interp(x, xp, fp, period)
    values = _value(fp)
    values = cast(values, np.result_type(values.dtype, np.float64))
    x_value, knots = cast(_value(x), np.dtype(float)), cast(_value(xp), np.dtype(float))
    first, last = _entry(knots, 0), _entry(knots, -1)
    if type_of(knots).shape[0] == 1:
        inside = _entry(values, 0)
    else:
        inside = _between_knots(x_value, knots, values, last)
    low = _entry(values, 0) if left is None else unwrap(left)
    high = _entry(values, -1) if right is None else unwrap(right)
    out = where_op(ops.greater(x_value, last), high, inside)
    return wrap(where_op(ops.less(x_value, first), low, out))


def _entry(array: Any, i: int) -> Any:
    return getitem(array, index=(i,), copy=True)


def _between_knots(x: Any, knots: Any, values: Any, last: Any) -> Any:
    def pick(array: Any, position: Any) -> Any:
        return getitem(array, position, index=(Slot(0),))

    cell = ops.interp_cell(knots, x)
    rise = pick(values, cell + 1) - pick(values, cell)
    slope = rise / (pick(knots, cell + 1) - pick(knots, cell))
    # NumPy returns the last value itself at the last knot: start from there.
    anchor = cell + cast(ops.equal(x, last), np.dtype(np.int64))
    return slope * (x - pick(knots, anchor)) + pick(values, anchor)


def _periodic_interp(x: Any, xp: Any, fp: Any, period: Any) -> Any:
    import wengert.numpy as wnp

    period = abs(period)
    x, xp, fp = (wnp.asarray(a) for a in (x, xp, fp))
    x, xp = apply(ops.remainder, x, period), apply(ops.remainder, xp, period)
    order = wnp.argsort(xp)
    xp, fp = wnp.take(xp, order), wnp.take(fp, order)
    xp = wnp.concatenate((xp[-1:] - period, xp, xp[0:1] + period))
    return interp(x, xp, wnp.concatenate((fp[-1:], fp, fp[0:1])))
