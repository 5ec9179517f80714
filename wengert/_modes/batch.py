"""vmap: every value may carry a batch axis, which is always its axis 0."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from wengert._core.interp import CURRENT, EVALUATE, Interpreter, Tracer
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import Params
from wengert.errors import LanesDisagreeError


class BatchTracer(Tracer):
    """A value for each lane: `value` has the lanes along its axis 0."""

    __slots__ = ("interpreter", "value")

    def __init__(self, interpreter: Batch, value: Any) -> None:
        self.interpreter = interpreter
        self.value = value

    @property
    def shape(self) -> Any:
        return self.value.shape[1:]

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    def depends(self) -> bool:
        return isinstance(self.value, Tracer) and self.value.depends()

    @property
    def ndim(self) -> int:
        return len(self.value.shape) - 1

    @property
    def below(self) -> Any:
        return self.value

    def concrete(self) -> Any:
        """The value of every lane, if they all agree."""
        lanes = self.value
        while isinstance(lanes, Tracer):
            if not lanes.known:
                self._refuse_staged()
            lanes = lanes.concrete()
        lanes = np.asarray(lanes)
        if len(lanes) and (lanes == lanes[0]).all():
            return lanes[0]
        raise LanesDisagreeError(
            explain(
                f"bool(): the {len(lanes)} lanes of this batched value differ",
                why="vmap runs the function once for all lanes, so they take one path.",
                fix="select with np.where, run lane by lane with wg.map, "
                "or compile with wg.jit(wg.vmap(f))",
            )
        )

    def _refuse_staged(self) -> NoReturn:
        """Raise: a length, say, that each lane has for itself, in compiled code."""
        raise LanesDisagreeError(
            explain(
                "the number of each lane is needed while compiling: as a bound of a "
                "slice, a shape or a condition that jit cannot convert",
                why="vmap runs the function once for all lanes, and they may differ.",
                fix="compile the function of one lane, which then runs lane by lane: "
                "wg.vmap(wg.jit(f))",
            )
        )


class Batch(Interpreter):
    """Interpreter that runs every op on all lanes at once."""

    name = "vmap"

    def __init__(self, parent: Interpreter, size: Any) -> None:
        super().__init__(parent)
        self.size = size

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        batched = tuple(
            type(x) is BatchTracer and x.interpreter is self for x in operands
        )
        if True not in batched:
            return self.parent.apply(op, operands, params)
        values = tuple(
            x.value if is_batched else x
            for x, is_batched in zip(operands, batched, strict=True)
        )
        if self.parent is EVALUATE:
            for x, is_batched in zip(operands, batched, strict=True):
                if not is_batched and isinstance(x, Tracer):
                    x.refuse_leak()
        token = CURRENT.set(self.parent)
        try:
            out = op.batch(self.size, batched, values, params)
        finally:
            CURRENT.reset(token)
        if op.multiple:
            return tuple(BatchTracer(self, o) for o in out)
        return BatchTracer(self, out)

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        if not any(type(x) is BatchTracer and x.interpreter is self for x in operands):
            return super().call(function, operands)
        return function.on_batch(self, operands)
