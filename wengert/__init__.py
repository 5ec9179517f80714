"""Wengert: derivatives of ordinary NumPy code, forward and reverse, to any order."""

import wengert.numpy as _numpy  # fills the op table and gives traced arrays their methods
from wengert import explain
from wengert._core import tree
from wengert._modes.directional import jvp, linearize
from wengert._modes.matrices import hessian, hvp, jacobian
from wengert._modes.reverse import grad, value_and_grad, vjp
from wengert._modes.vectorized import vmap

__version__ = "0.1.0"
__all__ = [
    "explain",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
]
