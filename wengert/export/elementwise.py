"""Elementwise ops in ONNX: each a node, or a formula of nodes.

``rule(*values)`` gets operands that have one dtype already.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from wengert.export.graph import Value

Rule = Callable[..., Value]


def _node(op: str, **given: Any) -> Rule:
    return lambda *xs: xs[0].graph.elementwise(op, *xs, **given)


def _each(op: str) -> Rule:
    return lambda x: x.graph.elementwise(op, x)


def _not(x: Value) -> Value:
    return x.graph.elementwise("Not", x.cast(bool))


def _logic(op: str) -> Rule:
    return lambda x, y: x.graph.elementwise(op, x.cast(bool), y.cast(bool))


def _exp(x: Value) -> Value:
    return x.graph.elementwise("Exp", x)


def _log(x: Value) -> Value:
    return x.graph.elementwise("Log", x)


def _abs(x: Value) -> Value:
    return x.graph.elementwise("Abs", x)


def _max(x: Value, y: Any) -> Value:
    return x.graph.elementwise("Max", x, x.like(y))


def _min(x: Value, y: Any) -> Value:
    return x.graph.elementwise("Min", x, x.like(y))


def log1p(x: Value) -> Value:
    """Accurate near 0: W. Kahan's correction of log(u) by what u = 1 + x has lost."""
    u = 1.0 + x
    lost = x.graph.where(u.equals(1.0), 1.0, u - 1.0)
    infinite = x.graph.elementwise("IsInf", x)
    corrected = _log(u) * (x / lost)
    whole = x.graph.where(infinite, _log(u), corrected)
    return x.graph.where(u.equals(1.0), x, whole)


def _expm1(x: Value) -> Value:
    """Accurate near 0, by the same correction."""
    g, u = x.graph, _exp(x)
    far = g.elementwise("Or", _abs(x).above(0.5), g.elementwise("IsNaN", x))
    near = g.elementwise("Or", u.equals(1.0), far)
    corrected = (u - 1.0) * (x / g.where(near, 1.0, _log(u)))
    return g.where(far, u - 1.0, g.where(u.equals(1.0), x, corrected))


def _scale(t: Value, w: Value, both: bool = False) -> Value:
    """A product in which an exact zero stays zero."""
    g, zero = t.graph, t.equals(0.0)
    if both:
        zero = g.elementwise("Or", zero, w.equals(0.0))
    return g.where(zero, 0.0, t * w)


def _softplus(x: Value) -> Value:
    return _max(x, 0.0) + log1p(_exp(-_abs(x)))


def _logaddexp(x: Value, y: Value) -> Value:
    g = x.graph
    apart = _max(x, y) + log1p(_exp(-_abs(x - y)))
    return g.where(x.equals(y), x + math.log(2.0), apart)


def _sech2(x: Value) -> Value:
    e = _exp(-2.0 * _abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def _sigmoid_slope(x: Value) -> Value:
    e = _exp(-_abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def _sec2(x: Value) -> Value:
    c = x.graph.elementwise("Cos", x)
    return 1.0 / (c * c)


def _remainder(x: Value, y: Value) -> Value:
    """Of the sign of y."""
    g = x.graph
    if x.dtype.kind != "f":
        return g.elementwise("Mod", x, y)
    r = g.elementwise("Mod", x, y, fmod=1)
    opposite = (r * y).below(0.0)
    return g.where(opposite, r + y, r)


def _floor_divide(x: Value, y: Value) -> Value:
    quotient = (x - _remainder(x, y)) / y
    if x.dtype.kind != "f":
        return quotient
    return x.graph.elementwise("Round", quotient)


def _hypot(x: Value, y: Value) -> Value:
    g = x.graph
    top, low = _max(_abs(x), _abs(y)), _min(_abs(x), _abs(y))
    ratio = low / g.where(top.equals(0.0), 1.0, top)
    return top * g.elementwise("Sqrt", 1.0 + ratio * ratio)


def _sqrt(x: Value) -> Value:
    return x.graph.elementwise("Sqrt", x)


def _heaviside(x: Value, y: Value) -> Value:
    g = x.graph
    return g.where(x.equals(0.0), y, g.where(x.below(0.0), 0.0, x.like(1.0)))


def _isfinite(x: Value) -> Value:
    g = x.graph
    bad = g.elementwise("Or", g.elementwise("IsNaN", x), g.elementwise("IsInf", x))
    return g.elementwise("Not", bad)


# Operands are of the result's dtype.
ARITHMETIC: dict[str, Rule] = {
    "add": lambda x, y: x + y,
    "accumulate": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "positive": _each("Identity"),
    "stop_gradient": _each("Identity"),
    "reciprocal": lambda x: 1.0 / x,
    "square": lambda x: x * x,
    "power": _node("Pow"),
    "float_power": _node("Pow"),
    "remainder": _remainder,
    "fmod": _node("Mod", fmod=1),
    "floor_divide": _floor_divide,
    "maximum": _node("Max"),
    "minimum": _node("Min"),
    "clip": lambda x, low, high: _min(_max(x, low), high),
    "relu": lambda x: _max(x, 0.0),
    "absolute": _abs,
    "fabs": _abs,
    "sign": _each("Sign"),
    "heaviside": _heaviside,
    "floor": _each("Floor"),
    "ceil": _each("Ceil"),
    "rint": _each("Round"),
    "trunc": lambda x: (
        x.graph.elementwise("Sign", x) * x.graph.elementwise("Floor", _abs(x))
    ),
    "scale": _scale,
    "exp": _exp,
    "exp2": lambda x: _exp(x * math.log(2.0)),
    "expm1": _expm1,
    "log": _log,
    "log2": lambda x: _log(x) / math.log(2.0),
    "log10": lambda x: _log(x) / math.log(10.0),
    "log1p": log1p,
    "logaddexp": _logaddexp,
    "logaddexp_share": lambda x, y: 1.0 / (1.0 + _exp(y - x)),
    "sqrt": _sqrt,
    "sin": _each("Sin"),
    "cos": _each("Cos"),
    "tan": _each("Tan"),
    "sec2": _sec2,
    "arcsin": _each("Asin"),
    "arcsin_slope": lambda x: 1.0 / (_sqrt(1.0 - x) * _sqrt(1.0 + x)),
    "arccos": _each("Acos"),
    "arctan": _each("Atan"),
    "arctan_slope": lambda x: 1.0 / (1.0 + x * x),
    "sinh": _each("Sinh"),
    "cosh": _each("Cosh"),
    "tanh": _each("Tanh"),
    "sech2": _sech2,
    "arcsinh": _each("Asinh"),
    "arccosh": _each("Acosh"),
    "arctanh": _each("Atanh"),
    "arctanh_slope": lambda x: 1.0 / ((1.0 - x) * (1.0 + x)),
    "hypot": _hypot,
    "degrees": lambda x: x * (180.0 / math.pi),
    "radians": lambda x: x * (math.pi / 180.0),
    "sigmoid": lambda x: 1.0 / (1.0 + _exp(-x)),
    "sigmoid_slope": _sigmoid_slope,
    "softplus": _softplus,
    "log_expit": lambda x: -_softplus(-x),
    "logit": lambda x: _log(x) - log1p(-x),
    "gaussian": lambda x: _exp(-(x * x)),
    "half_gaussian": lambda x: _exp(-0.5 * x * x),
    "erf": _each("Erf"),
    "ndtr": lambda x: 0.5 * (1.0 + x.graph.elementwise("Erf", x * math.sqrt(0.5))),
}

# Operands are of the dtype that NumPy compares them in.
COMPARISONS: dict[str, Rule] = {
    "equal": _node("Equal"),
    "not_equal": lambda x, y: _not(x.equals(y)),
    "less": _node("Less"),
    "less_equal": _node("LessOrEqual"),
    "greater": _node("Greater"),
    "greater_equal": _node("GreaterOrEqual"),
    "logical_and": _logic("And"),
    "logical_or": _logic("Or"),
    "logical_xor": _logic("Xor"),
    "logical_not": _not,
    "isnan": _node("IsNaN"),
    "isinf": _node("IsInf"),
    "isfinite": _isfinite,
}
