"""Elementwise ops as formulas, in the functions `m` of SymPy or of mpmath.

The names that `m` must have beside those the two libraries share are `maximum`,
`minimum`, `select`, `ceiling`, `both`, `either`, `negation`, `same` and `differ`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    "negative": lambda m, x: -x,
    "positive": lambda m, x: x,
    "reciprocal": lambda m, x: 1 / x,
    "square": lambda m, x: x**2,
    "degrees": lambda m, x: x * 180 / m.pi,
    "radians": lambda m, x: x * m.pi / 180,
    "remainder": lambda m, x, y: x - y * m.floor(x / y),
    "floor_divide": lambda m, x, y: m.floor(x / y),
    "absolute": lambda m, x: abs(x),
    "sign": _named("sign"),
    "floor": _named("floor"),
    "ceil": _named("ceiling"),
    "trunc": lambda m, x: m.sign(x) * m.floor(abs(x)),
    "maximum": _named("maximum"),
    "minimum": _named("minimum"),
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
    "cbrt": lambda m, x: m.sign(x) * m.cbrt(abs(x)),
    "sigmoid": lambda m, x: 1 / (1 + m.exp(-x)),
    "softplus": lambda m, x: m.log(1 + m.exp(x)),
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
    "sec2": lambda m, x: 1 / m.cos(x) ** 2,
    "sech2": lambda m, x: 1 / m.cosh(x) ** 2,
    # special
    "erf": _named("erf"),
    "erfc": _named("erfc"),
    "gammaln": _named("loggamma"),
    "digamma": _named("digamma"),
}
