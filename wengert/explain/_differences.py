"""Derivatives of a real function along one input by difference quotients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)

Function = Callable[[np.ndarray], Any]


def forward(fun: Function, x: np.ndarray, i: int, h: float, at_x: float) -> float:
    """``(f(x + h) - f(x)) / h``, with error O(h) + O(eps / h)."""
    above, step = _shifted(x, i, h)
    return float((fun(above) - at_x) / step)


def central(fun: Function, x: np.ndarray, i: int, h: float) -> float:
    """``(f(x + h) - f(x - h)) / 2h``, with error O(h^2) + O(eps / h)."""
    above, up = _shifted(x, i, h)
    below, down = _shifted(x, i, -h)
    return float((fun(above) - fun(below)) / (up - down))


def complex_step(fun: Function, x: np.ndarray, i: int, h: float) -> float:
    """``Im f(x + ih) / h``: no difference is taken, so h may be as small as one likes.

    For functions that are complex-analytic: Squire & Trapp, SIAM Review 40(1), 1998.
    """
    z = x.astype(np.complex128)
    z[i] += 1j * h
    return float(np.imag(fun(z)) / h)


def _shifted(x: np.ndarray, i: int, h: float) -> tuple[np.ndarray, float]:
    """The point moved along input i, and the step as it came out in floating point."""
    moved = x.copy()
    moved[i] += h
    return moved, float(moved[i] - x[i])
