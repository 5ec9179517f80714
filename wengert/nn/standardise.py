"""Mean 0 and variance 1, on which the normalising layers rest."""

from __future__ import annotations

from typing import Any

import wengert.numpy as wnp


def moments(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Mean and variance (of the numbers themselves, not estimated), axes kept."""
    mean = wnp.mean(x, axis=axes, keepdims=True)
    return mean, wnp.mean(wnp.square(x - mean), axis=axes, keepdims=True)


def standardise(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """``(x - mean) / √(variance + ε)``."""
    mean, variance = moments(x, axes)
    return (x - mean) / wnp.sqrt(variance + epsilon)
