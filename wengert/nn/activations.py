"""Functions of one number, applied to each entry, and the softmax."""

from __future__ import annotations

import math
from typing import Any

import wengert.numpy as wnp
from wengert.scipy import special


def relu(x: Any) -> Any:
    """``max(x, 0)``; derivative 0 at 0."""
    return wnp.relu(x)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """``x`` where positive, ``slope x`` elsewhere; derivative `slope` at 0."""
    return wnp.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where positive, ``alpha (exp(x) - 1)`` elsewhere.

    Clevert, Unterthiner & Hochreiter, ICLR 2016.
    """
    return wnp.where(x > 0, x, alpha * wnp.expm1(wnp.minimum(x, 0.0)))


def selu(x: Any) -> Any:
    """``1.0507 elu(x, 1.6733)``: keeps mean 0 and variance 1.

    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
    """
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def gelu(x: Any) -> Any:
    """``x Φ(x)``, with the normal distribution function Φ.

    Hendrycks & Gimpel, "Gaussian error linear units", 2016.
    """
    return x * special.ndtr(x)


def gelu_tanh(x: Any) -> Any:
    """``x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))``, near `gelu` and quicker."""
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1.0 + wnp.tanh(inner))


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return wnp.sigmoid(x)


def silu(x: Any) -> Any:
    """``x sigmoid(x)``, also called swish."""
    return x * wnp.sigmoid(x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow."""
    return wnp.softplus(x)


def mish(x: Any) -> Any:
    """``x tanh(softplus(x))``."""
    return x * wnp.tanh(wnp.softplus(x))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return wnp.tanh(x)


def softsign(x: Any) -> Any:
    """``x / (1 + |x|)``."""
    return x / (1.0 + wnp.abs(x))


def hard_tanh(x: Any) -> Any:
    """``x`` cut off at -1 and 1."""
    return wnp.clip(x, -1.0, 1.0)


def softmax(x: Any) -> Any:
    """``exp(x) / Σ exp(x)`` over the last axis."""
    return wnp.softmax(x, axis=-1)


def log_softmax(x: Any) -> Any:
    """``x - log Σ exp(x)`` over the last axis."""
    return wnp.log_softmax(x, axis=-1)


def glu(x: Any) -> Any:
    """``a sigmoid(b)`` of the halves (a, b) of the last axis.

    Dauphin et al., "Language modeling with gated convolutional networks", ICML 2017.
    """
    half = x.shape[-1] // 2
    return x[..., :half] * wnp.sigmoid(x[..., half:])
