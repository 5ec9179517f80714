"""Arguments whose lengths compiled code learns when it runs."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.staging.programs import CASES
from tests.staging.test_programs import MODES, assert_equal, total
from wengert._frontend.api import convert
from wengert._staging import lengths

ARRAYS = [
    pytest.param(f, x, id=f"{f.__name__}-{i}")
    for i, (f, x) in enumerate(CASES)
    if max(np.shape(x), default=0) > 1
]
LANE_ARRAYS = [p for p in ARRAYS if "run_time_length" not in p.id]


@pytest.fixture
def run_time(monkeypatch):
    """Every length but 0 and 1 is known at run time only; the axes that were fixed."""
    fixed = []

    def note(self, shapes):
        self.free |= {(i, k) for i, s in enumerate(shapes) for k in range(len(s or ()))}

    def fix(self, axes):
        fixed.extend(axes)
        return right(self, axes)

    right = lengths.Lengths.fix
    monkeypatch.setattr(lengths.Lengths, "note", note)
    monkeypatch.setattr(lengths.Lengths, "fix", fix)
    return fixed


@pytest.mark.parametrize("function, x", ARRAYS)
def test_values(function, x, run_time):
    assert_equal(wg.jit(function)(np.copy(x)), function(np.copy(x)), 1e-14)
    assert not run_time


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function, x", ARRAYS)
def test_derivatives(function, x, mode, run_time):
    derivative = MODES[mode]
    expected = derivative(total(convert(function, staging=False)))(x)
    assert_equal(wg.jit(derivative(total(function)))(x), expected, 1e-9)
    assert_equal(derivative(wg.jit(total(function)))(x), expected, 1e-9)
