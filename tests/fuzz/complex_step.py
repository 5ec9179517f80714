"""Derivatives by a complex step: f(x + i h) is f(x) + i h f'(x), exact for tiny h.

W. Squire and G. Trapp, Using complex variables to estimate derivatives of real
functions, SIAM Review 40 (1998). NumPy compares complex numbers by their real parts
first, so that a program takes the branches that it takes at x. What is not analytic
(abs, max, ...) is replaced here, with the conventions of the kinks that Wengert has.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.programs import Loaded, load

STEP = 1e-30  # no branch is decided by it, and nothing is lost beside it


class _Numpy:
    """NumPy for complex numbers that stand for a value and its derivative."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def zeros(self, shape: Any) -> Any:
        return np.zeros(shape, complex)

    def array(self, numbers: Any) -> Any:
        return np.array(numbers, complex)

    def max(self, x: Any) -> Any:
        """Of the largest entries the mean: ties share equally."""
        return np.mean(x[x.real == np.max(x.real)])

    def maximum(self, x: Any, y: Any) -> Any:
        return -_least(-x, -y)

    def sort(self, x: Any) -> Any:
        return x[np.argsort(x.real)]

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return _least(self.maximum(x, low), high)


def _least(x: Any, y: Any) -> Any:
    smaller = np.where(x.real < np.real(y), x, y)
    return np.where(x.real == np.real(y), (x + y) / 2, smaller)


def _abs(x: Any) -> Any:
    return x * np.sign(np.real(x))


def _min(x: Any, y: Any) -> Any:
    return y if np.real(y) < np.real(x) else x


def _max(x: Any, y: Any) -> Any:
    return y if np.real(y) > np.real(x) else x


def load_complex(text: str, name: str) -> Loaded:
    """A program for complex numbers; the array of its module is complex, too."""
    loaded = load(text, name)
    names = loaded.function.__globals__
    names |= {"np": _Numpy(), "abs": _abs, "min": _min, "max": _max}
    names["WEIGHTS"] = names["WEIGHTS"].astype(complex)
    return Loaded(loaded.function, names["WEIGHTS"])
