"""Every row of the op table passes every check, from the moment it is declared."""

from __future__ import annotations

import pytest

import wengert.numpy  # noqa: F401  (fills the table)
from wengert._core.op import OPS, Op
from wengert.testing import CHECKS, cases, check_op


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("op", list(OPS), ids=lambda op: op.name)
def test_row(op: Op, check: str) -> None:
    check_op(op, [check])


@pytest.mark.parametrize("op", list(OPS), ids=lambda op: op.name)
def test_row_has_samples(op: Op) -> None:
    assert cases(op) or op.cut
