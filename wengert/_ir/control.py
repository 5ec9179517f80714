"""Control flow as operations whose regions are programs.

Operands come in two groups: constants, which every run of a region reads, and carries,
which each step of a loop hands to the next.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from wengert._ir.program import Program


class Control:
    """An operation with regions."""

    name: str
    multiple = True

    def __init__(self) -> None:
        self.derived: dict[Any, Any] = {}  # programs made of this one, once

    @property
    def regions(self) -> dict[str, Program]:
        return {}

    def with_regions(self, regions: dict[str, Program]) -> Control:
        """The same operation with other regions, of the same names."""
        new = copy.copy(self)
        new.__dict__.update(regions, derived={})
        return new


class For(Control):
    """``n`` steps: ``For(n, *constants, *carries) -> carries``.

    ``body(i, *constants, *carries) -> carries``, for i from 0 to n - 1; i is an int64.
    `checkpoints` is the schedule by which reverse mode stores and runs steps again.
    """

    name = "for"

    def __init__(self, body: Program, constants: int, checkpoints: Any = None) -> None:
        super().__init__()
        self.body = body
        self.constants = constants
        self.checkpoints = checkpoints

    @property
    def regions(self) -> dict[str, Program]:
        return {"body": self.body}


class While(Control):
    """``While(*constants, *carries) -> carries``: steps as long as the condition holds.

    ``test(*constants, *carries) -> bool``, ``body(*constants, *carries) -> carries``.
    `checkpoints` as for `For`.
    """

    name = "while"

    def __init__(
        self, test: Program, body: Program, constants: int, checkpoints: Any = None
    ) -> None:
        super().__init__()
        self.test = test
        self.body = body
        self.constants = constants
        self.checkpoints = checkpoints

    @property
    def regions(self) -> dict[str, Program]:
        return {"test": self.test, "body": self.body}


class If(Control):
    """``If(predicate, *operands) -> results``: one of two regions of the operands."""

    name = "if"

    def __init__(self, then: Program, orelse: Program) -> None:
        super().__init__()
        self.then = then
        self.orelse = orelse

    @property
    def regions(self) -> dict[str, Program]:
        return {"then": self.then, "else": self.orelse}

    def with_regions(self, regions: dict[str, Program]) -> Control:
        return If(regions["then"], regions["else"])


class Label:
    """What a function that calls itself is called by, inside itself.

    `interface` is the function without its equations: parameters, and results.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.interface: Program = Program((), (), ())


class Call(Control):
    """``Call(*operands) -> results``: a program as a function of its own.

    by_lane: under vmap each lane makes a call of its own. label: what `Recur` calls it
    by in the callee. known: what has been derived of it already, where that is being
    derived: a `Recur`, by what it is.
    """

    name = "call"

    def __init__(
        self,
        callee: Program,
        by_lane: bool = False,
        label: Label | None = None,
        known: dict[Any, Any] | None = None,
    ) -> None:
        super().__init__()
        self.callee = callee
        self.by_lane = by_lane
        self.label = label
        self.known = known or {}

    @property
    def regions(self) -> dict[str, Program]:
        return {"callee": self.callee}


class Recur(Control):
    """``Recur(*operands) -> results``: a call of a function that stands around it."""

    name = "recur"

    def __init__(self, label: Label, effects: bool = True) -> None:
        super().__init__()
        self.label = label
        self.effects = effects  # whether the function does more than give results


class Custom(Call):
    """A call of a function that has derivative rules of its own.

    `function` is applied to `arity` operands; before them are their run-time extents,
    `extents` of them, and behind them arrays that it reads besides.
    """

    def __init__(
        self, callee: Program, function: Any, extents: int, arity: int
    ) -> None:
        super().__init__(callee)
        self.function = function
        self.extents = extents
        self.arity = arity

    def arguments(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """Of the operands, those of `function`."""
        return tuple(operands[self.extents : self.extents + self.arity])


class Effect(Control):
    """What is done for more than results: never removed, moved or done twice."""


class Print(Effect):
    """``Print(*values)``: calls ``show(*values)``."""

    name = "print"

    def __init__(self, show: Any) -> None:
        super().__init__()
        self.show = show

    def evaluate(self, *values: Any) -> list[Any]:
        self.show(*values)
        return []


class Opaque(Effect):
    """``Opaque(*extents, *operands) -> results``: a function of the user's, by Python.

    ``function.computed(*operands)`` gives the results for NumPy arrays; before the
    operands may stand their run-time extents, `extents` of them.
    """

    name = "opaque"

    def __init__(self, function: Any, extents: int = 0) -> None:
        super().__init__()
        self.function = function
        self.extents = extents

    def arguments(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """Of the operands, those of `function`."""
        return tuple(operands[self.extents :])

    def evaluate(self, *values: Any) -> list[Any]:
        return list(self.function.computed(self.arguments(values)))


class Check(Effect):
    """``Check(condition, *values)``: raises where the condition is false.

    ``error(*values)`` is the exception to raise, made by Python.
    """

    name = "check"

    def __init__(self, error: Any) -> None:
        super().__init__()
        self.error = error
