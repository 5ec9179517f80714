"""Exponentials, logarithms, trigonometric and hyperbolic functions.

The derivatives are written for accuracy: each of `sech2`, `sec2`, ... is an op of its
own where the textbook formula loses its digits or overflows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._ops.families import Domain, elementwise

_COMPLEX = (Domain(-1.5, 1.5, complex=True),)
_POSITIVE = (Domain(0.3, 3.0, complex=True),)

exp = elementwise("exp", "exp", (lambda out, _x: out,), domains=_COMPLEX)
log = elementwise("log", "log", (lambda _out, x: 1.0 / x,), domains=_POSITIVE)
sqrt = elementwise("sqrt", "sqrt", (lambda out, _x: 0.5 / out,), domains=_POSITIVE)
sin = elementwise("sin", "sin", (lambda _out, x: cos(x),), domains=_COMPLEX)
cos = elementwise("cos", "cos", (lambda _out, x: -sin(x),), domains=_COMPLEX)


def _sech2_evaluate(x: Any) -> Any:
    """1 / cosh(x)**2 as (2 e / (1 + e^2))**2 with e = exp(-|x|): no overflow."""
    e = np.exp(-np.abs(x)) if not np.iscomplexobj(x) else np.exp(-x * np.sign(np.real(x)))
    return np.square(2.0 * e / (1.0 + e * e))


tanh = elementwise("tanh", "tanh", (lambda _out, x: sech2(x),), domains=_COMPLEX)
sech2 = elementwise(
    "sech2", _sech2_evaluate, (lambda out, x: -2.0 * out * tanh(x),), domains=_COMPLEX
)
