"""A training as it goes on."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Arrays(NamedTuple):
    """What a checkpoint keeps in safetensors."""

    params: Any
    opt_state: Any
    state: Any
    best_params: Any
    best_state: Any


class Progress(NamedTuple):
    """What a checkpoint keeps in JSON.

    `batch` batches of epoch `epoch` are done, and `total` is the sum of their losses.
    `waited` epochs have not been better than `best`.
    """

    epoch: int = 0
    batch: int = 0
    steps: int = 0
    total: float = 0.0
    best: float = math.inf
    waited: int = 0
    history: Any = ()

    def stepped(self, loss: float) -> Progress:
        return self._replace(
            batch=self.batch + 1, steps=self.steps + 1, total=self.total + loss
        )

    def ended(self, record: dict[str, float], value: float, least: float) -> Progress:
        """An epoch later; `value` is what should fall, by at least `least`."""
        better = value < self.best - least
        return self._replace(
            epoch=self.epoch + 1,
            batch=0,
            total=0.0,
            best=value if better else self.best,
            waited=0 if better else self.waited + 1,
            history=[*self.history, record],
        )


class Run:
    """A training between two steps."""

    def __init__(self, params: Any, opt_state: Any, state: Any) -> None:
        self.arrays = Arrays(params, opt_state, state, params, state)
        self.progress = Progress()
