"""What the passes share: atoms in place of variables, other regions in operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert._core.types import ArrayType
from wengert._ir.control import Call, Control, Custom, Effect, For, If, Recur, While
from wengert._ir.program import Atom, Equation, Literal, Program, Var, substitute

Key: TypeAlias = Any


class Substitution:
    """Atoms to read in place of variables.

    `fresh`: every result of an equation becomes a new variable, so that a region can
    stand in a program twice.
    """

    def __init__(
        self, atoms: dict[Var, Atom] | None = None, fresh: bool = False
    ) -> None:
        self.atoms: dict[Var, Atom] = {} if atoms is None else atoms
        self.fresh = fresh

    def atom(self, atom: Atom) -> Atom:
        return self.atoms.get(atom, atom) if isinstance(atom, Var) else atom

    def extent(self, var: Var) -> Any:
        """A run-time extent as it stands in a type or param."""
        atom = self.atoms.get(var, var)
        return int(atom.value) if isinstance(atom, Literal) else atom

    def type(self, type_: ArrayType) -> ArrayType:
        if not any(isinstance(n, Var) for n in type_.shape):
            return type_
        found = substitute(type_, self.extent)
        return type_ if found == type_ else found

    def equation(self, equation: Equation) -> Equation:
        """An equation in terms of the new atoms; the same object if it reads none."""
        if not self.atoms and not self.fresh:
            return equation
        inputs = tuple(map(self.atom, equation.inputs))
        params = equation.params and {
            k: substitute(v, self.extent) for k, v in equation.params.items()
        }
        outputs = tuple(map(self.output, equation.outputs))
        same = (
            all(map(_is, inputs, equation.inputs))
            and all(map(_is, outputs, equation.outputs))
            and params == equation.params
        )
        if same:
            return equation
        return equation._replace(inputs=inputs, params=params, outputs=outputs)

    def output(self, var: Var) -> Var:
        """A result, or another variable where its type or name changes."""
        type_ = self.type(var.type)
        if type_ is var.type and not self.fresh:
            return var
        changed = Var(type_)
        self.atoms[var] = changed
        return changed


def _is(a: Any, b: Any) -> bool:
    return a is b


def inlined(program: Program, arguments: Sequence[Atom]) -> Program:
    """A copy of a region without parameters: its equations for these arguments."""
    given = dict(zip(program.params, arguments, strict=True))
    substitution = Substitution(given, fresh=True)
    equations = tuple(map(substitution.equation, program.equations))
    return Program((), equations, tuple(map(substitution.atom, program.results)))


def rebuilt(op: Control, regions: Sequence[Program], constants: int = 0) -> Control:
    """A control operation of the same kind with other regions."""
    if isinstance(op, For):
        return For(regions[0], constants, op.checkpoints)
    if isinstance(op, While):
        return While(regions[0], regions[1], constants, op.checkpoints)
    if isinstance(op, If):
        return If(regions[0], regions[1])
    assert isinstance(op, Call)
    return Call(regions[0], op.by_lane, op.label, op.known)


def has_regions(op: Any) -> bool:
    return isinstance(op, Control) and not isinstance(op, (Effect, Recur))


def is_recursive(op: Any) -> bool:
    """Whether a function calls itself: all its calls get and give the same."""
    return isinstance(op, Call) and op.label is not None


def is_loop(op: Any) -> bool:
    return isinstance(op, (For, While))


def regions_of(op: Control) -> list[Program]:
    return list(op.regions.values())


def lead_of(op: Control) -> int:
    """The number of operands in front of those that the regions get."""
    return int(isinstance(op, (For, If)))


def region_lead_of(op: Control) -> int:
    """The number of parameters of a region that are no operands."""
    return int(isinstance(op, For))


def constants_of(op: Control) -> int:
    """The number of operands that every run of a region reads alike."""
    if isinstance(op, (For, While)):
        return op.constants
    return len(regions_of(op)[0].params)


def with_regions(op: Control, regions: Sequence[Program]) -> Control:
    """The operation itself where no region is another one."""
    if all(map(_is, regions, regions_of(op))):
        return op
    if isinstance(op, Custom):  # its operands are those that its rules get
        return Custom(regions[0], op.function, op.extents, op.arity)
    return rebuilt(op, regions, constants_of(op))


def changed(
    program: Program, equations: Sequence[Equation], results: Sequence[Atom]
) -> Program:
    """A program with other equations and results; the same object if they are not."""
    if (
        len(equations) == len(program.equations)
        and all(map(_is, equations, program.equations))
        and all(map(_is, results, program.results))
    ):
        return program
    return program._replace(equations=tuple(equations), results=tuple(results))


def key_of(value: Any) -> Key:
    """What params, types and literals are compared by: numbers by type and bits."""
    kind = type(value)
    if kind is Literal:
        number = value.value
        return ("literal", number.dtype.str, number.tobytes())
    if value is None or kind in (Var, int, str, np.dtype) or isinstance(value, type):
        return value
    if kind is tuple:
        return tuple([key_of(item) for item in value])
    if kind is slice:
        return ("slice", *map(key_of, (value.start, value.stop, value.step)))
    if kind is float:
        return ("float", value.hex())
    if isinstance(value, (np.generic, np.ndarray)):
        return (kind, value.dtype.str, value.shape, value.tobytes())
    if kind is complex:
        return ("complex", value.real.hex(), value.imag.hex())
    return (kind, value)


def same(a: Atom, b: Atom) -> bool:
    """Whether two atoms are one value."""
    if isinstance(a, Literal):
        return isinstance(b, Literal) and key_of(a) == key_of(b)
    return a is b


def is_entrywise(op: Any) -> bool:
    """Whether an op computes each entry of its result from those of its operands."""
    return getattr(op, "family", None) == "elementwise" or op.name in _ENTRYWISE


_ENTRYWISE = frozenset(
    "equal not_equal less less_equal greater greater_equal logical_and logical_or "
    "logical_xor logical_not isnan isinf isfinite signbit bitwise_and bitwise_or "
    "bitwise_xor invert left_shift right_shift sign floor ceil trunc rint floor_divide "
    "to_integer".split()
)
