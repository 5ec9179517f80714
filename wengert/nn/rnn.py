"""The plain recurrent cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import wengert as wg
from wengert.nn import checks
from wengert.nn.activations import tanh
from wengert.nn.initialisers import Initialiser, Uniform, zeros
from wengert.nn.layer import Context
from wengert.nn.recurrent import Cell


def gates_setup(
    cell: Cell, gates: int, inputs: int | None, key: Any, x: Any, context: Context
) -> dict[str, Any]:
    """Parameters of all gates: rows of one gate after those of the other."""
    checks.positive(cell.name, hidden=cell.hidden, inputs=inputs)
    count = checks.size(context, "inputs", inputs, x, -1)
    rows = gates * cell.hidden
    first, second = wg.random.split(key)
    draw: Initialiser = Uniform(cell.hidden**-0.5)
    return {
        "input": draw(first, (rows, count), context.dtype),
        "hidden": draw(second, (rows, cell.hidden), context.dtype),
        "bias": zeros(key, (rows,), context.dtype),
    }


def gates_of_input(
    cell: Cell, gates: int, x: Any, params: Any, context: Context
) -> Any:
    """``W x + b`` of all gates, on the last axis."""
    rows = gates * cell.hidden
    weight = checks.parameter(context, params, "input", (rows, None))
    bias = checks.parameter(context, params, "bias", (rows,))
    checks.parameter(context, params, "hidden", (rows, cell.hidden))
    checks.features(context, x, weight.shape[1])
    return x @ weight.T + bias


@dataclasses.dataclass(frozen=True)
class RNNCell(Cell):
    """``h' = f(W x + U h + b)``; y is h'.

    Parameters are "input" W, "hidden" U and "bias" b.

    Args:
        hidden: Entries of h.
        inputs: Entries of x; None: read off the sample.
        activation: The f.

    References:
        Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    inputs: int | None = None
    activation: Callable[[Any], Any] = tanh

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        return gates_setup(self, 1, self.inputs, key, x, context), ()

    def project(self, x: Any, params: Any, context: Context) -> Any:
        return gates_of_input(self, 1, x, params, context)

    def step(self, projected: Any, carry: Any, params: Any) -> Any:
        (h,) = carry
        return (self.activation(projected + h @ params["hidden"].T),)
