"""Rows of the op table are complete, and keep no more than they use."""

from __future__ import annotations

import dis
import inspect

import pytest

import wengert.numpy  # noqa: F401  (fills the table)
from wengert._core.op import OPS, Undefined

ROWS = list(OPS)
FAMILIES = {
    "bilinear",
    "creation",
    "elementwise",
    "linear",
    "piecewise constant",
    "structural",
}
COLUMNS = ("abstract", "jvp", "vjps", "batch")


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_every_column_is_a_function_or_says_why_not(op):
    for column in COLUMNS:
        rules = getattr(op, column)
        for rule in rules if isinstance(rules, tuple) else (rules,):
            assert callable(rule)
            if isinstance(rule, Undefined):
                assert len(rule.reason) > 10
    assert callable(op.evaluate)
    assert op.family in FAMILIES


def _written_rules(op):
    """The vjp rules as their authors wrote them, without the families' wrappers."""
    for rule in op.vjps if isinstance(op.vjps, tuple) else (op.vjps,):
        rule = getattr(rule, "reads", rule)
        cells = (
            inspect.getclosurevars(rule).nonlocals if inspect.isfunction(rule) else {}
        )
        written = [
            cells[name]
            for name in ("transpose", "transpose_lhs", "transpose_rhs")
            if inspect.isfunction(cells.get(name))
        ]
        yield from written or [rule]


def _unused(rule):
    """Parameters that are kept for a rule which never reads them."""
    code = rule.__code__
    used = set(code.co_cellvars)
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith("LOAD_FAST"):
            names = instruction.argval
            used |= set(names) if isinstance(names, tuple) else {names}
    for name in code.co_varnames[: code.co_argcount]:
        if name != "ct" and not name.startswith("_") and not name.endswith("_type"):
            if name not in used:
                yield name


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_residuals_are_used(op):
    """A parameter that a vjp rule does not read is named with a leading underscore.

    Of a variadic row all operands are kept, or all types, whatever the names.
    """
    if op.variadic:
        return
    for rule in _written_rules(op):
        if inspect.isfunction(rule):
            assert list(_unused(rule)) == [], rule
