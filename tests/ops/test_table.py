"""Every row of the op table passes every check, from the moment it is declared."""

from __future__ import annotations

import pytest

import wengert.numpy  # noqa: F401  (fills the table)
from wengert._cases import at_kink
from wengert._core.op import OPS, Op
from wengert.testing import CHECKS, cases, check_op


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("op", list(OPS), ids=lambda op: op.name)
def test_row(op: Op, check: str) -> None:
    check_op(op, [check])


@pytest.mark.parametrize("op", list(OPS), ids=lambda op: op.name)
def test_row_has_samples(op: Op) -> None:
    assert cases(op) or op.cut


@pytest.mark.parametrize(
    "op", [op for op in OPS if op.kinks and op.samples], ids=lambda op: op.name
)
def test_row_has_samples_away_from_its_kinks(op: Op) -> None:
    assert not all(at_kink(op, case) for case in cases(op) if case.label != "empty")
