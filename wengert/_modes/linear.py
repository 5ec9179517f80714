"""A tape that only takes linear ops: how one rule is derived from the other."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from wengert._core.interp import Interpreter
from wengert._core.op import Op, _rule_parameters
from wengert._core.source import explain
from wengert._core.types import Params
from wengert._modes.block import concrete
from wengert._modes.tape import Tape, TapeTracer
from wengert.errors import CustomRuleError


class LinearTape(Tape):
    """Records a rule that must be linear in what it is given, and refuses any other.

    Every op must be affine in its traced operands: their pullbacks then read none of
    them, nor the result. That the whole is linear, not only affine, is checked by its
    value at zero (`check_zero`).
    """

    name = "linear"

    def __init__(
        self, parent: Interpreter, function: str, given: str, wanted: str
    ) -> None:
        super().__init__(parent)
        self.function = function
        self.given = given
        self.wanted = wanted

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        own = [
            i
            for i, x in enumerate(operands)
            if type(x) is TapeTracer and x.interpreter is self
        ]
        if own and (op.cut is not None or not _is_affine(op, own)):
            self.refuse(f"{op.name} of what it is given")
        return super().apply(op, operands, params)

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        if any(type(x) is TapeTracer and x.interpreter is self for x in operands):
            self.refuse(f"{function.name} of what it is given")
        return super().call(function, operands)

    def observer(self, what: str, _: Any) -> None:
        self.refuse(f"{what} of what it is given")

    def check_zero(self, values: list[Any]) -> None:
        """Refuse a rule that returns something else than 0 where it is given 0."""
        for value in values:
            x = np.asarray(concrete(value)) if value is not None else np.zeros(())
            if x.dtype.kind in "fc" and bool(((x != 0) & (x == x)).any()):
                self.refuse("a constant besides what it is given")

    def refuse(self, found: str) -> NoReturn:
        raise CustomRuleError(
            explain(
                f"{self.function}: the {self.wanted} rule is missing, and the "
                f"{self.given} "
                f"rule is not linear: it takes {found}",
                why=f"only a linear {self.given} rule says what the {self.wanted} "
                "rule is.",
                fix="attach the other rule too (defjvp and defvjp on one function)",
            )
        )


def _is_affine(op: Op, own: list[int]) -> bool:
    """Whether the pullbacks of these operands read none of them, nor the result."""
    if op.multiple:
        return False
    if op.variadic:
        return not op.keeps_operands
    hidden = {0, *(i + 1 for i in own)}  # of (out, *operands)
    for i in own:
        for position, name in enumerate(_rule_parameters(op.vjps[i])):
            read = not name.lstrip("*").startswith("_") and not name.endswith("_type")
            if read and (
                position in hidden or name.startswith("*") and max(own) >= position
            ):
                return False
    return True
