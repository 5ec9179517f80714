"""`copy.copy` and `copy.deepcopy` of traced values, as user code calls them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import wengert as wg
from wengert._frontend.api import convert


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_writes_to_a_copy_do_not_show(copied):
    def f(x):
        y = np.zeros(3)
        y[0] = x
        z = copied(y)
        z[:2] = 7.0, 5.0 * x
        return 100.0 * y.sum() + z.sum() + copied(x)

    value, gradient = wg.value_and_grad(convert(f, staging=False))(2.0)
    assert value == f(2.0) == 219.0
    assert gradient == 106.0
