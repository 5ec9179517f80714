"""Layers that go through a sequence, step by step."""

from __future__ import annotations

import dataclasses
from typing import Any

import wengert.numpy as wnp
from wengert._core.source import explain
from wengert.errors import ShapeError
from wengert.nn import checks
from wengert.nn.layer import Context, Layer


@dataclasses.dataclass(frozen=True)
class Cell(Layer):
    """One step in time: ``(x, carry) -> (y, carry)``, x of shape (batch, features).

    A cell has ``hidden`` entries in y, and two methods: ``project(x, params, context)``
    is what its gates need of the input, for any number of steps at once, and
    ``step(projected, carry, params)`` the next carry. A carry is a tuple of arrays of
    shape (batch, hidden), and its first one is y.
    """

    hidden: int

    @property
    def carries(self) -> int:
        """How many arrays a carry is."""
        return 1

    def project(self, x: Any, params: Any, context: Context) -> Any:
        raise NotImplementedError

    def step(self, projected: Any, carry: Any, params: Any) -> Any:
        raise NotImplementedError

    def start(self, x: Any) -> tuple[Any, ...]:
        """The carry of zeros, for inputs (batch, ..., features)."""
        shape = (x.shape[0], self.hidden)
        return tuple(wnp.zeros(shape, x.dtype) for _ in range(self.carries))

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        x, carry = with_carry(self, x, context)
        carry = self.step(self.project(x, params, context), carry, params)
        return (carry[0], carry), state


def with_carry(cell: Cell, x: Any, context: Context) -> tuple[Any, Any]:
    """An input and the carry that it begins with: ``(x, carry)``, or x and zeros."""
    if not isinstance(x, tuple):
        checks.axes(context, x, 2, "(batch, ..., features)")
        return x, cell.start(x)
    x, carry = x
    checks.axes(context, x, 2, "(batch, ..., features)")
    wanted = (x.shape[0], cell.hidden)
    found = [tuple(c.shape) for c in carry]
    if found != [wanted] * cell.carries:
        raise ShapeError(
            explain(
                f"{context.path}: expected a carry of {cell.carries} arrays of shape "
                f"{wanted}, got {found}",
                fix="pass the carry that the last call returned, or x alone",
            )
        )
    return x, tuple(carry)


@dataclasses.dataclass(frozen=True)
class Recurrent(Layer):
    """A cell along a sequence: (batch, time, features) -> (batch, time, hidden).

    The input's part of all gates at all times is one product before the loop; the loop
    does one product a step, for the hidden part of all gates.

    Args:
        cell: `RNNCell`, `LSTMCell` or `GRUCell`.
        last: Return the last y only, (batch, hidden).
        reverse: Go from the last time to the first; y keep the places of their x.
        stateful: Begin where the last call has ended: the carry is in the state, and a
            sequence may be given in parts. The batch is that of the sample.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Recurrent(nn.LSTMCell(8), last=True)
        >>> x = np.ones((2, 5, 3))
        >>> params, state = nn.setup(wg.random.key(0), model, x)
        >>> nn.apply(model, x, params, state)[0].shape
        (2, 8)
    """

    cell: Cell
    last: bool = False
    reverse: bool = False
    stateful: bool = False

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        if x is not None:
            checks.axes(context, x, 3, "(batch, time, features)")
        inside = context.inside("", self.cell)
        params, _ = self.cell.setup(key, x, inside)
        if not self.stateful:
            return params, ()
        checks.size(context, "batches", None, x, 0)
        return params, self.cell.start(x.astype(context.dtype))

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        checks.axes(context, x, 3, "(batch, time, features)")
        inside = context.inside("", self.cell)
        x, carry = with_carry(self.cell, (x, state) if self.stateful else x, inside)
        projected = self.cell.project(x, params, inside)
        batch, time = projected.shape[:2]
        ys = wnp.zeros((batch, time, self.cell.hidden), projected.dtype)
        for k in range(time):
            t = time - 1 - k if self.reverse else k
            carry = self.cell.step(projected[:, t], carry, params)
            ys[:, t] = carry[0]
        y = carry[0] if self.last else ys
        return y, (carry if self.stateful else state)
