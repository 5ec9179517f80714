"""What training returns."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class Outcome(enum.IntEnum):
    """Why training has ended; its ``str`` says so in words.

    Example:
        >>> import wengert as wg
        >>> print(wg.train.Outcome.STOPPED_EARLY)
        the validation loss no longer falls
    """

    FINISHED = 0
    STOPPED_EARLY = 1
    INTERRUPTED = 2

    def __str__(self) -> str:
        return _WORDS[self]


_WORDS = {
    Outcome.FINISHED: "all epochs are done",
    Outcome.STOPPED_EARLY: "the validation loss no longer falls",
    Outcome.INTERRUPTED: "interrupted by Ctrl-C",
}


class Result(NamedTuple):
    """The end of a training.

    Attributes:
        params, state, opt_state: As they were after the last step.
        best_params, best_state: Those with the least validation loss; without
            validation, with the least training loss.
        history: A dictionary for each epoch: ``epoch``, ``steps`` so far, ``loss`` (the
            mean over its steps); with validation ``val_loss``, and ``val_`` with the
            name of each metric.
        steps: How many there were.
        outcome: An `Outcome`.
    """

    params: Any
    state: Any
    opt_state: Any
    best_params: Any
    best_state: Any
    history: list[dict[str, float]]
    steps: int
    outcome: Outcome
