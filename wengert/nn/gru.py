"""Gated recurrent units."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert.numpy as wnp
from wengert.nn import checks
from wengert.nn.initialisers import zeros
from wengert.nn.layer import Context
from wengert.nn.recurrent import Cell
from wengert.nn.rnn import gates_of_input, gates_setup


@dataclasses.dataclass(frozen=True)
class GRUCell(Cell):
    """``h' = (1 - z) n + z h`` with ``n = tanh(W_n x + b_n + r (U_n h + d))``; y is h'.

    ``r = σ(W_r x + U_r h + b_r)`` and ``z = σ(W_z x + U_z h + b_z)``. The parameters
    "input" W, "hidden" U and "bias" b have the rows in the order r, z, n;
    "hidden_bias" is d. The reset gate r multiplies after the product, so that there is
    one product a step.

    Args:
        hidden: Entries of h.
        inputs: Entries of x; None: read off the sample.

    References:
        Cho et al., "Learning phrase representations using RNN encoder-decoder for
        statistical machine translation", EMNLP 2014.
    """

    inputs: int | None = None

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        params = gates_setup(self, 3, self.inputs, key, x, context)
        return {**params, "hidden_bias": zeros(key, (self.hidden,), context.dtype)}, ()

    def project(self, x: Any, params: Any, context: Context) -> Any:
        checks.parameter(context, params, "hidden_bias", (self.hidden,))
        return gates_of_input(self, 3, x, params, context)

    def step(self, projected: Any, carry: Any, params: Any) -> Any:
        (h,) = carry
        n = self.hidden
        of_hidden = h @ params["hidden"].T
        r = wnp.sigmoid(projected[:, :n] + of_hidden[:, :n])
        z = wnp.sigmoid(projected[:, n : 2 * n] + of_hidden[:, n : 2 * n])
        inner = of_hidden[:, 2 * n :] + params["hidden_bias"]
        new = wnp.tanh(projected[:, 2 * n :] + r * inner)
        return (new + z * (h - new),)
