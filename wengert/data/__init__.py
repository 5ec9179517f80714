"""Data on their way into a program: batches, splits, files, and work ahead.

>>> import numpy as np, wengert as wg
>>> [batch for batch in wg.data.batches(np.arange(5), 2)]
[array([0, 1]), array([2, 3]), array([4])]
"""

from wengert.data._checks import check_finite
from wengert.data.batches import Batches, batches
from wengert.data.files import read_csv, read_npy
from wengert.data.prefetch import prefetch
from wengert.data.splits import split

__all__ = [
    "Batches",
    "batches",
    "check_finite",
    "prefetch",
    "read_csv",
    "read_npy",
    "split",
]
