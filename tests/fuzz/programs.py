"""Programs of text as functions, and what they are called with."""

from __future__ import annotations

import linecache
from typing import Any, NamedTuple

import numpy as np


class Loaded(NamedTuple):
    """A program: its function, and the module-level array that it reads."""

    function: Any
    weights: np.ndarray


class Inputs(NamedTuple):
    """The arguments of a program, and what its module-level array holds."""

    x: np.ndarray
    a: float
    n: int
    weights: np.ndarray


def load(text: str, name: str) -> Loaded:
    """The function of a text; `inspect` finds its source."""
    file = f"<fuzz {name}>"
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    names: dict[str, Any] = {"__name__": "fuzz"}
    exec(compile(text, file, "exec"), names)
    return Loaded(names["f"], names["WEIGHTS"])


def inputs(seed: int, length: int, count: int) -> list[Inputs]:
    """Arguments for which different branches are likely taken."""
    rng = np.random.default_rng(seed)
    return [
        Inputs(
            rng.uniform(-1.2, 1.2, length),
            float(rng.uniform(-1, 1)),
            int(rng.integers(1, 4)),
            rng.uniform(-1, 1, length),
        )
        for _ in range(count)
    ]


def call(loaded: Loaded, function: Any, given: Inputs, *more: Any) -> Any:
    """What `function` returns, and what it leaves in x and in the module's array."""
    loaded.weights[...] = given.weights
    x = given.x.copy()
    out = function(x, given.a, given.n, *more)
    return out, x, loaded.weights.copy()
