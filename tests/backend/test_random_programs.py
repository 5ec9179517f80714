"""Random programs, compiled in three ways, against their reference meaning."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from tests.backend.random_programs import random_program
from wengert._backend import compile_program
from wengert._ir.evaluate import evaluate
from wengert._ir.verify import verify

MODES: list[Any] = [{}, {"guarded": True}, {"stack_bytes": -1}]
COUNT = 4000 if os.environ.get("WENGERT_FULL_TESTS") else 80


@pytest.mark.parametrize("block", range(10))
def test_random_programs(block: int) -> None:
    for seed in range(block, COUNT, 10):
        program, arguments, _ = random_program(seed)
        verify(program)
        wanted = evaluate(program, [np.copy(a)[()] for a in arguments])
        mode = MODES[seed // 10 % 3]
        compiled = compile_program(program, **mode)
        found, counts = compiled.counted(*arguments)
        assert (counts.leaked, counts.overruns) == (0, 0), f"seed {seed}"
        for value, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(
                value, want, rtol=1e-9, atol=1e-12, err_msg=f"seed {seed}\n{program}"
            )
