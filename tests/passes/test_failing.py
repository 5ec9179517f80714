"""Branches that only raise: golden programs, and what must stay."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backend.building import BOOL, Builder, atom, var
from tests.passes.golden import assert_text
from wengert._ir.evaluate import evaluate
from wengert._passes.failing import raise_first


def error(x):
    return ValueError(f"{x} is negative")


def program_of(raises_if=True, early=False):
    """``if x < 0: raise`` (or ``if x >= 0: ... else: raise``), then ``sqrt(x)``."""
    x, x1, x2 = var(), var(), var()
    failing, other = Builder(x1), Builder(x2)
    shown = failing.emit("negative", x1) if early else x1
    failing.check(error, atom(np.bool_(False)), shown)
    regions = [failing.program(atom(0.0)), other.program(other.emit("sqrt", x2))]
    b = Builder(x)
    holds = b.emit("less" if raises_if else "greater_equal", x, 0.0)
    (out,) = b.branch(holds, *(regions if raises_if else regions[::-1]), (x,))
    return b.program(b.emit("multiply", out, 2.0))


def test_a_branch_that_raises_is_a_check():
    assert_text(
        raise_first(program_of()),
        """
        program (%0: f64):
          %1: bool = less(%0, 0.0)
          %2: bool = logical_not(%1)
          check(%2, %0)
          %3: f64 = sqrt(%0)
          %4: f64 = multiply(%3, 2.0)
          return %4
    """,
    )


@pytest.mark.parametrize("raises_if", [True, False])
def test_it_raises_what_the_branch_does(raises_if):
    program = program_of(raises_if)
    after = raise_first(program)
    assert "if(" not in str(after)
    assert evaluate(after, [4.0]) == evaluate(program, [4.0]) == [4.0]
    with pytest.raises(ValueError, match="is negative"):
        evaluate(after, [-4.0])


def test_what_is_computed_first_stays_behind_the_branch():
    program = program_of(early=True)
    assert raise_first(program) is program


def test_branches_that_both_go_on_stay():
    x, x1, x2, holds = var(), var(), var(), var((), BOOL)
    one, two = Builder(x1), Builder(x2)
    regions = one.program(one.emit("sqrt", x1)), two.program(x2)
    b = Builder(holds, x)
    program = b.program(*b.branch(holds, *regions, (x,)))
    assert raise_first(program) is program
