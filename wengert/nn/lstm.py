"""Long short-term memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert.numpy as wnp
from wengert.nn.layer import Context
from wengert.nn.recurrent import Cell
from wengert.nn.rnn import gates_of_input, gates_setup


@dataclasses.dataclass(frozen=True)
class LSTMCell(Cell):
    """``c' = σ(f) c + σ(i) tanh(g)``, ``h' = σ(o) tanh(c')``; y is h'.

    ``(i, f, g, o) = W x + U h + b``, of which the parameters "input" W, "hidden" U and
    "bias" b have the rows in this order. The bias of f begins with 1, so that the cell
    remembers at first. A carry is ``(h, c)``.

    Args:
        hidden: Entries of h and of c.
        inputs: Entries of x; None: read off the sample.

    References:
        Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997;
        Gers, Schmidhuber & Cummins, Neural Computation 12, 2000 (the gate f).
    """

    inputs: int | None = None

    @property
    def carries(self) -> int:
        return 2

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        params = gates_setup(self, 4, self.inputs, key, x, context)
        params["bias"][self.hidden : 2 * self.hidden] = 1.0
        return params, ()

    def project(self, x: Any, params: Any, context: Context) -> Any:
        return gates_of_input(self, 4, x, params, context)

    def step(self, projected: Any, carry: Any, params: Any) -> Any:
        h, c = carry
        n = self.hidden
        gates = projected + h @ params["hidden"].T
        i, f = wnp.sigmoid(gates[:, :n]), wnp.sigmoid(gates[:, n : 2 * n])
        g, o = wnp.tanh(gates[:, 2 * n : 3 * n]), wnp.sigmoid(gates[:, 3 * n :])
        c = f * c + i * g
        return o * wnp.tanh(c), c
