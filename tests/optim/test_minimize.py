"""`wg.optim.minimize`: convergence to known minima, in every way to run it."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.optim.problems import KNOWN
from wengert.optim.minimize import METHODS

# Powell's function is flat at its minimum: x has a third of the digits.
WITHIN = {"powell": 2e-2}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KNOWN)
def test_known_minima(name, method):
    f, x0, minimum = KNOWN[name]
    found = wg.optim.minimize(f, x0, method=method)
    assert found.outcome is wg.optim.Outcome.CONVERGED
    assert found.success
    np.testing.assert_allclose(found.x, minimum, atol=WITHIN.get(name, 1e-5))
    eager = wg.optim.minimize(f, x0, method=method, jit=False)
    assert abs(eager.iterations - found.iterations) <= 1
    np.testing.assert_allclose(eager.x, minimum, atol=WITHIN.get(name, 1e-5))
