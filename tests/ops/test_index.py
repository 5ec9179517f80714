"""Types of what is indexed, where lengths are known at run time only."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tests.backend.building import I64, var
from wengert._core.types import ArrayType
from wengert._ops.index import indexed_type
from wengert._ops.indexing import Slot


@pytest.mark.parametrize("places", [(), (4,)], ids=["an entry", "entries"])
def test_the_type_of_a_part_takes_no_memory(places):
    n, m = var((), I64), var((), I64)
    x = ArrayType((n, m, n), np.dtype(float))
    tracemalloc.start()
    found = indexed_type(x, ArrayType(places, np.dtype(np.int64)), index=(Slot(0),))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ArrayType((*places, m, n), np.dtype(float))
    assert peak < 1 << 20
