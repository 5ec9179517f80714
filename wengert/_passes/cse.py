"""Common subexpressions: what is computed twice in a region is computed once."""

from __future__ import annotations

from typing import Any, TypeAlias

from wengert._ir.control import Call, Control, Custom, Effect, Recur
from wengert._ir.program import Atom, Equation, Program, Var, substitute
from wengert._passes.rewriting import (
    Key,
    Substitution,
    changed,
    constants_of,
    has_regions,
    key_of,
    regions_of,
    with_regions,
)

_Number: TypeAlias = tuple[str, int]

_COMMUTATIVE = frozenset(
    "add multiply equal not_equal logical_and logical_or logical_xor".split()
)


def eliminate_common(program: Program) -> Program:
    """A program in which equal equations of a region are one.

    Literals are equal if their bits are. Control operations are equal if their regions
    are, equation by equation; those with effects stay.
    """
    return _Numbering().program(program)


class _Numbering:
    """Keys and new versions of control operations, each made once."""

    def __init__(self) -> None:
        self.done: dict[Any, Control] = {}
        self.keys: dict[Any, Key] = {}
        self.calls: dict[Key, Control] = {}  # equal functions are one
        self.numbers: dict[Key, int] = {}  # keys are long: they are hashed once

    def program(self, program: Program) -> Program:
        substitution = Substitution()
        first: dict[Key, tuple[Var, ...]] = {}
        order = {param: i for i, param in enumerate(program.params)}
        equations = []
        for given in program.equations:
            equation = self._with_new_regions(substitution.equation(given))
            key = self._key(equation, order)
            earlier = first.get(key) if key is not None else None
            if earlier is not None and _interchangeable(equation.outputs, earlier):
                substitution.atoms.update(zip(given.outputs, earlier, strict=True))
                continue
            if key is not None:
                first[key] = equation.outputs
            for var in equation.outputs:
                order[var] = len(order)
            equations.append(equation)
        results = [substitution.atom(r) for r in program.results]
        return changed(program, equations, results)

    def _with_new_regions(self, equation: Equation) -> Equation:
        op = equation.op
        if not has_regions(op):
            return equation
        if op not in self.done:
            regions = [self.program(region) for region in regions_of(op)]
            self.done[op] = with_regions(op, regions)
        new = self.done[op]
        if isinstance(new, Call):
            key = self._control_key(new)
            new = self.calls.setdefault(key, new) if key is not None else new
        return equation if new is op else equation._replace(op=new)

    def _key(self, equation: Equation, order: dict[Var, int]) -> Key | None:
        """What equations with the same results have in common; None of an effect."""
        op = equation.op
        if isinstance(op, Control):
            inner = self._control_key(op)
            return inner and (inner, *map(key_of, equation.inputs))
        inputs = equation.inputs
        if op.name in _COMMUTATIVE and len(inputs) == 2:
            inputs = _ordered(inputs, order)
        params = equation.params
        if not params:
            return (op, *map(key_of, inputs))
        items = tuple([(k, key_of(params[k])) for k in sorted(params)])
        return (op, items, *map(key_of, inputs))

    def _control_key(self, op: Control) -> Key | None:
        if isinstance(op, Effect):
            return None
        if isinstance(op, Recur):
            return None if op.effects else ("recur", id(op.label))
        if op not in self.keys:
            regions = [self._region_key(region) for region in regions_of(op)]
            lane = (op.by_lane, id(op.label)) if isinstance(op, Call) else None
            rules = id(op.function) if isinstance(op, Custom) else None
            whole = (op.name, constants_of(op), lane, rules, tuple(regions))
            number = self.numbers.setdefault(whole, len(self.numbers))
            self.keys[op] = None if None in regions else ("control", number)
        return self.keys[op]

    def _region_key(self, program: Program) -> Key | None:
        """A region with its variables numbered in order."""
        numbers: dict[Var, _Number] = {}

        def note(var: Var) -> Key:
            shape = tuple([numbers.get(n, n) for n in var.type.shape])
            numbers[var] = ("variable", len(numbers))
            return (shape, var.type.dtype)

        parts: list[Key] = [tuple(map(note, program.params))]
        for equation in program.equations:
            renamed = _numbered(equation, numbers)
            op: Any = equation.op
            if isinstance(op, Control):
                op = self._control_key(op)
                if op is None:
                    return None
            parts.append((op, *renamed, tuple(map(note, equation.outputs))))
        parts.append(tuple([_number(r, numbers) for r in program.results]))
        return tuple(parts)


def _number(atom: Any, numbers: dict[Var, _Number]) -> Key:
    return numbers[atom] if isinstance(atom, Var) else key_of(atom)


def _numbered(equation: Equation, numbers: dict[Var, _Number]) -> tuple[Key, Key]:
    """Params and operands of an equation with numbers for variables."""
    items = [
        (k, key_of(substitute(v, numbers.__getitem__)))
        for k, v in sorted(equation.params.items())
    ]
    return tuple(items), tuple([_number(a, numbers) for a in equation.inputs])


def _ordered(inputs: tuple[Atom, ...], order: dict[Var, int]) -> tuple[Atom, ...]:
    """Two operands in one order, whichever is written first."""
    a, b = (order.get(x, -1) if isinstance(x, Var) else -2 for x in inputs)
    return inputs if a <= b else inputs[::-1]


def _interchangeable(found: tuple[Var, ...], earlier: tuple[Var, ...]) -> bool:
    """Whether types agree; extents may be equal without being known to be."""
    given = Substitution(dict(zip(found, earlier, strict=True)))
    return all(
        given.type(a.type) == b.type for a, b in zip(found, earlier, strict=True)
    )
