"""Sums of int64 scalars: the linear forms that extents and indices are.

int64 arithmetic wraps around, so a sum has one value however it is written.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert._core.op import OPS
from wengert._core.types import ArrayType
from wengert._ir.program import Atom, Equation, Literal, Var

INDEX = ArrayType((), np.dtype(np.int64))
_LONGEST = 8  # terms


class Form(NamedTuple):
    """``sum(factor * variable) + constant``."""

    terms: dict[Var, int]
    constant: int


class LinearForms:
    """The forms of the int64 scalars of a region."""

    def __init__(self) -> None:
        self.forms: dict[Var, Form] = {}
        self.known: dict[frozenset[Any], tuple[Var, int]] = {}

    def of(self, atom: Atom) -> Form:
        if isinstance(atom, Literal):
            return Form({}, int(atom.value))
        return self.forms.get(atom) or Form({atom: 1}, 0)

    def note(self, equation: Equation) -> Form | None:
        """The form of the result, if it has one that is new."""
        form = self.form(equation)
        if form is not None and 0 < len(form.terms) <= _LONGEST:
            out = equation.outputs[0]
            self.forms[out] = form
            self.known.setdefault(frozenset(form.terms.items()), (out, form.constant))
        return form

    def form(self, equation: Equation) -> Form | None:
        """The form of a result; None where it is no sum."""
        name = equation.op.name
        if name == "negative":
            return _times(self.of(equation.inputs[0]), -1)
        x, y = map(self.of, equation.inputs)
        if name == "add":
            return summed(x, y, 1)
        if name == "subtract":
            return summed(x, y, -1)
        if x.terms and y.terms:
            return None
        return _times(x, y.constant) if x.terms else _times(y, x.constant)

    def simplified(self, equation: Equation) -> Atom | Equation | None:
        """A shorter way to the result of an equation, if there is one."""
        form = self.form(equation)
        if form is None:
            return None
        if not form.terms:
            return Literal(np.int64(form.constant))
        if len(form.terms) == 1 and form.constant == 0:
            ((var, factor),) = form.terms.items()
            if factor == 1:
                return var
        earlier = self.known.get(frozenset(form.terms.items()))
        if earlier is not None and earlier[1] == form.constant:
            return earlier[0]
        return self._rewritten(equation, form, earlier)

    def _rewritten(
        self, equation: Equation, form: Form, earlier: tuple[Var, int] | None
    ) -> Equation | None:
        name, inputs = _direct(form)
        if not inputs and earlier is not None:
            name, inputs = _shifted(earlier[0], form.constant - earlier[1])
        if not inputs or (name == equation.op.name and _equal(inputs, equation.inputs)):
            return None
        return equation._replace(op=OPS[name], inputs=inputs)


def is_linear(equation: Equation) -> bool:
    return (
        equation.op.name in ("add", "subtract", "multiply", "negative")
        and equation.outputs[0].type == INDEX
        and all(a.type == INDEX for a in equation.inputs)
    )


def _wrapped(number: int) -> int:
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _times(x: Form, factor: int) -> Form:
    return summed(Form({}, 0), x, factor)


def summed(x: Form, y: Form, factor: int) -> Form:
    """``x + factor * y``."""
    terms = dict(x.terms)
    for var, number in y.terms.items():
        total = _wrapped(terms.pop(var, 0) + factor * number)
        if total:
            terms[var] = total
    return Form(terms, _wrapped(x.constant + factor * y.constant))


def _direct(form: Form) -> tuple[str, tuple[Atom, ...]]:
    """A form as one equation of its variables, if it is that short."""
    positive = [v for v, factor in form.terms.items() if factor == 1]
    negative = [v for v, factor in form.terms.items() if factor == -1]
    if len(positive) + len(negative) < len(form.terms):
        return "", ()
    if len(positive) == 1 and not negative:
        return _shifted(positive[0], form.constant)
    if len(negative) == 1 and not positive:
        return "subtract", (Literal(np.int64(form.constant)), negative[0])
    if len(form.terms) > 2 or form.constant or len(negative) > 1:
        return "", ()
    if negative:
        return "subtract", (positive[0], negative[0])
    return "add", (positive[0], positive[1])


def _shifted(var: Var, constant: int) -> tuple[str, tuple[Atom, ...]]:
    constant = _wrapped(constant)
    if -(1 << 63) < constant < 0:
        return "subtract", (var, Literal(np.int64(-constant)))
    return "add", (var, Literal(np.int64(constant)))


def _equal(a: tuple[Atom, ...], b: tuple[Atom, ...]) -> bool:
    return len(a) == len(b) and all(
        x is y
        or (isinstance(x, Literal) and isinstance(y, Literal) and x.value == y.value)
        for x, y in zip(a, b, strict=True)
    )
