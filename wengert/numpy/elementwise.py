"""The ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from wengert._array.traced import unwrap
from wengert._core.op import OPS
from wengert._core.types import is_complex
from wengert.numpy._ufunc import Ufunc

# Names under which NumPy has more than one, and ops whose name differs from NumPy's.
ALIASES = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bitwise_invert": "invert",
    "bitwise_not": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
    "conjugate": "conj",
    "deg2rad": "radians",
    "mod": "remainder",
    "pow": "power",
    "rad2deg": "degrees",
    "true_divide": "divide",
}


class _Sign(Ufunc):
    """Of a complex number, NumPy's sign is z/|z|: another op."""

    def __call__(self, *xs: Any, **kwargs: Any) -> Any:
        if is_complex(unwrap(xs[0])):
            return _UNIT(*xs, **kwargs)
        return super().__call__(*xs, **kwargs)


_UNIT = Ufunc("sign", OPS["unit"])
_UFUNCS = {
    name: Ufunc(name, OPS[name])
    for name in dir(np)
    if isinstance(ufunc := getattr(np, name), np.ufunc)
    and ufunc.signature is None  # matmul and its kin are in contraction.py
    and name in OPS
}
for _alias, _name in ALIASES.items():
    if _name in _UFUNCS and hasattr(np, _alias):
        _UFUNCS[_alias] = _UFUNCS[_name]
if "conj" in OPS:
    _UFUNCS["conj"] = _UFUNCS["conjugate"] = Ufunc("conjugate", OPS["conj"])

_UFUNCS["sign"] = _Sign("sign", OPS["sign"])

# SciPy's ufuncs, called with traced values, arrive at these; see wengert.scipy.special.
_SPECIAL_OPS = {"expit": "sigmoid", "psi": "digamma"} | {
    name: name
    for name in (
        "entr erf erfc erfinv gamma gammaln kl_div log_expit log_ndtr loggamma logit "
        "ndtr ndtri rel_entr xlog1py xlogy"
    ).split()
}
SPECIAL = {
    name: Ufunc(name, OPS[op], getattr(special, name))
    for name, op in _SPECIAL_OPS.items()
}
for _name, _ufunc in SPECIAL.items():
    _ufunc.__doc__ = f"``scipy.special.{_name}``, differentiable to any order."

globals().update(_UFUNCS)
__all__ = list(_UFUNCS)  # pyright: ignore
