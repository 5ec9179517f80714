"""The benchmarks' programs: compiled values and gradients, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from benchmarks.compiled_programs import PROGRAMS, Program


def central_difference(program: Program, args: tuple, direction: np.ndarray) -> float:
    first, *rest = args
    step = 1e-6
    ahead = program.fun(first + step * direction, *rest)
    behind = program.fun(first - step * direction, *rest)
    return (ahead - behind) / (2 * step)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_value_and_gradient_agree_with_numpy(program: Program) -> None:
    args = program.inputs(program.sizes["tiny"])
    value, gradient = wg.jit(wg.value_and_grad(program.fun))(*args)
    np.testing.assert_allclose(value, program.fun(*args), rtol=1e-12)
    np.testing.assert_allclose(wg.jit(program.fun)(*args), value, rtol=1e-12)
    direction = np.cos(np.arange(np.size(args[0]))).reshape(np.shape(args[0]))
    np.testing.assert_allclose(
        np.sum(gradient * direction),
        central_difference(program, args, direction),
        rtol=1e-5,
        atol=1e-8,
    )
