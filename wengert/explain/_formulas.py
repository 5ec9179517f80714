"""Ops as formulas, in the functions `m` of SymPy or of mpmath.

The names that `m` must have beside those the two libraries share are `maximum`,
`minimum`, `select`, `ceiling`, `conjugate`, `both`, `either`, `negation`, `same` and
`differ`.
Elementwise ops are formulas of entries, reductions of arrays of entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Formula = Callable[..., Any]


def _named(name: str) -> Formula:
    return lambda m, *xs: getattr(m, name)(*xs)


FORMULAS: dict[str, Formula] = {
    # arithmetic
    "add": lambda m, x, y: x + y,
    "subtract": lambda m, x, y: x - y,
    "multiply": lambda m, x, y: x * y,
    "scale": lambda m, x, y: x * y,
    "divide": lambda m, x, y: x / y,
    "power": lambda m, x, y: x**y,
    "float_power": lambda m, x, y: x**y,
    "negative": lambda m, x: -x,
    "positive": lambda m, x: x,
    "reciprocal": lambda m, x: 1 / x,
    "square": lambda m, x: x**2,
    "degrees": lambda m, x: x * 180 / m.pi,
    "radians": lambda m, x: x * m.pi / 180,
    "remainder": lambda m, x, y: x - y * m.floor(x / y),
    "floor_divide": lambda m, x, y: m.floor(x / y),
    "fmod": lambda m, x, y: x - y * m.sign(x / y) * m.floor(abs(x / y)),
    "absolute": lambda m, x: abs(x),
    "fabs": lambda m, x: abs(x),
    "sign": _named("sign"),
    "floor": _named("floor"),
    "ceil": _named("ceiling"),
    "trunc": lambda m, x: m.sign(x) * m.floor(abs(x)),
    "maximum": _named("maximum"),
    "minimum": _named("minimum"),
    "fmax": _named("maximum"),
    "fmin": _named("minimum"),
    "clip": lambda m, x, low, high: m.minimum(m.maximum(x, low), high),
    "relu": lambda m, x: m.maximum(x, 0),
    "heaviside": lambda m, x, y: m.select(x < 0, 0, m.select(x > 0, 1, y)),
    "conj": _named("conjugate"),
    "real": _named("re"),
    "imag": _named("im"),
    # comparisons and selection
    "equal": _named("same"),
    "not_equal": _named("differ"),
    "less": lambda m, x, y: x < y,
    "less_equal": lambda m, x, y: x <= y,
    "greater": lambda m, x, y: x > y,
    "greater_equal": lambda m, x, y: x >= y,
    "logical_and": _named("both"),
    "logical_or": _named("either"),
    "logical_not": _named("negation"),
    "bitwise_and": _named("both"),
    "bitwise_or": _named("either"),
    "invert": _named("negation"),
    "where": _named("select"),
    # exponentials and logarithms
    "exp": _named("exp"),
    "exp2": lambda m, x: 2**x,
    "expm1": lambda m, x: m.exp(x) - 1,
    "log": _named("log"),
    "log2": lambda m, x: m.log(x) / m.log(2),
    "log10": lambda m, x: m.log(x) / m.log(10),
    "log1p": lambda m, x: m.log(1 + x),
    "logaddexp": lambda m, x, y: m.log(m.exp(x) + m.exp(y)),
    "logaddexp2": lambda m, x, y: m.log(2**x + 2**y) / m.log(2),
    "sqrt": _named("sqrt"),
    "deviation": _named("sqrt"),
    "cbrt": lambda m, x: m.sign(x) * m.cbrt(abs(x)),
    "sigmoid": lambda m, x: 1 / (1 + m.exp(-x)),
    "softplus": lambda m, x: m.log(1 + m.exp(x)),
    "log_expit": lambda m, x: -m.log(1 + m.exp(-x)),
    "logit": lambda m, x: m.log(x / (1 - x)),
    "sigmoid_slope": lambda m, x: m.exp(-x) / (1 + m.exp(-x)) ** 2,
    # trigonometric and hyperbolic
    "sin": _named("sin"),
    "cos": _named("cos"),
    "tan": _named("tan"),
    "arcsin": _named("asin"),
    "arccos": _named("acos"),
    "arctan": _named("atan"),
    "arctan2": _named("atan2"),
    "hypot": lambda m, x, y: m.sqrt(x**2 + y**2),
    "sinh": _named("sinh"),
    "cosh": _named("cosh"),
    "tanh": _named("tanh"),
    "arcsinh": _named("asinh"),
    "arccosh": _named("acosh"),
    "arctanh": _named("atanh"),
    "sinc": lambda m, x: m.select(m.same(x, 0), 1, m.sin(m.pi * x) / (m.pi * x)),
    "sec2": lambda m, x: 1 / m.cos(x) ** 2,
    "sech2": lambda m, x: 1 / m.cosh(x) ** 2,
    "arcsin_slope": lambda m, x: 1 / m.sqrt(1 - x**2),
    "arctan_slope": lambda m, x: 1 / (1 + x**2),
    "arcsinh_slope": lambda m, x: 1 / m.sqrt(1 + x**2),
    "arccosh_slope": lambda m, x: 1 / m.sqrt(x**2 - 1),
    "arctanh_slope": lambda m, x: 1 / (1 - x**2),
    # special
    "erf": _named("erf"),
    "erfc": _named("erfc"),
    "ndtr": lambda m, x: (1 + m.erf(x / m.sqrt(2))) / 2,
    "gaussian": lambda m, x: m.exp(-(x**2)),
    "half_gaussian": lambda m, x: m.exp(-(x**2) / 2),
    "gamma": _named("gamma"),
    "gammaln": _named("loggamma"),
    "loggamma": _named("loggamma"),
    "digamma": _named("digamma"),
    "xlogy": lambda m, x, y: x * m.log(y),
    "xlog1py": lambda m, x, y: x * m.log(1 + y),
    "entr": lambda m, x: -x * m.log(x),
    "rel_entr": lambda m, x, y: x * m.log(x / y),
    "kl_div": lambda m, x, y: x * m.log(x / y) - x + y,
}


def _each(fun: Formula, *xs: np.ndarray) -> Any:
    return np.frompyfunc(fun, len(xs), 1)(*xs)


def _fold(fun: Formula, x: np.ndarray, axes: tuple[int, ...]) -> Any:
    """A function of two entries along some axes, one axis after the other."""
    for axis in sorted(axes, reverse=True):
        x = np.frompyfunc(fun, 2, 1).reduce(x, axis=axis)
    return x


def _masked_sum(m: Any, x: np.ndarray, mask: Any, *, axes: Any, **_: Any) -> Any:
    return np.sum(
        _each(lambda entry, kept: m.select(kept, entry, 0), x, mask), axis=axes
    )


def _two_norm(m: Any, x: np.ndarray, *, ord: Any = None, axes: Any = None) -> Any:
    return _each(m.sqrt, np.asarray(np.sum(x * x, axis=axes), object))


def _exponentials(m: Any, x: np.ndarray, axes: Any) -> tuple[Any, Any]:
    exponentials = _each(m.exp, x)
    return exponentials, np.sum(exponentials, axis=axes, keepdims=True)


def _softmax(m: Any, x: np.ndarray, *, axes: Any) -> Any:
    exponentials, total = _exponentials(m, x, axes)
    return exponentials / total


def _log_softmax(m: Any, x: np.ndarray, *, axes: Any) -> Any:
    return x - _each(m.log, _exponentials(m, x, axes)[1])


def _logsumexp(m: Any, x: np.ndarray, *, axes: Any) -> Any:
    return np.squeeze(_each(m.log, _exponentials(m, x, axes)[1]), axis=axes)


REDUCTIONS: dict[str, Formula] = {
    "reduce_sum": lambda m, x, *, axes, **_: np.sum(x, axis=axes),
    "reduce_prod": lambda m, x, *, axes, **_: np.prod(x, axis=axes),
    "reduce_max": lambda m, x, *, axes: _fold(m.maximum, x, axes),
    "reduce_min": lambda m, x, *, axes: _fold(m.minimum, x, axes),
    "masked_sum": _masked_sum,
    "cumsum": lambda m, x, *, axis, **_: np.cumsum(x, axis=axis),
    "cumprod": lambda m, x, *, axis, **_: np.cumprod(x, axis=axis),
    "two_norm": _two_norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "einsum": lambda m, *xs, subscripts, **_: np.einsum(subscripts, *xs),
    "vecdot": lambda m, x, y: np.sum(x * y, axis=-1),
    "vdot": lambda m, x, y: np.sum(x.ravel() * y.ravel()),
}
