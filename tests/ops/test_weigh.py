"""A cotangent times a partial derivative: an exact zero stays one, in every type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert._ops.families import conjugate, scale, weigh

CT = np.array([[0.0, 2.0, -1.0], [0.0, 0.0, 3.0]])
WEIGHT = np.array([[np.inf, 0.5, np.nan], [np.nan, -np.inf, 1e300]])
PLAIN = np.array([[1.0, 0.5, 2.0], [0.25, -3.0, 1e300]])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("weight", [WEIGHT, PLAIN], ids=["infinite", "finite"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(dtype: str, weight: Any, order: Any) -> None:
    with np.errstate(all="ignore"):
        ct = np.array(CT, dtype=dtype, order=order)
        w = weight.astype(dtype) * (1j if dtype[0] == "c" else 1)
        found, expected = weigh(ct, w), scale(ct, conjugate(w))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert (found[CT == 0] == 0).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("ct", [0.0, 2.0])
@pytest.mark.parametrize("weight", [np.inf, np.nan, 0.5, 0.5 + 2j, 2])
def test_scalars(kind: Any, ct: float, weight: Any) -> None:
    with np.errstate(all="ignore"):
        found = weigh(kind(ct), weight)
        expected = scale(kind(ct), conjugate(weight))
    np.testing.assert_array_equal(found, expected)
    assert type(found) is type(expected)


@pytest.mark.parametrize("weight", [np.inf, np.nan, 2.0])
def test_python_number_and_array(weight: float) -> None:
    with np.errstate(all="ignore"):
        found, expected = weigh(CT, weight), scale(CT, weight)
    np.testing.assert_array_equal(found, expected)
    assert (found[CT == 0] == 0).all()
