"""A vector for each of finitely many things."""

from __future__ import annotations

import dataclasses
from typing import Any

from wengert.nn import checks
from wengert.nn.initialisers import Initialiser, Normal
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class Embedding(Layer):
    """``y = W[x]``: row x of a table, for integers x of any shape.

    Args:
        count: Rows of the table; x is from 0 to count - 1; negative ones count
            from the end, as in NumPy, and others are an IndexError.
        features: Entries of a row, the last axis of y.
        weight_init: How W, of shape (count, features), begins.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> params, state = nn.setup(wg.random.key(0), nn.Embedding(100, 8))
        >>> nn.apply(nn.Embedding(100, 8), np.array([[3, 14, 15]]), params)[0].shape
        (1, 3, 8)
    """

    count: int
    features: int
    weight_init: Initialiser = Normal(1.0)

    def __post_init__(self) -> None:
        checks.positive("Embedding", count=self.count, features=self.features)

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        shape = (self.count, self.features)
        return {"weight": self.weight_init(key, shape, context.dtype)}, ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        checks.integers(context, "places in the table", x)
        shape = (self.count, self.features)
        return checks.parameter(context, params, "weight", shape)[x], state
