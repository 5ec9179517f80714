"""Wengert: derivatives of ordinary NumPy code, forward and reverse, to any order."""

import importlib
from typing import Any

# This fills the op table and gives the traced arrays their methods.
import wengert.numpy  # noqa: F401
from wengert import explain, smooth
from wengert._control.cond import cond
from wengert._control.loops import fori_loop, map, range, scan, while_loop
from wengert._core import tree
from wengert._core.source import LIBRARIES, TOOLS
from wengert._modes.audit import audit, debug_nans
from wengert._modes.check import check_grads, finite_difference
from wengert._modes.checkpoint import checkpoint
from wengert._modes.custom import (
    custom_jvp,
    custom_vjp,
    stop_gradient,
    straight_through,
)
from wengert._modes.directional import jvp, linearize
from wengert._modes.matrices import hessian, hvp, jacobian
from wengert._modes.opaque import opaque
from wengert._modes.reverse import grad, value_and_grad, vjp
from wengert._modes.schedule import binomial
from wengert._modes.vectorized import vmap
from wengert._staging.function import program
from wengert._staging.jit import jit

__version__ = "0.1.0"
__all__ = [
    "audit",
    "binomial",
    "check_grads",
    "checkpoint",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "debug_nans",
    "explain",
    "finite_difference",
    "fori_loop",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linearize",
    "map",
    "opaque",
    "program",
    "range",
    "scan",
    "smooth",
    "stop_gradient",
    "straight_through",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]


def __getattr__(name: str) -> Any:
    if name in LIBRARIES + TOOLS:
        return importlib.import_module(f"wengert.{name}")
    raise AttributeError(f"module 'wengert' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *LIBRARIES, *TOOLS])
