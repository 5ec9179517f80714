"""How parameters begin: functions ``(key, shape, dtype) -> array``.

Of a kernel (outputs, inputs, *window), as layers have them, the fan-in is the number of
entries that an output is a sum over, inputs times window, and the fan-out the number of
outputs that an input goes to, outputs times window. A weight of variance 1 / fan-in
keeps the variance of a signal, and one of 1 / fan-out that of a gradient.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import wengert as wg
import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn import checks
from wengert.scipy import special

Initialiser = Callable[[Any, tuple[int, ...], Any], Any]

# The standard deviation of a normal variable that is cut off at -2 and 2.
_CUT = 0.8796256610342398


def zeros(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """All 0."""
    return wnp.zeros(shape, dtype)


def ones(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """All 1."""
    return wnp.ones(shape, dtype)


@dataclasses.dataclass(frozen=True)
class Constant:
    """All one value."""

    value: float

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return wnp.full(shape, self.value, dtype)


@dataclasses.dataclass(frozen=True)
class Normal:
    """Normal numbers of mean 0."""

    deviation: float = 0.01

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return self.deviation * wg.random.normal(key, shape, dtype)


@dataclasses.dataclass(frozen=True)
class TruncatedNormal:
    """Normal numbers of mean 0, none further out than twice the parent's deviation.

    `deviation` is that of the numbers themselves, after the tails are cut off.
    """

    deviation: float = 0.01

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        low, high = math.erf(-math.sqrt(2.0)), math.erf(math.sqrt(2.0))
        u = wg.random.uniform(key, shape, dtype, low, high)
        return self.deviation / _CUT * math.sqrt(2.0) * special.erfinv(u)


@dataclasses.dataclass(frozen=True)
class Uniform:
    """Uniform numbers between -bound and bound."""

    bound: float = 0.01

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return wg.random.uniform(key, shape, dtype, -self.bound, self.bound)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan-in, fan-out) of a kernel (outputs, inputs, *window)."""
    if len(shape) < 2:
        raise ShapeError(
            explain(
                f"nn: an array of shape {shape} has no fan-in",
                why="that is the number of inputs of each of several outputs.",
                fix="use nn.zeros, nn.Uniform or nn.Normal, or a shape (outputs, "
                "inputs, *window)",
            )
        )
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


@dataclasses.dataclass(frozen=True)
class VarianceScaling:
    """Numbers of mean 0 and variance ``scale / fan``.

    Args:
        scale: Positive.
        fan: "in", "out", or "average" of both.
        distribution: "uniform", "normal" or "truncated".

    Example:
        >>> import wengert as wg
        >>> from wengert import nn
        >>> init = nn.VarianceScaling(2.0, "in", "uniform")
        >>> w = init(wg.random.key(0), (400, 100), float)
        >>> bool(abs(w.var() - 0.02) < 0.001)
        True
    """

    scale: float
    fan: str
    distribution: str

    def __post_init__(self) -> None:
        name = "VarianceScaling"
        checks.chosen(name, "fan", self.fan, ("in", "out", "average"))
        kinds = ("uniform", "normal", "truncated")
        checks.chosen(name, "distribution", self.distribution, kinds)

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        into, out = _fans(shape)
        fan = {"in": into, "out": out, "average": (into + out) / 2}[self.fan]
        deviation = math.sqrt(self.scale / max(1, fan))
        draw: Initialiser = Normal(deviation)
        if self.distribution == "uniform":
            draw = Uniform(math.sqrt(3.0) * deviation)
        elif self.distribution == "truncated":
            draw = TruncatedNormal(deviation)
        return draw(key, shape, dtype)


# Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
# networks", AISTATS 2010: halfway between keeping signals and keeping gradients.
glorot_uniform = VarianceScaling(1.0, "average", "uniform")
glorot_normal = VarianceScaling(1.0, "average", "normal")

# He et al., "Delving deep into rectifiers", ICCV 2015: relu halves the second moment.
he_uniform = VarianceScaling(2.0, "in", "uniform")
he_normal = VarianceScaling(2.0, "in", "normal")

# LeCun et al., "Efficient BackProp", 1998.
lecun_uniform = VarianceScaling(1.0, "in", "uniform")
lecun_normal = VarianceScaling(1.0, "in", "normal")

# U(-1/sqrt(fan-in), 1/sqrt(fan-in)), usual for recurrent layers.
fan_in_uniform = VarianceScaling(1.0 / 3.0, "in", "uniform")


@dataclasses.dataclass(frozen=True)
class Orthogonal:
    """A random matrix with orthonormal rows or columns, whichever are fewer.

    The orthogonal factor ``U Vᵀ`` of a normal matrix ``U S Vᵀ``, times `gain`; of more
    axes the first is the rows, the others together the columns.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> q = nn.Orthogonal()(wg.random.key(0), (2, 5), float)
        >>> np.allclose(q @ q.T, np.eye(2))
        True

    References:
        Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of
        learning in deep linear neural networks", ICLR 2014.
    """

    gain: float = 1.0

    def __call__(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        _fans(shape)
        matrix = wg.random.normal(key, (shape[0], math.prod(shape[1:])), dtype)
        u, _, vt = wnp.linalg.svd(matrix, full_matrices=False)
        return self.gain * (u @ vt).reshape(shape)
